import Shared
import Support
import Testing

@Suite("The plan of a stream")
struct StreamPlanTests {
  @Test("The places of a budget hold no more than the budget, and as many as fit")
  func places() throws {
    for shard in [1_000, 70_000, 4_096_000] {
      for gigabytes in [0.05, 0.2, 1.7] {
        guard
          let budget = try? StreamBudget(
            gigabytes: gigabytes, shardByteCount: shard, noteByteCount: 900, shardCount: 500)
        else { continue }
        let whole = Double(budget.slots * shard + 500 * 900)
        #expect(whole <= gigabytes * 1e9)
        let isAll = budget.slots == 500
        #expect(isAll || whole + Double(budget.slots * 40_000 + shard) + 3e6 > gigabytes * 1e9)
        #expect(budget.window == 9)
        #expect(budget.seats == budget.slots / 9)
      }
    }
  }

  @Test("The smallest budget is named, and works")
  func smallest() throws {
    func budget(_ gigabytes: Double, shards: Int = 40) throws(StreamBudgetError) -> StreamBudget {
      try StreamBudget(
        gigabytes: gigabytes, shardByteCount: 1_000_000, noteByteCount: 500, shardCount: shards)
    }
    let error = #expect(throws: StreamBudgetError.self) { try budget(0.001) }
    #expect(
      error?.sentence
        == "cache.max_disk_gb is 0.001, but training reads up to 9 shards at once, which take 0.009522 GB."
    )
    #expect(
      error?.hint
        == "Set it to 0.009522 or more, or make shards smaller by cache.buffer_size_gb.")
    let smallest = try #require(error?.smallestGigabytes)
    #expect(try budget(smallest).slots == 9)
    #expect(throws: StreamBudgetError.self) { try budget(smallest - 2e-6) }
    #expect(try budget(1).slots == 40)
    #expect(try budget(smallest, shards: 3).window == 3)
  }

  @Test("One reader gets its window, then what comes next, and nothing twice")
  func oneReader() {
    let demand = StreamDemand(window: [5, 1, 7], next: [2, 0, 3, 5, 1, 4])
    #expect(StreamPlan.wanted([demand], present: [], slots: 5) == [5, 1, 7, 2, 0])
    #expect(
      StreamPlan.wanted([demand], present: [3], slots: 20) == [5, 1, 7, 2, 0, 3, 4])
    #expect(StreamPlan.wanted([], present: [3], slots: 20).isEmpty)
  }

  @Test("Two readers of different orders both have their windows")
  func twoOrders() {
    let demands = [
      StreamDemand(window: [0, 1], next: [2, 3, 4]),
      StreamDemand(window: [8, 9], next: [7, 6, 5]),
    ]
    #expect(StreamPlan.wanted(demands, present: [], slots: 6) == [0, 1, 8, 9, 2, 7])
  }

  @Test("A reader that is ahead waits for the one behind, but keeps what it has open")
  func ahead() {
    let demands = [
      StreamDemand(window: [4, 5], next: [6, 7]),
      StreamDemand(window: [0, 1], next: [2, 3, 4, 5, 6, 7]),
    ]
    #expect(StreamPlan.wanted(demands, present: [4, 5], slots: 5) == [4, 5, 0, 1, 2])
    #expect(StreamPlan.wanted(demands, present: [0, 1], slots: 4) == [0, 1, 2, 3])
    #expect(StreamPlan.wanted(demands, present: [0, 1], slots: 6) == [0, 1, 2, 3, 4, 5])
  }

  /// Readers at their own paces over one disk, with a worker that makes what is most urgent.
  @Test(
    "Every reader comes to its end, whatever the paces, and the disk never holds more than its places",
    arguments: 0..<60)
  func simulated(seed: Int) {
    let draw = Random(seed: seed, stream: "simulation")
    let (shards, group) = (12 + draw.integer(0, below: 30), 1 + draw.integer(1, below: 4))
    let readers = 1 + draw.integer(2, below: 3)
    let slots = readers * group + draw.integer(3, below: 6)
    var lists = (0..<readers).map { reader in
      let order = draw.integer(4, below: 2) == 0 ? 0 : reader
      return (0..<2).flatMap { epoch in
        Random(seed: order, stream: "order", index: epoch).permutation(shards).map { Int($0) }
      }
    }
    var present: Set<Int> = []
    for turn in 0..<100_000 where lists.contains(where: { !$0.isEmpty }) {
      let demands = lists.map {
        StreamDemand(
          window: Array($0.prefix(group)), next: Array($0.dropFirst(group).prefix(slots)))
      }
      let who = draw.integer(10 + turn, below: readers + 2)
      if who < readers {
        let window = demands[who].window
        guard !window.isEmpty, present.isSuperset(of: window) else { continue }
        lists[who].removeFirst(window.count)
      } else {
        let wanted = StreamPlan.wanted(
          demands.filter { !$0.window.isEmpty }, present: present, slots: slots)
        #expect(wanted.count <= slots && Set(wanted).count == wanted.count)
        guard let next = wanted.first(where: { !present.contains($0) }) else { continue }
        if present.count == slots, let gone = present.subtracting(wanted).min() {
          present.remove(gone)
        }
        #expect(present.count < slots)
        present.insert(next)
      }
    }
    #expect(lists.allSatisfy { $0.isEmpty }, "seed \(seed)")
  }

  @Test("Runs of different hook points do not share a stream")
  func severalHooks() throws {
    try StreamRefusal.check([["a"], ["a"]])
    let error = #expect(throws: StreamRefusal.self) {
      try StreamRefusal.check([["a"], ["b", "c"]])
    }
    #expect(
      error?.sentence
        == "The runs of train.sweep read different hook points (a, b, c), of which cache.max_disk_gb "
        + "streams only those of one run.")
    #expect(
      error?.hint == "Give each hook point a pipeline file, or leave cache.max_disk_gb out.")
    #expect(
      StreamRefusal.notCached(hook: "h").sentence
        == "cache.max_disk_gb streams what training reads, but the section cache does not take h.")
    #expect(
      StreamRefusal.notCached(hook: "h").hint
        == "Add it to cache.hook_names, or leave cache.max_disk_gb out.")
  }
}
