// Which shards a stream should hold now. Comes in: what its readers ask for. Leaves: as many shards as there are
// places, the most urgent first. What is on the disk and not among them makes room for what is and is not there.
//
// All windows fit, since there are only so many readers; so every reader goes on, and no two wait for one another.

/// The shards that a reader asks for.
package struct StreamDemand: Sendable, Equatable {
  /// Those that it needs at once, to go on.
  package var window: [Int]
  /// Those after them, in order; a shard may come again.
  package var next: [Int]

  package init(window: [Int] = [], next: [Int] = []) {
    self.window = window
    self.next = next
  }

  package func contains(_ shard: Int) -> Bool { window.contains(shard) || next.contains(shard) }
}

package enum StreamPlan {
  /// The shards that should be on the disk, at most `slots`, the most urgent first.
  ///
  /// `demands` are of readers whose windows fit together, `present` the shards on the disk.
  package static func wanted(
    _ demands: [StreamDemand], present: Set<Int>, slots: Int
  ) -> [Int] {
    let waiting = waiting(demands, reach: slots)
    var list: [Int] = []
    var taken: Set<Int> = []
    func take(_ shard: Int) {
      if list.count < slots, taken.insert(shard).inserted { list.append(shard) }
    }
    for (demand, waits) in zip(demands, waiting) {
      // What a waiting reader has open stays; what it lacks comes in the order of who it waits for.
      for shard in demand.window where !waits || present.contains(shard) { take(shard) }
    }
    let depth = demands.map(\.next.count).max() ?? 0
    for place in 0..<depth where list.count < slots {
      for (demand, waits) in zip(demands, waiting) where !waits && place < demand.next.count {
        take(demand.next[place])
      }
    }
    for (demand, waits) in zip(demands, waiting) where waits { demand.window.forEach(take) }
    return list
  }

  /// Whether each reader waits for one behind it that comes to the same shards soon.
  ///
  /// What both read then is made once. Of two readers one never waits for the other.
  private static func waiting(_ demands: [StreamDemand], reach: Int) -> [Bool] {
    var waits = [Bool](repeating: false, count: demands.count)
    for (index, demand) in demands.enumerated() where !demand.window.isEmpty {
      waits[index] = demands.indices.contains { other in
        let soon = demands[other].next.prefix(reach + demand.window.count)
        return other != index && !waits[other] && demand.window.allSatisfy(soon.contains)
      }
    }
    return waits
  }
}
