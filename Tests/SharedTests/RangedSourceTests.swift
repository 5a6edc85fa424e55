// Distant bytes are the same through windows, and few requests give them.

import Shared
import Support
import Testing

private let mebibyte = 1 << 20

private func source(_ byteCount: Int) throws -> (tree: MemoryTree, source: any ByteSource) {
  let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 11) }
  let tree = MemoryTree(["a": bytes])
  return (tree, try RangedTree(tree, address: "hf://x").open("a"))
}

@Suite struct RangedSourceTests {
  @Test("Reads of any order are those of the bytes themselves", arguments: [1, 70_000, 300_000])
  func twin(byteCount: Int) throws {
    let (tree, ranged) = try source(byteCount)
    let plain = try tree.open("a")
    let random = Random(seed: 1, stream: "reads")
    for turn in 0..<400 {
      let offset = random.integer(2 * turn, below: byteCount + 5)
      let count = random.integer(2 * turn + 1, below: turn % 3 == 0 ? byteCount + 1 : 5000)
      if turn % 50 == 0 { ranged.expect([offset..<offset + count, 0..<count / 2]) }
      #expect(try ranged.read(at: offset, count: count) == plain.read(at: offset, count: count))
    }
    #expect(ranged.path == "hf://x/a")
    #expect(try ranged.read(at: -1, count: 4) == [])
  }

  @Test("What is expected is fetched in requests of 8 MiB, each once")
  func expected() throws {
    let (tree, ranged) = try source(20 * mebibyte)
    ranged.expect([mebibyte..<17 * mebibyte])
    var position = mebibyte
    while position < 17 * mebibyte {
      position += try ranged.read(at: position, count: 1 << 18).count
    }
    #expect(tree.reads("a") == [8 * mebibyte, 8 * mebibyte])
  }

  @Test("Ranges that nearly touch are one request, others one each")
  func joined() throws {
    let (tree, ranged) = try source(12 * mebibyte)
    let ranges = [0..<mebibyte, mebibyte + 100..<2 * mebibyte, 6 * mebibyte..<7 * mebibyte]
    ranged.expect(ranges)
    for range in ranges { _ = try ranged.read(at: range.lowerBound, count: range.count) }
    #expect(tree.reads("a") == [2 * mebibyte, mebibyte])
  }

  @Test("What is not expected is fetched in windows that grow, and the end at once")
  func growing() throws {
    let (tree, ranged) = try source(9 * mebibyte)
    _ = try ranged.read(at: 9 * mebibyte - 8, count: 8)
    #expect(tree.reads("a") == [1 << 16])
    var position = 0
    while position < mebibyte { position += try ranged.read(at: position, count: 4096).count }
    #expect(tree.reads("a").dropFirst() == [1 << 14, 1 << 16, 1 << 18, 1 << 20])
  }

  @Test("Beginnings and ends of files that are opened again are not read again")
  func ends() throws {
    let bytes = [UInt8](repeating: 7, count: mebibyte)
    let files = MemoryTree(["a": bytes])
    let tree = RangedTree(files, address: "hf://x")
    for _ in 0..<3 {
      let file = try tree.open("a")
      _ = try file.read(at: 0, count: 4)
      _ = try file.read(at: mebibyte - 8, count: 8)
    }
    #expect(files.reads("a").count == 2)
  }
}
