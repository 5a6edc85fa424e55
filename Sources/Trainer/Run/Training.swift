// Training. Comes in: a plan (settings, cache, sizes). Leaves: the trained state, with metrics.jsonl
// and checkpoints in the run's folder on the way. One stream of batches may feed several runs.

import Foundation
package import Shared

/// Why training stops.
package enum TrainingError: Failure, Equatable {
  case diverged(step: Int, folder: String)
  case weightsDiverged(step: Int, folder: String)

  package var sentence: String {
    switch self {
    case .weightsDiverged(let step, let folder):
      "The weights after step \(step) are not finite: the run in \(folder) diverged."
    case .diverged(let step, let folder):
      "The loss of step \(step) is not finite: the run in \(folder) diverged."
    }
  }

  package var hint: String? {
    switch self {
    case .diverged, .weightsDiverged:
      "Lower train.lr, or give it train.lr_warm_up_steps; the checkpoints are kept."
    }
  }
}

/// One run in its folder, from its newest checkpoint or from the start on.
package final class Training {
  let prepared: PreparedRun
  package var plan: TrainingPlan { prepared.plan }
  /// The run's folder.
  package let folder: String
  package let checkpoints: Checkpoints
  private let progress: Shared.Progress
  package let observers: [any RunObserver]
  private let lease: Lease?
  private let schedule: Schedule
  /// The step that this process started with.
  package let firstStep: Int
  /// Nil once the run has ended: what is done after that needs the memory.
  private var engine: Engine?
  private var state: TrainingState
  private var log: RunLog
  private var clock: Clock
  private var isStopped = false
  /// Whether the line of progress is about this run only.
  fileprivate var isAlone = true
  private let evaluation: EvaluationSchedule
  /// Nil before it is first due.
  private var running: RunningEvaluation?
  /// The last step whose evaluation is in the log.
  private var evaluatedStep: Int?

  /// Takes the newest whole checkpoint where there is one and it is wanted, else fresh weights.
  ///
  /// Nothing is written to the folder once another process has taken `lease` away.
  package init(
    _ prepared: PreparedRun, folder: String, fingerprint: String, progress: Shared.Progress,
    keeping lease: Lease? = nil, observers: [any RunObserver] = []
  ) throws {
    let plan = prepared.plan
    self.prepared = prepared
    self.observers = observers
    self.folder = folder
    self.lease = lease
    self.progress = progress
    schedule = plan.schedule
    checkpoints = Checkpoints(plan, folder: folder, fingerprint: fingerprint, keeping: lease)
    state = plan.configuration.freshState()
    var continued: String?
    if plan.pipeline.train.resume == .newest {
      var damages = 0
      continued = try checkpoints.restoreNewest(into: &state) {
        progress.note("warning: " + $0)
        damages += 1
      }
      if continued == nil, damages > 0 {
        progress.note("warning: no checkpoint can be used; the run starts from its beginning")
        // The last one may have been read in part.
        state = plan.configuration.freshState()
      }
    }
    if let continued {
      progress.note("continuing after step \(state.step) from \(continued)")
      progress.skip(state.step * plan.batchRows)
    } else {
      try prepared.initialize(&state)
    }
    firstStep = state.step
    try RunLog.truncate(folder + "/metrics.jsonl", afterStep: firstStep - 1)
    evaluatedStep = try RunLog.read(folder + "/metrics.jsonl").last {
      !$0.evaluation.isEmpty || $0.histograms[.decoderNorms] != nil
    }?.step
    evaluation = EvaluationSchedule(plan.pipeline, contextSize: plan.source.facts.contextSize)
    log = try RunLog.open(folder + "/metrics.jsonl")
    engine = Engine(plan.configuration, batchRows: plan.batchRows, path: .sparse)
    clock = Clock(seconds: System.uptime, step: firstStep)
    for observer in observers { observer.began(step: firstStep) }
  }

  private var settings: TrainSettings { plan.pipeline.train }

  /// Trains to the last step, on a stream of its own.
  package func run() throws {
    if let failure = try TrainingStream.run([self])[0] { throw failure }
  }

  /// Steps taken, of the whole run.
  package var step: Int { state.step }
  package var isFinished: Bool { state.step >= plan.steps }

  /// Takes the next step, on its batch `[batchRows, d]` and targets.
  fileprivate func take(_ batch: Span<Float>, _ targets: Span<Float>) throws {
    let step = state.step
    // That of the step before a stop which did not wait for it.
    if step == firstStep { try evaluateIfDue() }
    try startSamplingWindow()
    let learningRate = schedule.learningRate(step: step)
    let sparsity = schedule.sparsityCoefficient(
      step: step, plan.configuration.architecture.sparsity, carried: state.carried)
    let taken = engine?.step(
      batch, targets: targets, state: &state, learningRate: learningRate,
      sparsityCoefficient: sparsity, finetuningStep: plan.finetuningStep(step))
    guard var figures = taken else { preconditionFailure("the run has ended") }
    guard figures[.overall]?.isFinite == true else {
      throw TrainingError.diverged(step: step, folder: folder)
    }
    let (count, steps, isAlone) = (state.step, plan.steps, isAlone)
    progress.advance(plan.batchRows) {
      isAlone ? figures.facts(step: count, of: steps) : []
    }
    guard state.step % plan.pipeline.logger.logFrequency == 0 else { return }
    figures[.tokensPerSecond] = clock.tokensPerSecond(at: state.step, batchRows: plan.batchRows)
    figures.merge(stateFigures())
    try write(.init(step: step, values: figures))
    try evaluateIfDue()
  }

  /// Evaluates what the last step has left, where that is due and not in the log; a stop does not wait for it.
  private func evaluateIfDue() throws {
    let step = state.step - 1
    guard step >= 0, evaluation.isDue(afterStep: step), evaluatedStep != step else { return }
    let start = System.uptime
    defer { clock.leaveOut(System.uptime - start) }
    var running = try running ?? prepared.runningEvaluation(evaluation) { progress.note($0) }
    let measured = try prepared.evaluate(state, &running)
    self.running = running
    guard let figures = measured else { return }
    try write(
      .init(
        step: step, histograms: state.weightHistograms(plan.configuration.name),
        evaluation: figures))
    evaluatedStep = step
  }

  /// Refuses to go on where another process has the run by now.
  package func requireHeld() throws { try lease?.requireHeld() }

  private func write(_ entry: RunLog.Entry) throws {
    try requireHeld()
    let line = try log.append(entry)
    for observer in observers { observer.logged(step: entry.step, line: line) }
  }

  /// Saves after the last step, where the schedule or the clock asks for it, and before a stop.
  fileprivate func saveIfDue(isStopping: Bool) throws {
    let isTimed = clock.secondsSinceSaved > settings.checkpointMinutes * 60
    let isDue = isFinished || checkpoints.schedule.isDue(afterStep: state.step - 1)
    guard isStopping || isTimed || isDue else { return }
    // A finite loss may yet have a gradient that is not.
    guard state.isFinite else {
      throw TrainingError.weightsDiverged(step: state.step - 1, folder: folder)
    }
    try log.synchronize()
    let path = try checkpoints.save(state, sae: prepared.files)
    for observer in observers { observer.saved(checkpoint: path, step: state.step) }
    clock.saved()
  }

  /// Starts counting afresh once the counters span a whole `feature_sampling_window`.
  private func startSamplingWindow() throws {
    if try logFullWindow() { state.resetActivityCounts() }
  }

  /// - Returns: whether the counters span a whole window.
  private func logFullWindow() throws -> Bool {
    guard state.step > 0, state.step % settings.featureSamplingWindow == 0 else { return false }
    var histograms: [HistogramFigure: Distribution] = [:]
    histograms[.featureDensity] = Distribution(state.logDensities)
    try write(.init(step: state.step, values: sparsityFigures, histograms: histograms))
    return true
  }

  /// Tells those who follow the run that this process leaves it unfinished, if it has not been told.
  package func stop(_ failure: any Error) {
    // Of a run that goes on elsewhere nothing is to be said.
    if failure is LostLease { isStopped = true }
    if !isStopped { for observer in observers { observer.stopped(failure) } }
    isStopped = true
  }

  /// Writes the files of the SAE; the run cannot go on after that.
  package func writeFinal() throws {
    try evaluateIfDue()
    // The counts of the last window stay: they are written with the SAE.
    _ = try logFullWindow()
    engine = nil
    running = nil
    try requireHeld()
    var ended = TrainingState(ParameterShape(dIn: 1, dOut: 1, dSae: 1))
    swap(&ended, &state)
    try prepared.files.writeFinal(ended, to: folder)
  }
}

