// The training loop. Comes in: a plan (settings, cache, sizes). Leaves: the trained state, with
// metrics.jsonl and checkpoints in the run's folder on the way.

import Foundation
package import Shared

/// All that determines a run's steps, worked out before the first one.
package struct TrainingPlan: Sendable {
  package let pipeline: Pipeline
  package let source: TrainingSource
  package let configuration: SAEConfiguration
  package let normalization: Normalization
  package let heldOut: HeldOut
  package let order: RowOrder

  package init(_ pipeline: Pipeline, source: TrainingSource) throws {
    self.pipeline = pipeline
    self.source = source
    configuration = SAEConfiguration(pipeline.train, dIn: source.facts.dIn)
    normalization = Normalization(
      pipeline.train.normalizeActivations, dIn: source.facts.dIn, meanNorm: source.facts.meanNorm)
    heldOut = HeldOut(fraction: pipeline.train.evalFraction)
    order = RowOrder(seed: pipeline.train.seed, sizes: try source.trainableRows(heldOut))
    guard order.rowsPerEpoch > 0 else {
      throw TrainingSourceError.nothingToTrainOn(
        folder: source.folder, fraction: pipeline.train.evalFraction)
    }
  }

  package var batchRows: Int { pipeline.train.trainBatchSizeTokens }

  /// Steps run while fewer than `training_tokens` rows are consumed.
  package var steps: Int { (pipeline.train.trainingTokens + batchRows - 1) / batchRows }

  /// Passes over the trainable rows that the run needs.
  package var epochs: Int { (steps * batchRows + order.rowsPerEpoch - 1) / order.rowsPerEpoch }

  /// What is said before training where rows will be seen more than once.
  package var repetition: String? {
    guard epochs > 1 else { return nil }
    return "the cache holds \(order.rowsPerEpoch) rows, the run wants \(steps * batchRows): "
      + "\(epochs) epochs"
  }

  /// Learning rate and sparsity weight; SAELens counts ⌊training_tokens / batch⌋ steps.
  var schedule: Schedule {
    Schedule(pipeline.train, totalSteps: max(1, pipeline.train.trainingTokens / batchRows))
  }

  /// The stream of batches from a step on.
  package func loader(batchRows: Int, firstStep: Int) -> Loader {
    Loader(
      shards: source.shards, dIn: source.facts.dIn, order: order, heldOut: heldOut,
      batchRows: batchRows, scale: Float(normalization.factor), firstStep: firstStep)
  }

  package var files: SAEFiles {
    SAEFiles(
      pipeline: pipeline, configuration: configuration, facts: source.facts,
      normalization: normalization)
  }
}

extension TrainingPlan {
  /// Rows that the geometric median is taken over, at most.
  private static let medianRows = 8192

  /// Fresh weights, a function of the seed and of the cache.
  func initialState() throws -> TrainingState {
    var state = TrainingState(configuration.shape)
    state.parameters = .initial(
      dIn: configuration.dIn, dSae: configuration.dSae,
      rowNorm: pipeline.train.decoderInitNorm, seed: pipeline.train.seed)
    for (column, value) in try initialDecoderBias().enumerated() {
      state.parameters.decoderBias.buffer[column] = value
    }
    return state
  }

  /// The initial b_dec, in the scale of the data that the SAE sees; empty for zeros.
  private func initialDecoderBias() throws -> [Float] {
    switch pipeline.train.bDecInitMethod {
    case .zeros: return []
    case .mean: return source.facts.mean.map { Float($0 * normalization.factor) }
    case .geometricMedian:
      let rows = min(TrainingPlan.medianRows, order.rowsPerEpoch)
      let loader = loader(batchRows: rows, firstStep: 0)
      return try loader.run {
        try loader.withNextBatch { Centre.geometricMedian($0, columns: configuration.dIn) }
      }
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
        let report = try loader.withNextBatch { batch in
          engine.step(
            batch, state: &state, learningRate: learningRate, sparsityCoefficient: sparsity)
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
    if settings.resume {
      let path = try checkpoints.restoreNewest(into: &state) { progress.note("warning: " + $0) }
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
    switch settings.architecture {
    case .standard:
      values[.l1] = report.sparsity
      values[.l1Coefficient] = sparsity
    default: values[.auxiliary] = report.auxiliary
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
