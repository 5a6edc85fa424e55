import Pretokenizer
import Shared
import Support
import Testing

private func tokenizer() throws -> Tokenizer {
  try Tokenizer.open(ProjectFiles.root + "/Tests/Fixtures/tokenizer/plain")
}

private func sink(
  _ folder: String, unit: Int = 0, contextSize: Int = 4, begin: UInt32? = nil,
  tokensPerPart: Int = 8 << 20, invalid: TokenRules.InvalidRecords = .refused
) throws -> TokenSink {
  let tokenizer = try tokenizer()
  let rules = TokenRules(
    vocabularySize: tokenizer.vocabularySize, contextSize: contextSize, beginBatch: begin,
    invalidRecords: invalid)
  return TokenSink(rules, encoder: TokenEncoder(tokenizer), tokensPerPart: tokensPerPart) {
    folder + "/" + TokenBlock.fileName(unit, part: $0)
  }
}

private func finish(_ sink: consuming TokenSink, _ folder: String, unit: Int = 0) throws {
  var file = try AtomicFile.create(folder + "/" + TokenBlock.fileName(unit))
  _ = try sink.finish(to: &file)
  try file.publishReplacing()
}

private struct Broken: Failure { let sentence = "broken" }

@Suite struct TokenSinkTests {
  @Test("The names of units and parts sort in their order")
  func names() {
    #expect(TokenBlock.fileName(7) == "block-00007.safetensors")
    #expect(TokenBlock.fileName(7, part: 12) == "block-00007-00012.safetensors")
    #expect(TokenBlock.fileName(123_456) == "block-123456.safetensors")
  }

  @Test("Parts cut anywhere give the rows of documents in memory", arguments: [1, 5, 100, 8 << 20])
  func partsGiveTheSameRows(tokensPerPart: Int) throws {
    let folder = try TemporaryFolder()
    // Token 0 is the end of text; rows must notice it at any place.
    let texts = (0..<60).map { index in
      index % 7 == 0
        ? "" : "The river \(index)" + String(repeating: "<|endoftext|> a", count: index % 5)
    }
    let tokenizer = try tokenizer()
    for unit in 0..<2 {
      var sink = try sink(folder.path, unit: unit, begin: 0, tokensPerPart: tokensPerPart)
      sink.begin("x")
      for text in texts[unit * 30..<unit * 30 + 30] {
        let bytes = Array(text.utf8)
        try sink.text(bytes.span)
      }
      try finish(sink, folder.path, unit: unit)
    }
    let source = try TokenParts(folder: folder.path, units: 2, bytesPerToken: 2)
    #expect(source.partCount == (tokensPerPart > 1000 ? 2 : source.partCount))
    #expect(tokensPerPart > 5 || source.partCount > 40)
    #expect(source.counts.documents == 60 && source.counts.invalid == 0)
    let documents = texts.map { tokenizer.encode($0) }
    #expect(source.tokenCount == documents.reduce(0) { $0 + $1.count })
    for batch in [nil, 4] {
      let rules = PackingRules(
        contextSize: 4, beginBatch: 0, beginSequence: 1, separator: 2, batchSize: batch)
      let expected = try rows(try Packing(DocumentList(documents, begin: 0), rules))
      let packing = try Packing(source, rules, mostMarks: 5)
      #expect(try rows(packing, bytesPerToken: 2) == expected)
      let order = Random(seed: 1, stream: "x").permutation(expected.count).map { Int($0) }
      #expect(try rows(packing, order, bytesPerToken: 2) == order.map { expected[$0] })
    }
  }

