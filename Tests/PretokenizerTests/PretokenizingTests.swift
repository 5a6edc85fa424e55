import Dispatch
import Foundation
import Pretokenizer
import Shared
import Support
import Synchronization
import Testing

private let sentences = [
  "The river carries a lantern.", "She's found the stone; he isn't sure.", "",
  "Über 1,234 cafés in 東京 — and a kitten.", "We've followed the harbour for 3 days.\n",
]

/// A pipeline over generated text in a folder of its own.
private func pipeline(
  _ folder: borrowing TemporaryFolder, documents: Int = 60_000, store: String = "store"
) throws -> Pipeline {
  var pipeline = Pipeline()
  pipeline.name = "test"
  pipeline.store = folder.file(store)
  pipeline.pretokenize.tokenizerName = ProjectFiles.root + "/Tests/Fixtures/tokenizer/plain"
  pipeline.pretokenize.datasetPath = folder.file("text.jsonl")
  pipeline.pretokenize.contextSize = 16
  pipeline.pretokenize.shardMegabytes = 1
  if !System.exists(folder.file("text.jsonl")) {
    var text = ""
    for index in 0..<documents {
      let sentence = sentences[index % sentences.count]
      text += JSON.object(["text": .string(sentence + " \(index)")]).canonical + "\n"
    }
    try folder.write(Array(text.utf8), to: "text.jsonl")
  }
  return pipeline
}

private func run(_ pipeline: Pipeline) throws -> PretokenizeResult {
  try Pretokenizing(pipeline, mode: .quiet).run()
}

/// Names and contents of a stage's folder, but for how fast it was made.
private func contentsOfFolder(_ path: String) throws -> [String: [UInt8]] {
  var result: [String: [UInt8]] = [:]
  for name in try System.list(path) where name != "timing.json" {
    result[name] = try contents(of: path + "/" + name)
  }
  return result
}

private func sequences(_ folder: String) throws -> [[UInt32]] {
  let files = try System.list(folder).filter { $0.hasPrefix("shard-") }
  return try files.flatMap { name in
    let shard = try TokenShard.read(folder + "/" + name)
    return (0..<shard.sequenceCount).map { row in
      Array(shard.tokens[row * shard.contextSize..<(row + 1) * shard.contextSize])
    }
  }
}

