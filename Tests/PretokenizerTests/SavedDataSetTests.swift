import Dispatch
import Pretokenizer
import Shared
import Support
import Synchronization
import Testing

@Suite struct SavedDataSetTests {
  /// A pipeline whose rows are also saved in `saved`.
  private func pipeline(_ folder: borrowing TemporaryFolder) throws -> Pipeline {
    var pipeline = Pipeline()
    pipeline.name = "test"
    pipeline.store = folder.file("store")
    pipeline.pretokenize.tokenizerName = ProjectFiles.root + "/Tests/Fixtures/tokenizer/plain"
    pipeline.pretokenize.datasetPath = folder.file("text.jsonl")
    pipeline.pretokenize.contextSize = 8
    pipeline.pretokenize.savePath = folder.file("saved")
    let line = #"{"text": "The river carries a lantern past the stone garden."}"# + "\n"
    try folder.write(Array(String(repeating: line, count: 400).utf8), to: "text.jsonl")
    return pipeline
  }

  private func rows(_ folder: String) throws -> [[UInt32]] {
    try System.list(folder).filter { $0.hasSuffix(".parquet") }.flatMap {
      try collect(folder + "/" + $0).lists
    }
  }

  @Test func theRowsOfTheStageAreReadBack() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    let result = try Pretokenizing(pipeline, mode: .quiet).run()
    let shard = try TokenShard.read(result.folder + "/" + TokenShard.fileName(0))
    let saved = try rows(folder.file("saved"))
    #expect(saved.count == result.sequences)
    #expect(saved.flatMap { $0 } == shard.tokens)
    #expect(
      try System.list(folder.file("saved")) == ["sae_lens.json", "train-00000-of-00001.parquet"])
  }

  @Test func theRecordHasTheKeysOfSAELens() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    _ = try Pretokenizing(pipeline, mode: .quiet).run()
    let record = try JSON(parsing: MappedFile.contents(folder.file("saved/sae_lens.json")))
    #expect(record["context_size"] == .integer(8))
    #expect(record["begin_batch_token"] == "bos")
    #expect(record["begin_sequence_token"] == .null)
    #expect(record["shuffled"] == .bool(true))
    #expect(
      (record.object ?? [:]).keys.sorted() == [
        "begin_batch_token", "begin_sequence_token", "context_size", "disable_concat_sequences",
        "original_column_name", "original_data_files", "original_dataset",
        "original_dataset_name", "original_split", "sae_lens_version", "saeline_files",
        "saeline_fingerprint", "saeline_version", "seed", "sequence_separator_token", "shuffled",
        "tokenizer_name",
        "use_chat_formatting",
      ])
  }

  @Test func anUnfinishedCopyIsMadeAgainAndAFinishedOneKept() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    _ = try Pretokenizing(pipeline, mode: .quiet).run()
    let file = folder.file("saved/train-00000-of-00001.parquet")
    let before = try MappedFile.contents(file)
    try System.remove(folder.file("saved/sae_lens.json"))
    try folder.write([1, 2], to: "saved/train-00000-of-00001.parquet")
    let again = try Pretokenizing(pipeline, mode: .quiet).run()
    #expect(!again.didWork)
    #expect(try MappedFile.contents(file) == before)
    let terminal = RecordedTerminal(isInteractive: false)
    _ = try Pretokenizing(pipeline, mode: .automatic, terminal: terminal.terminal).run()
    #expect(terminal.writes.joined().contains("/saved is complete"))
  }

  @Test func whatAKilledWriterLeftIsClearedAwayAndThatOfALivingOneIsNoObstacle() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    try System.createDirectories(folder.file("saved"))
    for name in ["train-00000-of-00001.parquet", "sae_lens.json"] {
      try folder.write([1], to: "saved/\(name).0123456789ab.7.0.tmp")
    }
    _ = try Pretokenizing(pipeline, mode: .quiet).run()
    #expect(
      try System.list(folder.file("saved")) == ["sae_lens.json", "train-00000-of-00001.parquet"])
    try folder.write([], to: "saved/thesis.tex.0123456789ab.7.0.tmp")
    #expect(
      throws: SavePathError.otherFile(
        path: folder.file("saved"), file: "thesis.tex.0123456789ab.7.0.tmp")
    ) { try Pretokenizing(pipeline, mode: .quiet).run() }
  }

  @Test func aLeaseThatNeverGotItsNameIsClearedAway() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    try System.createDirectories(folder.file("saved"))
    // Of a process elsewhere, before the copy is whole.
    try folder.write([], to: "saved/.saeline.lease.0123456789ab.7.0.tmp")
    _ = try Pretokenizing(pipeline, mode: .quiet).run()
    let whole = ["sae_lens.json", "train-00000-of-00001.parquet"]
    #expect(try System.list(folder.file("saved")) == whole)
    // Of a process of this machine that is gone, beside a copy that another one finished.
    try folder.write(
      [], to: "saved/.saeline.lease.\(ProcessIdentity.machine).2147483647.0.tmp")
    _ = try Pretokenizing(pipeline, mode: .quiet).run()
    #expect(try System.list(folder.file("saved")) == whole)
  }

  @Test func severalWhoSaveAtOnceAgree() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 3) { _ in
      do { _ = try Pretokenizing(pipeline, mode: .quiet).run() } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    #expect(failures.withLock { $0 } == [])
    #expect(
      try System.list(folder.file("saved")) == ["sae_lens.json", "train-00000-of-00001.parquet"])
  }

  @Test func aFolderWithOtherFilesIsRefused() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    try System.createDirectories(folder.file("saved"))
    try folder.write([], to: "saved/thesis.tex")
    let error = SavePathError.otherFile(path: folder.file("saved"), file: "thesis.tex")
    #expect(throws: error) { try Pretokenizing(pipeline, mode: .quiet).run() }
    // Refused before the work.
    #expect(!System.exists(pipeline.store + "/tokens"))
    #expect(
      SavePathError.otherFile(path: "a", file: "b").sentence
        == "a holds b, which is not part of this data set.")
  }

  @Test func aFileInPlaceOfTheFolderIsRefused() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    try folder.write([], to: "saved")
    let error = SavePathError.noFolder(path: folder.file("saved"))
    #expect(throws: error) { try Pretokenizing(pipeline, mode: .quiet).run() }
    #expect(
      SavePathError.noFolder(path: "a").sentence == "a is a file where a folder is needed.")
  }

  @Test func aDataSetOfOtherRowsIsKept() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder)
    _ = try Pretokenizing(pipeline, mode: .quiet).run()
    let file = folder.file("saved/train-00000-of-00001.parquet")
    let before = try MappedFile.contents(file)
    pipeline.pretokenize.seed = 7
    let error = SavePathError.otherRows(path: folder.file("saved"))
    #expect(throws: error) { try Pretokenizing(pipeline, mode: .quiet).run() }
    #expect(try MappedFile.contents(file) == before)
    #expect(SavePathError.otherRows(path: "a").sentence == "a holds a data set of other rows.")
  }

  @Test func aFileThatWasCutShortIsWrittenAgain() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    _ = try Pretokenizing(pipeline, mode: .quiet).run()
    let file = folder.file("saved/train-00000-of-00001.parquet")
    let before = try MappedFile.contents(file)
    try folder.write(Array(before.dropLast()), to: "saved/train-00000-of-00001.parquet")
    _ = try Pretokenizing(pipeline, mode: .quiet).run()
    #expect(try MappedFile.contents(file) == before)
  }

  @Test func aTokenizedDataSetIsTheTextOfTheNextStage() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder)
    let first = try Pretokenizing(pipeline, mode: .quiet).run()
    pipeline.pretokenize.datasetPath = folder.file("saved")
    pipeline.pretokenize.savePath = nil
    pipeline.pretokenize.shuffle = false
    let second = try Pretokenizing(pipeline, mode: .quiet).run()
    #expect(second.sequences == first.sequences)
    #expect(
      try TokenShard.read(second.folder + "/" + TokenShard.fileName(0)).tokens
        == TokenShard.read(first.folder + "/" + TokenShard.fileName(0)).tokens)
  }

  @Test func encodingPrintsALinePerDocument() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder)
    try folder.write(Array("{\"text\": \"river\"}\n{\"text\": \"\"}\n".utf8), to: "text.jsonl")
    pipeline.pretokenize.datasetPath = folder.file("text.jsonl")
    let ids = try Tokenizer.open(#require(pipeline.pretokenize.tokenizerName)).encode("river")
    var lines: [String] = []
    try EncodedDocuments.write(pipeline.pretokenize) {
      lines.append(String(decoding: $0, as: UTF8.self))
    }
    #expect(lines == ["[" + ids.map { String($0) }.joined(separator: ",") + "]\n", "[]\n"])
  }
}
