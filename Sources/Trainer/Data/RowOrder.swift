// The order in which training sees the rows of the cache. Comes in: a seed and the number of
// trainable rows of every shard. Leaves: for any position of the endless stream, a shard and a row.
//
// An epoch shuffles the shards, opens them in groups, and deals the rows of a group in proportion
// to the shards' sizes, so that a group's shards end together. Inside a shard rows are read in
// the order in which the cacher permuted them, from a starting row that changes with the epoch.

import Shared

/// Rows that training never sees: a fixed share of the sequences.
///
/// Membership depends on the sequence's index alone, so all runs over a cache hold out the same.
package struct HeldOut: Sendable, Equatable {
  package let fraction: Double
  private let random = Random(seed: 0, stream: "held out")

  package init(fraction: Double) { self.fraction = fraction }

  package var isEmpty: Bool { fraction <= 0 }

  @inline(__always) package func contains(sequence: UInt32) -> Bool {
    random.uniform(Int(sequence)) < fraction
  }

  package static func == (left: HeldOut, right: HeldOut) -> Bool {
    left.fraction == right.fraction
  }
}

/// A row of the stream: a shard, and an index among the trainable rows of that shard.
package struct StreamRow: Sendable, Equatable {
  package let shard: Int
  package let index: Int
}

/// The order of all epochs, as a pure function of the seed and the shards' sizes.
package struct RowOrder: Sendable {
  /// Shards that are read at the same time, at most.
  package static let openShards = StreamBudget.openShards

  package let seed: Int
  /// Trainable rows per shard.
  package let sizes: [Int]
  package let rowsPerEpoch: Int

  package init(seed: Int, sizes: [Int]) {
    self.seed = seed
    self.sizes = sizes
    rowsPerEpoch = sizes.reduce(0, +)
  }

  /// The shards of an epoch in the groups in which they are read together.
  package func groups(epoch: Int) -> [[Int]] {
    let shards = Random(seed: seed, stream: "shard order", index: epoch)
      .permutation(sizes.count).map { Int($0) }.filter { sizes[$0] > 0 }
    let count = (shards.count + RowOrder.openShards - 1) / RowOrder.openShards
    return (0..<count).map { group in
      Array(shards[shards.count * group / count..<shards.count * (group + 1) / count])
    }
  }

  /// The trainable row that a shard starts an epoch with.
  func firstRow(shard: Int, epoch: Int) -> Int {
    Random(seed: seed, stream: "first row", index: epoch).integer(shard, below: sizes[shard])
  }
}

/// Walks the stream of all epochs.
package struct RowCursor: Sendable {
  private struct Member: Sendable {
    let shard: Int
    let size: Int
    let first: Int
    var taken = 0
  }

  private let order: RowOrder
  package private(set) var epoch: Int
  private var groups: [[Int]]
  private var nextGroup = 0
  private var members: [Member] = []
  private var left = 0
  /// The row of the stream that comes next.
  package private(set) var position: Int

  /// Starts at row `position` of the stream.
  package init(order: RowOrder, position: Int = 0) {
    precondition(order.rowsPerEpoch > 0, "no row to read")
    self.order = order
    self.position = position / order.rowsPerEpoch * order.rowsPerEpoch
    epoch = position / order.rowsPerEpoch
    groups = order.groups(epoch: epoch)
    skip(position % order.rowsPerEpoch)
  }

  /// The shards that rows come from now.
  package var openShards: [Int] { members.map(\.shard) }

  /// The next row of the stream.
  package mutating func next() -> StreamRow {
    if left == 0 { openNextGroup() }
    left -= 1
    position += 1
    // Webster's rule: the member whose next row is due first, (taken + ½) / size being smallest.
    var due = 0
    for candidate in 1..<max(1, members.count)
    where (2 * members[candidate].taken + 1) * members[due].size
      < (2 * members[due].taken + 1) * members[candidate].size
    {
      due = candidate
    }
    let member = members[due]
    members[due].taken += 1
    return StreamRow(shard: member.shard, index: (member.first + member.taken) % member.size)
  }

  /// Up to `limit` shards of the groups after the present one, in order, of those that begin before row `end`.
  package func upcoming(_ limit: Int, before end: Int) -> [Int] {
    var (start, epoch, groups, next) = (position + left, epoch, groups[...], nextGroup)
    var shards: [Int] = []
    while shards.count < limit, start < end {
      if next == groups.count {
        epoch += 1
        groups = order.groups(epoch: epoch)[...]
        next = 0
      }
      shards += groups[next]
      start += groups[next].reduce(0) { $0 + order.sizes[$1] }
      next += 1
    }
    return Array(shards.prefix(limit))
  }

  /// Moves on within the epoch; groups that are passed over whole cost nothing.
  private mutating func skip(_ count: Int) {
    var count = count
    while nextGroup < groups.count {
      let size = groups[nextGroup].reduce(0) { $0 + order.sizes[$1] }
      guard count >= size else { break }
      count -= size
      position += size
      nextGroup += 1
    }
    for _ in 0..<count { _ = next() }
  }

  private mutating func openNextGroup() {
    if nextGroup == groups.count {
      epoch += 1
      groups = order.groups(epoch: epoch)
      nextGroup = 0
    }
    members = groups[nextGroup].map { shard in
      Member(
        shard: shard, size: order.sizes[shard],
        first: order.firstRow(shard: shard, epoch: epoch))
    }
    left = members.reduce(0) { $0 + $1.size }
    nextGroup += 1
  }
}
