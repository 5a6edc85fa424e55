// The loop that measures a trained SAE. Comes in: rows of the cache and an encoder. Leaves: an
// Evaluation. One pass takes the figures; a second one over a few sequences shades the contexts.

package import Shared

/// What the evaluation needs of a trained SAE.
package protocol RowEncoder: ~Copyable {
  /// Encodes `rows` rows of `batch`, `[rows, dIn]`, and lends what came out.
  ///
  /// Row i's active latents are those from `offsets[i]` to `offsets[i + 1]`, with their values;
  /// the reconstruction is `[rows, dIn]`.
  mutating func encode(
    _ batch: Span<Float>, rows: Int,
    _ body: (
      _ offsets: Span<Int32>, _ latents: Span<Int32>, _ values: Span<Float>,
      _ reconstruction: Span<Float>
    ) throws -> Void
  ) throws
}

extension TrainedSAE: RowEncoder {}

/// One evaluation.
package struct Evaluating: Sendable {
  /// Rows per batch: large enough for the products, small enough for the cache.
  package static let batchRows = 1024

  private let shards: [String]
  /// Shards with the targets of a transcoder, as many rows each; empty of another SAE.
  private let targetShards: [String]
  private let dIn: Int
  /// Width of what is reconstructed.
  private let dOut: Int
  private let latentCount: Int
  private let settings: EvaluateSettings
  private let isHeldOut: (@Sendable (UInt32) -> Bool)?
  private let corpus: CorpusText?
  private let words: CategoryWords?

  /// Prepares an evaluation.
  ///
  /// - Parameters:
  ///   - shards: the paths of the activation shards.
  ///   - dIn: the width of their rows.
  ///   - targets: the paths of the shards that a transcoder reconstructs, and their width.
  ///   - latentCount: the latents of the SAE.
  ///   - settings: how many rows, latents and contexts.
  ///   - isHeldOut: tells the sequences that training never saw; nil where it saw all.
  ///   - corpus: the text behind the rows, where the store has it.
  /// - Throws: what is wrong with the file of categories.
  package init(
    shards: [String], dIn: Int, targets: (shards: [String], dOut: Int)? = nil,
    latentCount: Int, settings: EvaluateSettings,
    isHeldOut: (@Sendable (UInt32) -> Bool)?, corpus: CorpusText?
  ) throws {
    self.shards = shards
    targetShards = targets?.shards ?? []
    self.dIn = dIn
    dOut = targets?.dOut ?? dIn
    self.latentCount = latentCount
    self.settings = settings
    self.isHeldOut = isHeldOut
    self.corpus = corpus
    words = try settings.categories.map { try CategoryWords.read($0) }
  }

  /// Measures the SAE.
  ///
  /// - Parameters:
  ///   - encoder: the trained SAE, for rows as they are cached.
  ///   - deadInTraining: latents silent at the end of training.
  ///   - deadFeatureWindow: for how many steps.
  ///   - progress: is told the rows that are done.
  /// - Returns: all figures.
  /// - Throws: what is wrong with a shard, or that the program was interrupted.
  package func run<Encoder: RowEncoder & ~Copyable>(
    _ encoder: inout Encoder, deadInTraining: Int, deadFeatureWindow: Int, progress: Progress
  ) throws -> Evaluation {
    var source = isHeldOut == nil ? EvaluatedRows.cache : .heldOut
    var pass = try measure(&encoder, from: source, progress)
    if pass.sums.rows == 0, source == .heldOut {
      // A small cache may hold no sequence of the share that was held out.
      source = .cache
      pass = try measure(&encoder, from: source, progress)
    }
    var figures = pass.sums.figures
    figures[.deadInTraining] = Double(deadInTraining)
    figures[.deadFeatureWindow] = Double(deadFeatureWindow)
    let categories = pass.categories?.results(fires: pass.sums.fires) ?? []
    var evaluation = Evaluation(
      figures: figures, source: source, fires: pass.sums.fires, categories: categories,
      categoriesDigest: pass.categories == nil ? nil : words?.sha256,
      remarks: remarks(categories))
    evaluation.latents = try reportedLatents(&encoder, pass, evaluation)
    return evaluation
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

// MARK: - The pass over the rows

extension Evaluating {
  /// What one pass over the rows adds up.
  fileprivate struct Pass {
    var sums: EvaluationSums
    var categories: CategoryCounts?
    var top: TopRows
  }

  fileprivate func measure<Encoder: RowEncoder & ~Copyable>(
    _ encoder: inout Encoder, from source: EvaluatedRows, _ progress: Progress
  ) throws -> Pass {
    var pass = Pass(
      sums: EvaluationSums(dIn: dOut, latentCount: latentCount),
      categories: categoryCounts,
      top: TopRows(
        latentCount: latentCount, limit: corpus == nil ? 0 : settings.contextsPerLatent))
    let isWanted = source == .heldOut ? isHeldOut : nil
    try forEachBatch(limit: settings.evalTokens, where: isWanted ?? { _ in true }) {
      rows, batch, targets in
      try encoder.encode(batch, rows: rows.count) { offsets, latents, values, reconstruction in
        for (index, row) in rows.enumerated() {
          let active = Int(offsets[index])..<Int(offsets[index + 1])
          let columns = index * dOut..<(index + 1) * dOut
          pass.add(
            row, targets.extracting(columns), reconstruction.extracting(columns),
            latents.extracting(active), values.extracting(active))
        }
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

  /// Reads up to `limit` rows whose sequence is wanted, in the order of the shards.
  private func forEachBatch(
    limit: Int, where isWanted: (UInt32) -> Bool,
    _ body: (_ rows: [CachedRow], _ batch: Span<Float>, _ targets: Span<Float>) throws -> Void
  ) throws {
    var batch = AlignedBuffer<Float>(count: Evaluating.batchRows * dIn)
    let isPaired = !targetShards.isEmpty
    let targetBatch = AlignedBuffer<Float>(count: isPaired ? Evaluating.batchRows * dOut : 0)
    var rows: [CachedRow] = []
    var left = limit
    func deliver() throws {
      guard !rows.isEmpty else { return }
      try Evaluating.checkInterruption()
      let inputs = batch.span.extracting(0..<rows.count * dIn)
      if isPaired {
        try body(rows, inputs, targetBatch.span.extracting(0..<rows.count * dOut))
      } else {
        try body(rows, inputs, inputs)
      }
      rows.removeAll(keepingCapacity: true)
    }
    for (number, path) in shards.enumerated() where left > 0 {
      let shard = try ActivationShard.open(path)
      let targets = try isPaired ? TargetRows(targetShards[number]) : nil
      let tokens = shard.tokens()
      let sequences = shard.sequences()
      let positions = shard.positions()
      for index in 0..<shard.rows where left > 0 && isWanted(sequences[index]) {
        var values = batch.mutableSpan
        values.withDisjoint { memory in
          memory.withSlice(rows.count * dIn..<(rows.count + 1) * dIn) { target in
            shard.readRows(index..<index + 1, into: &target)
          }
        }
        if isPaired {
          targets?.read(index, into: targetBatch, at: rows.count)
        }
        let place = RowPosition(sequence: sequences[index], position: positions[index])
        rows.append(CachedRow(place: place, token: tokens[index]))
        left -= 1
        if rows.count == Evaluating.batchRows { try deliver() }
      }
    }
    try deliver()
  }

  private static func checkInterruption() throws {
    guard System.isInterrupted else { return }
    throw Interrupted(
      "Stopped while the trained SAE was measured.",
      hint: "Run the same command again; training will not be repeated.")
  }
}

/// A mapped shard with the targets of another's rows.
private final class TargetRows {
  private let shard: ActivationShard

  init(_ path: String) throws { shard = try ActivationShard.open(path) }

  /// Reads a row to its place in a batch.
  func read(_ row: Int, into batch: borrowing AlignedBuffer<Float>, at place: Int) {
    batch.disjoint.withSlice(place * shard.dIn..<(place + 1) * shard.dIn) { target in
      shard.readRows(row..<row + 1, into: &target)
    }
  }
}

/// Where a cached row comes from.
private struct CachedRow {
  let place: RowPosition
  let token: UInt32
}

extension Evaluating.Pass {
  fileprivate mutating func add(
    _ origin: CachedRow, _ row: Span<Float>, _ reconstruction: Span<Float>,
    _ latents: Span<Int32>, _ values: Span<Float>
  ) {
    sums.add(row: row, reconstruction: reconstruction, latents: latents, values: values)
    categories?.add(token: origin.token, active: latents)
    for index in latents.indices {
      top.add(latent: Int(latents[index]), TopRow(value: values[index], row: origin.place))
    }
  }
}

// MARK: - The latents of the report

extension Evaluating {
  private func reportedLatents<Encoder: RowEncoder & ~Copyable>(
    _ encoder: inout Encoder, _ pass: Pass, _ evaluation: Evaluation
  ) throws -> [ReportedLatent] {
    guard let corpus else { return [] }
    let named = evaluation.categories
      .compactMap { category in category.best.map { (category.name, $0) } }
      .sorted { ($1.1.f1, $0.1.latent) < ($0.1.f1, $1.1.latent) }
    let chosen = ReportedLatents.choose(
      settings.reportLatents, fires: pass.sums.fires, rows: pass.sums.rows,
      contexts: settings.contextsPerLatent, named: named.map(\.1.latent))
    let tops = chosen.map { pass.top.rows(of: $0) }
    let wanted = Set(tops.flatMap { $0.map(\.row.sequence) })
    let sequences = try corpus.sequences(wanted)
    let shades = try activations(&encoder, of: chosen, in: wanted)
    let densities = evaluation.densities
    return zip(chosen, tops).map { latent, rows in
      ReportedLatent(
        latent: latent, density: densities[latent],
        maximum: rows.first.map { rounded($0.value) } ?? 0,
        category: named.first { $0.1.latent == latent }?.0,
        contexts: rows.compactMap { row in
          sequences[row.row.sequence].map { tokens in
            LatentContext(
              row, sequence: tokens,
              activation: { position in
                let place = RowPosition(sequence: row.row.sequence, position: position)
                return shades[latent]?[place] ?? 0
              }, text: corpus.text)
          }
        })
    }
  }

  /// The activations of some latents on all cached rows of some sequences.
  private func activations<Encoder: RowEncoder & ~Copyable>(
    _ encoder: inout Encoder, of chosen: [Int], in wanted: Set<UInt32>
  ) throws -> [Int: [RowPosition: Float]] {
    var result = Dictionary(uniqueKeysWithValues: chosen.map { ($0, [RowPosition: Float]()) })
    guard !wanted.isEmpty else { return result }
    try forEachBatch(limit: .max, where: wanted.contains) { rows, batch, _ in
      try encoder.encode(batch, rows: rows.count) { offsets, latents, values, _ in
        for (index, row) in rows.enumerated() {
          for place in Int(offsets[index])..<Int(offsets[index + 1]) {
            result[Int(latents[place])]?[row.place] = values[place]
          }
        }
      }
    }
    return result
  }
}
