import ActivationCacher
import Shared
import Support
import Testing

@Suite("Activations are exported as SAELens reads them")
struct ExportingTests {
  /// Writes a finished stage of given sequences, permuted, one list per shard.
  private func write(
    _ shards: [[(sequence: Int, positions: [Int])]], type: TensorType = .float32,
    for pipeline: Pipeline
  ) throws -> String {
    let hook = pipeline.cache.hookName
    let key = StageKey(
      stage: .activations, label: ActivationKey.label(pipeline.cache.modelName) + "." + hook,
      settings: ActivationKey.settings(pipeline, hookName: hook), input: "7")
    let folder = Store(pipeline.store).folder(key)
    var records: [Manifest.Shard] = []
    try System.createDirectories(folder.path)
    for (index, sequences) in shards.enumerated() {
      let places = sequences.flatMap { item in item.positions.map { (item.sequence, $0) } }
      var builder = ActivationShardBuilder(
        rows: places.count, dIn: 3, type: type, vocabularySize: 70_000, contextSize: 16)
      let values = places.flatMap { place in (0..<3).map { value(place.0, place.1, $0) } }
      let order = Random(seed: index, stream: "rows").permutation(places.count)
      let tokens = places.map { token($0.0, $0.1) }
      let (rows, positions) = (places.map { UInt32($0.0) }, places.map { UInt32($0.1) })
      builder.put(
        values.span, at: order.span, tokens: tokens.span, sequences: rows.span,
        positions: positions.span)
      var file = try AtomicFile.create(folder.path + "/" + ActivationShard.fileName(index))
      try builder.write(to: &file)
      try file.publishReplacing()
      records.append(try folder.shard(ActivationShard.fileName(index), rows: places.count))
    }
    try folder.finish(
      Manifest(
        key: key, name: key.label, tool: "test", shards: records, details: .object([:])))
    return folder.path
  }

  private func value(_ sequence: Int, _ position: Int, _ column: Int) -> Float {
    Float(sequence * 64 + position * 4 + column) / 8
  }

  private func token(_ sequence: Int, _ position: Int) -> UInt32 {
    UInt32(sequence * 10_000 + position)
  }

  private func pipeline(_ folder: borrowing TemporaryFolder) -> Pipeline {
    var pipeline = CacheFixtures.pipeline(folder)
    pipeline.cache.dIn = nil
    return pipeline
  }

  private func sentence(_ pipeline: Pipeline, output: String) -> String {
    do {
      _ = try Exporting(pipeline, output: output, mode: .quiet).run()
      return "no error"
    } catch let failure as any Failure { return failure.sentence } catch { return "\(error)" }
  }

