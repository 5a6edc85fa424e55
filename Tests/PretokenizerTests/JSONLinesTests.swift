import Pretokenizer
import Shared
import Support
import Testing

private func documents(_ text: String, _ range: Range<Int>? = nil) throws -> [String] {
  let folder = try TemporaryFolder()
  let file = try InputFile(folder.write(Array(text.utf8), to: "x.jsonl"))
  var lines = JSONLines(file, column: "text", limit: 1 << 20)
  var sink = CollectingSink()
  try lines.read(range ?? 0..<file.byteCount, into: &sink)
  return sink.texts
}

private func complaint(_ text: String) throws -> String {
  try complaint(Array(text.utf8), name: "x.jsonl", column: .init(name: "text", content: .text))
}

@Suite struct JSONLinesTests {
  private let sample = """
    {"text": "one"}
    \t
    {"id": [1, {"text": "not this"}], "text": "two \\"quoted\\" \\ud83c\\udf89"}\r

    { "text" : "", "more": null }
    {"text": "old", "text": "last"}
    """

  @Test func theFieldOfEveryLineIsRead() throws {
    #expect(try documents(sample) == ["one", "two \"quoted\" 🎉", "", "last"])
    #expect(try documents("\u{FEFF}{\"text\": \"marked\"}\n") == ["marked"])
    #expect(try documents("") == [])
    #expect(try documents("\n\n") == [])
  }

  @Test("Objects may go on over several lines, or share one")
  func objectsOfSeveralLines() throws {
    let folder = try TemporaryFolder()
    func read(_ text: String) throws -> [String] {
      try collect(folder.write(Array(text.utf8), to: "x.jsonl"), target: 10).texts
    }
    #expect(try read("{\"text\": \"a\",\n \"b\": 1}") == ["a"])
    #expect(
      try read("{\n\"text\": \"a\"\n}\n{\"text\": \"b\"}{\"text\":\n\"c\"}") == ["a", "b", "c"])
    #expect(try read("{\"text\": \"a\"} {\"text\": \"b\"}\n{\"text\": \"c\"}") == ["a", "b", "c"])
    let long = "{\"text\":\n\"" + String(repeating: "x", count: 5000) + "\"}"
    #expect(try read(long + long).map(\.count) == [5000, 5000])
    #expect(
      try complaint("{\n\"text\": \"a\"}\n{\"text\":")
        == "x.jsonl, byte 16: the object that starts here has no end.")
    #expect(
      try complaint("{\n\"text\": \"a\"}\n7\n") == "x.jsonl, object 1, byte 1: expected an object.")
    let second = try complaint("{\"text\": \"a\"} {\"text\": 1 2}")
    #expect(second == "x.jsonl, line 1, byte 26: expected “,” or “}”.")
  }

  @Test("Numbers that Python writes and JSON lacks may stand in other fields")
  func numbersThatAreNone() throws {
    let text = "{\"s\": NaN, \"text\": \"one\"}\n{\"text\": \"two\", \"s\": [-Infinity, Infinity]}"
    #expect(try documents(text) == ["one", "two"])
    #expect(
      try complaint("{\"text\": NaN}")
        == "x.jsonl, line 1: “text” is a number where text is needed.")
    #expect(
      try complaint("{\"s\": nan, \"text\": \"\"}") == "x.jsonl, line 1, byte 7: expected a value.")
  }

  @Test func rangesThatMeetGiveEveryLineOnce() throws {
    let count = sample.utf8.count
    let whole = try documents(sample)
    for cut in 0...count {
      #expect(try documents(sample, 0..<cut) + documents(sample, cut..<count) == whole)
    }
    let ranges = stride(from: 0, to: count, by: 7).map { $0..<min($0 + 7, count) }
    #expect(try ranges.flatMap { try documents(sample, $0) } == whole)
  }

  @Test(arguments: [
    (
      "{\"text\": \"a\"}\n{\"text\": \"b}",
      "x.jsonl, line 2, byte 10: the string that starts here has no end."
    ),
    ("{\"text\": \"a\"\n", "x.jsonl, line 1, byte 13: expected “,” or “}”."),
    ("{\"text\": \"a\"} x", "x.jsonl, line 1, byte 15: expected the end of the line."),
    ("\n5", "x.jsonl, line 2, byte 1: expected an object."),
    ("{\"text\": tru}", "x.jsonl, line 1, byte 10: expected a value."),
    (
      "\n\n{\"body\": \"a\", \"id\": 1}",
      "x.jsonl, line 3: there is no “text”; there is “body”, “id”."
    ),
    ("{}", "x.jsonl, line 1: there is no “text”; the object is empty."),
    ("{\"text\": 12}", "x.jsonl, line 1: “text” is a number where text is needed."),
    ("{\"text\": null}", "x.jsonl, line 1: “text” is null where text is needed."),
    ("{\"text\": [\"a\"]}", "x.jsonl, line 1: “text” is a list where text is needed."),
    ("{\"text\": {}}", "x.jsonl, line 1: “text” is an object where text is needed."),
    ("{\"text\": true}", "x.jsonl, line 1: “text” is true or false where text is needed."),
  ])
  func aBrokenLineIsNamed(text: String, expected: String) throws {
    #expect(try complaint(text) == expected)
  }

  @Test("Lines before a range are counted only for an error that ends the reading")
  func linesOfARange() throws {
    let folder = try TemporaryFolder()
    let text = "{\"text\": \"a\"}\n{\"text\": \"b\"}\n{\"text\": null}\n[\n{\"text\": \"c\"}\n"
    let file = try InputFile(folder.write(Array(text.utf8), to: "x.jsonl"))
    var lines = JSONLines(file, column: "text", limit: 100)
    var sink = CollectingSink(skipsInvalid: true)
    try lines.read(10..<file.byteCount, into: &sink)
    #expect(sink.texts == ["b", "c"])
    #expect(
      sink.problems == [
        "\(file.path), the line at byte 28: “text” is null where text is needed.",
        "\(file.path), the line at byte 43, byte 1: expected an object.",
      ])
    var strict = CollectingSink()
    #expect(
      throws: RecordError.wrongType(
        place: "\(file.path), line 3", column: "text", type: "null", content: .text)
    ) { try lines.read(10..<file.byteCount, into: &strict) }
  }

  @Test("A line beyond the limit is an error of the range that it starts in, not of later ones")
  func aLongLineOfAnotherRange() throws {
    let folder = try TemporaryFolder()
    let long = String(repeating: "x", count: 1000)
    let text = "{\"text\": \"\(long)\"}\n{\"text\": \"b\"}\n"
    let file = try InputFile(folder.write(Array(text.utf8), to: "x.jsonl"))
    var lines = JSONLines(file, column: "text", limit: 100)
    var sink = CollectingSink()
    for range in [200..<300, 900..<file.byteCount] { try lines.read(range, into: &sink) }
    #expect(sink.texts == ["b"])
    #expect(throws: DocumentTooLong(path: file.path, byte: 0, limit: 100)) {
      try lines.read(0..<200, into: &sink)
    }
  }
}
