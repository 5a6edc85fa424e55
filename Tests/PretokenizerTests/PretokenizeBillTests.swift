import Pretokenizer
import Shared
import Support
import Testing

@Suite struct PretokenizeBillTests {
  private let bill = PretokenizeBill(
    DataSet(files: [DataFile(path: "a", kind: .text, byteCount: 4_000_000)]), contextSize: 128,
    vocabularySize: 50257)

  @Test func theBillIsATable() {
    #expect(
      bill.bill().table.text() == """
        tokens: the bill
          tokens      1.0 M
          text        4.0 MB in 1 file
          sequences   7.8 k of 128
          shards      2.0 MB before compression
          disk        4.0 MB
          memory      unknown
          operations  unknown
          time        unknown
        """)
    #expect(
      bill.bill().json.canonical
        == #"{"disk_bytes":4000000,"finished":false,"memory_bytes":null,"missing":[],"#
        + #""operations":null,"seconds":null,"seconds_by_part":{},"sequences":7812,"#
        + #""shard_bytes":2000000,"stage":"tokens","text_bytes":4000000,"tokens":1000000}"#)
  }

  @Test func aSampleOfTheTextTellsTokensAndTime() {
    let sampled = PretokenizeBill(
      DataSet(files: [DataFile(path: "a", kind: .text, byteCount: 64 << 20)]), contextSize: 128,
      vocabularySize: 50257, rates: TextRates(tokensPerByte: 0.5, secondsPerByte: 1e-7),
      digestBytesPerSecond: 1e9, threads: 2)
    #expect(sampled.tokenCount == 32 << 20)
    #expect(sampled.parts.map(\.name) == ["identity", "tokenize"])
    #expect(abs(sampled.parts[1].seconds - 3.355) < 0.01)
    let small = PretokenizeBill(
      DataSet(files: [DataFile(path: "a", kind: .text, byteCount: 1 << 20)]), contextSize: 128,
      vocabularySize: 50257, rates: TextRates(tokensPerByte: 0.5, secondsPerByte: 1e-7),
      threads: 64)
    // One block is one thread's.
    #expect(abs(small.parts[1].seconds - 0.105) < 0.001)
  }

  @Test func textThatIsNotHereIsEstimatedByWhatTheCacherNeeds() {
    let absent = PretokenizeBill(tokenCount: 2_000_000, contextSize: 100)
    #expect(absent.bill().json["text_bytes"] == nil)
    #expect(absent.bill().json["sequences"] == .integer(20_000))
  }

  @Test func compressedTextIsExpectedToGrow() {
    func tokens(_ kind: DataFile.Kind, _ compression: DataFile.Compression) -> JSON? {
      let file = DataFile(path: "a", kind: kind, compression: compression, byteCount: 1000)
      return PretokenizeBill(DataSet(files: [file]), contextSize: 128, vocabularySize: 50257)
        .bill().json["tokens"]
    }
    #expect(tokens(.jsonLines, .none) == .integer(250))
    #expect(tokens(.jsonLines, .gzip) == .integer(1000))
    #expect(tokens(.parquet, .none) == .integer(750))
  }

  @Test func aSliceIsBilledByItsShareOrByTheSizeOfItsFirstRows() throws {
    let folder = try TemporaryFolder()
    let line = "{\"text\": \"\(String(repeating: "x", count: 80))\"}\n"
    try folder.write(Array(String(repeating: line, count: 1000).utf8), to: "a.jsonl")
    func tokens(_ split: String) throws -> JSON? {
      var settings = PretokenizeSettings()
      (settings.datasetPath, settings.split) = (folder.path, split)
      let text = try DataSet.find(settings)
      return PretokenizeBill(
        text, try ReadingRules(settings, text), contextSize: 128, vocabularySize: 50257
      ).bill().json["tokens"]
    }
    #expect(try tokens("train") == .integer(23_250))
    #expect(try tokens("train[:10%]") == .integer(2325))
    #expect(try tokens("train[:10]") == .integer(201))
    #expect(try tokens("train[-20:-10]+train[:-5]") == .integer(23_451))
  }

  @Test func aDiskThatIsTooSmallIsRefused() throws {
    try DiskSpace.require(1, at: "./no/such/folder")
    #expect(throws: DiskSpaceError.self) {
      try DiskSpace.require(.max, at: "./no/such/folder")
    }
    #expect(
      DiskSpaceError(path: "S", needed: 4_000_000, free: 3_000_000).sentence
        == "The disk of S is too small: 4.0 MB are needed and 3.0 MB are free.")
  }
}
