// The latents that the report shows, with the text around their highest activations. Comes in: the top
// rows of every latent and the text behind the cache. Leaves: contexts, whose tokens are shaded by the
// latent's activation on each, taken in a pass over the few sequences that are shown.

import Shared

extension Evaluating {
  /// The latents that are shown, best categories first.
  func reportedLatents<SAE: RowEncoder & ~Copyable>(
    _ sae: inout SAE, _ top: TopRows, _ evaluation: Evaluation
  ) throws -> [ReportedLatent] {
    guard let corpus else { return [] }
    let named = evaluation.categories.compactMap { category in
      category.best.map { (category.name, $0) }
    }
    .sorted { ($1.1.f1, $0.1.latent) < ($0.1.f1, $1.1.latent) }
    let chosen = ReportedLatents.choose(
      settings.reportLatents, fires: evaluation.fires,
      rows: Int(evaluation.figures[.evaluatedRows] ?? 0),
      contexts: settings.contextsPerLatent, named: named.map(\.1.latent))
    let densities = evaluation.densities
    var shades = ContextShades(chosen.map { ($0, top.rows(of: $0)) })
    try shade(&shades, &sae)
    let sequences = try corpus.sequences(shades.sequences)
    return chosen.map { latent in
      let rows = top.rows(of: latent)
      return ReportedLatent(
        latent: latent, density: densities[latent],
        maximum: rows.first.map { rounded($0.value) } ?? 0,
        category: named.first { $0.1.latent == latent }?.0,
        contexts: shades.contexts(of: latent, sequences, text: corpus.text))
    }
  }

  /// Takes the activations on all cached rows of the sequences that are shown.
  private func shade<SAE: RowEncoder & ~Copyable>(
    _ shades: inout ContextShades, _ sae: inout SAE
  ) throws {
    guard !shades.sequences.isEmpty else { return }
    var rows = CacheWalk(places, filter: filter, batchRows: sae.batchRows)
    try rows.forEachBatch(of: .listed(shades.sequences), limit: .max) { rows, batch, _ in
      try Evaluating.checkInterruption()
      try sae.encode(batch, rows: rows.count) { offsets, latents, values, _ in
        for (index, row) in rows.enumerated() {
          let active = Int(offsets[index])..<Int(offsets[index + 1])
          shades.add(row.place, latents.extracting(active), values.extracting(active))
        }
      }
    }
  }
}

/// The activations of some latents on the tokens around their top rows.
struct ContextShades {
  /// Where the context of a top row is kept.
  private struct Place {
    let latent: Int
    let row: TopRow
    /// The position of its first token.
    let first: Int
    /// Where its activations begin.
    let start: Int
  }

  private let places: [Place]
  private let placesOfSequence: [UInt32: [Int]]
  /// `[contexts, LatentContext.length]`.
  private var activations: [Float]

  /// Makes room for the top rows of latents.
  init(_ tops: [(latent: Int, rows: [TopRow])]) {
    var places: [Place] = []
    for top in tops {
      for row in top.rows {
        places.append(
          Place(
            latent: top.latent, row: row,
            first: LatentContext.firstPosition(around: Int(row.row.position)),
            start: places.count * LatentContext.length))
      }
    }
    self.places = places
    placesOfSequence = Dictionary(grouping: places.indices) { places[$0].row.row.sequence }
    activations = Array(repeating: 0, count: places.count * LatentContext.length)
  }

  /// The sequences that are shown.
  var sequences: Set<UInt32> { Set(placesOfSequence.keys) }

  /// Takes the activations on a row of these sequences, whose active latents ascend.
  mutating func add(_ row: RowPosition, _ latents: Span<Int32>, _ values: Span<Float>) {
    for index in placesOfSequence[row.sequence] ?? [] {
      let place = places[index]
      let offset = Int(row.position) - place.first
      guard (0..<LatentContext.length).contains(offset),
        let entry = ContextShades.find(place.latent, in: latents)
      else { continue }
      activations[place.start + offset] = values[entry]
    }
  }

  private static func find(_ latent: Int, in latents: Span<Int32>) -> Int? {
    var (low, high) = (0, latents.count)
    while low < high {
      let middle = (low + high) / 2
      if latents[middle] < latent { low = middle + 1 } else { high = middle }
    }
    return low < latents.count && latents[low] == latent ? low : nil
  }

  /// The contexts of a latent, in the sequences that there are.
  func contexts(
    of latent: Int, _ sequences: [UInt32: [UInt32]], text: (UInt32) -> String
  ) -> [LatentContext] {
    places.filter { $0.latent == latent }.compactMap { place in
      sequences[place.row.row.sequence].map { tokens in
        LatentContext(
          place.row, sequence: tokens,
          activation: { activations[place.start + Int($0) - place.first] }, text: text)
      }
    }
  }

  /// Bytes that the contexts take at most, the tokens of their sequences included.
  static func byteCount(_ settings: EvaluateSettings, contextSize: Int) -> Int {
    let contexts = settings.reportLatents * settings.contextsPerLatent
    return contexts * (4 * (LatentContext.length + contextSize) + MemoryLayout<Place>.stride)
  }
}
