import Pretokenizer
import Shared
import Support
import Testing

/// Lines with their places.
private func lines(
  _ text: String, pieceByteCount: Int = 1 << 18, limit: Int = 1000, from offset: Int = 0,
  skipping end: Int? = nil
) throws -> [String] {
  let folder = try TemporaryFolder()
  let file = try InputFile(folder.write(Array(text.utf8), to: "x"))
  let stream = ByteStream(file, .none, from: offset, pieceByteCount: pieceByteCount)
  var lines = LineReader(stream, at: offset, limit: limit)
  if let end { try lines.skipLine(before: end) } else { try lines.skipMark() }
  var found: [String] = []
  while true {
    let place = lines.offset
    let line = try lines.next { String(decoding: [UInt8](copying: $0), as: UTF8.self) }
    guard let line else { return found }
    found.append("\(place) \(line)")
  }
}

@Suite struct LineReaderTests {
  private static let text = "\u{FEFF}one\n\n\ntwo, which is longer\r\nand the end"

  @Test("Lines and their places do not depend on where the input is cut", arguments: 1..<40)
  func pieces(_ pieceByteCount: Int) throws {
    #expect(
      try lines(Self.text, pieceByteCount: pieceByteCount)
        == ["3 one", "7 ", "8 ", "9 two, which is longer\r", "31 and the end"])
  }

  @Test("Every start gives the lines that start behind it")
  func starts() throws {
    let whole = try lines("ab\n\ncdef\ng")
    for start in 1...10 {
      let rest = try lines("ab\n\ncdef\ng", from: start - 1, skipping: 11)
      let expected = whole.filter { Int($0.prefix { $0 != " " }) ?? 0 >= start }
      #expect(rest == expected, "\(start)")
    }
  }

  @Test(
    "A line beyond the limit is named by its start, and passed over by whoever did not start it")
  func longLine() throws {
    let text = "a\n" + String(repeating: "x", count: 200) + "\nb"
    for pieceByteCount in [1, 7, 1000] {
      do {
        _ = try lines(text, pieceByteCount: pieceByteCount, limit: 100)
        Issue.record("the line was read")
      } catch let problem as DocumentTooLong {
        #expect(problem.byte == 2)
        #expect(problem.sentence.hasSuffix(" starts at byte 2 is longer than 100 bytes."))
        #expect(problem.hint?.contains("pretokenize.document_megabytes") == true)
      }
      let rest = try lines(
        text, pieceByteCount: pieceByteCount, limit: 100, from: 50, skipping: 300)
      #expect(rest == ["203 b"])
    }
  }

  @Test("Nothing is read behind the end of what is passed over")
  func boundedSkip() throws {
    let folder = try TemporaryFolder()
    let file = try InputFile(folder.write([UInt8](repeating: 0x78, count: 10_000), to: "x"))
    var lines = LineReader(ByteStream(file, .none, pieceByteCount: 10), limit: 5)
    try lines.skipLine(before: 100)
    #expect(lines.offset == 100)
  }
}
