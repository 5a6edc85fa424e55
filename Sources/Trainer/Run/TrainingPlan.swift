// All that determines a run's steps, worked out before the first one. Comes in: a pipeline file and
// the caches that it names. Leaves: the formulas' constants, the stream of batches, the schedule and
// the initial state.

import Foundation
package import Shared

/// All that determines a run's steps.
package struct TrainingPlan: Sendable {
  package let pipeline: Pipeline
  package let source: TrainingSource
  /// Where a transcoder's targets come from.
  package let targets: TrainingSource?
  package let configuration: SAEConfiguration
  package let normalization: Normalization
  package let filter: RowFilter
  package let order: RowOrder
  /// The SAE that training starts from instead of drawn weights.
  package let pretrained: PretrainedSAE?

  package init(
    _ pipeline: Pipeline, source: TrainingSource, targets: TrainingSource? = nil
  ) throws {
    let settings = pipeline.train
    self.pipeline = pipeline
    self.source = source
    self.targets = targets
    let configuration = SAEConfiguration(
      settings, dIn: source.facts.dIn, dOut: targets?.facts.dIn)
    self.configuration = configuration
    filter = try RowFilter.make(settings, source, store: Store(pipeline.store))
    order = RowOrder(seed: settings.seed, sizes: try source.trainableRows(filter))
    guard order.rowsPerEpoch > 0 else {
      throw TrainingSourceError.nothingToTrainOn(folder: source.folder)
    }
    pretrained = try settings.fromPretrainedPath.map {
      try PretrainedSAE.open($0, for: configuration)
    }
    if settings.normalizeActivations == .covarianceWhitening {
      normalization = Normalization(
        whitening: try TrainingPlan.whitening(source, order: order, filter: filter))
    } else {
      normalization = Normalization(
        settings.normalizeActivations, dIn: source.facts.dIn, meanNorm: source.facts.meanNorm)
    }
  }

  /// The whitening of the trainable rows that come first in training.
  private static func whitening(
    _ source: TrainingSource, order: RowOrder, filter: RowFilter
  ) throws -> Whitening {
    let rows = min(order.rowsPerEpoch, Whitening.rows)
    let batchRows = min(rows, 4096)
    let loader = Loader(
      LoaderPlan(shards: source.shards, dIn: source.facts.dIn, order: order, filter: filter),
      batchRows: batchRows, firstStep: 0)
    var sums = CovarianceSums(width: source.facts.dIn)
    try loader.run {
      for _ in 0..<rows / batchRows {
        try loader.withNextBatch { batch, _ in sums.add(batch) }
      }
    }
    return Whitening(mean: sums.mean, covariance: sums.covariance)
  }

  package var batchRows: Int { pipeline.train.trainBatchSizeTokens }

  /// Steps run while fewer than `training_tokens` and `finetuning_tokens` rows are consumed.
  package var steps: Int {
    let tokens = pipeline.train.trainingTokens + pipeline.train.finetuningTokens
    return (tokens + batchRows - 1) / batchRows
  }

  /// The number of a step within fine-tuning, from 1; 0 before it.
  ///
  /// It begins with the first step before which more than `training_tokens` rows were consumed.
  package func finetuningStep(_ step: Int) -> Int {
    guard configuration.finetuningMethod != nil else { return 0 }
    return max(0, step - pipeline.train.trainingTokens / batchRows)
  }

  /// Passes over the trainable rows that the run needs.
  package var epochs: Int { (steps * batchRows + order.rowsPerEpoch - 1) / order.rowsPerEpoch }

  /// What is said before training where rows will be seen more than once.
  package var repetition: String? {
    guard epochs > 1 else { return nil }
    return "the cache holds \(order.rowsPerEpoch) rows, the run wants \(steps * batchRows): "
      + "\(epochs) epochs"
  }

  /// Learning rate and sparsity weight; SAELens counts ⌊tokens / batch⌋ steps.
  package var schedule: Schedule {
    Schedule(pipeline.train, totalSteps: max(1, pipeline.train.stepCount))
  }

  /// The stream of batches from a step on.
  package func loader(batchRows: Int, firstStep: Int) -> Loader {
    var plan = LoaderPlan(
      shards: source.shards, dIn: source.facts.dIn, order: order, filter: filter)
    plan.normalization = normalization
    if let targets {
      plan.targets = targets.shards
      plan.dOut = targets.facts.dIn
    }
    return Loader(plan, batchRows: batchRows, firstStep: firstStep)
  }

  package var files: SAEFiles {
    var pipeline = pipeline
    pipeline.cache.prependBos = source.origin.prependsBos ?? pipeline.cache.prependBos
    return SAEFiles(
      pipeline: pipeline, configuration: configuration, facts: source.facts,
      targetFacts: targets?.facts, normalization: normalization)
  }
}

// MARK: - The initial state

extension TrainingPlan {
  /// Rows that an initial decoder bias is taken from, at most.
  private static let centreRows = 8192

  /// Fresh weights, a function of the seed and of the cache, or those of another SAE.
  func initialState() throws -> TrainingState {
    var state = TrainingState(
      configuration.shape, carried: configuration.architecture.carried)
    if let pretrained {
      try pretrained.fill(&state.parameters, normalization)
      return state
    }
    state.parameters = .initial(configuration.shape, InitialDraw(pipeline.train))
    for latent in 0..<state.parameters.latentScale.count {
      state.parameters.latentScale.buffer[latent] = 1
    }
    for (column, value) in try initialDecoderBias().enumerated() {
      state.parameters.decoderBias.buffer[column] = value
    }
    return state
  }

  /// The initial b_dec, in the scale of what the SAE reconstructs; empty for zeros.
  private func initialDecoderBias() throws -> [Float] {
    let facts = targets?.facts ?? source.facts
    switch pipeline.train.bDecInitMethod {
    case .zeros: return []
    case .mean:
      let isPlain = normalization.whitening == nil && configuration.rowNormalization == .none
      if isPlain { return facts.mean.map { Float($0 * normalization.factor) } }
      return try centre { Center.mean($0, columns: configuration.dOut) }
    case .geometricMedian:
      return try centre { Center.geometricMedian($0, columns: configuration.dOut) }
    }
  }

  /// A centre of the first rows, as the SAE sees them.
  private func centre(_ body: (Span<Float>) -> [Float]) throws -> [Float] {
    let rows = min(TrainingPlan.centreRows, order.rowsPerEpoch)
    let loader = loader(batchRows: rows, firstStep: 0)
    return try loader.run {
      try loader.withNextBatch { batch, targets in
        guard configuration.rowNormalization != .none else {
          return body(targets.isEmpty ? batch : targets)
        }
        var scaling = RowScaling(rows: rows)
        scaling.measure(batch, rows: rows, configuration.rowNormalization)
        var values = AlignedBuffer<Float>(count: batch.count)
        for index in 0..<batch.count {
          let row = index / configuration.dIn
          values[index] = batch[index] * scaling.inScale[row] + scaling.inShift[row]
        }
        return body(values.span)
      }
    }
  }
}
