// Looks at every latent of a finished SAE. Comes in: the codes that the evaluation's pass kept, the SAE, the text
// behind the rows, and the model where it is at hand. Leaves: what the report shows of latents, and the folder with
// the details of all of them. The rows are not read again; memory is bounded, whatever the SAE and the cache.

package import Shared

/// One look at all latents.
package struct LatentCollecting: Sendable {
  private let settings: EvaluateSettings
  private let corpus: CorpusText?
  private let lens: LensPlace
  /// What is told the latents that are done.
  private let progress: Progress

  /// Multiplications of comparing or unembedding all latents that are worth their time; beyond it only those
  /// that the report itself shows are looked at so.
  static let workLimit = 1 << 40
  /// What is said to be going on where it is stopped.
  static let activity = "the latents of the trained SAE were looked at"

  package init(
    _ settings: EvaluateSettings, corpus: CorpusText?, lens: LensPlace, progress: Progress
  ) {
    self.settings = settings
    self.corpus = corpus
    self.lens = lens
    self.progress = progress
  }

  /// Collects what the report shows, and writes the folder of details beside it.
  ///
  /// - Parameters:
  ///   - codes: of the evaluated rows.
  ///   - evaluation: of the same rows.
  ///   - parameters: the weights of the SAE.
  ///   - folder: of the run.
  /// - Returns: what the report holds of latents.
  /// - Throws: what is wrong with the text or the model, or that the program was interrupted.
  package func run(
    _ codes: KeptCodes, _ evaluation: Evaluation, _ parameters: borrowing Parameters,
    run folder: String
  ) throws -> LatentReport {
    let rows = Int(evaluation.figures[.evaluatedRows] ?? 0)
    let words = CategoryWords(
      categories: evaluation.categories.map { .init($0.name, $0.words) }, sha256: "")
    let tokens = corpus.map { corpus in CategoryTokens(words, encode: corpus.encode) }
    let entries = LatentEntries(codes)
    let columns = LatentColumns(
      codes, entries, fires: evaluation.fires, parameters, tokens)
    var look = LatentLook(
      contexts: LatentContexts(
        entries: entries, sequences: try corpus?.sequences(codes.sequences) ?? [:],
        special: corpus?.specialTokens ?? [], limit: settings.contextsPerLatent),
      columns: columns, lens: try openLens(parameters))
    let chosen = ReportedLatents.choose(
      settings.reportLatents, columns, rows: rows, contexts: settings.contextsPerLatent,
      named: named(evaluation))
    let shown = try look.details(chosen.map(\.latent), parameters, .all, chosen.map(\.reasons))
    let wantsAll = settings.reportLatents > 0
    if wantsAll { try write(&look, parameters, run: folder) }
    return LatentReport(
      columns: columns, rows: rows, keptRows: codes.rows.count, rowsByL0: codes.rowsByL0,
      details: shown, texts: texts(of: shown, columns), special: corpus?.specialTokens ?? [],
      categories: words.categories.map(\.name), words: words.categories.map(\.words),
      chunk: wantsAll ? LatentFolder.chunk : nil, remarks: remarks(codes, look, parameters))
  }

  /// The best latents of categories, the most telling first.
  private func named(_ evaluation: Evaluation) -> [(latent: Int, category: String)] {
    evaluation.categories.compactMap { category in category.best.map { (category.name, $0) } }
      .sorted { ($1.1.f1, $0.1.latent, $0.0) < ($0.1.f1, $1.1.latent, $1.0) }
      .map { (latent: $0.1.latent, category: $0.0) }
  }

  private func openLens(_ parameters: borrowing Parameters) throws -> LogitLens? {
    guard case .model(let folder) = lens, corpus != nil else { return nil }
    return try LogitLens.open(folder, width: parameters.decoder.columns)
  }

  /// Writes the details of all latents, a file at a time.
  private func write(
    _ look: inout LatentLook, _ parameters: borrowing Parameters, run path: String
  ) throws {
    var folder = try LatentFolder.create(run: path)
    var tokens = Set(look.contexts.sequences.values.joined())
    let count = look.columns.fires.count
    for start in stride(from: 0, to: count, by: LatentFolder.chunk) {
      try Interrupted.check(while: LatentCollecting.activity)
      let part = Array(start..<min(start + LatentFolder.chunk, count))
      let details = try look.details(part, parameters, .withinLimit)
      for detail in details { tokens.formUnion(detail.directionTokens) }
      try folder.write(details)
      progress.advance(part.count)
    }
    try folder.finish(look.contexts.sequences, texts(tokens))
  }

  private func texts(of details: [LatentDetail], _ columns: LatentColumns) -> [UInt32: String] {
    var tokens = Set(columns.tokens.compactMap(\.self))
    for detail in details { tokens.formUnion(detail.shownTokens) }
    return texts(tokens)
  }

  private func texts(_ tokens: Set<UInt32>) -> [UInt32: String] {
    guard let corpus else { return [:] }
    return Dictionary(uniqueKeysWithValues: tokens.map { ($0, corpus.text($0)) })
  }

  private func remarks(
    _ codes: KeptCodes, _ look: borrowing LatentLook, _ parameters: borrowing Parameters
  ) -> [String] {
    var remarks: [String] = []
    if !codes.isWhole {
      remarks.append(
        "Contexts, tokens and categories of latents come from the first "
          + "\(Readable.count(codes.rows.count)) of these rows.")
    }
    switch lens {
    case .none(let reason):
      remarks.append("Which tokens latents promote is not known: \(reason).")
    case .model where corpus != nil && !look.hasLens:
      remarks.append(
        "Which tokens latents promote is not known: the decoder is not as wide as the model's "
          + "residual stream.")
    case .model: break
    }
    if !look.looksAtAll(parameters) {
      remarks.append(
        "Promoted tokens and nearest latents are worked out for the latents that this page shows, "
          + "not for all.")
    }
    return remarks
  }
}