  @Test(
    "Rows come back in the order of the corpus with their tokens",
    arguments: [TensorType.float32, .float16, .bfloat16])
  func roundTrip(_ type: TensorType) throws {
    let folder = try TemporaryFolder()
    let positions = [2, 3, 4, 5, 9]
    var pipeline = pipeline(folder)
    _ = try write(
      [(0..<4).map { ($0, positions) }, (4..<7).map { ($0, positions) }], type: type, for: pipeline)
    let output = folder.file("out")
    let result = try Exporting(pipeline, output: output + "/", mode: .quiet).run()
    #expect(result == ExchangeResult(folders: [output], rows: 35, didWork: true))
    #expect(
      try System.list(output) == [
        "data-00000-of-00002.arrow", "data-00001-of-00002.arrow", "dataset_info.json",
        "state.json",
      ])
    let state = try JSON(parsing: contents(of: output + "/state.json"))
    #expect(
      state.object?.keys.sorted() == [
        "_data_files", "_fingerprint", "_format_columns", "_format_kwargs", "_format_type",
        "_output_all_columns", "_split",
      ])
    let stream = try ArrowStream(InputFile(output + "/data-00001-of-00002.arrow"))
    #expect(stream.fields.map(\.name) == [CacheFixtures.hook, "token_ids"])
    let name = type == .float16 ? "float16" : "float32"
    #expect(
      stream.fields[0].metadata == [
        "ARROW:extension:name": "datasets.features.features.Array2DExtensionType",
        "ARROW:extension:metadata": "[[5, 3], \"\(name)\"]",
      ])
    // Into another store, whose rows are those of the first.
    pipeline.store = folder.file("other")
    let back = try Importing(pipeline, folder: output, mode: .quiet).run()
    let found = try CacheFixtures.contents(back.folders[0])
    let places = (0..<7).flatMap { sequence in positions.map { (sequence, $0) } }
    var expected: [Float] = []
    for place in places {
      for column in 0..<3 {
        let value = value(place.0, place.1, column)
        expected.append(
          type == .bfloat16 ? Precision.float(bfloat16: Precision.bfloat16(value)) : value)
      }
    }
    #expect(found.rows == expected)
    #expect(found.tokens == places.map { token($0.0, $0.1) })
  }

  @Test("A cache of SAELens that was imported is exported with the same content")
  func thereAndBack() throws {
    let folder = try TemporaryFolder()
    for (name, columns) in [("runner", 2), ("half", 1)] {
      let pipeline = CacheFixtures.pipeline(folder, store: name)
      _ = try Importing(pipeline, folder: CacheFixtures.path(name), mode: .quiet).run()
      let output = folder.file(name + ".out")
      let result = try Exporting(pipeline, output: output, mode: .quiet).run()
      #expect(result.rows == 72)
      let stream = try ArrowStream(InputFile(output + "/data-00000-of-00003.arrow"))
      #expect(stream.fields.count == columns)
      let again = CacheFixtures.pipeline(folder, store: name + ".again")
      let (first, second) = (
        try Importing(pipeline, folder: CacheFixtures.path(name), mode: .quiet).run(),
        try Importing(again, folder: output, mode: .quiet).run()
      )
      #expect(
        try CacheFixtures.contents(first.folders[0]).rows
          == CacheFixtures.contents(second.folders[0]).rows)
    }
  }

  @Test("Of several hook points each gets a folder of its own, or one is chosen")
  func several() throws {
    let folder = try TemporaryFolder()
    var pipeline = pipeline(folder)
    _ = try write([[(0, [0, 1])]], for: pipeline)
    pipeline.cache.hookName = "b"
    _ = try write([[(0, [0, 1])]], for: pipeline)
    pipeline.cache.hookName = "b"
    pipeline.cache.hookNames = [CacheFixtures.hook]
    let output = folder.file("all")
    #expect(
      try Exporting(pipeline, output: output, mode: .quiet).run().folders
        == [output + "/b", output + "/" + CacheFixtures.hook])
    let one = folder.file("one")
    #expect(
      try Exporting(pipeline, hook: CacheFixtures.hook, output: one, mode: .quiet).run().folders
        == [one])
    let error = #expect(throws: ExchangeError.self) {
      try Exporting(pipeline, hook: "c", output: folder.file("x"), mode: .quiet)
    }
    #expect(
      error?.sentence
        == "c is none of the pipeline file's hook points: b, blocks.0.hook_mlp_out.")
  }

  @Test("Exports of the same to one folder at once agree; another one is refused")
  func atOnce() throws {
    let folder = try TemporaryFolder()
    let pipeline = pipeline(folder)
    _ = try write([(0..<4).map { ($0, [2, 3]) }], for: pipeline)
    let output = folder.file("out")
    let exports = try (0..<2).map { _ in try Exporting(pipeline, output: output, mode: .quiet) }
    for export in exports { #expect(try export.run().folders == [output]) }
    #expect(try System.list(folder.path).filter { $0.hasPrefix("out") } == ["out"])
    let late = try Exporting(pipeline, output: folder.file("other"), mode: .quiet)
    try folder.write([1], to: "mine")
    try System.createDirectories(folder.file("other"))
    try System.rename(folder.file("mine"), to: folder.file("other/mine"))
    let error = #expect(throws: ExchangeError.self) { try late.run() }
    #expect(error?.sentence == ExchangeError.outputExists(folder.file("other")).sentence)
    #expect(try System.list(folder.file("other")) == ["mine"])
  }

  @Test("Sequences of unequal length are refused, and nothing is written")
  func unequal() throws {
    let folder = try TemporaryFolder()
    let pipeline = pipeline(folder)
    let stage = try write([[(0, [0, 1, 2]), (1, [0, 1, 2])], [(2, [0, 1])]], for: pipeline)
    #expect(
      sentence(pipeline, output: folder.file("out"))
        == "\(stage)/shard-00001.safetensors holds 2 rows of sequence 2 where other sequences have "
        + "3; SAELens's layout has one length.")
    #expect(try System.list(folder.path) == ["store"])
  }

  @Test("Two rows for one place are refused")
  func repeated() throws {
    let folder = try TemporaryFolder()
    let pipeline = pipeline(folder)
    let stage = try write([[(0, [0, 1]), (1, [1, 1])]], for: pipeline)
    #expect(
      sentence(pipeline, output: folder.file("out"))
        == "\(stage)/shard-00000.safetensors holds two rows for position 1 of sequence 1.")
  }

  @Test("A folder with files is not overwritten, and a missing stage is named")
  func refusals() throws {
    let folder = try TemporaryFolder()
    var pipeline = pipeline(folder)
    _ = try write([[(0, [0, 1])]], for: pipeline)
    let output = folder.file("out")
    try System.createDirectories(output)
    #expect(sentence(pipeline, output: output) == "no error")
    #expect(sentence(pipeline, output: output) == "\(output) exists and is no empty folder.")
    pipeline.cache.seed = 1
    #expect(
      sentence(pipeline, output: folder.file("new"))
        == "The store \(pipeline.store) holds no finished activations of blocks.0.hook_mlp_out with "
        + "these settings.")
  }
}
