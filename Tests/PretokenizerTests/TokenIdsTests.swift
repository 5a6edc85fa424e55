// Rows of token ids without a tokenizer, slices of splits, and what training would contradict.

import Pretokenizer
import Shared
import Support
import Testing

private func pipeline(_ folder: borrowing TemporaryFolder, _ lines: [JSON]) throws -> Pipeline {
  var pipeline = Pipeline()
  pipeline.name = "ids"
  pipeline.store = folder.file("store")
  pipeline.pretokenize.datasetPath = folder.file("rows.jsonl")
  pipeline.pretokenize.contextSize = 4
  pipeline.pretokenize.shuffle = false
  try folder.write(Array(lines.map { $0.canonical + "\n" }.joined().utf8), to: "rows.jsonl")
  return pipeline
}

private func ids(_ rows: [[Int]]) -> [JSON] {
  rows.map { .object(["input_ids": .array($0.map { .integer($0) })]) }
}

private func run(_ pipeline: Pipeline) throws -> (tokens: [UInt32], manifest: Manifest) {
  let result = try Pretokenizing(pipeline, mode: .quiet).run()
  let path = result.folder + "/manifest.json"
  let manifest = try Manifest(parsing: MappedFile.contents(path), path: path)
  let shards = try manifest.shards.map { try TokenShard.read(result.folder + "/" + $0.file) }
  return (shards.flatMap(\.tokens), manifest)
}

@Suite struct TokenIdsTests {
  @Test("Rows of ids need no tokenizer, be none named or the usual one not here")
  func noTokenizer() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder, ids([[1, 2, 3, 70_000], [9, 8, 7, 6, 5]]))
    for name in [PretokenizeSettings.usualTokenizer, nil] {
      pipeline.pretokenize.tokenizerName = name
      #expect(PretokenizeInputs.missing(pipeline.pretokenize).isEmpty)
      let (tokens, manifest) = try run(pipeline)
      #expect(tokens == [1, 2, 3, 70_000, 9, 8, 7, 6])
      #expect(manifest.details["vocabulary_size"] == .integer(70_001))
      #expect(manifest.details["dtype"] == .string("U32"))
      #expect(manifest.identities.keys.sorted() == ["data-00000.jsonl"])
      #expect(manifest.details["sae_lens"]?["tokenizer_name"] == .null)
      #expect(try System.list(pipeline.store + "/tokens").count == 1)
    }
    var lines: [String] = []
    try EncodedDocuments.write(pipeline.pretokenize) {
      lines.append(String(decoding: $0, as: UTF8.self))
    }
    #expect(lines == ["[1,2,3,70000]\n", "[9,8,7,6,5]\n"])
  }

  @Test("Text needs a tokenizer, and another one that is not here is missing")
  func textWithoutTokenizer() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder, [["text": "a b"]])
    pipeline.pretokenize.tokenizerName = nil
    #expect(throws: NoTokenizer(column: "text")) { try Pretokenizing(pipeline) }
    #expect(
      NoTokenizer(column: "text").sentence
        == "pretokenize.tokenizer_name is null, but “text” holds text: only token ids need no "
        + "tokenizer.")
    #expect(
      NoTokenizer(column: "text").hint
        == "Set pretokenize.tokenizer_name, or pretokenize.column_name to a field with lists of "
        + "token ids.")
    pipeline.pretokenize.tokenizerName = "no/tokenizer"
    #expect(throws: TokenizerError.absent("no/tokenizer")) { try Pretokenizing(pipeline) }
    pipeline = try self.pipelineOfIds(folder)
    pipeline.pretokenize.tokenizerName = "no/tokenizer"
    #expect(throws: TokenizerError.absent("no/tokenizer")) { try Pretokenizing(pipeline) }
  }

  private func pipelineOfIds(_ folder: borrowing TemporaryFolder) throws -> Pipeline {
    try pipeline(folder, ids((0..<100).map { [$0, $0, $0, $0] }))
  }

  @Test("A slice of a split gives its rows, however files are cut, and a stage of its own")
  func slices() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipelineOfIds(folder)
    pipeline.pretokenize.tokenizerName = nil
    func firsts(_ split: String) throws -> [UInt32] {
      pipeline.pretokenize.split = split
      let tokens = try run(pipeline).tokens
      return stride(from: 0, to: tokens.count, by: 4).map { tokens[$0] }
    }
    #expect(try firsts("train[:3%]") == [0, 1, 2])
    #expect(try firsts("train[97:]+train[:2]") == [97, 98, 99, 0, 1])
    #expect(try firsts("train[-1%:]") == [99])
    pipeline.pretokenize.split = "train[100:]"
    #expect(throws: TooLittleText.self) { try run(pipeline) }
    pipeline.pretokenize.split = "train[40:60]"
    let settings = pipeline.pretokenize
    let text = try DataSet(
      files: DataFiles.find(settings),
      parts: [DataPart(files: 0..<1, slice: DataSet.find(settings).parts[0].slice)])
    let rules = try ReadingRules(settings, text)
    for target in [1, 50, 333, 10_000] {
      var sink = CollectingSink()
      for block in try InputBlock.cut(text, rules, targetByteCount: target) {
        for piece in block.pieces { try piece.read(rules, into: &sink) }
      }
      #expect(sink.lists.map { $0[0] } == Array(40..<60))
    }
  }

  @Test("What training says otherwise of how rows are packed is told before they are packed")
  func contradictions() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder, [["text": "a b"]])
    pipeline.pretokenize.tokenizerName = ProjectFiles.root + "/Tests/Fixtures/tokenizer/plain"
    pipeline.train.prependBos = false
    pipeline.train.disableConcatSequences = true
    pipeline.train.sequenceSeparatorToken = .stated(nil)
    let error = #expect(throws: PackingContradictions.self) { try Pretokenizing(pipeline) }
    #expect(
      error?.sentence
        == "train.prepend_bos is false, but pretokenize.begin_batch_token is \"bos\". "
        + "train.disable_concat_sequences is true, but pretokenize.disable_concat_sequences is false. "
        + "train.sequence_separator_token is null, but pretokenize.sequence_separator_token is \"bos\"."
    )
    #expect(
      error?.hint == "Leave the option of the section train out, or let both say one thing.")
    pipeline.pretokenize.beginBatchToken = nil
    pipeline.pretokenize.disableConcatSequences = true
    _ = try Pretokenizing(pipeline)
    pipeline.pretokenize.beginBatchToken = .id(1)
    _ = try Pretokenizing(pipeline)
  }
}