/// What is needed to show a latent.
struct LatentLook: ~Copyable {
  let contexts: LatentContexts
  let columns: LatentColumns
  private var lens: LogitLens?
  /// Of the lens; nil where there is none.
  private let vocabularySize: Int?
  private let norms: [Float]

  init(contexts: LatentContexts, columns: LatentColumns, lens: consuming LogitLens?) {
    self.contexts = contexts
    self.columns = columns
    norms = columns.norms.map { Float($0) }
    switch consume lens {
    case .some(let open):
      vocabularySize = open.vocabularySize
      self.lens = .some(open)
    case .none:
      vocabularySize = nil
      self.lens = nil
    }
  }

  /// Which latents are compared with others and unembedded.
  enum Extent { case all, withinLimit }

  var hasLens: Bool { vocabularySize != nil }

  /// Whether comparing and unembedding every latent is within the limit.
  func looksAtAll(_ parameters: borrowing Parameters) -> Bool {
    compares(parameters, .withinLimit) && unembeds(parameters, .withinLimit)
  }

  private func compares(_ parameters: borrowing Parameters, _ extent: Extent) -> Bool {
    let count = parameters.decoder.count
    return extent == .all || count * norms.count <= LatentCollecting.workLimit
  }

  private func unembeds(_ parameters: borrowing Parameters, _ extent: Extent) -> Bool {
    return extent == .all
      || parameters.decoder.count * (vocabularySize ?? 0) <= LatentCollecting.workLimit
  }

  /// The details of some latents.
  mutating func details(
    _ latents: [Int], _ parameters: borrowing Parameters, _ extent: Extent,
    _ reasons: [[String]] = []
  ) throws -> [LatentDetail] {
    let decoder = parameters.decoder.span
    var tokens: [DirectionTokens] = []
    if unembeds(parameters, extent) {
      tokens = try lens?.read(latents, decoder: decoder, norms: norms) ?? []
    }
    let neighbors =
      compares(parameters, extent)
      ? LatentNeighbors.find(
        latents, decoder: decoder, norms: norms, width: parameters.decoder.columns) : []
    let (contexts, columns, found) = (contexts, columns, tokens)
    return Parallel.map(latents.count) { index in
      let latent = latents[index]
      let choice = contexts.choose(latent)
      return LatentDetail(
        latent: latent, reasons: reasons.isEmpty ? [] : reasons[index],
        histogram: LatentLook.histogram(latent, contexts.entries, columns.highest[latent]),
        highest: choice.highest, quarters: choice.quarters, bounds: choice.bounds,
        tokens: found.isEmpty ? DirectionTokens() : found[index],
        neighbors: neighbors.isEmpty ? [] : neighbors[index])
    }
  }

  /// Kept rows by activation, in equal bins from 0 to the highest; empty where the latent is never active.
  private static func histogram(
    _ latent: Int, _ entries: LatentEntries, _ highest: Double
  ) -> [Int] {
    guard highest > 0 else { return [] }
    var counts = [Int](repeating: 0, count: LatentDetail.binCount)
    for entry in entries.range(of: latent) {
      let share = Double(entries.value(entry)) / highest
      counts[max(0, min(counts.count - 1, Int(share * Double(counts.count))))] += 1
    }
    return counts
  }
}
