// A run that can start: its plan, and what was read of the rows. Leaves: the stream of batches, the
// initial state and the files that tell how rows were scaled.

import Shared

/// A plan with the rows that it trains on.
package struct PreparedRun: Sendable {
  package let plan: TrainingPlan
  package let rows: PreparedRows

  /// Passes over the trainable rows that the run needs.
  package var epochs: Int {
    (plan.steps * plan.batchRows + rows.order.rowsPerEpoch - 1) / rows.order.rowsPerEpoch
  }

  /// What is said before training where rows will be seen more than once.
  package var repetition: String? {
    guard epochs > 1 else { return nil }
    return "the cache holds \(rows.order.rowsPerEpoch) rows, the run wants "
      + "\(plan.steps * plan.batchRows): \(epochs) epochs"
  }

  /// The stream of batches from a step on, as far as `steps`.
  package func loader(batchRows: Int, firstStep: Int, steps: Int) -> Loader {
    Loader(
      rows.loaderPlan(plan.places), batchRows: batchRows, firstStep: firstStep,
      rows: steps * batchRows)
  }

  /// Has what the final figures are taken from made towards the end of training.
  func expectFigures() {
    guard let supply = plan.source.supply else { return }
    let filter = rows.filter
    let end = plan.places.end(
      of: plan.pipeline.evaluate.evalTokens,
      share: filter.share(of: filter.measured))
    supply.expect(0..<end)
  }

  package var files: SAEFiles {
    var pipeline = plan.pipeline
    pipeline.cache.prependBos = plan.source.origin.prependsBos ?? pipeline.cache.prependBos
    return SAEFiles(
      pipeline: pipeline, configuration: plan.configuration, facts: plan.source.facts,
      targetFacts: plan.targets?.facts, normalization: rows.normalization)
  }
}

extension PreparedRun {
  /// Rows that an initial decoder bias is taken from, at most.
  private static let centerRows = 8192

  /// Fresh weights, a function of the seed and of the cache, or those of another SAE.
  ///
  /// `state` must be as it is made.
  func initialize(_ state: inout TrainingState) throws {
    let configuration = plan.configuration
    if let pretrained = plan.input.pretrained {
      return try pretrained.fill(&state, rows.normalization, configuration)
    }
    state.parameters = .initial(configuration.shape, InitialDraw(plan.pipeline.train))
    for latent in 0..<state.parameters.latentScale.count {
      state.parameters.latentScale.buffer[latent] = 1
    }
    for (column, value) in try initialDecoderBias().enumerated() {
      state.parameters.decoderBias.buffer[column] = value
    }
  }

  /// The initial b_dec, in the scale of what the SAE reconstructs; empty for zeros.
  private func initialDecoderBias() throws -> [Float] {
    let configuration = plan.configuration
    switch plan.pipeline.train.bDecInitMethod {
    case .zeros: return []
    case .mean:
      let isPlain =
        rows.normalization.whitening == nil && configuration.rowNormalization == .none
      if isPlain {
        return try rows.mean(plan.source, targets: plan.targets).map {
          Float($0 * rows.normalization.factor)
        }
      }
      return try center { Center.mean($0, columns: configuration.dOut) }
    case .geometricMedian:
      return try center { Center.geometricMedian($0, columns: configuration.dOut) }
    }
  }

  /// A center of the first rows, as the SAE sees them.
  private func center(_ body: (Span<Float>) -> [Float]) throws -> [Float] {
    let count = min(PreparedRun.centerRows, rows.order.rowsPerEpoch)
    let loader = loader(batchRows: count, firstStep: 0, steps: 1)
    return try loader.run {
      try loader.withNextBatch { batch, targets in
        guard plan.configuration.rowNormalization != .none else {
          return body(targets.isEmpty ? batch : targets)
        }
        return body(scaled(batch, rows: count).span)
      }
    }
  }

  /// Rows with the normalization of single rows done to them.
  private func scaled(_ batch: Span<Float>, rows count: Int) -> AlignedBuffer<Float> {
    var scaling = RowScaling(rows: count)
    scaling.measure(batch, rows: count, plan.configuration.rowNormalization)
    var values = AlignedBuffer<Float>(count: batch.count)
    for index in 0..<batch.count {
      let row = index / plan.configuration.dIn
      values[index] = batch[index] * scaling.inScale[row] + scaling.inShift[row]
    }
    return values
  }
}
