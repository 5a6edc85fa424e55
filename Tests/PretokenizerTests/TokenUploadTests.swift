import Pretokenizer
import Shared
import Support
import Testing

@Suite("Tokenized rows go up to the Hub")
struct TokenUploadTests {
  /// A pipeline whose rows go to `me/tokens`, and what its process is started with.
  private func pipeline(
    _ folder: borrowing TemporaryFolder, _ hub: LocalHub
  ) throws -> (pipeline: Pipeline, environment: [String: String]) {
    var pipeline = Pipeline()
    pipeline.name = "test"
    pipeline.store = folder.file("store")
    pipeline.pretokenize.tokenizerName = ProjectFiles.root + "/Tests/Fixtures/tokenizer/plain"
    pipeline.pretokenize.datasetPath = folder.file("text.jsonl")
    pipeline.pretokenize.contextSize = 8
    pipeline.pretokenize.hfRepoID = "me/tokens"
    pipeline.pretokenize.hfNumShards = 3
    let line = #"{"text": "The river carries a lantern past the stone garden."}"# + "\n"
    try folder.write(Array(String(repeating: line, count: 400).utf8), to: "text.jsonl")
    return (
      pipeline,
      [
        "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.options.token,
        "HF_HOME": folder.file("home"),
      ]
    )
  }

  private func run(
    _ pipeline: Pipeline, _ environment: [String: String]
  ) throws -> PretokenizeResult {
    try Pretokenizing(pipeline, mode: .quiet, environment: environment).run()
  }

  private func text(_ path: String, _ hub: LocalHub, revision: String = "main") throws -> String {
    let bytes = try hub.contents(of: path, in: "me/tokens", .dataset, revision: revision)
    return String(decoding: bytes ?? [], as: UTF8.self)
  }

  private static func name(_ index: Int, of count: Int) -> String {
    "data/train-0000\(index)-of-0000\(count).parquet"
  }

