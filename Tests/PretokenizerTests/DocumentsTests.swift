import Pretokenizer
import Shared
import Support
import Testing

private func rules(_ textDocuments: TextDocuments = .file, limit: Int = 1 << 20) -> ReadingRules {
  ReadingRules(
    column: ColumnChoice(name: "text", content: .text), textDocuments: textDocuments,
    documentByteCount: limit)
}

private func read(_ blocks: [InputBlock], _ rules: ReadingRules) throws -> CollectingSink {
  var sink = CollectingSink(skipsInvalid: true)
  for block in blocks { for piece in block.pieces { try piece.read(rules, into: &sink) } }
  return sink
}

@Suite struct DocumentsTests {
  @Test("Files of lines are cut, small files are joined")
  func largeFilesAreCutAndSmallOnesJoined() throws {
    func file(_ name: String, _ kind: DataFile.Kind, _ size: Int) -> DataFile {
      DataFile(path: name, kind: kind, byteCount: size)
    }
    func cut(_ files: [DataFile], _ textDocuments: TextDocuments = .file) throws -> [[String]] {
      try InputBlock.cut(files, rules(textDocuments), targetByteCount: 100).map {
        $0.pieces.map { "\($0.file.path)\($0.range)" }
      }
    }
    let files = [
      file("a", .jsonLines, 250), file("b", .text, 300), file("c", .text, 40),
      file("d", .text, 50), file("e", .jsonLines, 0), file("f", .jsonLines, 20),
    ]
    #expect(
      try cut(files) == [
        ["a0..<100"], ["a100..<200"], ["a200..<250"], ["b0..<300"], ["c0..<40", "d0..<50"],
        ["f0..<20"],
      ])
    #expect(
      try cut([file("b", .text, 210)], .line) == [["b0..<100"], ["b100..<200"], ["b200..<210"]])
  }

  @Test("Every line of a text file is a document where that is asked for, cut anywhere")
  func lines() throws {
    let folder = try TemporaryFolder()
    let text = "one\n\nthree is long\nfour"
    let path = try folder.write(Array(text.utf8), to: "a.txt")
    let file = DataFile(path: path, kind: .text, byteCount: text.utf8.count)
    for target in 1...30 {
      let blocks = try InputBlock.cut([file], rules(.line), targetByteCount: target)
      #expect(
        try read(blocks, rules(.line)).texts == ["one", "", "three is long", "four"])
    }
    #expect(try read(InputBlock.cut([file], rules()), rules()).texts == [text])
  }

  @Test("A broken line goes to the sink, and reading goes on behind it")
  func broken() throws {
    let folder = try TemporaryFolder()
    let text = "{\"text\": \"a\"}\n{\"text\": 3}\n\n{\"text\": \"\\ud800\"}\nno\n{\"text\": \"b\"}"
    let path = try folder.write(Array(text.utf8), to: "a.jsonl")
    let file = DataFile(path: path, kind: .jsonLines, byteCount: text.utf8.count)
    for target in [1, 7, 20, 1000] {
      let found = try read(InputBlock.cut([file], rules(), targetByteCount: target), rules())
      #expect(found.texts == ["a", "\u{FFFD}", "b"])
      #expect(found.replacedCount == 1)
      // Lines are counted only where the file is not cut before them.
      let first = target < 15 ? "the line at byte 14" : "line 2"
      let second = target < 1000 ? "the line at byte 46" : "line 5"
      #expect(
        found.problems == [
          "\(path), \(first): “text” is a number where text is needed.",
          "\(path), \(second), byte 1: expected an object.",
        ])
    }
  }

  @Test("The columns of a file are told by its first record")
  func columns() throws {
    let folder = try TemporaryFolder()
    func columns(_ text: String) throws -> [DataColumn] {
      let path = try folder.write(Array(text.utf8), to: "a.jsonl")
      return try Documents.columns(
        DataFile(path: path, kind: .jsonLines, byteCount: text.utf8.count), limit: 1 << 20)
    }
    #expect(
      try columns("\n{\"id\": 1, \"input_ids\": [1, 2], \"text\": \"x\"}\n{\"other\": 1}") == [
        DataColumn(name: "id", content: nil), DataColumn(name: "input_ids", content: .tokens),
        DataColumn(name: "text", content: .text),
      ])
    #expect(try columns("") == [])
    #expect(try columns("{\"a") == [])
  }

  @Test("A file that changed is noticed")
  func aFileThatChangedIsNoticed() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array("text".utf8), to: "a.txt")
    let blocks = try InputBlock.cut(
      [DataFile(path: path, kind: .text, byteCount: 5)], rules())
    #expect(throws: ChangedFile(path: path)) { _ = try read(blocks, rules()) }
    #expect(ChangedFile(path: "a").sentence == "a changed while it was read.")
  }
}
