// The figures of an SAE that is still in training. Comes in: the SAE as it would be finished now. Leaves: the
// groups of SAELens's evaluation for the log; nothing of the training is touched.

package import Shared

/// What an SAE in training is evaluated on: the same rows and sequences every time.
package struct RunningEvaluation: Sendable {
  /// A model with sequences for it.
  package struct Model: Sendable {
    let splice: SplicePlan
    let sequences: [[UInt32]]
    let source: EvaluatedRows

    package init(_ splice: SplicePlan, sequences: [[UInt32]], source: EvaluatedRows) {
      self.splice = splice
      self.sequences = sequences
      self.source = source
    }
  }

  private let places: PairedShards
  private let filter: RowFilter
  private let tokens: Int
  private let model: Model?
  /// What zeros in the SAE's place do is the same every time.
  private var earlier: LossRecovered?

  /// - Parameters:
  ///   - places: the cached rows.
  ///   - filter: what training leaves out and what it holds out; the latter is measured, where there is some.
  ///   - tokens: rows that are measured, at most.
  ///   - model: nil where no loss is measured.
  package init(_ places: PairedShards, filter: RowFilter, tokens: Int, model: Model?) {
    self.places = places
    self.filter = filter
    self.tokens = tokens
    self.model = model
  }

  /// Measures the SAE; nil where it was interrupted.
  package mutating func figures<SAE: RowEncoder & ~Copyable>(
    _ sae: inout SAE, latentCount: Int, quiet progress: Progress
  ) throws -> Figures? {
    var sums = try rowSums(&sae, latentCount, of: filter.measured)
    // A small cache may hold no sequence of the share that was held out.
    if sums?.rows == 0 { sums = try rowSums(&sae, latentCount, of: .all) }
    guard let sums else { return nil }
    var figures = Figures()
    // What SAELens does not say is left to the final evaluation.
    for (figure, value) in sums.figures where figure.group != Figure.latentCount.group {
      figures[figure] = value
    }
    guard let model else { return figures }
    do {
      let loss = try Splicing(model.splice, sequences: model.sequences, earlier: earlier).run(
        &sae, source: model.source, progress: progress)
      earlier = loss
      return figures.merging(loss.figures)
    } catch is Interrupted { return nil }
  }

  private func rowSums<SAE: RowEncoder & ~Copyable>(
    _ sae: inout SAE, _ latentCount: Int, of choice: SequenceChoice
  ) throws -> EvaluationSums? {
    let width = places.isPaired ? places.dOut : places.dIn
    var sums = EvaluationSums(dIn: width, latentCount: latentCount)
    var isInterrupted = false
    var rows = CacheWalk(places, filter: filter, batchRows: sae.batchRows)
    do {
      try rows.forEachBatch(of: choice, limit: tokens) { rows, batch, targets in
        isInterrupted = isInterrupted || System.isInterrupted
        guard !isInterrupted else { return }
        try sae.encode(batch, rows: rows.count) { offsets, latents, values, reconstruction in
          for index in rows.indices {
            let active = Int(offsets[index])..<Int(offsets[index + 1])
            let columns = index * width..<(index + 1) * width
            sums.add(
              row: targets.extracting(columns), reconstruction: reconstruction.extracting(columns),
              latents: latents.extracting(active), values: values.extracting(active))
          }
          sums.endBatch(targets)
        }
      }
    } catch is Interrupted { return nil }
    return isInterrupted ? nil : sums
  }
}