  @Test("Work that is done again leaves the same files")
  func doneAgain() throws {
    let folder = try TemporaryFolder()
    func make() throws -> [String: [UInt8]] {
      var sink = try sink(folder.path, begin: 0, tokensPerPart: 4)
      let text = Array("The river carries a lantern.".utf8)
      for _ in 0..<5 { try sink.text(text.span) }
      try finish(sink, folder.path)
      var found: [String: [UInt8]] = [:]
      for name in try System.list(folder.path) { found[name] = try contents(of: folder.file(name)) }
      return found
    }
    let first = try make()
    #expect(
      first.keys.sorted()
        == (0..<5).map { TokenBlock.fileName(0, part: $0) } + [TokenBlock.fileName(0)])
    #expect(try make() == first)
    try System.remove(folder.file(TokenBlock.fileName(0, part: 2)))
    #expect(try make() == first)
  }

  @Test("Rows of tokens are cut to the context and counted")
  func tokens() throws {
    let folder = try TemporaryFolder()
    var sink = try sink(folder.path)
    for row in [[1, 2, 3, 4], [5, 6, 7, 8, 9]] as [[UInt32]] { try sink.tokens(row.span) }
    try finish(sink, folder.path)
    let source = try TokenParts(folder: folder.path, units: 1, bytesPerToken: 2)
    let rules = PackingRules(contextSize: 4, joining: .oneDocumentPerSequence)
    #expect(
      try rows(try Packing(source, rules), bytesPerToken: 2) == [[1, 2, 3, 4], [5, 6, 7, 8]])
  }

  @Test("A row that is too short or holds an unknown token is refused, with its place")
  func wrongRows() throws {
    let folder = try TemporaryFolder()
    var sink = try sink(folder.path)
    sink.begin("a.parquet")
    let (good, short, unknown): ([UInt32], [UInt32], [UInt32]) = (
      [1, 2, 3, 4], [1, 2, 3], [1, 2, 3, 498]
    )
    try sink.tokens(good.span)
    let first = #expect(throws: TokenRowError.self) { try sink.tokens(short.span) }
    #expect(
      first?.sentence == "a.parquet, row 2, has 3 tokens; a tokenized row needs at least 4.")
    #expect(
      first?.hint
        == "Set pretokenize.context_size to the length of the rows or less, or "
        + "pretokenize.skip_invalid to true.")
    let second = #expect(throws: TokenRowError.self) { try sink.tokens(unknown.span) }
    #expect(
      second?.sentence
        == "a.parquet, row 2, holds the token 498; the tokenizer has 498 tokens.")
    #expect(
      second?.hint
        == "Set pretokenize.tokenizer_name to the tokenizer that the rows were made with.")
    #expect(throws: Broken.self) { try sink.invalid(Broken()) }
  }

  @Test("Invalid records are left out and counted where they may be skipped")
  func skipped() throws {
    let folder = try TemporaryFolder()
    var sink = try sink(folder.path, invalid: .skipped)
    let rows: [[UInt32]] = [[1], [1, 2, 3, 4], [9999, 1, 1, 1]]
    for row in rows { try sink.tokens(row.span) }
    try sink.invalid(Broken())
    sink.replaced(5)
    let text: [UInt8] = [0x61, 0xFF, 0x62]
    try sink.text(text.span)
    try finish(sink, folder.path)
    let counts = try TokenParts(folder: folder.path, units: 1, bytesPerToken: 2).counts
    #expect(counts.documents == 2 && counts.invalid == 3 && counts.replaced == 6)
  }

  @Test("A part that is cut short is noticed")
  func damaged() throws {
    let folder = try TemporaryFolder()
    var sink = try sink(folder.path)
    let row: [UInt32] = [1, 2, 3, 4]
    try sink.tokens(row.span)
    try finish(sink, folder.path)
    let path = folder.file(TokenBlock.fileName(0))
    let whole = try contents(of: path)
    let source = try TokenParts(folder: folder.path, units: 1, bytesPerToken: 2)
    try System.remove(path)
    try folder.write(Array(whole.dropLast(3)), to: TokenBlock.fileName(0))
    #expect(throws: SafetensorsError.self) {
      _ = try TokenParts(folder: folder.path, units: 1, bytesPerToken: 2)
    }
    let rules = PackingRules(contextSize: 4, joining: .oneDocumentPerSequence)
    #expect(throws: ChangedFile(path: path)) { _ = try rows(try Packing(source, rules)) }
  }
}
