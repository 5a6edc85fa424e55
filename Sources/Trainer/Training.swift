// The training loop. Comes in: a plan (settings, cache, sizes). Leaves: the trained state, with
// metrics.jsonl and checkpoints in the run's folder on the way.

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

/// One run in its folder.
package struct Training {
  package let plan: TrainingPlan
  /// The run's folder.
  package let folder: String
  package let checkpoints: Checkpoints
  package let progress: Shared.Progress
  /// The step that this process started with.
  package private(set) var firstStep = 0

  package init(plan: TrainingPlan, folder: String, fingerprint: String, progress: Shared.Progress) {
    self.plan = plan
    self.folder = folder
    self.progress = progress
    checkpoints = Checkpoints(plan, folder: folder, fingerprint: fingerprint)
  }

  private var settings: TrainSettings { plan.pipeline.train }
  private var logPath: String { folder + "/metrics.jsonl" }

  /// Trains from the newest checkpoint, or from the start, to the last step.
  package mutating func run() throws -> TrainingState {
    var state = try startingState()
    firstStep = state.step
    var log = try RunLog.open(logPath)
    var engine = Engine(plan.configuration, batchRows: plan.batchRows, path: .sparse)
    let schedule = plan.schedule
    let loader = plan.loader(batchRows: plan.batchRows, firstStep: state.step)
    var clock = Clock(seconds: System.uptime, step: state.step)
    try loader.run {
      while state.step < plan.steps {
        let step = state.step
        try startSamplingWindow(&state, &log)
        let learningRate = schedule.learningRate(step: step)
        let sparsity = schedule.sparsityCoefficient(step: step)
        let report = try loader.withNextBatch { batch, targets in
          engine.step(
            batch, targets: targets, state: &state, learningRate: learningRate,
            sparsityCoefficient: sparsity, finetuningStep: plan.finetuningStep(step))
        }
        guard report.overall.isFinite else {
          throw TrainingError.diverged(step: step, folder: folder)
        }
        progress.advance(plan.batchRows)
        if state.step % plan.pipeline.logger.logFrequency == 0 {
          let speed = clock.tokensPerSecond(at: state.step, batchRows: plan.batchRows)
          try log.append(entry(step, report, state, learningRate, sparsity, speed))
        }
        try saveIfDue(state, afterStep: step, &clock)
      }
    }
    return state
  }

  /// The newest whole checkpoint where there is one and it is wanted, else fresh weights.
  private func startingState() throws -> TrainingState {
    var state = try plan.initialState()
    if settings.resume == .newest {
      var damages = 0
      let path = try checkpoints.restoreNewest(into: &state) {
        progress.note("warning: " + $0)
        damages += 1
      }
      if path == nil, damages > 0 {
        progress.note("warning: no checkpoint can be used; the run starts from its beginning")
        state = try plan.initialState()
      }
      if let path {
        progress.note("continuing after step \(state.step) from \(path)")
        progress.skip(state.step * plan.batchRows)
      }
    }
    try RunLog.truncate(logPath, afterStep: state.step - 1)
    return state
  }

  /// Starts counting afresh once the counters span a whole `feature_sampling_window`.
  private func startSamplingWindow(
    _ state: inout TrainingState, _ log: inout RunLog
  ) throws {
    guard state.step > 0, state.step % settings.featureSamplingWindow == 0 else { return }
    try log.append(.init(step: state.step, values: sparsityFigures(state)))
    state.resetActivityCounts()
  }

  /// Saves after the last step, and where the schedule, the clock or a signal asks for it; after a
  /// signal nothing more runs.
  private func saveIfDue(
    _ state: borrowing TrainingState, afterStep step: Int, _ clock: inout Clock
  ) throws {
    let isInterrupted = System.isInterrupted && state.step < plan.steps
    let isTimed = clock.secondsSinceSaved > settings.checkpointMinutes * 60
    let isDue = state.step == plan.steps || checkpoints.schedule.isDue(afterStep: step)
    guard isInterrupted || isTimed || isDue else { return }
    // A finite loss may yet have a gradient that is not.
    guard state.isFinite else {
      throw TrainingError.weightsDiverged(step: step, folder: folder)
    }
    try checkpoints.save(state, sae: plan.files)
    clock.saved()
    if isInterrupted {
      throw Interrupted(
        "Stopped after step \(state.step) of \(plan.steps); the state is saved.",
        hint: "Run the same command again to continue.")
    }
  }
}

// MARK: - Figures

extension Training {
  private func entry(
    _ step: Int, _ report: StepReport, _ state: borrowing TrainingState, _ learningRate: Double,
    _ sparsity: Double, _ tokensPerSecond: Double
  ) -> RunLog.Entry {
    var values: [Metric: Double] = [
      .mse: report.mse, .overall: report.overall, .l0: report.l0,
      .explainedVariance: report.explainedVariance,
      .deadLatents: Double(report.deadLatents),
      .meanPassesSinceFired: state.meanPassesSinceFired,
      .learningRate: learningRate, .trainingSamples: Double(state.step * plan.batchRows),
      .tokensPerSecond: tokensPerSecond,
    ]
    switch plan.configuration.selection {
    case .relu, .gate:
      values[.l1] = report.sparsity
      values[.l1Coefficient] = sparsity
    case .jumpReLU:
      values[.l0Loss] = report.sparsity
      values[.l0Coefficient] = sparsity
    case .topk, .absTopK, .batchTopK, .pursuit: break
    }
    if plan.configuration.isTopK || plan.configuration.selection == .gate {
      values[.auxiliary] = report.auxiliary
    }
    if plan.configuration.selection == .batchTopK { values[.topkThreshold] = state.topkThreshold }
    if plan.configuration.usesGhostGrads { values[.ghost] = report.ghost }
    if plan.configuration.preActLossCoefficient > 0 { values[.preAct] = report.preAct }
    for (width, loss) in zip(plan.configuration.widths, report.inner) {
      values[.inner(width: width)] = loss
    }
    return .init(step: step, values: values)
  }

  /// What SAELens says of a full sampling window.
  private func sparsityFigures(_ state: borrowing TrainingState) -> [Metric: Double] {
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
