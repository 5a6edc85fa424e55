import ActivationCacher
import Foundation
import Shared
import Support
import Testing

/// The caches of Tests/Fixtures/caches, and the numbers that they were made of.
enum CacheFixtures {
  static let hook = "blocks.0.hook_mlp_out"
  static let (contextSize, dIn, rowCount) = (6, 4, 72)

  static func path(_ name: String) -> String {
    ProjectFiles.root + "/Tests/Fixtures/caches/" + name
  }

  static func golden() throws -> (rows: [Float], tokens: [UInt32]) {
    let file = try SafetensorsFile.open(path("golden.safetensors"))
    let entry = try file.require("rows", [.float32], shape: [rowCount, dIn])
    var rows = [Float](repeating: 0, count: rowCount * dIn)
    var span = rows.mutableSpan
    file.readFloats(entry, into: &span)
    return (rows, file.integers(try file.require("tokens", [.uint32], shape: [rowCount])))
  }

  static func pipeline(_ folder: borrowing TemporaryFolder, store: String = "store") -> Pipeline {
    var pipeline = Pipeline()
    pipeline.name = "test"
    pipeline.store = folder.file(store)
    pipeline.pretokenize.tokenizerName = "not here"
    pipeline.cache.modelName = "nobody/tiny"
    pipeline.cache.hookName = hook
    // Five sequences to a shard.
    pipeline.cache.bufferSizeGB = Double(5 * contextSize * dIn * 4) / 1e9
    return pipeline
  }

  /// The places of rows that follow each other.
  static func places(_ count: Int, contextSize: Int) -> [UInt64] {
    (0..<UInt64(count)).map { row in
      let size = UInt64(contextSize)
      return (row / size) << 32 | row % size
    }
  }

  /// The rows of a finished stage in the order of the corpus, with their tokens.
  static func contents(_ folder: String) throws -> (
    rows: [Float], tokens: [UInt32], places: [UInt64], isMixed: Bool
  ) {
    var found: [(place: UInt64, row: [Float], token: UInt32)] = []
    var isMixed = false
    for name in try System.list(folder) where name.hasPrefix("shard-") {
      let shard = try ActivationShard.open(folder + "/" + name)
      let (sequences, positions, tokens) = (shard.sequences(), shard.positions(), shard.tokens())
      for row in 0..<shard.rows {
        var values = [Float](repeating: 0, count: shard.dIn)
        var span = values.mutableSpan
        shard.readRows(row..<row + 1, into: &span)
        let place = UInt64(sequences[row]) << 32 | UInt64(positions[row])
        if let last = found.last, last.place > place { isMixed = true }
        found.append((place, values, tokens[row]))
      }
    }
    found.sort { $0.place < $1.place }
    return (found.flatMap(\.row), found.map(\.token), found.map(\.place), isMixed)
  }
}

@Suite("Caches of other programs become a stage")
struct ImportingTests {
  private func run(_ name: String, _ pipeline: Pipeline) throws -> ExchangeResult {
    try Importing(pipeline, folder: CacheFixtures.path(name), mode: .quiet).run()
  }

  @Test(
    "Every layout gives the numbers that it was made of", arguments: ["runner", "half", "fixed"])
  func arrow(_ name: String) throws {
    let folder = try TemporaryFolder()
    let result = try run(name, CacheFixtures.pipeline(folder))
    #expect(result.didWork && result.rows == CacheFixtures.rowCount)
    let (rows, tokens) = try CacheFixtures.golden()
    let found = try CacheFixtures.contents(result.folders[0])
    let expected: [Float] = name == "half" ? rows.map { Float(Float16($0)) } : rows
    #expect(found.rows == expected)
    let expectedTokens: [UInt32] = name == "half" ? tokens.map { _ in 0 } : tokens
    #expect(found.tokens == expectedTokens)
    #expect(found.places == CacheFixtures.places(72, contextSize: 6))
    #expect(found.isMixed)
    #expect(try System.list(result.folders[0]).filter { $0.hasPrefix("shard-") }.count == 3)
  }

