// Which sequences a shard holds. Comes in: their number and a seed. Leaves: the same deal for every
// worker, in constant memory.

import Shared

/// A sequence and the row of a shard that it goes to; in order of the sequence.
package struct DealtSequence: Sendable, Comparable {
  /// Both in one number, so that many are sorted fast.
  private let bits: UInt64

  package init(sequence: Int, row: Int) {
    bits = UInt64(UInt32(sequence)) << 32 | UInt64(UInt32(row))
  }

  package var sequence: Int { Int(bits >> 32) }
  package var row: Int { Int(bits & 0xFFFF_FFFF) }

  package static func < (first: DealtSequence, second: DealtSequence) -> Bool {
    first.bits < second.bits
  }
}

/// More sequences than can be numbered.
package struct TooManySequences: Failure, Equatable {
  package let count: Int
  package let contextSize: Int
  package static let limit = 1 << 32

  package var sentence: String {
    "The text fills \(count) sequences of \(contextSize); the stages number at most "
      + "\(TooManySequences.limit)."
  }
  package var hint: String? {
    "Set pretokenize.context_size to a larger number, or split the text into several pipelines."
  }
}

/// Sequences dealt to shards.
package struct ShardDeal: Sendable {
  package let sequenceCount: Int
  private let rowsPerShard: Int
  /// What the order is drawn from; nil where sequences keep theirs.
  private let random: Random?

  /// Deals by a seeded permutation, or in order where `seed` is nil.
  package init(
    sequenceCount: Int, contextSize: Int, rowsPerShard: Int, seed: Int?
  ) throws(TooManySequences) {
    guard sequenceCount <= TooManySequences.limit else {
      throw TooManySequences(count: sequenceCount, contextSize: contextSize)
    }
    self.sequenceCount = sequenceCount
    self.rowsPerShard = rowsPerShard
    random = seed.map { Random(seed: $0, stream: "pretokenize") }
  }

  package var count: Int { (sequenceCount + rowsPerShard - 1) / rowsPerShard }

  /// The places that a shard holds.
  package func rows(_ shard: Int) -> Range<Int> {
    shard * rowsPerShard..<min((shard + 1) * rowsPerShard, sequenceCount)
  }

  /// The sequence at a place.
  package func sequence(at place: Int) -> Int {
    random?.permuted(place, below: sequenceCount) ?? place
  }

  /// The sequences of a shard with their rows, in the order of the sequences.
  package func places(_ shard: Int) -> [DealtSequence] {
    let rows = rows(shard)
    var places = rows.map { DealtSequence(sequence: sequence(at: $0), row: $0 - rows.lowerBound) }
    if random != nil { places.sort() }
    return places
  }
}

/// What the threads that write shards may need together.
package enum ShardMemory {
  private static let limit = 256 << 20
  /// Tables and windows of the compressor and of the reader.
  private static let fixedByteCount = 8 << 20
  /// A `DealtSequence`, and what sorting them takes.
  private static let placeByteCount = 12

  /// The threads that may write shards at once, at least one.
  package static func threads(
    atMost most: Int, rowsPerShard: Int, contextSize: Int, bytesPerToken: Int
  ) -> Int {
    let (row, _) = contextSize.multipliedReportingOverflow(by: bytesPerToken)
    let (rows, overflow) = rowsPerShard.multipliedReportingOverflow(by: row + placeByteCount)
    guard !overflow else { return 1 }
    return max(1, min(most, limit / (rows + fixedByteCount)))
  }
}
