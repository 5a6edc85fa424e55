import Pretokenizer
import Shared
import Support
import Testing

@Suite struct TextFilesTests {
  @Test("Lines end in a line feed, a carriage return or both, as for Hugging Face's text")
  func lineEnds() throws {
    let folder = try TemporaryFolder()
    let text = "one\r\n\r\ntwo\rthree\r\r\nfour\n\nfive\r"
    let path = try folder.write(Array(text.utf8), to: "a.txt")
    let expected = ["one", "", "two", "three", "", "four", "", "five"]
    for target in [1, 2, 5, 100] {
      #expect(try collect(path, textDocuments: .line, target: target).texts == expected)
    }
    #expect(try collect(path).texts == [text])
  }

  @Test("Paragraphs are what stands between empty lines")
  func paragraphs() throws {
    let folder = try TemporaryFolder()
    func read(_ text: String) throws -> [String] {
      let path = try folder.write(Array(text.utf8), to: "a.txt")
      return try collect(path, textDocuments: .paragraph, target: 3).texts
    }
    #expect(try read("one\r\ntwo\n\nthree\n\n\n\nfour\n") == ["one\ntwo", "three", "four\n"])
    #expect(try read("\n\nx") == ["x"])
    #expect(try read("a\n\n\nb") == ["a", "\nb"])
    #expect(try read("") == [])
  }

  @Test("An empty file is one empty document, or no line")
  func empty() throws {
    let folder = try TemporaryFolder()
    let file = try InputFile(folder.write([], to: "a.txt"))
    var whole = CollectingSink()
    try TextFile(file, limit: 10).readWhole(into: &whole)
    #expect(whole.texts == [""])
    var lines = CollectingSink()
    try TextFile(file, limit: 10).readLines(0..<0, into: &lines)
    #expect(lines.texts == [])
  }
}
