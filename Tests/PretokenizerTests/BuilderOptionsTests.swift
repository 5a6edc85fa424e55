// What a card tells the readers of files: the words of errors, files that are cut into blocks, and files that are
// compressed. That options mean what they mean for datasets is held by DataSetGoldenTests.

import Foundation
import Pretokenizer
import Shared
import Support
import Testing

@Suite struct BuilderOptionsTests {
  private func read(
    _ name: String, _ content: [UInt8], _ options: String, target: Int = 1 << 20
  ) throws -> [String] {
    let folder = try TemporaryFolder()
    try folder.write(content, to: name)
    let card = "---\nconfigs:\n- config_name: x\n  data_files: \(name)\n  \(options)\n---\n"
    try folder.write(Array(card.utf8), to: "README.md")
    var settings = PretokenizeSettings()
    settings.datasetPath = folder.path
    var sink = CollectingSink()
    do {
      let text = try DataSet.find(settings)
      let rules = try ReadingRules(settings, text)
      for block in try InputBlock.cut(text, rules, targetByteCount: target) {
        for piece in block.pieces { try piece.read(rules, into: &sink) }
      }
    } catch let failure as any Failure {
      return [failure.sentence.replacing(folder.path, with: "D"), failure.hint ?? ""]
    }
    return sink.texts
  }

  private func read(
    _ name: String, _ content: String, _ options: String, target: Int = 1 << 20
  ) throws -> [String] {
    try read(name, Array(content.utf8), options, target: target)
  }

  @Test("Lines keep their ends wherever a file is cut")
  func keptLines() throws {
    let text = "one\r\n\r\ntwo\rthree\r\r\nfour\n\nfive\r"
    let expected = ["one\n", "\n", "two\n", "three\n", "\n", "four\n", "\n", "five\n"]
    for target in [1, 2, 5, 100] {
      #expect(try read("a.txt", text, "keep_linebreaks: true", target: target) == expected)
    }
    #expect(try read("a.txt", "one\ntwo", "keep_linebreaks: true", target: 2) == ["one\n", "two"])
    #expect(try read("a.txt", "", "keep_linebreaks: true") == [])
  }

  @Test("A document of which the card speaks has line feeds alone")
  func documents() throws {
    #expect(try read("a.txt", "a\r\n\r\rb\n\r\nc\r", "sample_by: document") == ["a\n\n\nb\n\nc\n"])
    #expect(try read("a.txt", "a\nb", "sample_by: document") == ["a\nb"])
  }

  @Test("A field is found in a file of any size, compressed too")
  func fields() throws {
    let long = String(repeating: #"{"text": "]}\"", "n": [1, {}]}, "#, count: 40_000)
    let text = #"{"no": [\#(long) {}], "data": [{"text": "a"}, {"text": "b"}], "end": "]"}"#
    #expect(try read("a.json", text, "field: data") == ["a", "b"])
    let packed = Zstandard.compress(Array(text.utf8).span.raw)
    #expect(try read("a.json.zst", packed, "field: data") == ["a", "b"])
    let columns = #"{"data": {"n": [1, 2], "text": ["a", "b"]}}"#
    #expect(
      try read("a.json.zst", Zstandard.compress(Array(columns.utf8).span.raw), "field: data")
        == ["a", "b"])
  }

  @Test("A file without such a field is refused with the fields that it has")
  func missingFields() throws {
    let repair = "Set the field in the README.md beside the file to one with records."
    let whole = "Every record must be one whole JSON object; skip_invalid passes over others."
    for (text, words, hint) in [
      (#"{"a": 1, "b": []}"#, "D/a.json: there is no field “data”; there is “a”, “b”.", repair),
      ("{}", "D/a.json: there is no field “data”.", repair),
      (
        #"{"data": "x"}"#,
        "D/a.json: the field “data” holds neither a list of records nor lists by column.", repair
      ),
      (
        #"{"data": {"text": 1}}"#,
        "D/a.json: the field “data” holds neither a list of records nor lists by column.", repair
      ),
      (
        #"{"data": {"n": [1]}}"#, "D/a.json: there is no field “data.text”; there is “n”.", repair
      ),
      (#"{"data": []} {}"#, "D/a.json, byte 14: expected the end of the file.", whole),
      (#"{"data": ["x""#, "D/a.json, byte 14: a value has no end.", whole),
      (#"{"da"#, "D/a.json, byte 5: a text has no end.", whole),
      (#"["#, "D/a.json, byte 1: expected “{”.", whole),
      (#"{"data" []}"#, "D/a.json, byte 9: expected “:”.", whole),
      (#"{"data": [] "x"}"#, "D/a.json, byte 13: expected “,” or “}”.", whole),
      (#"{1: []}"#, "D/a.json, byte 2: expected a name.", whole),
    ] {
      #expect(try read("a.json", text, "field: data") == [words, hint])
    }
  }

  @Test("More names than a record has fields are refused where a header says otherwise")
  func tooManyNames() throws {
    #expect(
      try read("a.csv", "a,b\n1,2\n", "header: 0\n  names: [x, text, y]") == [
        "D/a.csv: 3 columns are named, and a record has 2 fields.",
        "Repair the names in the README.md beside the file.",
      ])
  }

  /// The Parquet file of a case.
  private func parquet(_ label: String) throws -> [UInt8] {
    let path = ProjectFiles.root + "/Tests/Fixtures/datasets/folders.json"
    let cases = try JSON(parsing: MappedFile.contents(path)).array ?? []
    let item = cases.first { $0["label"]?.string == label }
    let base64 = item?["files"]?["a.parquet"]?["base64"]?.string ?? ""
    return [UInt8](try #require(Data(base64Encoded: base64)))
  }

  @Test("Pages in other compressions are refused with what writes them again")
  func compressions() throws {
    for (label, name) in [("parquet of brotli", "Brotli"), ("parquet of lz4", "LZ4")] {
      #expect(
        try read("a.parquet", parquet(label), "columns: null") == [
          "D/a.parquet has, at byte 4, pages compressed with \(name), which is not supported.",
          "Write it again with pyarrow, compressed with Snappy, gzip or zstd.",
        ])
    }
    #expect(try read("a.parquet", parquet("parquet of zstd"), "columns: null") == ["a", "b"])
  }

  @Test("Columns that a card lists must be there, and others are not")
  func columns() throws {
    let bytes = try parquet("option parquet columns")
    let hint = "Set pretokenize.column_name to another column."
    #expect(
      try read("a.parquet", bytes, "columns: [n]") == [
        "D/a.parquet has no column “text”; it has “n”.", hint,
      ])
    #expect(
      try read("a.parquet", bytes, "columns: [text, x]")
        == ["D/a.parquet has no column “x”; it has “text”, “n”.", hint])
  }
}
