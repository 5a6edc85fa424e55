import Foundation
import Pretokenizer
import Shared
import Support
import Testing

/// Files as pyarrow, datasets, gzip and zstd write them, and what they hold.
enum DataFixtures {
  private static let content: [UInt8] = {
    let path = ProjectFiles.root + "/Tests/Fixtures/data/files.safetensors.zst"
    guard let file = try? MappedFile.open(path) else { return [] }
    return (try? Zstandard.decompress(file.bytes, path: path, limit: 1 << 24)) ?? []
  }()

  private static let header = try? SafetensorsHeader.parse(content.span.raw, path: "files")

  static let names = (header?.tensors.keys.sorted() ?? [])

  static func bytes(_ name: String) -> [UInt8] {
    header?.tensors[name].map { Array(content[$0.range]) } ?? []
  }

  private static func rows(_ key: String) -> [JSON] {
    (try? JSON(parsing: Array((header?.metadata[key] ?? "").utf8)))?.array ?? []
  }

  static let texts = rows("text").compactMap(\.string)
  static func lists(_ key: String) -> [[UInt32]] {
    rows(key).map { ($0.array ?? []).compactMap(\.integer).map { UInt32($0) } }
  }
}

@Suite struct DataFormatsTests {
  @Test func thereAreFiles() {
    #expect(DataFixtures.names.count == 281)
    #expect(DataFixtures.texts.count == 30)
  }

