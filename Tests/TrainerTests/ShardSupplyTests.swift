import Shared
import Support
import Synchronization
import Testing
import Trainer

/// A stream of shards of nothing, and a worker that makes what is most urgent.
private final class SmallStream: Sendable {
  static let shardCount = 30
  static let slots = 12

  let root: TemporaryFolder
  let stream: ActivationStream
  private let made = Mutex<[Int]>([])
  private let isStopped = Atomic<Bool>(false)

  init() throws {
    root = try TemporaryFolder()
    let key = StageKey(stage: .activations, label: "small", settings: .object([:]))
    let shards = (0..<Self.shardCount).map {
      Manifest.Shard(file: ActivationShard.fileName($0), rows: 10, bytes: 4, sha256: "")
    }
    stream = ActivationStream(
      Manifest(key: key, name: "small", tool: "test", shards: shards, details: .object([:])),
      in: StageFolder(path: root.path, stage: .activations, fingerprint: nil), slots: Self.slots,
      seats: 1, targets: nil)
    try System.createDirectories(stream.folder.path)
  }

  /// What was made, in order.
  var list: [Int] { made.withLock { $0 } }

  /// Runs `body` beside the worker.
  func run(_ body: () throws -> Void) throws {
    let worker = try WorkerThread.start { [self] in
      var watch = LeaseWatch()
      while !isStopped.load(ordering: .acquiring) {
        if (try? makeNext(&watch)) != true { System.sleep(seconds: 0.001) }
      }
    }
    defer {
      isStopped.store(true, ordering: .releasing)
      worker.join()
    }
    try body()
  }

  private func makeNext(_ watch: inout LeaseWatch) throws -> Bool {
    let folder = stream.folder
    let demands = try StreamSeat.demands(of: 1, in: folder, &watch)
    let present = try folder.content().present
    let wanted = StreamPlan.wanted(demands, present: present, slots: Self.slots)
    guard let next = wanted.first(where: { !present.contains($0) }) else { return false }
    if present.count == Self.slots {
      guard let gone = present.subtracting(wanted).min() else { return false }
      try folder.remove(gone, &watch)
    }
    guard try folder.takeSlot(for: next, of: Self.slots) else { return false }
    made.withLock { $0.append(next) }
    let note = StreamNote(sha256: "", statistics: ActivationStatistics(dIn: 2))
    try AtomicFile.replace(folder.notePath(next, part: 0), with: note.text)
    try AtomicFile.replace(folder.shardPath(next, part: 0), with: "rows")
    return true
  }
}

@Suite("The shards of a stream")
struct ShardSupplyTests {
  @Test("A pass over all shards leaves those on the disk that the next one begins with")
  func expected() throws {
    let small = try SmallStream()
    let supply = ShardSupply(small.stream)
    let first = [7, 3, 21, 28, 0, 14, 9, 25, 2, 19, 5, 11]
    try small.run {
      supply.expect(first)
      _ = try supply.statistics(part: 0, dIn: 2)
      #expect(small.list.sorted() == Array(0..<SmallStream.shardCount))
      #expect(Set(small.list.suffix(first.count)) == Set(first))
      let pass = supply.pass()
      for shard in first.prefix(8) {
        try pass.wait(for: shard, window: Array(first.prefix(8)), next: { first[8...].prefix($0) })
      }
      #expect(small.list.count == SmallStream.shardCount)
      pass.close()
      supply.leave()
    }
  }

  @Test("What is expected is made at the end of a pass, and no more once nothing is expected")
  func ahead() throws {
    let small = try SmallStream()
    let supply = ShardSupply(small.stream)
    try small.run {
      supply.expect(20..<23)
      let pass = supply.pass()
      try pass.wait(for: 4, window: [4], next: { [5, 6].prefix($0) })
      while small.list.count < 6 { System.sleep(seconds: 0.001) }
      #expect(small.list == [4, 5, 6, 20, 21, 22])
      supply.expect([])
      try pass.wait(for: 20, window: [20], next: { [21].prefix($0) })
      pass.close()
      #expect(supply.stream.folder.isThere(20))
      System.sleep(seconds: 0.05)
      #expect(small.list.count == 6)
      supply.leave()
    }
  }

  @Test("The shards are told in which a number of rows should lie")
  func reach() {
    let places = PairedShards(
      shards: [100, 50, 0, 80, 20].map { CachedShard(path: "", rows: $0) }, dIn: 1)
    #expect(places.end(of: 0, share: 1) == 0)
    #expect(places.end(of: 100, share: 1) == 1)
    #expect(places.end(of: 101, share: 1) == 2)
    #expect(places.end(of: 51, from: 1, share: 1) == 4)
    #expect(places.end(of: 51, share: 0.5) == 2)
    #expect(places.end(of: 1000, share: 1) == 5)
    #expect(places.end(of: 1, share: 0) == 5)
  }

  @Test("A filter knows the share of rows that are held out")
  func share() {
    let filter = RowFilter(heldOut: HeldOut(fraction: 0.25))
    #expect(filter.share(of: .all) == 1)
    #expect(filter.share(of: .trained) == 0.75)
    #expect(filter.share(of: .heldOut) == 0.25)
  }
}
