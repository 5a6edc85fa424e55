// Where latents fire most. Comes in: the active latents of every evaluated row. Leaves: for the
// latents that the report shows, the contexts of their highest activations.

import Shared

/// One row on which a latent is active.
package struct TopRow: Sendable, Equatable {
  package let value: Float
  package let row: RowPosition

  package init(value: Float, row: RowPosition) {
    self.value = value
    self.row = row
  }

  /// Higher activations first; of equal ones the earlier in the corpus, so that the order in
  /// which rows are seen does not matter.
  func precedes(_ other: TopRow) -> Bool {
    if value != other.value { return value > other.value }
    if row.sequence != other.row.sequence { return row.sequence < other.row.sequence }
    return row.position < other.row.position
  }
}

/// The top rows of every latent, one per sequence.
package struct TopRows: Sendable {
  private let limit: Int
  /// `[latents, limit]`, sorted per latent; `counts` says how many are filled.
  private var entries: [TopRow]
  private var counts: [Int]

  package init(latentCount: Int, limit: Int) {
    self.limit = limit
    entries = Array(
      repeating: TopRow(value: 0, row: .init(sequence: 0, position: 0)),
      count: latentCount * limit)
    counts = Array(repeating: 0, count: latentCount)
  }

  /// Bytes that the table of so many latents takes.
  static func byteCount(latentCount: Int, limit: Int) -> Int {
    latentCount * (limit * MemoryLayout<TopRow>.stride + MemoryLayout<Int>.stride)
  }

  /// The top rows of a latent, highest first.
  package func rows(of latent: Int) -> [TopRow] {
    Array(entries[latent * limit..<latent * limit + counts[latent]])
  }

  package mutating func add(latent: Int, _ entry: TopRow) {
    let base = latent * limit
    let count = counts[latent]
    if count == limit {
      // Nearly every call ends here.
      guard limit > 0, entry.precedes(entries[base + count - 1]) else { return }
    }
    var end = count
    if let same = (0..<count).first(where: { entries[base + $0].row.sequence == entry.row.sequence }
    ) {
      guard entry.precedes(entries[base + same]) else { return }
      end = same
    } else if count < limit {
      counts[latent] += 1
    } else {
      end = count - 1
    }
    // The place at `end` is free: what comes after the new entry moves down.
    while end > 0, entry.precedes(entries[base + end - 1]) {
      entries[base + end] = entries[base + end - 1]
      end -= 1
    }
    entries[base + end] = entry
  }
}

/// Which latents the report shows.
package enum ReportedLatents {
  /// Latents that fire on more than this share of the rows say little by their top contexts.
  static let densityLimit = 0.1

  /// Chooses latents to show.
  ///
  /// First the best latents of the categories, for at most half of the places. The rest is spread
  /// over the densities: of the latents that fire at least `contexts` times and are not dense, by
  /// falling density, those at equal distances in rank.
  ///
  /// - Parameters:
  ///   - count: how many to choose.
  ///   - fires: the rows on which each latent is active.
  ///   - rows: the number of rows.
  ///   - contexts: the contexts shown per latent.
  ///   - named: the latents that go first, the most telling one first.
  /// - Returns: different latents, the named ones first, then by falling density.
  package static func choose(
    _ count: Int, fires: [Int], rows: Int, contexts: Int, named: [Int]
  ) -> [Int] {
    var chosen: [Int] = []
    for latent in named where chosen.count < count / 2 && !chosen.contains(latent) {
      chosen.append(latent)
    }
    let limit = Double(rows) * densityLimit
    var candidates = fires.indices.filter { fires[$0] >= contexts && Double(fires[$0]) <= limit }
    // A run of few rows, or one whose latents are all dense, still shows something.
    if candidates.count < count { candidates = fires.indices.filter { fires[$0] > 0 } }
    candidates.removeAll(where: chosen.contains)
    candidates.sort { (fires[$1], $0) < (fires[$0], $1) }
    let places = min(count - chosen.count, candidates.count)
    for place in 0..<max(0, places) {
      chosen.append(candidates[(2 * place + 1) * candidates.count / (2 * places)])
    }
    return chosen
  }
}

