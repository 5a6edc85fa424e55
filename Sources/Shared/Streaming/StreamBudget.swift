// How many shards a stream keeps on the disk. Comes in: `cache.max_disk_gb` and the sizes of shards. Leaves: a
// number of places, each of which holds one shard of every streamed hook point, whole or in the making; so the
// disk is never above the budget, whoever works and whatever their clocks say.

/// The budget of a stream, in places.
package struct StreamBudget: Sendable, Equatable {
  /// Shards that training mixes at once, at most.
  package static let openShards = 8
  /// Files beside a shard in its place: the place's own, a lease, and both while they are written.
  private static let placeByteCount = 4 * blockByteCount
  /// What a small file takes of a disk.
  private static let blockByteCount = 4096
  /// What readers and the description take, apart from its list of shards.
  private static let fixedByteCount = 32 * blockByteCount
  /// Of a shard in the description, in decimal text.
  private static let listedByteCount = 256

  package let shardCount: Int
  /// Shards that may be on the disk at once.
  package let slots: Int
  /// Shards that one reader needs at once, at most: those that it mixes, and one that is measured meanwhile.
  package let window: Int

  /// `shardByteCount` is that of the largest shard and `noteByteCount` that of what is kept of each when it is
  /// gone, all hook points together.
  package init(
    gigabytes: Double, shardByteCount: Int, noteByteCount: Int, shardCount: Int
  ) throws(StreamBudgetError) {
    let (unit, fixed) = StreamBudget.sizes(shardByteCount, noteByteCount, shardCount)
    window = max(1, min(shardCount, StreamBudget.openShards + 1))
    self.shardCount = shardCount
    let bytes = Int(min(gigabytes * 1e9, 1e18))
    slots = min(max(1, shardCount), max(0, bytes - fixed) / unit)
    guard slots >= window else {
      throw StreamBudgetError(
        gigabytes: gigabytes, shards: window, smallestByteCount: fixed + window * unit)
    }
  }

  /// Bytes of a place, and of all that does not depend on their number.
  private static func sizes(
    _ shardByteCount: Int, _ noteByteCount: Int, _ shardCount: Int
  ) -> (unit: Int, fixed: Int) {
    func blocks(_ count: Int) -> Int { (count + blockByteCount - 1) / blockByteCount }
    let unit = (blocks(shardByteCount) + 1) * blockByteCount + placeByteCount
    let notes = shardCount * (blocks(noteByteCount) * blockByteCount + listedByteCount)
    return (unit, notes + fixedByteCount)
  }

  /// Readers that have their windows at the same time.
  package var seats: Int { max(1, slots / window) }
}

/// A budget that does not hold what is needed at once.
package struct StreamBudgetError: Failure, Equatable {
  private let gigabytes: Double
  private let shards: Int
  private let smallestByteCount: Int

  init(gigabytes: Double, shards: Int, smallestByteCount: Int) {
    self.gigabytes = gigabytes
    self.shards = shards
    self.smallestByteCount = smallestByteCount
  }

  /// The smallest setting that works, in steps of a millionth.
  package var smallestGigabytes: Double { (Double(smallestByteCount) / 1e3).rounded(.up) / 1e6 }

  package var sentence: String {
    "cache.max_disk_gb is \(gigabytes), but training reads up to \(shards) shards at once, which take "
      + "\(smallestGigabytes) GB."
  }

  package var hint: String? {
    "Set it to \(smallestGigabytes) or more, or make shards smaller by cache.buffer_size_gb."
  }
}
