// Which rows of a cache a run sees. Comes in: the settings, the shards, and the tokenizer of the token
// stage where special tokens are meant. Leaves: the rows of a shard to train on, and for any row
// whether it counts. Training, the final figures and the loss with the SAE in the model all ask here;
// they differ in the sequences that they take.

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

  /// The filter that settings ask for over a cache; reads the tokenizer and norms of rows as needed.
  package static func make(
    _ settings: TrainSettings, _ source: TrainingSource, store: Store
  ) throws -> RowFilter {
    try make(
      settings, contextSize: source.facts.contextSize,
      tokens: { try tokenFolder(source, store).path },
      largestNorm: settings.maxNormMultiple.map { try $0 * medianNorm(source) })
  }

  /// The same over sequences without a cache, whose rows may have any norm.
  package static func make(
    _ settings: TrainSettings, contextSize: Int, tokens folder: StageFolder
  ) throws -> RowFilter {
    try make(
      settings, contextSize: contextSize,
      tokens: {
        guard try System.isThere(folder.path + "/tokenizer.json") else {
          throw RowFilterError.noTokenizer(folder: folder.path)
        }
        return folder.path
      }, largestNorm: nil)
  }

  private static func make(
    _ settings: TrainSettings, contextSize: Int, tokens: () throws -> String, largestNorm: Double?
  ) throws -> RowFilter {
    var positions: [Bool] = []
    if settings.seqposSlice != .all {
      positions = Array(repeating: false, count: contextSize)
      for place in settings.seqposSlice.positions(contextSize: contextSize) {
        positions[place] = true
      }
    }
    let excluded: Set<UInt32> =
      switch settings.excludeSpecialTokens {
      case .none: []
      case .ids(let ids): Set(ids.map { UInt32(clamping: $0) })
      case .special: try Tokenizer.open(tokens()).tokensWithRoles
      }
    return RowFilter(
      heldOut: HeldOut(fraction: settings.evalFraction), excluded: excluded, positions: positions,
      largestNorm: largestNorm)
  }

  /// Refuses settings for which the store lacks the tokenizer.
  package static func check(
    _ settings: TrainSettings, _ source: TrainingSource, store: Store
  ) throws {
    if settings.excludeSpecialTokens == .special { _ = try tokenFolder(source, store) }
  }

  private static func tokenFolder(_ source: TrainingSource, _ store: Store) throws -> StageFolder {
    guard
      let folder = try source.tokens.flatMap({ try store.find(stage: .tokens, fingerprint: $0) }),
      try System.isThere(folder.path + "/tokenizer.json")
    else { throw RowFilterError.noTokenizer(folder: source.folder) }
    return folder
  }

  /// The median norm of rows of some shards.
  private static func medianNorm(_ source: TrainingSource) throws -> Double {
    var norms: [Double] = []
    let step = max(1, source.shards.count / sample.shards)
    let chosen = Array(stride(from: 0, to: source.shards.count, by: step))
    norms = try source.read(chosen) { shard in
      try RowFilter.norms(shard, 0..<min(shard.rows, sample.rows))
    }.flatMap(\.self)
    norms.sort()
    return norms.isEmpty ? 0 : norms[norms.count / 2]
  }

  private static func norms(_ shard: ActivationReader, _ rows: some Sequence<Int>) throws
    -> [Double]
  {
    var row = AlignedBuffer<Float>(count: shard.dIn)
    return try rows.map { index in
      var values = row.mutableSpan
      try shard.readRow(index, into: &values)
      return norm(values.span)
    }
  }

  private static func norm(_ row: Span<Float>) -> Double { Vector.squaredNorm(row).squareRoot() }

  /// Whether every row is trained on.
  package var isEmpty: Bool { heldOut.isEmpty && leavesNothingOut }

  /// The sequences that figures are measured on: those held out, or all where there are none.
  var measured: SequenceChoice { heldOut.isEmpty ? .all : .heldOut }

  /// Whether no row is left out, apart from sequences that are held out.
  package var leavesNothingOut: Bool {
    excluded.isEmpty && positions.isEmpty && largestNorm == nil
  }

  /// Whether a row counts, whatever its sequence.
  package func sees(_ row: Span<Float>, token: UInt32, position: Int) -> Bool {
    sees(token: token, position: position)
      && sees(norm: largestNorm == nil ? 0 : RowFilter.norm(row))
  }

  func sees(token: UInt32, position: Int) -> Bool {
    if excluded.contains(token) { return false }
    return positions.isEmpty || (position < positions.count && positions[position])
  }

  private func sees(norm: Double) -> Bool { largestNorm.map { norm <= $0 } ?? true }

  /// Whether rows are left out for their norm, or for their token.
  var looksAtNorms: Bool { largestNorm != nil }
  var looksAtTokens: Bool { !excluded.isEmpty }

  func isTrained(_ sequence: UInt32) -> Bool { takes(sequence, .trained) }

  private func takesAll(_ choice: SequenceChoice) -> Bool {
    switch choice {
    case .all: true
    case .trained: heldOut.isEmpty
    case .heldOut: false
    }
  }

  private func takes(_ sequence: UInt32, _ choice: SequenceChoice) -> Bool {
    switch choice {
    case .all: true
    case .trained: !heldOut.contains(sequence: sequence)
    case .heldOut: heldOut.contains(sequence: sequence)
    }
  }

  /// The share of all rows that count for their sequence, by expectation.
  package func share(of choice: SequenceChoice) -> Double {
    switch choice {
    case .all: 1
    case .trained: 1 - heldOut.fraction
    case .heldOut: heldOut.fraction
    }
  }

  /// The rows of a shard that count for their sequence, token and position, ascending.
  func candidates(of shard: ActivationReader, _ choice: SequenceChoice) throws -> [UInt32] {
    var kept = (0..<UInt32(shard.rows)).map { $0 }
    if !takesAll(choice) {
      let sequences = try shard.sequences()
      kept = kept.filter { takes(sequences[Int($0)], choice) }
    }
    if kept.isEmpty || (excluded.isEmpty && positions.isEmpty) { return kept }
    let tokens = try shard.tokens()
    let positions = try shard.positions()
    return kept.filter { sees(token: tokens[Int($0)], position: Int(positions[Int($0)])) }
  }

  /// The rows of a shard that are trained on, ascending.
  package func rows(of shard: ActivationReader) throws -> [UInt32] {
    let kept = try candidates(of: shard, .trained)
    guard largestNorm != nil else { return kept }
    shard.expect(kept.count)
    let norms = try RowFilter.norms(shard, kept.lazy.map { Int($0) })
    return zip(kept, norms).filter { sees(norm: $1) }.map(\.0)
  }
}
