// Which sequences a shard holds. Comes in: their number and a seed. Leaves: the same deal for every
// worker.

import Shared

/// Sequences dealt to shards.
package struct ShardPlan: Sendable {
  private let sequenceCount: Int
  private let rowsPerShard: Int
  /// The sequence at each place; nil where they keep their order.
  private let order: [UInt32]?

  /// Deals by a seeded permutation, or in order where `seed` is nil.
  package init(sequenceCount: Int, rowsPerShard: Int, seed: Int?) {
    precondition(sequenceCount < 1 << 32, "sequences are numbered with 32 bits")
    self.sequenceCount = sequenceCount
    self.rowsPerShard = rowsPerShard
    order = seed.map { Random(seed: $0, stream: "pretokenize").permutation(sequenceCount) }
  }

  package var count: Int { (sequenceCount + rowsPerShard - 1) / rowsPerShard }

  /// The places that a shard holds.
  package func rows(_ shard: Int) -> Range<Int> {
    shard * rowsPerShard..<min((shard + 1) * rowsPerShard, sequenceCount)
  }

  /// The sequences of a shard, in the order of its rows.
  package func sequences(_ shard: Int) -> [UInt32] {
    let rows = rows(shard)
    guard let order else { return rows.map { UInt32($0) } }
    return Array(order[rows])
  }
}