/// A stretch of text around a row, token by token.
package struct LatentContext: Sendable, Equatable {
  package let row: RowPosition
  package let value: Double
  /// The tokens' texts.
  package let tokens: [String]
  /// The latent's activation on each token; 0 where it is not active or the row is not cached.
  package let activations: [Double]
  /// The index of the row's own token.
  package let focus: Int

  package init(
    row: RowPosition, value: Double, tokens: [String], activations: [Double], focus: Int
  ) {
    self.row = row
    self.value = value
    self.tokens = tokens
    self.activations = activations
    self.focus = focus
  }

  /// Tokens shown before and after the row's own.
  static let before = 28
  static let after = 12
  /// The tokens of a context, at most.
  static let length = before + 1 + after

  /// The position of the first token that is shown with the one at `position`.
  static func firstPosition(around position: Int) -> Int { max(0, position - before) }

  /// Cuts the stretch out of its sequence.
  ///
  /// - Parameters:
  ///   - top: the row and its activation.
  ///   - sequence: the token ids of the whole sequence.
  ///   - activation: the latent's activation at a position of that sequence.
  ///   - text: a token's text.
  package init(
    _ top: TopRow, sequence: [UInt32], activation: (UInt32) -> Float, text: (UInt32) -> String
  ) {
    let position = Int(top.row.position)
    let first = LatentContext.firstPosition(around: position)
    let range = first..<max(first, min(sequence.count, position + LatentContext.after + 1))
    self.init(
      row: top.row, value: rounded(top.value), tokens: range.map { text(sequence[$0]) },
      activations: range.map {
        $0 == position ? rounded(top.value) : rounded(activation(UInt32($0)))
      },
      focus: position - first)
  }
}

/// The double with the shortest decimal spelling that is this float.
func rounded(_ value: Float) -> Double { Double(value.description) ?? Double(value) }

/// One latent of the report.
package struct ReportedLatent: Sendable, Equatable {
  package let latent: Int
  /// The share of the evaluated rows on which it is active.
  package let density: Double
  package let maximum: Double
  /// The category that it is the best latent of.
  package let category: String?
  package let contexts: [LatentContext]

  package init(
    latent: Int, density: Double, maximum: Double, category: String?, contexts: [LatentContext]
  ) {
    self.latent = latent
    self.density = density
    self.maximum = maximum
    self.category = category
    self.contexts = contexts
  }
}

// MARK: - JSON

extension LatentContext {
  var json: JSON {
    .object([
      "sequence": .integer(Int(row.sequence)), "position": .integer(Int(row.position)),
      "value": .number(value), "focus": .integer(focus),
      "tokens": .array(tokens.map { .string($0) }),
      "activations": .array(activations.map { .number($0) }),
    ])
  }

  init?(_ json: JSON) {
    guard let sequence = json["sequence"]?.integer, let position = json["position"]?.integer,
      let sequence = UInt32(exactly: sequence), let position = UInt32(exactly: position),
      let value = json["value"]?.double, let focus = json["focus"]?.integer,
      let tokens = json["tokens"]?.array?.compactMap(\.string),
      let activations = json["activations"]?.array?.compactMap(\.double),
      tokens.count == activations.count
    else { return nil }
    self.init(
      row: .init(sequence: sequence, position: position), value: value, tokens: tokens,
      activations: activations, focus: focus)
  }
}

extension ReportedLatent {
  var json: JSON {
    .object([
      "latent": .integer(latent), "density": .number(density), "max_activation": .number(maximum),
      "category": category.map { .string($0) } ?? .null,
      "contexts": .array(contexts.map(\.json)),
    ])
  }

  init?(_ json: JSON) {
    guard let latent = json["latent"]?.integer, let density = json["density"]?.double,
      let maximum = json["max_activation"]?.double
    else { return nil }
    self.init(
      latent: latent, density: density, maximum: maximum, category: json["category"]?.string,
      contexts: json["contexts"]?.array?.compactMap { LatentContext($0) } ?? [])
  }
}
