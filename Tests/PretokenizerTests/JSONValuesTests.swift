import Pretokenizer
import Shared
import Support
import Testing

private func read(_ bytes: [UInt8], limit: Int = 1000) throws -> [String] {
  let folder = try TemporaryFolder()
  let file = try InputFile(folder.write(bytes, to: "a.json"))
  var array = JSONValues(file, column: "text", limit: limit)
  var sink = CollectingSink()
  try array.read(into: &sink)
  return sink.texts
}

@Suite struct JSONValuesTests {
  @Test("Brackets, quotes and escapes in strings end no element")
  func elements() throws {
    let text = #" [ {"text": "a]}\\\"\\", "more": [[1], {"b": "]"}]} , {"text":"\u005d"} ] "#
    #expect(try read(Array(text.utf8)) == [#"a]}\"\"#, "]"])
    #expect(try read([0xEF, 0xBB, 0xBF] + Array("[]".utf8)) == [])
  }

  @Test("Elements may be texts or lists of ids by themselves")
  func bareElements() throws {
    #expect(try read(Array(#" ["a", "b\n{" , "]"] "#.utf8)) == ["a", "b\n{", "]"])
    let folder = try TemporaryFolder()
    let path = try folder.write(Array("[[1, 2], [], [3]]".utf8), to: "a.json")
    #expect(try collect(path).lists == [[1, 2], [], [3]])
    func words(_ text: String) throws -> String { try complaint(Array(text.utf8), name: "a.json") }
    #expect(
      try words(#"["a", {"text": "b"}]"#) == "a.json, element 1, byte 1: an object among texts.")
    #expect(
      try words(#"["a", null]"#) == "a.json, element 1: “text” is null where text is needed.")
    #expect(
      try complaint(
        Array(#"["a"]"#.utf8), name: "a.json", column: .init(name: "body", content: .text))
        == "a.json, element 0: there is no “body”; there is “text”.")
  }

  @Test(
    "A start that is no array is refused", arguments: [[], [0xEF], [0xEF, 0xBB], [0x20, 0xEF]])
  func noArray(_ bytes: [UInt8]) throws {
    #expect(throws: RecordError.self) { try read(bytes) }
  }

  @Test(
    "A bracket that closes nothing is passed over like any other record", arguments: ["}", "]"])
  func closesNothing(bracket: String) throws {
    let folder = try TemporaryFolder()
    let text = "{\"text\":\n\"a\"}\n\(bracket)\n{\"text\": \"b\"}\n"
    let path = try folder.write(Array(text.utf8), to: "a.json")
    let sink = try collect(path, skipsInvalid: true)
    #expect(sink.texts == ["a", "b"])
    #expect(sink.problems.count == 1)
    #expect(try complaint(Array(text.utf8), name: "a.json").hasPrefix("a.json, object 1, byte 1: "))
  }

  @Test("An element beyond the limit is refused wherever it ends")
  func limit() throws {
    let long = String(repeating: "x", count: 2000)
    for text in ["[{\"text\": \"\(long)\"}]", "[{\"text\": \"\(long)", "[\"\(long)"] {
      #expect(throws: (any Error).self) { try read(Array(text.utf8)) }
    }
  }
}
