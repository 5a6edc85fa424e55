// Which rows of a cache are trained on. Comes in: the settings, the shards, and the tokenizer of the
// token stage where special tokens are meant. Leaves: the trainable rows of a shard.

package import Shared

/// Why rows cannot be chosen.
package enum RowFilterError: Failure, Equatable {
  case noTokenizer(folder: String)

  package var sentence: String {
    switch self {
    case .noTokenizer(let folder):
      "train.exclude_special_tokens is true, but the store lacks the tokens behind \(folder)."
    }
  }

  package var hint: String? { "Give the ids: train.exclude_special_tokens=[0, 2]." }
}

/// The rows that training sees.
package struct RowFilter: Sendable {
  package let heldOut: HeldOut
  private let excluded: Set<UInt32>
  /// Whether each position of a sequence is used; empty where all are.
  private let positions: [Bool]
  /// The largest norm of a row.
  private let largestNorm: Double?

  /// Shards and rows of each that the median norm is taken over, at most.
  private static let sample = (shards: 8, rows: 4096)

  /// All rows but those that are held out.
  package init(heldOut: HeldOut) {
    self.heldOut = heldOut
    excluded = []
    positions = []
    largestNorm = nil
  }

  package init(
    heldOut: HeldOut, excluded: Set<UInt32>, positions: [Bool], largestNorm: Double?
  ) {
    self.heldOut = heldOut
    self.excluded = excluded
    self.positions = positions
    self.largestNorm = largestNorm
  }

  /// The filter that settings ask for over a cache.
  package static func make(
    _ settings: TrainSettings, _ source: TrainingSource, store: Store
  ) throws -> RowFilter {
    var positions: [Bool] = []
    if settings.seqposSlice != .all {
      positions = Array(repeating: false, count: source.facts.contextSize)
      for place in settings.seqposSlice.positions(contextSize: positions.count) {
        positions[place] = true
      }
    }
    return RowFilter(
      heldOut: HeldOut(fraction: settings.evalFraction),
      excluded: try excluded(settings, source, store), positions: positions,
      largestNorm: try settings.maxNormMultiple.map { try $0 * medianNorm(source) })
  }

  private static func excluded(
    _ settings: TrainSettings, _ source: TrainingSource, _ store: Store
  ) throws -> Set<UInt32> {
    switch settings.excludeSpecialTokens {
    case .none: return []
    case .ids(let ids): return Set(ids.map { UInt32(clamping: $0) })
    case .special:
      guard
        let folder = try source.tokens.flatMap({
          try store.find(stage: .tokens, fingerprint: $0)
        }), System.exists(folder.path + "/tokenizer.json")
      else { throw RowFilterError.noTokenizer(folder: source.folder) }
      return try Tokenizer.open(folder.path).tokensWithRoles
    }
  }

  /// The median norm of rows of some shards.
  private static func medianNorm(_ source: TrainingSource) throws -> Double {
    var norms: [Double] = []
    let step = max(1, source.shards.count / sample.shards)
    for index in stride(from: 0, to: source.shards.count, by: step) {
      let shard = try ActivationReader.open(source.shards[index].path)
      norms += try RowFilter.norms(shard, 0..<min(shard.rows, sample.rows))
    }
    norms.sort()
    return norms.isEmpty ? 0 : norms[norms.count / 2]
  }

  private static func norms(_ shard: ActivationReader, _ rows: Range<Int>) throws -> [Double] {
    var row = AlignedBuffer<Float>(count: shard.dIn)
    return try rows.map { index in
      var values = row.mutableSpan
      try shard.readRow(index, into: &values)
      return Vector.squaredNorm(values.span).squareRoot()
    }
  }

  /// Whether every row is trained on.
  package var isEmpty: Bool {
    heldOut.isEmpty && excluded.isEmpty && positions.isEmpty && largestNorm == nil
  }

  /// Whether training sees such a row where its sequence is not held out.
  package func sees(_ row: Span<Float>, token: UInt32, position: Int) -> Bool {
    if excluded.contains(token) { return false }
    if !positions.isEmpty, position >= positions.count || !positions[position] { return false }
    return largestNorm.map { Vector.squaredNorm(row).squareRoot() <= $0 } ?? true
  }

  /// The rows of a shard that are trained on, ascending.
  package func rows(of shard: ActivationReader) throws -> [UInt32] {
    var kept = (0..<UInt32(shard.rows)).map { $0 }
    if !heldOut.isEmpty {
      let sequences = try shard.sequences()
      kept = kept.filter { !heldOut.contains(sequence: sequences[Int($0)]) }
    }
    if !excluded.isEmpty {
      let tokens = try shard.tokens()
      kept = kept.filter { !excluded.contains(tokens[Int($0)]) }
    }
    if !positions.isEmpty {
      let places = try shard.positions()
      kept = kept.filter {
        let place = Int(places[Int($0)])
        return place < positions.count && positions[place]
      }
    }
    if let largestNorm {
      let norms = try RowFilter.norms(shard, 0..<shard.rows)
      kept = kept.filter { norms[Int($0)] <= largestNorm }
    }
    return kept
  }
}