/// Feeds runs from one stream of batches.
package enum TrainingStream {
  /// Trains runs, all of which would read the same batches, to their last steps.
  ///
  /// A run that is ahead of others, since it continues from a later checkpoint, lets batches pass until
  /// its own comes. One that fails stops none of the others.
  ///
  /// - Returns: why each run failed; nil of one that is finished.
  /// - Throws: what is wrong with the stream, or `Interrupted` once all states are saved.
  package static func run(_ runs: [Training]) throws -> [(any Error)?] {
    do { return try feed(runs) } catch {
      for run in runs { run.stop(error) }
      throw error
    }
  }

  private static func feed(_ runs: [Training]) throws -> [(any Error)?] {
    var failures = [(any Error)?](repeating: nil, count: runs.count)
    var left = runs.indices.filter { !runs[$0].isFinished }
    guard var step = left.map({ runs[$0].step }).min() else { return failures }
    for run in runs { run.isAlone = runs.count == 1 }
    let prepared = runs[left[0]].prepared
    prepared.expectFigures()
    let loader = prepared.loader(
      batchRows: prepared.plan.batchRows, firstStep: step,
      steps: left.map { runs[$0].plan.steps }.max() ?? 0)
    func attempt(_ index: Int, _ work: (Training) throws -> Void) {
      do { try RunFileError.explaining { try work(runs[index]) } } catch {
        failures[index] = error
        runs[index].stop(error)
      }
    }
    try loader.run {
      while !left.isEmpty {
        let fed = left.filter { runs[$0].step == step }
        do {
          try loader.withNextBatch { batch, targets in
            for index in fed { attempt(index) { try $0.take(batch, targets) } }
          }
        } catch is Interrupted {
          // Stopped while shards were waited for.
          for index in left { attempt(index) { try $0.saveIfDue(isStopping: true) } }
          throw try interruption(left.map { runs[$0] }, failures)
        }
        step += 1
        left.removeAll { failures[$0] != nil }
        // Asked once: either all of them stop, or none.
        let isStopping = System.isInterrupted && left.contains { !runs[$0].isFinished }
        for index in left {
          if isStopping || fed.contains(index) {
            attempt(index) { try $0.saveIfDue(isStopping: isStopping) }
          }
        }
        if isStopping { throw try interruption(left.map { runs[$0] }, failures) }
        left.removeAll { failures[$0] != nil || runs[$0].isFinished }
      }
    }
    return failures
  }

  private static func interruption(
    _ runs: [Training], _ failures: [(any Error)?]
  ) throws -> Interrupted {
    if let failure = failures.compactMap(\.self).first { throw failure }
    let hint = "Run the same command again to continue."
    guard runs.count == 1 else {
      let steps = Set(runs.map(\.step)).sorted().map { "\($0)" }.joined(separator: ", ")
      return Interrupted(
        "Stopped after step \(steps) of \(runs.count) runs; their states are saved.", hint: hint)
    }
    return Interrupted(
      "Stopped after step \(runs[0].step) of \(runs[0].plan.steps); the state is saved.",
      hint: hint)
  }
}

