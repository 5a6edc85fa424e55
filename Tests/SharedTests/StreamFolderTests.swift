import Shared
import Support
import Testing

@Suite("The folder of a stream")
struct StreamFolderTests {
  private func touch(_ path: String) throws { try AtomicFile.replace(path, with: "rows") }

  @Test("A place is taken once for a shard, and there are no more than there are")
  func places() throws {
    let root = try TemporaryFolder()
    let folder = StreamFolder(path: root.path, partCount: 1)
    #expect(try folder.takeSlot(for: 4, of: 2))
    #expect(try folder.takeSlot(for: 4, of: 2))
    #expect(try folder.takeSlot(for: 9, of: 2))
    #expect(try !folder.takeSlot(for: 1, of: 2))
    #expect(try folder.content().slots == [0: 4, 1: 9])
    #expect(try folder.content().present.isEmpty)
  }

  @Test("A shard is there with the files of all hook points, and goes with its place")
  func removal() throws {
    let root = try TemporaryFolder()
    let folder = StreamFolder(path: root.path, partCount: 2)
    var watch = LeaseWatch()
    #expect(try folder.takeSlot(for: 4, of: 3))
    try touch(folder.shardPath(4, part: 1))
    #expect(try folder.content().present.isEmpty)
    try touch(folder.shardPath(4, part: 0))
    #expect(folder.isThere(4))
    try folder.remove(4, &watch) { true }
    #expect(folder.isThere(4))
    try folder.remove(4, &watch)
    #expect(try System.list(folder.path).isEmpty)
  }

  @Test("What a worker is making is not removed")
  func leased() throws {
    let root = try TemporaryFolder()
    let folder = StreamFolder(path: root.path, partCount: 1)
    var watch = LeaseWatch()
    #expect(try folder.takeSlot(for: 4, of: 3))
    let lease = try #require(try Lease.claim(folder.leasePath(4)))
    try touch(folder.shardPath(4, part: 0))
    try folder.remove(4, &watch)
    #expect(folder.isThere(4))
    lease.release()
    try folder.remove(4, &watch)
    #expect(!folder.isThere(4))
  }

  @Test("Tidying frees places without shards, shards without places and places beyond the budget")
  func tidying() throws {
    let root = try TemporaryFolder()
    let folder = StreamFolder(path: root.path, partCount: 1)
    var watch = LeaseWatch()
    for shard in 0..<4 { #expect(try folder.takeSlot(for: shard, of: 4)) }
    for shard in [0, 1, 3, 7] { try touch(folder.shardPath(shard, part: 0)) }
    try folder.tidy(slots: 3, &watch)
    #expect(try folder.content().slots == [0: 0, 1: 1])
    #expect(try folder.content().present == [0, 1])
  }

  @Test("Readers have seats while they live, and say what they ask for")
  func seats() throws {
    let root = try TemporaryFolder()
    let folder = StreamFolder(path: root.path, partCount: 1)
    var watch = LeaseWatch()
    let first = try #require(try StreamSeat.take(of: 2, in: folder, &watch))
    let second = try #require(try StreamSeat.take(of: 2, in: folder, &watch))
    #expect(try StreamSeat.take(of: 2, in: folder, &watch) == nil)
    let demand = StreamDemand(window: [3, 1], next: [2])
    try second.ask(for: demand)
    #expect(try StreamSeat.demands(of: 2, in: folder, &watch) == [StreamDemand(), demand])
    first.leave()
    #expect(try StreamSeat.demands(of: 2, in: folder, &watch) == [demand])
    #expect(try StreamSeat.take(of: 2, in: folder, &watch) != nil)
    second.leave()
  }

  @Test(
    "A demand that is damaged is none",
    arguments: [
      "", "{", "{}", #"{"window":[1]}"#, #"{"next":[],"window":[-1]}"#,
      #"{"next":["a"],"window":[]}"#,
    ])
  func damaged(text: String) {
    #expect(StreamDemand(parsing: Array(text.utf8)) == nil)
  }

  @Test("A note reads back to the same sums, and a damaged one is none")
  func notes() throws {
    let root = try TemporaryFolder()
    var sums = ActivationStatistics(dIn: 2)
    let values: [Float] = [0.1, -2, 3, 1e-20]
    sums.add(values.span)
    let note = StreamNote(sha256: "abc", statistics: sums)
    #expect(note.text.utf8.count <= StreamNote.byteCount(dIn: 2))
    try AtomicFile.replace(root.file("note"), with: note.text)
    #expect(try StreamNote.read(root.file("note"), dIn: 2) == note)
    #expect(try StreamNote.read(root.file("note"), dIn: 3) == nil)
    #expect(try StreamNote.read(root.file("none"), dIn: 2) == nil)
    try AtomicFile.replace(root.file("note"), with: String(note.text.dropLast(3)))
    #expect(try StreamNote.read(root.file("note"), dIn: 2) == nil)
  }
}