  @Test("Files of one tensor give their rows in order of their names' numbers")
  func tensors() throws {
    let folder = try TemporaryFolder()
    let rows = try CacheFixtures.golden().rows
    var pipeline = CacheFixtures.pipeline(folder)
    let v3 = try CacheFixtures.contents(run("v3", pipeline).folders[0])
    #expect(v3.rows == Array(rows.prefix(24 * 4)))
    #expect(v3.places == CacheFixtures.places(24, contextSize: 1))
    pipeline.cache.contextSize = 5
    let counted = try CacheFixtures.contents(run("v3", pipeline).folders[0])
    #expect(counted.rows == v3.rows)
    #expect(counted.places == CacheFixtures.places(24, contextSize: 5))
    pipeline.cache.contextSize = nil
    pipeline.cache.dtype = .bfloat16
    let plain = try run("plain", pipeline)
    let rounded = rows.prefix(36 * 4).map { Precision.float(bfloat16: Precision.bfloat16($0)) }
    #expect(try CacheFixtures.contents(plain.folders[0]).rows == rounded)
  }

  @Test("The manifest says what the trainer needs, and the trainer's search finds it")
  func manifest() throws {
    let folder = try TemporaryFolder()
    let pipeline = CacheFixtures.pipeline(folder)
    let result = try run("runner", pipeline)
    let stage = try #require(
      try ActivationKey.finished(pipeline, Inputs(pipeline), hookName: CacheFixtures.hook))
    #expect(stage.path == result.folders[0])
    #expect(stage.path.contains("/activations/tiny.blocks.0.hook_mlp_out-"))
    let manifest = try #require(try stage.manifest(verify: .digests))
    #expect(manifest.input == nil)
    let names = (0..<3).map { "data-0000\($0)-of-00003.arrow" }
    #expect(manifest.identities.keys.sorted() == names)
    #expect(manifest.details["d_in"] == .integer(4))
    #expect(manifest.details["context_size"] == .integer(6))
    #expect(manifest.details["model_name"] == .string("nobody/tiny"))
    #expect(manifest.details["has_tokens"] == .bool(true))
    #expect(manifest.details["vocabulary_size"]?.integer ?? 99 <= 50)
    let rows = try CacheFixtures.golden().rows
    let mean = try #require(manifest.details["statistics"]?["mean"]?.array?.first?.double)
    var expected = 0.0
    for place in stride(from: 0, to: rows.count, by: 4) { expected += Double(rows[place]) / 72 }
    #expect(abs(mean - expected) < 1e-9)
  }

  @Test("A second import finds the first; one that was cut off is completed")
  func again() throws {
    let folder = try TemporaryFolder()
    let pipeline = CacheFixtures.pipeline(folder)
    let first = try run("runner", pipeline)
    let bytes = try MappedFile.contents(first.folders[0] + "/shard-00001.safetensors")
    let manifest = try MappedFile.contents(first.folders[0] + "/manifest.json")
    #expect(
      try run("runner", pipeline)
        == ExchangeResult(
          folders: first.folders, rows: 72, didWork: false))
    try System.remove(first.folders[0] + "/manifest.json")
    try System.remove(first.folders[0] + "/shard-00001.safetensors")
    #expect(try run("runner", pipeline).didWork)
    #expect(try MappedFile.contents(first.folders[0] + "/shard-00001.safetensors") == bytes)
    #expect(try MappedFile.contents(first.folders[0] + "/manifest.json") == manifest)
  }

  @Test("A damaged shard is made again, one of other bytes removed")
  func repair() throws {
    let folder = try TemporaryFolder()
    let pipeline = CacheFixtures.pipeline(folder)
    let path = try run("runner", pipeline).folders[0]
    let shard = path + "/" + ActivationShard.fileName(1)
    let before = try contentsOfFolder(path)
    let bytes = try MappedFile.contents(shard)
    try AtomicFile.replace(shard, with: "short")
    let terminal = RecordedTerminal(isInteractive: false)
    let result = try Importing(
      pipeline, folder: CacheFixtures.path("runner"), terminal: terminal.terminal
    ).run()
    #expect(result.didWork)
    #expect(
      terminal.writes.joined().contains(
        "import: \(shard) has 5 bytes; its manifest says \(bytes.count). It is made again.\n"))
    let isSame = try contentsOfFolder(path) == before
    #expect(isSame)
    let (made, noted) = try noteAnotherHash(path, shard: 1)
    try System.remove(shard)
    for _ in 1...2 {
      #expect(
        sentence(CacheFixtures.path("runner"), pipeline)
          == "\(shard) was made again with the SHA-256 \(made); its manifest says \(noted).")
      #expect(!System.exists(shard))
    }
  }

  @Test("What lies in the place of a shard and is none is made again")
  func unreadable() throws {
    let folder = try TemporaryFolder()
    let pipeline = CacheFixtures.pipeline(folder)
    let path = try run("runner", pipeline).folders[0]
    let before = try contentsOfFolder(path)
    try System.remove(path + "/manifest.json")
    try AtomicFile.replace(path + "/" + ActivationShard.fileName(2), with: "short")
    #expect(try run("runner", pipeline).didWork)
    let isSame = try contentsOfFolder(path) == before
    #expect(isSame)
  }

  @Test("A context size of -1 is that of the cache")
  func anyContext() throws {
    let folder = try TemporaryFolder()
    var pipeline = CacheFixtures.pipeline(folder)
    pipeline.cache.contextSize = -1
    #expect(try run("runner", pipeline).rows == 72)
    let flat = try CacheFixtures.contents(run("v3", pipeline).folders[0])
    #expect(flat.places == CacheFixtures.places(24, contextSize: 1))
  }

  @Test("The bytes of an import are those of its shards")
  func byteCount() throws {
    let folder = try TemporaryFolder()
    var pipeline = CacheFixtures.pipeline(folder)
    pipeline.cache.dtype = .int8
    let importing = try Importing(
      pipeline, folder: CacheFixtures.path("runner"), mode: .quiet)
    // Ten sequences of six rows of 4 + 4 bytes to a shard, so two shards; 2 + 4 + 2 for the origin.
    #expect(importing.byteCount == 72 * (4 + 4 + 8) + 2 * (8192 + 50 * 4))
    let path = try importing.run().folders[0]
    #expect(try shards(path).count == 2)
  }

  @Test("However large the buffer is, the rows of a shard can be numbered")
  func largeBuffer() throws {
    let folder = try TemporaryFolder()
    var pipeline = CacheFixtures.pipeline(folder)
    pipeline.cache.bufferSizeGB = 1e300
    #expect(try shards(run("runner", pipeline).folders[0]).count == 1)
  }

  @Test("What float16 cannot hold is refused before it is stored")
  func overflow() throws {
    let folder = try TemporaryFolder()
    var pipeline = CacheFixtures.pipeline(folder)
    try System.createDirectories(folder.file("cache"))
    let numbers: [Float] = [1, 2, 99_840, 3]
    let bytes = numbers.flatMap { number in
      (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
    }
    let tensor = SafetensorsWriter.Tensor("rows", .float32, shape: [2, 2], bytes: bytes)
    try folder.write(SafetensorsWriter.encode([tensor]), to: "cache/0.safetensors")
    pipeline.cache.dtype = .float16
    #expect(
      sentence(folder.file("cache"), pipeline)
        == "blocks.0.hook_mlp_out of nobody/tiny is not finite: NaN or infinity.")
    pipeline.cache.dtype = .bfloat16
    #expect(sentence(folder.file("cache"), pipeline) == "no error")
  }

  @Test("cache.training_tokens takes whole sequences")
  func fewer() throws {
    let folder = try TemporaryFolder()
    var pipeline = CacheFixtures.pipeline(folder)
    pipeline.cache.trainingTokens = 25
    let result = try run("runner", pipeline)
    #expect(result.rows == 30)
    #expect(
      try CacheFixtures.contents(result.folders[0]).rows
        == Array(CacheFixtures.golden().rows.prefix(120)))
  }

  // MARK: - Refusals

  private func sentence(_ folder: String, _ pipeline: Pipeline) -> String {
    do {
      _ = try Importing(pipeline, folder: folder, mode: .quiet).run()
      return "no error"
    } catch let failure as any Failure { return failure.sentence } catch { return "\(error)" }
  }

  @Test(
    "What is wrong with a cache is said",
    arguments: [
      (
        "uneven",
        "data-00000-of-00001.arrow, row 7: “blocks.0.hook_mlp_out” holds a list of 5 where 6 "
          + "are needed."
      ),
      (
        "null", "data-00000-of-00001.arrow, row 3: “blocks.0.hook_mlp_out” is null or holds a null."
      ),
      (
        "bits",
        "data-00000-of-00001.arrow: the column “blocks.0.hook_mlp_out” holds no matrices of "
          + "floating-point numbers."
      ),
      (
        "wide",
        "data-00001-of-00002.arrow holds activations of shape [6, 3] where [6, 4] is expected."
      ),
      ("negative", "data-00000-of-00001.arrow, row 8: “token_ids” holds -7, which is no token id."),
      (
        "infinite", "data-00000-of-00001.arrow holds a number that is not finite, in activation 58."
      ),
    ])
  func refused(_ name: String, _ end: String) throws {
    let folder = try TemporaryFolder()
    let path = CacheFixtures.path(name)
    #expect(sentence(path, CacheFixtures.pipeline(folder)) == path + "/" + end)
  }

  @Test("A pipeline file that says something else is refused")
  func contradictions() throws {
    let folder = try TemporaryFolder()
    let path = CacheFixtures.path("runner")
    var pipeline = CacheFixtures.pipeline(folder)
    pipeline.cache.dIn = 8
    #expect(
      sentence(path, pipeline)
        == "cache.d_in is 8, but the activations in \(path) are 4 wide.")
    pipeline.cache.dIn = nil
    pipeline.train.contextSize = 7
    #expect(
      sentence(path, pipeline)
        == "train.context_size is 7, but the activations in \(path) come in sequences of 6.")
    pipeline.train.contextSize = nil
    pipeline.cache.hookName = "blocks.1.hook_mlp_out"
    #expect(
      sentence(path, pipeline)
        == "\(path)/data-00000-of-00003.arrow has no column “blocks.1.hook_mlp_out”; it has "
        + "“blocks.0.hook_mlp_out”, “token_ids”.")
  }

  @Test("Rows after rows are not counted into longer sequences than there are rows")
  func longContext() throws {
    let folder = try TemporaryFolder()
    let path = CacheFixtures.path("v3")
    var pipeline = CacheFixtures.pipeline(folder)
    pipeline.cache.contextSize = .max
    #expect(
      sentence(path, pipeline)
        == "cache.context_size is \(Int.max), but the activations in \(path) are 24 in all.")
  }

  @Test("A folder without a finished cache is refused")
  func unfinished() throws {
    let folder = try TemporaryFolder()
    let pipeline = CacheFixtures.pipeline(folder)
    try System.createDirectories(folder.file("cache"))
    let path = folder.file("cache")
    #expect(
      sentence(path, pipeline)
        == "\(path) holds no cache: neither state.json nor a safetensors file is there.")
    let bytes = try contents(of: CacheFixtures.path("runner/data-00000-of-00003.arrow"))
    try folder.write(Array(bytes.dropLast(300)), to: "cache/data.arrow")
    #expect(
      sentence(path, pipeline)
        == "\(path) holds Arrow files and no state.json: the cache in it is not finished.")
    try folder.write(
      Array(#"{"_data_files": [{"filename": "../x"}]}"#.utf8), to: "cache/state.json")
    #expect(
      sentence(path, pipeline) == "\(path)/state.json does not list the files of the cache.")
    try folder.write(
      Array(#"{"_data_files": [{"filename": "data.arrow"}]}"#.utf8), to: "cache/state.json")
    #expect(
      sentence(path, pipeline)
        == "\(path)/data.arrow is cut short: it ends at byte \(bytes.count - 300).")
    try folder.write(Array(#"{"_data_files": []}"#.utf8), to: "cache/state.json")
    #expect(sentence(path, pipeline) == "The cache in \(path) holds no activations.")
  }

  @Test(
    "Damaged bytes are an error or other numbers, never a crash", arguments: ["runner", "fixed"])
  func damage(_ name: String) throws {
    let folder = try TemporaryFolder()
    let source = CacheFixtures.path(name)
    let list = try System.list(source).filter { $0.hasSuffix(".arrow") }
    let bytes = try contents(of: source + "/" + list[0])
    try folder.write(
      Array(#"{"_data_files": [{"filename": "a.arrow"}]}"#.utf8), to: "state.json")
    var read = 0
    for place in bytes.indices {
      for value in [0x7F, 0xFF, bytes[place] ^ 1, bytes[place] &+ 8] {
        var damaged = bytes
        damaged[place] = value
        try Data(damaged).write(to: URL(fileURLWithPath: folder.file("a.arrow")))
        guard let cache = try? ImportedCache.open(folder.path, hookName: CacheFixtures.hook) else {
          continue
        }
        var rows = ImportedRows(cache)
        let count = min(cache.rowCount, 4096 / cache.dIn)
        let whole = count / (cache.contextSize ?? 1) * (cache.contextSize ?? 1)
        var values = [Float](repeating: 0, count: whole * cache.dIn)
        var span = values.mutableSpan
        if (try? rows.read(0..<whole, into: &span)) != nil { read += 1 }
      }
    }
    #expect(read > bytes.count)
  }
}