  @Test("The bill says what will go up and where to, and what keeps it from that")
  func bill() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    var (pipeline, environment) = try pipeline(folder, hub)
    let page = hub.endpoint + "/datasets/me/tokens"
    let before = try PretokenizeEstimate.make(pipeline, environment: environment)
    #expect(before.missing == [])
    #expect(before.json["upload"]?["files"] == 5)
    let manifest = try run(pipeline, environment)
    let after = try PretokenizeEstimate.make(pipeline, environment: environment)
    let byteCount = manifest.sequences * 8 * 4
    #expect(
      after.json["upload"]
        == ["page": .string(page), "revision": "main", "files": 5, "bytes": .integer(byteCount)])
    let words = "5 files, \(Readable.bytes(byteCount)) before compression, to \(page)"
    #expect(after.table.text().contains(words + "\n"))
    pipeline.pretokenize.hfRevision = "second"
    pipeline.pretokenize.hfNumShards = 1 << 40
    environment["HF_TOKEN"] = nil
    let barred = try PretokenizeEstimate.make(pipeline, environment: environment)
    #expect(barred.missing == [UploadError.noToken(id: "me/tokens").sentence])
    #expect(barred.json["upload"]?["files"]?.integer == manifest.sequences + 2)
    #expect(barred.table.text().contains("to \(page), branch second\n"))
    pipeline.pretokenize.hfRepoID = nil
    #expect(
      try PretokenizeEstimate.make(pipeline, environment: environment).json["upload"] == nil)
  }

  @Test("The files are those of push_to_hub, and the rows those of the stage")
  func layout() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let (pipeline, environment) = try pipeline(folder, hub)
    let result = try run(pipeline, environment)
    #expect(result.page == hub.endpoint + "/datasets/me/tokens")
    let names = (0..<3).map { Self.name($0, of: 3) }
    #expect(
      hub.uploadedPaths(in: "me/tokens", .dataset) == ["README.md"] + names + ["sae_lens.json"])
    var rows: [[UInt32]] = []
    var counts: [Int] = []
    for name in names {
      let bytes = try hub.contents(of: name, in: "me/tokens", .dataset)
      let lists = try collect(folder.write(bytes ?? [], to: "part.parquet")).lists
      counts.append(lists.count)
      rows += lists
    }
    let shard = try TokenShard.read(result.folder + "/" + TokenShard.fileName(0))
    #expect(rows.flatMap { $0 } == shard.tokens)
    #expect(counts.reduce(0, +) == result.sequences)
    #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    #expect(!System.exists(result.folder + "/upload"))
  }

  @Test("The record is SAELens's, and names no place of this machine")
  func record() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let (pipeline, environment) = try pipeline(folder, hub)
    _ = try run(pipeline, environment)
    let record = try JSON(parsing: Array(text("sae_lens.json", hub).utf8))
    #expect(
      record
        == [
          "sae_lens_version": "6.54.12", "tokenizer_name": "plain",
          "original_dataset": "text.jsonl", "original_dataset_name": .null,
          "original_split": "train", "original_data_files": .null, "original_column_name": "text",
          "context_size": 8, "shuffled": true, "seed": 42, "begin_batch_token": "bos",
          "begin_sequence_token": .null, "sequence_separator_token": "bos",
          "disable_concat_sequences": false, "use_chat_formatting": false,
        ])
    let card = try text("README.md", hub)
    #expect(card.contains("rows = load_dataset(\"me/tokens\", split=\"train\")"))
    #expect(!card.contains(folder.path))
  }

  @Test("A second run sends nothing, and makes no files to find out")
  func again() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let (pipeline, environment) = try pipeline(folder, hub)
    _ = try run(pipeline, environment)
    hub.forgetRequests()
    let second = try run(pipeline, environment)
    #expect(!second.didWork && second.page != nil)
    #expect(hub.requests.allSatisfy { $0.method == "GET" })
    try System.remove(second.folder + "/upload.json")
    hub.forgetRequests()
    _ = try run(pipeline, environment)
    #expect(hub.requests.allSatisfy { $0.method == "GET" })
  }

  @Test("Files of an earlier upload do not stay beside the new ones")
  func otherCount() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    var (pipeline, environment) = try pipeline(folder, hub)
    _ = try run(pipeline, environment)
    pipeline.pretokenize.hfNumShards = 2
    _ = try run(pipeline, environment)
    #expect(
      hub.uploadedPaths(in: "me/tokens", .dataset)
        == ["README.md", Self.name(0, of: 2), Self.name(1, of: 2), "sae_lens.json"])
  }

  @Test("What was damaged on the Hub is mended")
  func mended() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let (pipeline, environment) = try pipeline(folder, hub)
    _ = try run(pipeline, environment)
    let name = Self.name(1, of: 3)
    let before = try hub.contents(of: name, in: "me/tokens", .dataset)
    try hub.add([name: .text("gone")], to: "me/tokens", .dataset)
    _ = try run(pipeline, environment)
    #expect(try hub.contents(of: name, in: "me/tokens", .dataset) == before)
  }

  @Test("A private repository and another branch are made where they are asked for")
  func privateBranch() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    var (pipeline, environment) = try pipeline(folder, hub)
    pipeline.pretokenize.hfIsPrivateRepo = true
    pipeline.pretokenize.hfRevision = "v2"
    pipeline.pretokenize.split = "train[:50%]"
    _ = try run(pipeline, environment)
    #expect(hub.uploadedPaths(in: "me/tokens", .dataset) == [])
    #expect(hub.uploadedPaths(in: "me/tokens", .dataset, revision: "v2")?.count == 5)
    #expect(try text("README.md", hub, revision: "v2").contains("revision=\"v2\""))
    let open = try HubClient(
      HubEnvironment(["HF_ENDPOINT": hub.endpoint, "HF_HOME": folder.file("other")]))
    #expect(throws: HubError.self) { try open.snapshot(HubRepository(.dataset, "me/tokens")) }
  }

  @Test("Without a token no work is begun")
  func noToken() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    var (pipeline, environment) = try pipeline(folder, hub)
    environment["HF_TOKEN"] = nil
    #expect(throws: UploadError.noToken(id: "me/tokens")) { try run(pipeline, environment) }
    #expect(!System.exists(pipeline.store))
  }
}
