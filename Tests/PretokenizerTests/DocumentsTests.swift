import Pretokenizer
import Shared
import Support
import Testing

/// Keeps what a reader hands over.
private struct Collected: DocumentSink {
  var texts: [String] = []
  var problems: [String] = []
  var replacedCount = 0

  mutating func text(_ bytes: Span<UInt8>) {
    texts.append(String(decoding: [UInt8](copying: bytes), as: UTF8.self))
  }
  mutating func tokens(_ ids: Span<UInt32>) {}
  mutating func invalid(_ problem: any Failure) { problems.append(problem.sentence) }
  mutating func replaced(_ count: Int) { replacedCount += count }
}

private func rules(_ textDocuments: TextDocuments = .file, limit: Int = 1 << 20) -> ReadingRules {
  ReadingRules(
    column: ColumnChoice(name: "text", content: .text), textDocuments: textDocuments,
    documentByteCount: limit)
}

private func read(_ blocks: [InputBlock], _ rules: ReadingRules) throws -> Collected {
  var sink = Collected()
  for block in blocks { for piece in block.pieces { try piece.read(rules, into: &sink) } }
  return sink
}

@Suite struct DocumentsTests {
  @Test("Files of lines are cut, small files are joined")
  func largeFilesAreCutAndSmallOnesJoined() {
    func file(_ name: String, _ kind: DataFile.Kind, _ size: Int) -> DataFile {
      DataFile(path: name, kind: kind, byteCount: size)
    }
    func cut(_ files: [DataFile], _ textDocuments: TextDocuments = .file) -> [[String]] {
      InputBlock.cut(files, textDocuments: textDocuments, targetByteCount: 100).map {
        $0.pieces.map { "\($0.file.path)\($0.range)" }
      }
    }
    let files = [
      file("a", .jsonLines, 250), file("b", .text, 300), file("c", .text, 40),
      file("d", .text, 50), file("e", .jsonLines, 0), file("f", .jsonLines, 20),
    ]
    #expect(
      cut(files) == [
        ["a0..<100"], ["a100..<200"], ["a200..<250"], ["b0..<300"], ["c0..<40", "d0..<50"],
        ["f0..<20"],
      ])
    #expect(
      cut([file("b", .text, 210)], .line) == [["b0..<100"], ["b100..<200"], ["b200..<210"]])
  }

  @Test("Every line of a text file is a document where that is asked for, cut anywhere")
  func lines() throws {
    let folder = try TemporaryFolder()
    let text = "one\n\nthree is long\nfour"
    let path = try folder.write(Array(text.utf8), to: "a.txt")
    let file = DataFile(path: path, kind: .text, byteCount: text.utf8.count)
    for target in 1...30 {
      let blocks = InputBlock.cut([file], textDocuments: .line, targetByteCount: target)
      #expect(
        try read(blocks, rules(.line)).texts == ["one", "", "three is long", "four"])
    }
    #expect(try read(InputBlock.cut([file]), rules()).texts == [text])
  }

  @Test("A broken line goes to the sink, and reading goes on behind it")
  func broken() throws {
    let folder = try TemporaryFolder()
    let text = "{\"text\": \"a\"}\n{\"text\": 3}\n\n{\"text\": \"\\ud800\"}\nno\n{\"text\": \"b\"}"
    let path = try folder.write(Array(text.utf8), to: "a.jsonl")
    let file = DataFile(path: path, kind: .jsonLines, byteCount: text.utf8.count)
    for target in [1, 7, 20, 1000] {
      let found = try read(InputBlock.cut([file], targetByteCount: target), rules())
      #expect(found.texts == ["a", "\u{FFFD}", "b"])
      #expect(found.replacedCount == 1)
      #expect(
        found.problems == [
          "\(path), line 2: “text” is a number where text is needed.",
          "\(path), line 5, byte 1: expected an object.",
        ])
    }
  }

  @Test("A document above the limit is an error that names its place")
  func tooLong() throws {
    let folder = try TemporaryFolder()
    let text = "{\"text\": \"a\"}\n{\"text\": \"" + String(repeating: "b", count: 100) + "\"}\n"
    let path = try folder.write(Array(text.utf8), to: "a.jsonl")
    let file = DataFile(path: path, kind: .jsonLines, byteCount: text.utf8.count)
    let error = DocumentTooLong(path: path, byte: 14, limit: 0)
    #expect(throws: error) { try read(InputBlock.cut([file]), rules(limit: 100)) }
    #expect(throws: DocumentTooLong(path: path, byte: 0, limit: 0)) {
      let whole = DataFile(path: path, kind: .text, byteCount: text.utf8.count)
      _ = try read(InputBlock.cut([whole]), rules(limit: 100))
    }
    let shown = DocumentTooLong(path: "a", byte: 7, limit: 64)
    #expect(shown.sentence == "a: the document that starts at byte 7 is longer than 64 MiB.")
    #expect(
      shown.hint
        == "Set pretokenize.document_megabytes to a larger number, or cut the document.")
  }

  @Test("The columns of a file are told by its first record")
  func columns() throws {
    let folder = try TemporaryFolder()
    func columns(_ text: String) throws -> [DataColumn] {
      let path = try folder.write(Array(text.utf8), to: "a.jsonl")
      return try Documents.columns(
        DataFile(path: path, kind: .jsonLines, byteCount: text.utf8.count))
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
    let blocks = InputBlock.cut([DataFile(path: path, kind: .text, byteCount: 5)])
    #expect(throws: ChangedFile(path: path)) { _ = try read(blocks, rules()) }
    #expect(ChangedFile(path: "a").sentence == "a changed while it was read.")
  }
}
