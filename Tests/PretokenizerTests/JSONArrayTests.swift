import Pretokenizer
import Shared
import Support
import Testing

private func read(_ bytes: [UInt8], limit: Int = 1000) throws -> [String] {
  let folder = try TemporaryFolder()
  let file = try InputFile(folder.write(bytes, to: "a.json"))
  var array = JSONArray(file, column: "text", limit: limit)
  var sink = CollectingSink()
  try array.read(into: &sink)
  return sink.texts
}

@Suite struct JSONArrayTests {
  @Test("Brackets, quotes and escapes in strings end no element")
  func elements() throws {
    let text = #" [ {"text": "a]}\\\"\\", "more": [[1], {"b": "]"}]} , {"text":"\u005d"} ] "#
    #expect(try read(Array(text.utf8)) == [#"a]}\"\"#, "]"])
    #expect(try read([0xEF, 0xBB, 0xBF] + Array("[]".utf8)) == [])
  }

  @Test(
    "A start that is no array is refused", arguments: [[], [0xEF], [0xEF, 0xBB], [0x20, 0xEF]])
  func noArray(_ bytes: [UInt8]) throws {
    #expect(throws: RecordError.self) { try read(bytes) }
  }

  @Test("An element beyond the limit is refused wherever it ends")
  func limit() throws {
    let long = String(repeating: "x", count: 2000)
    for text in ["[{\"text\": \"\(long)\"}]", "[{\"text\": \"\(long)", "[\"\(long)"] {
      #expect(throws: (any Error).self) { try read(Array(text.utf8)) }
    }
  }
}
