import Pretokenizer
import Shared
import Support
import Testing

private let content = DataFixtures.bytes("text-lines.jsonl")
/// Two members and padding.
private let file = DataFixtures.bytes("text-members.jsonl.gz")
private let members = Array(file.dropLast(20))

private func decompress(_ bytes: [UInt8], _ byteCount: Int) throws -> [UInt8] {
  try Gzip.decompress(bytes.span.raw, byteCount: byteCount, path: "x")
}

@Suite struct GzipTests {
  @Test("Members one behind the other give their content")
  func contents() throws {
    #expect(try decompress(members, content.count) == content)
    // The same bytes as a zlib stream: header, one stored block of "abc", Adler-32.
    let zlib: [UInt8] = [
      0x78, 0x01, 1, 3, 0, 0xFC, 0xFF, 0x61, 0x62, 0x63, 0x02, 0x4D, 0x01, 0x27,
    ]
    #expect(try decompress(zlib, 3) == Array("abc".utf8))
  }

  @Test("Another size than the stated one is refused", arguments: [-1, 0, 1, -2_000_000])
  func sizes(_ difference: Int) throws {
    let stated = difference == 0 ? .max : content.count + difference
    let problem = CompressionError.wrongSize(path: "x", stated: stated)
    #expect(throws: problem) { try decompress(members, stated) }
    #expect(
      problem.sentence
        == "x is damaged: a part does not hold the \(stated) bytes that it states.")
  }

  @Test("Bytes that are no member are refused with their place")
  func trailing() throws {
    #expect(throws: CompressionError.self) {
      try decompress(members + [1, 2, 3, 4], content.count)
    }
    #expect(throws: CompressionError.wrongSize(path: "x", stated: 3)) { try decompress([], 3) }
    #expect(throws: CompressionError.wrongSize(path: "x", stated: content.count)) {
      try decompress(Array(members.dropLast(3)), content.count)
    }
  }
}