@Suite(.serialized) struct PretokenizingTests {
  @Test func aRoleThatTheTokenizerLacksInsertsNothing() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder, documents: 60)
    pipeline.pretokenize.shuffle = false
    let plain = try #require(pipeline.pretokenize.tokenizerName) + "/tokenizer.json"
    try folder.write(try MappedFile.contents(plain), to: "tokenizer.json")
    pipeline.pretokenize.tokenizerName = folder.path
    pipeline.pretokenize.sequenceSeparatorToken = .sep
    let recorder = RecordedTerminal(isInteractive: false)
    let asked = try Pretokenizing(pipeline, terminal: recorder.terminal).run()
    let note =
      "note: The tokenizer \(folder.path)/tokenizer.json has no bos and no sep token: "
      + "begin_batch_token and sequence_separator_token insert nothing.\n"
    #expect(recorder.writes.filter { $0.hasPrefix("note") } == [note])
    pipeline.pretokenize.beginBatchToken = nil
    pipeline.pretokenize.sequenceSeparatorToken = nil
    let without = try run(pipeline)
    #expect(without.fingerprint != asked.fingerprint)
    #expect(try sequences(without.folder) == sequences(asked.folder))
  }

  @Test func aDamagedTokenizerIsNoticedAndMadeAgain() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder, documents: 60)
    let made = try run(pipeline)
    let file = made.folder + "/tokenizer.json"
    let whole = try MappedFile.contents(file)
    let stage = StageFolder(path: made.folder, stage: .tokens, fingerprint: made.fingerprint)
    let damaged = ManifestError.damagedFile(path: file, stage: .tokens)
    #expect(damaged.sentence == "\(file) is not the file that its folder's manifest lists.")
    #expect(damaged.hint == "Run saeline-pretokenize again, which makes it again.")
    try AtomicFile.replace(file, with: "{}")
    #expect(throws: damaged) { try stage.manifest() }
    let recorder = RecordedTerminal(isInteractive: false)
    _ = try Pretokenizing(pipeline, terminal: recorder.terminal).run()
    #expect(recorder.writes.first == "warning: \(damaged.sentence) It is made again.\n")
    #expect(try MappedFile.contents(file) == whole)
    // A byte that leaves the size as it is shows in the digest.
    let text = String(decoding: whole, as: UTF8.self)
    try AtomicFile.replace(file, with: text.replacing("river", with: "rover"))
    #expect(throws: damaged) { try stage.manifest() }
    _ = try Pretokenizing(
      pipeline, terminal: RecordedTerminal(isInteractive: false).terminal
    ).run()
    #expect(try MappedFile.contents(file) == whole)
    try System.remove(file)
    #expect(throws: damaged) { try stage.manifest() }
  }

  @Test func aTextThatIsEditedAfterItsDigestIsRefusedAndNothingOfItKept() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder, documents: 300)
    let path = folder.file("text.jsonl")
    let whole = try MappedFile.contents(path)
    let honest = try run(Self.with(pipeline, store: folder.file("honest")))
    let begun = try Pretokenizing(pipeline, mode: .quiet)
    let edited = String(decoding: whole, as: UTF8.self).replacing("river", with: "rover")
    #expect(edited.utf8.count == whole.count)
    try AtomicFile.replace(path, with: edited)
    let error = #expect(throws: ChangedFile.self) { try begun.run() }
    #expect(error?.sentence == "\(path) changed while it was read.")
    #expect(error?.hint == "Run the same command again once the file stays as it is.")
    try AtomicFile.replace(path, with: String(decoding: whole, as: UTF8.self))
    let made = try run(pipeline)
    #expect(made.fingerprint == honest.fingerprint)
    #expect(try contentsOfFolder(made.folder) == contentsOfFolder(honest.folder))
  }

  private static func with(_ pipeline: Pipeline, store: String) -> Pipeline {
    var pipeline = pipeline
    pipeline.store = store
    return pipeline
  }

  @Test func aStageIsMadeOnceAndThenFound() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder, documents: 400)
    let first = try run(pipeline)
    #expect(first.didWork)
    let files = try System.list(first.folder)
    #expect(
      files == [
        "manifest.json", "shard-00000.safetensors.zst", "timing.json", "tokenizer.json",
        "tokenizer_config.json",
      ])
    let recorder = RecordedTerminal(isInteractive: false)
    let second = try Pretokenizing(pipeline, terminal: recorder.terminal).run()
    #expect(!second.didWork)
    #expect(second.fingerprint == first.fingerprint && second.tokens == first.tokens)
    let stage = StageFolder(path: first.folder, stage: .tokens, fingerprint: nil)
    let summary = StageSummary(stage, try #require(try stage.manifest())).table.text()
    #expect(
      recorder.writes == ["tokens: nothing to do (\(first.folder))\n", "\n\(summary)\n"])
    #expect(try PretokenizeKey.make(pipeline, Inputs(pipeline)).fingerprint == first.fingerprint)
  }

  @Test func theManifestSaysWhatTheNextStageNeeds() throws {
    let folder = try TemporaryFolder()
    let result = try run(try pipeline(folder, documents: 400))
    let path = result.folder + "/manifest.json"
    let manifest = try Manifest(parsing: try contents(of: path), path: path)
    #expect(manifest.rows == result.sequences)
    #expect(manifest.details["context_size"] == .integer(16))
    #expect(manifest.details["vocabulary_size"] == .integer(498))
    #expect(manifest.details["sequences"] == .integer(result.sequences))
    #expect(manifest.details["tokens"] == .integer(16 * result.sequences))
    #expect(manifest.details["documents"] == .integer(400))
    #expect(manifest.details["invalid_documents"] == .integer(0))
    #expect(manifest.details["replaced_characters"] == .integer(0))
    #expect(manifest.details["is_dataset_tokenized"] == .bool(false))
    #expect(
      manifest.details["sae_lens"]?.canonical
        == #"{"begin_batch_token":"bos","begin_sequence_token":null,"context_size":16,"#
        + #""disable_concat_sequences":false,"original_column_name":"text","#
        + #""original_data_files":null,"original_dataset":"text.jsonl","#
        + #""original_dataset_name":null,"original_split":"train","seed":42,"#
        + #""sequence_separator_token":"bos","shuffled":true,"tokenizer_name":"plain","#
        + #""use_chat_formatting":false}"#)
    #expect(manifest.details["dtype"] == .string("U16"))
    #expect(manifest.identities["bos_token_id"] == "0")
    #expect(manifest.identities.keys.contains("data-00000.jsonl"))
  }

  @Test func tokensComeOutInOrderWithoutShuffling() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder, documents: 50)
    pipeline.pretokenize.shuffle = false
    let rows = try sequences(try run(pipeline).folder)
    let tokenizer = try Tokenizer.open(#require(pipeline.pretokenize.tokenizerName))
    let documents = (0..<50).map { tokenizer.encode(sentences[$0 % sentences.count] + " \($0)") }
    let packing = try Packing(
      DocumentList(documents, begin: 0),
      PackingRules(contextSize: 16, beginBatch: 0, separator: 0))
    #expect(try PretokenizerTests.rows(packing) == rows)
    #expect(rows.allSatisfy { $0[0] == 0 })
  }

  @Test func shufflingIsAPermutationThatTheSeedDetermines() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder, documents: 400)
    let shuffled = try sequences(try run(pipeline).folder)
    pipeline.store = folder.file("other")
    #expect(try sequences(try run(pipeline).folder) == shuffled)
    pipeline.pretokenize.seed = 43
    let otherSeed = try sequences(try run(pipeline).folder)
    pipeline.pretokenize.shuffle = false
    let plain = try sequences(try run(pipeline).folder)
    #expect(shuffled != plain && shuffled != otherSeed)
    func sorted(_ rows: [[UInt32]]) -> [[UInt32]] {
      rows.sorted { $0.lexicographicallyPrecedes($1) }
    }
    #expect(sorted(shuffled) == sorted(plain) && sorted(otherSeed) == sorted(plain))
  }

  @Test func threadsAndWorkersChangeNoByte() throws {
    let folder = try TemporaryFolder()
    let one = try pipeline(folder, store: "one")
    let three = try pipeline(folder, store: "three")
    let threads = Parallel.threadCount
    defer { Parallel.threadCount = threads }
    Parallel.threadCount = 1
    let alone = try contentsOfFolder(try run(one).folder)
    #expect(alone.keys.count { $0.hasPrefix("shard-") } > 1)
    Parallel.threadCount = 2
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 3) { _ in
      do { _ = try run(three) } catch { failures.withLock { $0.append("\(error)") } }
    }
    #expect(failures.withLock { $0 } == [])
    let result = try run(three)
    #expect(!result.didWork)
    #expect(try contentsOfFolder(result.folder) == alone)
  }

  @Test func invalidRecordsCanBeSkipped() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder, documents: 50)
    let good = String(decoding: try contents(of: folder.file("text.jsonl")), as: UTF8.self)
    let whole = try sequences(try run(pipeline).folder)
    try folder.write(Array((good + "{\"text\": 3}\nbroken\n").utf8), to: "text.jsonl")
    #expect(throws: RecordError.self) { try run(pipeline) }
    pipeline.pretokenize.skipInvalid = true
    let result = try run(pipeline)
    #expect(try sequences(result.folder) == whole)
    let path = result.folder + "/manifest.json"
    let manifest = try Manifest(parsing: try contents(of: path), path: path)
    #expect(manifest.details["invalid_documents"] == .integer(2))
    #expect(manifest.details["documents"] == .integer(50))
  }

  @Test func packingBatchesLoseTheirUnfinishedRows() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder, documents: 50)
    pipeline.pretokenize.shuffle = false
    pipeline.pretokenize.pretokenizeBatchSize = 7
    let tokenizer = try Tokenizer.open(#require(pipeline.pretokenize.tokenizerName))
    let documents = (0..<50).map { tokenizer.encode(sentences[$0 % sentences.count] + " \($0)") }
    let expected = try stride(from: 0, to: 50, by: 7).flatMap { start in
      let batch = DocumentList(Array(documents[start..<min(start + 7, 50)]), begin: 0)
      return try PretokenizerTests.rows(
        try Packing(batch, PackingRules(contextSize: 16, beginBatch: 0, separator: 0)))
    }
    #expect(try sequences(try run(pipeline).folder) == expected)
  }

  @Test func otherOptionsOfATokenizedDataSetAreWarnedOf() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder, documents: 0)
    let row = JSON.object(["input_ids": .array((1...20).map { .integer($0) })]).canonical
    try folder.write(Array((row + "\n").utf8), to: "text.jsonl")
    let record = #"{"context_size": 20, "tokenizer_name": "plain", "begin_batch_token": null}"#
    let path = try folder.write(Array(record.utf8), to: "sae_lens.json")
    let recorder = RecordedTerminal(isInteractive: false)
    _ = try? Pretokenizing(pipeline, mode: .quiet, terminal: recorder.terminal).run()
    #expect(
      recorder.writes == [
        "warning: \(path) records context_size 20, but pretokenize.context_size is 16.\n",
        "warning: \(path) records begin_batch_token null, but pretokenize.begin_batch_token is "
          + "\"bos\".\n",
      ])
  }

  @Test func badInputLeavesNoShard() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder, documents: 10)
    try folder.write(Array("{\"text\": \"fine\"}\n{\"text\": 3}\n".utf8), to: "text.jsonl")
    let path = pipeline.pretokenize.datasetPath
    #expect(
      throws: RecordError.wrongType(
        place: "\(path), line 2", column: "text", type: "a number", content: .text)
    ) { try run(pipeline) }
    let stage = Store(pipeline.store).folder(try PretokenizeKey.make(pipeline, Inputs(pipeline)))
      .path
    #expect(try System.list(stage) == ["work"])
    #expect(try System.list(stage + "/work") == [])
    try folder.write(Array("{\"text\": \"fine\"}\n".utf8), to: "text.jsonl")
    let error = #expect(throws: TooLittleText.self) { try run(pipeline) }
    #expect(
      error?.sentence == "The text has \(error?.tokens ?? 0) tokens, which fill no sequence of 16.")
  }
}