  @Test(arguments: DataFixtures.names)
  func aFileGivesWhatItsWriterPutIn(name: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(DataFixtures.bytes(name), to: name)
    let hasNulls = name.contains("null")
    let sink = try collect(path, skipsInvalid: hasNulls)
    if name.hasPrefix("text") {
      let isSame = sink.texts == DataFixtures.texts
      #expect(isSame, "\(sink.texts)")
    } else {
      let expected = DataFixtures.lists(name.hasPrefix("fixed") ? "fixed" : "tokens")
      let isSame = sink.lists == expected
      #expect(isSame, "\(sink.lists)")
    }
    #expect(sink.problems.count == (hasNulls ? max(sink.texts.count, sink.lists.count) / 2 : 0))
    if hasNulls { #expect(throws: (any Error).self) { try collect(path) } }
  }

  @Test(arguments: ["text-lines.jsonl", "text-returns.ndjson"])
  func linesAreReadOnceHoweverTheFileIsCut(name: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(DataFixtures.bytes(name), to: name)
    for target in [1, 7, 100, 399, 1000] {
      #expect(try collect(path, target: target).texts == DataFixtures.texts)
    }
  }

  @Test func aTextFileIsOneDocumentOrItsLines() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array("\u{FEFF}one\r\n\ntwo\n three".utf8), to: "a.txt")
    #expect(try collect(path).texts == ["one\r\n\ntwo\n three"])
    for target in [1, 4, 100] {
      let lines = try collect(path, textDocuments: .line, target: target)
      #expect(lines.texts == ["one", "", "two", " three"])
    }
  }

  @Test func lonelySurrogatesAreReplacedAndCounted() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array(#"{"text": "a\ud800b\udc00"}"#.utf8), to: "a.jsonl")
    let sink = try collect(path)
    #expect(sink.texts == ["a\u{FFFD}b\u{FFFD}"])
    #expect(sink.replacedCount == 2)
  }

  // MARK: - Refusals

  @Test func documentsBeyondTheLimitAreNamedWithTheirByte() throws {
    let folder = try TemporaryFolder()
    let long = String(repeating: "x", count: 600_000)
    func complaint(_ text: String, _ name: String, _ lines: TextDocuments = .file) throws -> String
    {
      let path = try folder.write(Array(text.utf8), to: name)
      do {
        _ = try collect(path, textDocuments: lines, limit: 500_000)
        return ""
      } catch let failure as any Failure {
        return failure.sentence.replacing(folder.path + "/", with: "")
      }
    }
    #expect(
      try complaint("{\"text\": \"a\"}\n{\"text\": \"\(long)\"}\n", "a.jsonl")
        == "a.jsonl: the document that starts at byte 14 is longer than 500000 bytes.")
    #expect(
      try complaint("[{\"text\": \"a\"}, {\"text\": \"\(long)\"}]", "a.json")
        == "a.json: the document that starts at byte 16 is longer than 500000 bytes.")
    #expect(
      try complaint(long, "a.txt")
        == "a.txt: the document that starts at byte 0 is longer than 500000 bytes.")
    #expect(
      try complaint("a\n" + long, "b.txt", .line)
        == "b.txt: the document that starts at byte 2 is longer than 500000 bytes.")
  }

  @Test func damagedCompressionIsNamedWithItsByte() throws {
    let gzip = DataFixtures.bytes("text-members.jsonl.gz")
    #expect(
      try complaint(Array(gzip[..<100]), name: "a.jsonl.gz")
        == "a.jsonl.gz is cut short: it ends at byte 100.")
    var damaged = gzip
    for index in 60..<90 { damaged[index] = 0xFF }
    #expect(try complaint(damaged, name: "a.jsonl.gz").hasPrefix("a.jsonl.gz is damaged at byte "))
    let frames = DataFixtures.bytes("text-frames.jsonl.zst")
    #expect(
      try complaint(Array(frames[..<60]), name: "a.jsonl.zst")
        == "a.jsonl.zst is cut short: it ends at byte 60.")
    damaged = frames
    for index in 30..<60 { damaged[index] ^= 0x5A }
    #expect(
      try complaint(damaged, name: "a.jsonl.zst").hasPrefix("a.jsonl.zst is damaged at byte "))
  }

  @Test func whatGrowsWithoutEndIsRefused() throws {
    let frame = Zstandard.compress([UInt8](repeating: 0x20, count: 200 << 20).span.raw)
    #expect(
      try complaint(frame, name: "a.jsonl.zst").hasPrefix("a.jsonl.zst is refused at byte "))
  }

  @Test func damagedParquetIsNamed() throws {
    let name = "text-snappy-1.0-PLAIN.parquet"
    let bytes = DataFixtures.bytes(name)
    #expect(
      try complaint(Array(bytes.dropLast(9)), name: "a.parquet")
        == "a.parquet is no Parquet file: it does not start and end with PAR1.")
    var damaged = bytes
    let place = try #require(bytes.firstRange(of: Array("plain".utf8))).lowerBound
    damaged[place] ^= 1
    #expect(try complaint(damaged, name: "a.parquet").hasPrefix("a.parquet is damaged at byte "))
    #expect(
      try complaint(bytes, name: "a.parquet", column: .init(name: "body", content: .text))
        == "a.parquet has no column “body”; it has “before”, “text”, “behind”.")
    #expect(
      try complaint(bytes, name: "a.parquet", column: .init(name: "behind", content: .text))
        == "a.parquet: the column “behind” holds whole numbers where text is needed.")
    #expect(
      try complaint(bytes, name: "a.parquet", column: .init(name: "text", content: .tokens))
        == "a.parquet: the column “text” holds text where lists of token ids are needed.")
    #expect(
      try complaint(DataFixtures.bytes("text-zstd-2.0-dictionary-null.parquet"), name: "a.parquet")
        == "a.parquet, row group 0, row 2: “text” is null or holds a null.")
    #expect(
      try complaint(Array("PARE".utf8) + bytes, name: "a.parquet")
        == "a.parquet is an encrypted file, which is not read.")
  }

  @Test func damagedArrowIsNamed() throws {
    let bytes = DataFixtures.bytes("text-stream.arrow")
    #expect(
      try complaint(Array(bytes[..<1200]), name: "a.arrow").hasPrefix("a.arrow is cut short: "))
    #expect(
      try complaint(bytes, name: "a.arrow", column: .init(name: "body", content: .text))
        == "a.arrow has no column “body”; it has “before”, “text”, “behind”.")
    #expect(
      try complaint(bytes, name: "a.arrow", column: .init(name: "before", content: .text))
        == "a.arrow: the column “before” holds lists where text is needed.")
    #expect(
      try complaint(DataFixtures.bytes("text-stream-null.arrow"), name: "a.arrow")
        == "a.arrow, row 2: “text” is null or holds a null.")
  }

  @Test func brokenArraysAreNamed() throws {
    func words(_ text: String) throws -> String { try complaint(Array(text.utf8), name: "a.json") }
    #expect(
      try words("[{\"text\": \"a\"") == "a.json, byte 2: the element that starts here has no end.")
    #expect(try words("[{\"text\": \"a\"} {}]") == "a.json, byte 16: expected “,” or “]”.")
    #expect(try words("[{\"text\": \"a\"}] x") == "a.json, byte 17: expected the end of the file.")
    #expect(
      try words("[{\"text\": \"a\"}, {\"text\": 3}]")
        == "a.json, element 1: “text” is a number where text is needed.")
    #expect(
      try words("[{\"text\": \"a\"}, 5]") == "a.json, element 1, byte 1: expected an object.")
  }

  @Test func tokensThatAreNoneAreNamed() throws {
    let tokens = ColumnChoice(name: "input_ids", content: .tokens)
    func words(_ text: String) throws -> String {
      try complaint(Array(text.utf8), name: "a.jsonl", column: tokens)
    }
    #expect(
      try words("{\"input_ids\": [1, -2]}")
        == "a.jsonl, line 1: “input_ids” holds what is no token id."
    )
    #expect(
      try words("{\"input_ids\": [1, [2]]}")
        == "a.jsonl, line 1: “input_ids” holds what is no token id.")
    #expect(
      try words("{\"input_ids\": \"1 2\"}")
        == "a.jsonl, line 1: “input_ids” is text where a list of token ids is needed.")
    #expect(
      try words("{\"input_ids\": [1, 2.5]}").hasPrefix("a.jsonl, line 1, byte 19: expected a whole")
    )
  }
}