// MARK: - Figures

extension Training {
  /// What is known after a step besides what the step itself returns.
  ///
  /// As SAELens logs them, the learning rate and the coefficient are those that come next.
  private func stateFigures() -> Figures {
    let architecture = plan.configuration.architecture
    var figures = architecture.figures(carried: state.carried)
    figures[.meanPassesSinceFired] = state.meanPassesSinceFired
    figures[.trainingSamples] = Double(state.step * plan.batchRows)
    figures[.learningRate] = schedule.learningRate(step: state.step)
    if let loss = architecture.sparsity {
      figures[loss.coefficientFigure] = schedule.sparsityCoefficient(
        step: state.step, loss, carried: state.carried)
    }
    return figures
  }

  /// What SAELens says of a full sampling window.
  private var sparsityFigures: Figures {
    let samples = Double(max(1, state.activeSamples))
    var sum = 0.0
    var rare = 0.0
    var rarer = 0.0
    for latent in 0..<state.activeCounts.count {
      let share = Double(state.activeCounts[latent]) / samples
      sum += log10(share + 1e-10)
      if share < 1e-5 { rare += 1 }
      if share < 1e-6 { rarer += 1 }
    }
    return [
      .meanLogSparsity: sum / Double(max(1, state.activeCounts.count)), .below1e5: rare,
      .below1e6: rarer,
    ]
  }
}

/// When the last figures were logged and the last checkpoint written.
private struct Clock {
  private var logged: Double
  private var loggedStep: Int
  private var savedAt: Double

  init(seconds: Double, step: Int) {
    logged = seconds
    loggedStep = step
    savedAt = seconds
  }

  /// The speed since this was last asked.
  mutating func tokensPerSecond(at step: Int, batchRows: Int) -> Double {
    let now = System.uptime
    defer {
      logged = now
      loggedStep = step
    }
    return Double((step - loggedStep) * batchRows) / max(now - logged, 1e-9)
  }

  /// Seconds that were not spent on training.
  mutating func leaveOut(_ seconds: Double) { logged += seconds }

  var secondsSinceSaved: Double { System.uptime - savedAt }

  mutating func saved() { savedAt = System.uptime }
}

extension TrainingState {
  fileprivate var meanPassesSinceFired: Double {
    var sum = 0
    for latent in 0..<passesSinceFired.count { sum += Int(passesSinceFired[latent]) }
    return Double(sum) / Double(max(1, passesSinceFired.count))
  }
}
