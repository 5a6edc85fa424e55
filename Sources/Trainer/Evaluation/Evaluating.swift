// The loop that measures a trained SAE. Comes in: rows of the cache that the run's filter lets pass,
// and an encoder. Leaves: an Evaluation; whoever else wants to see the codes of the rows sees them in passing.

package import Shared

/// One evaluation.
package struct Evaluating: Sendable {
  private let places: PairedShards
  private let filter: RowFilter
  private let latentCount: Int
  private let settings: EvaluateSettings
  private let corpus: CorpusText?
  private let words: CategoryWords?

  /// Prepares an evaluation.
  ///
  /// - Parameters:
  ///   - places: the rows, and what a transcoder reconstructs.
  ///   - filter: what training left out and what it held out; the former is not measured, the latter is
  ///     what is measured.
  ///   - latentCount: the latents of the SAE.
  ///   - settings: how many rows, latents and contexts.
  ///   - corpus: the text behind the rows, where the store has it.
  /// - Throws: what is wrong with the file of categories.
  package init(
    _ places: PairedShards, filter: RowFilter, latentCount: Int, settings: EvaluateSettings,
    corpus: CorpusText?
  ) throws {
    self.places = places
    self.filter = filter
    self.latentCount = latentCount
    self.settings = settings
    self.corpus = corpus
    words = try settings.categories.map { try CategoryWords.read($0) }
  }

  /// Sees a row with its active latents, in ascending order, and their activations.
  package typealias Follower = (CachedRow, Span<Int32>, Span<Float>) -> Void

  /// Measures the SAE.
  ///
  /// - Parameters:
  ///   - sae: the trained SAE, for rows as they are cached.
  ///   - deadInTraining: latents silent at the end of training; nil where that cannot be known.
  ///   - deadFeatureWindow: for how many steps.
  ///   - progress: is told the rows that are done.
  ///   - follow: sees every measured row, in the order of the cache.
  /// - Returns: all figures.
  /// - Throws: what is wrong with a shard, or that the program was interrupted.
  package func run<SAE: RowEncoder & ~Copyable>(
    _ sae: inout SAE, deadInTraining: Int?, deadFeatureWindow: Int, progress: Progress,
    follow: Follower = { _, _, _ in }
  ) throws -> Evaluation {
    var source = filter.heldOut.isEmpty ? EvaluatedRows.cache : .heldOut
    var pass = try measure(&sae, from: source, progress, follow)
    if pass.sums.rows == 0, source == .heldOut {
      // A small cache may hold no sequence of the share that was held out.
      source = .cache
      pass = try measure(&sae, from: source, progress, follow)
    }
    var figures = pass.sums.figures
    figures[.deadInTraining] = deadInTraining.map { Double($0) }
    figures[.deadFeatureWindow] = Double(deadFeatureWindow)
    let categories = pass.categories?.results(fires: pass.sums.fires) ?? []
    return Evaluation(
      figures: figures, source: source, fires: pass.sums.fires, categories: categories,
      categoriesDigest: pass.categories == nil ? nil : words?.sha256,
      remarks: remarks(categories))
  }

  private func remarks(_ categories: [CategoryResult]) -> [String] {
    var remarks: [String] = []
    if corpus == nil {
      let lacking = words == nil ? "contexts" : "contexts and categories"
      remarks.append(
        "The store lacks the tokens that these activations were made from: no \(lacking).")
    }
    let skipped = categories.flatMap(\.skippedWords)
    if !skipped.isEmpty {
      let shown = skipped.prefix(5).joined(separator: ", ") + (skipped.count > 5 ? " …" : "")
      remarks.append(
        "\(skipped.count) of the categories' words are no single token and were skipped: \(shown)")
    }
    return remarks
  }
}

extension Evaluating {
  /// What one pass over the rows adds up.
  fileprivate struct Pass {
    var sums: EvaluationSums
    var categories: CategoryCounts?
  }

  fileprivate func measure<SAE: RowEncoder & ~Copyable>(
    _ sae: inout SAE, from source: EvaluatedRows, _ progress: Progress, _ follow: Follower
  ) throws -> Pass {
    let width = places.isPaired ? places.dOut : places.dIn
    var pass = Pass(
      sums: EvaluationSums(dIn: width, latentCount: latentCount), categories: categoryCounts)
    places.supply?.expect([])
    var rows = CacheWalk(places, filter: filter, batchRows: sae.batchRows)
    try rows.forEachBatch(of: source == .heldOut ? .heldOut : .all, limit: settings.evalTokens) {
      rows, batch, targets in
      try Interrupted.check(while: "the trained SAE was measured")
      try sae.encode(batch, rows: rows.count) { offsets, latents, values, reconstruction in
        for (index, row) in rows.enumerated() {
          let active = Int(offsets[index])..<Int(offsets[index + 1])
          let columns = index * width..<(index + 1) * width
          pass.add(
            row, targets.extracting(columns), reconstruction.extracting(columns),
            latents.extracting(active), values.extracting(active))
          follow(row, latents.extracting(active), values.extracting(active))
        }
        pass.sums.endBatch(targets)
      }
      progress.advance(rows.count)
    }
    return pass
  }

  private var categoryCounts: CategoryCounts? {
    guard let words, let corpus else { return nil }
    return CategoryCounts(
      tokens: CategoryTokens(words, encode: corpus.encode), latentCount: latentCount)
  }
}

extension Evaluating.Pass {
  fileprivate mutating func add(
    _ origin: CachedRow, _ row: Span<Float>, _ reconstruction: Span<Float>,
    _ latents: Span<Int32>, _ values: Span<Float>
  ) {
    sums.add(row: row, reconstruction: reconstruction, latents: latents, values: values)
    categories?.add(token: origin.token, active: latents)
  }
}
