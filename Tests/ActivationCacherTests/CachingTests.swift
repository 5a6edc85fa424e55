import ActivationCacher
import Dispatch
import Shared
import Support
import Synchronization
import Testing

@Suite struct CachingTests {
  static let hooks = [
    "blocks.1.hook_resid_post", "blocks.0.attn.hook_q", "blocks.1.mlp.hook_post",
    "blocks.0.attn.hook_pattern", "blocks.0.hook_resid_pre",
  ]

  @Test func storedRowsAreThoseOfTheForwardPass() throws {
    let folder = try TemporaryFolder()
    let result = try run(pipeline(folder, hooks: Self.hooks))
    #expect(result.didWork && result.rows == 11 * 16 && result.folders.count == 5)
    let model = try ModelDescription.open(folder: ModelFixtures.folder("grouped"))
    let points = try Self.hooks.map { try HookPoint.find($0, in: model) }
    let expected = try ModelFixtures.run("grouped", points, tokens: tokens, contextSize: 16)
    for (index, path) in result.folders.enumerated() {
      let (rows, noted, isMixed) = try rows(path)
      #expect(noted == tokens)
      #expect(isMixed)
      #expect(try shards(path).count == 3)
      let worst = zip(rows.joined(), expected[index]).map { abs($0 - $1) }.max()
      #expect(rows.joined().count == expected[index].count)
      #expect(worst ?? 1 < 1e-5, "\(Self.hooks[index])")
    }
  }

  @Test func theManifestSaysWhatTheTrainerNeeds() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    let path = try run(pipeline).folders[0]
    let manifest = try #require(
      try StageFolder(path: path, stage: .activations, fingerprint: nil).manifest(
        verify: .digests))
    #expect(path.contains("/activations/grouped.blocks.1.hook_resid_post-"))
    #expect(manifest.details["d_in"] == .integer(24))
    #expect(manifest.details["rows"] == .integer(176))
    #expect(manifest.details["context_size"] == .integer(16))
    #expect(manifest.details["hook_name"] == .string("blocks.1.hook_resid_post"))
    #expect(manifest.details["model_name"] == .string("grouped"))
    #expect(manifest.details["vocabulary_size"] == .integer(53))
    #expect(manifest.identities.count == 4)
    #expect(
      manifest.input
        == (try ActivationKey.tokens(pipeline, Inputs(pipeline))?.manifest()?.fingerprint))
    let values = try rows(path).rows
    let mean = try #require(manifest.details["statistics"]?["mean"]?.array?.first?.double)
    let expected = values.reduce(0) { $0 + Double($1[0]) } / 176
    #expect(abs(mean - expected) < 1e-9)
    let second = try #require(manifest.details["statistics"]?["second_moment"]?.double)
    let squares = values.joined().reduce(0) { $0 + Double($1) * Double($1) } / 176
    #expect(abs(second - squares) < 1e-9 * squares)
  }

  @Test func aModelThatIsEditedAfterItsDigestIsRefused() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder)
    let model = folder.file("model")
    try System.createDirectories(model)
    for name in try System.list(pipeline.cache.modelName) {
      try folder.write(
        try MappedFile.contents(pipeline.cache.modelName + "/" + name), to: "model/" + name)
    }
    pipeline.cache.modelName = model
    let begun = try Caching(pipeline, mode: .quiet)
    let weights = try #require(
      try ActivationKey.files(model: model).last { $0.hasSuffix(".safetensors") })
    var bytes = try MappedFile.contents(weights)
    bytes[bytes.count - 1] ^= 1
    try folder.write(bytes, to: "model/" + (weights.split(separator: "/").last ?? ""))
    let error = #expect(throws: ChangedFile.self) { try begun.run() }
    #expect(error?.sentence == "\(weights) changed while it was read.")
    let stages = folder.file("store/activations")
    let made = try stages + "/" + #require(System.list(stages).first)
    #expect(try shards(made) == [])
  }

  @Test func aSecondRunDoesNothing() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    let first = try run(pipeline)
    let terminal = RecordedTerminal(isInteractive: false)
    let second = try Caching(pipeline, terminal: terminal.terminal).run()
    #expect(!second.didWork && second.folders == first.folders && second.rows == first.rows)
    let stage = StageFolder(path: first.folders[0], stage: .activations, fingerprint: nil)
    let summary = StageSummary(stage, try #require(try stage.manifest())).table.text()
    #expect(
      terminal.writes == [
        "activations: nothing to do (\(first.folders[0]))\n", "\n\(summary)\n",
      ])
  }

  @Test func aHookPointHasOneFolderWhicheverSetItWasCachedWith() throws {
    let folder = try TemporaryFolder()
    let alone = try run(pipeline(folder, hooks: [Self.hooks[1]]))
    let bytes = try contentsOfFolder(alone.folders[0])
    let together = try run(pipeline(folder, hooks: Self.hooks))
    #expect(together.folders[1] == alone.folders[0])
    #expect(try contentsOfFolder(alone.folders[0]) == bytes)
    let other = try run(pipeline(folder, store: "other", hooks: Self.hooks))
    #expect(try contentsOfFolder(other.folders[1]) == bytes)
  }

  @Test func severalWorkersWriteTheSameBytesAsOne() throws {
    let folder = try TemporaryFolder()
    let one = try run(pipeline(folder, hooks: Self.hooks))
    let shared = try pipeline(folder, store: "shared", hooks: Self.hooks)
    let results = Mutex<[CacheResult]>([])
    DispatchQueue.concurrentPerform(iterations: 3) { _ in
      guard let result = try? run(shared) else { return }
      results.withLock { $0.append(result) }
    }
    let paths = results.withLock { $0.map(\.folders) }
    #expect(paths.count == 3)
    for (single, many) in zip(one.folders, paths.first ?? []) {
      let isSame = try contentsOfFolder(single) == contentsOfFolder(many)
      #expect(isSame)
    }
  }

  @Test func lostShardsAreMadeAgainWithTheSameBytes() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder, hooks: Array(Self.hooks.prefix(3)))
    let paths = try run(pipeline).folders
    let before = try paths.map { try contentsOfFolder($0) }
    // As if killed: the first has all but one shard, the second lacks two, the third is finished.
    for path in paths.prefix(2) { try System.remove(path + "/manifest.json") }
    try System.remove(paths[0] + "/" + ActivationShard.fileName(2))
    try System.remove(paths[1] + "/" + ActivationShard.fileName(0))
    try System.remove(paths[1] + "/" + ActivationShard.fileName(2))
    #expect(try run(pipeline).didWork)
    for (path, contents) in zip(paths, before) {
      let isSame = try contentsOfFolder(path) == contents
      #expect(isSame)
    }
  }

  @Test func leftoversOfOneFolderGoWhileAnotherIsMade() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder, hooks: Array(Self.hooks.prefix(2)))
    let paths = try run(pipeline).folders
    let before = try paths.map { try contentsOfFolder($0) }
    // As if killed while it cleared the first one up.
    try AtomicFile.replace(paths[0] + "/" + ActivationShard.fileName(0) + ".sha256", with: "1 2\n")
    try System.remove(paths[1] + "/manifest.json")
    #expect(try run(pipeline).didWork)
    for (path, contents) in zip(paths, before) {
      let isSame = try contentsOfFolder(path) == contents
      #expect(isSame)
    }
  }

  @Test(arguments: [StorageType.float16, .bfloat16])
  func narrowRowsAreTheRoundedOnes(type: StorageType) throws {
    let folder = try TemporaryFolder()
    var narrow = try pipeline(folder)
    let wide = try rows(run(narrow).folders[0]).rows
    narrow.cache.dtype = type
    narrow.cache.bufferSizeGB /= 2
    let path = try run(narrow).folders[0]
    #expect(try ActivationShard.open(shards(path)[0]).type == type.tensorType)
    for (stored, exact) in zip(try rows(path).rows.joined(), wide.joined()) {
      let rounded = type == .float16 ? Float(Float16(exact)) : bfloat16(exact)
      #expect(stored == rounded)
    }
  }

  @Test func rowsOfInt8AreTheRoundedOnes() throws {
    let folder = try TemporaryFolder()
    var narrow = try pipeline(folder)
    let wide = try rows(run(narrow).folders[0]).rows
    narrow.cache.dtype = .int8
    narrow.cache.bufferSizeGB *= 28.0 / 96
    let path = try run(narrow).folders[0]
    #expect(try ActivationShard.open(shards(path)[0]).type == .int8)
    let manifest = try #require(
      try StageFolder(path: path, stage: .activations, fingerprint: nil).manifest(verify: .sizes))
    #expect(manifest.details["dtype"] == .string("I8"))
    for (stored, exact) in zip(try rows(path).rows, wide) {
      let scale = (exact.map(\.magnitude).max() ?? 0) / 127
      #expect(stored == exact.map { ($0 / scale).rounded(.toNearestOrEven) * scale })
    }
  }

  /// Round to nearest even at 8 significant bits.
  private func bfloat16(_ value: Float) -> Float {
    let bits = value.bitPattern
    return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
  }

  @Test func withoutShuffleRowsStayInOrder() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder)
    pipeline.cache.shuffle = false
    let (_, noted, isMixed) = try rows(run(pipeline).folders[0])
    #expect(!isMixed && noted == tokens)
  }

  @Test func fewerTokensThanWantedAreAllTaken() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder)
    pipeline.cache.trainingTokens = 1000
    let terminal = RecordedTerminal(isInteractive: false)
    let result = try Caching(pipeline, terminal: terminal.terminal).run()
    #expect(result.rows == 176)
    #expect(
      terminal.writes.joined().contains(
        "activations: the token shards hold 176 tokens, fewer than training_tokens; all of them "
          + "are taken\n"))
  }

  @Test func onlyAsManySequencesAsWantedAreTaken() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder)
    pipeline.cache.trainingTokens = 5 * 16 - 3
    #expect(try run(pipeline).rows == 5 * 16)
  }
}

@Suite struct FiniteRowsTests {
  /// A GPT-2 whose embeddings all begin with the same number of bfloat16.
  private func largePipeline(
    _ folder: borrowing TemporaryFolder, start: UInt16, hooks: [String]
  ) throws -> Pipeline {
    var pipeline = try pipeline(folder, hooks: hooks)
    pipeline.cache.modelName = folder.file("large")
    try ModelFixtures.copy(
      "gpt2", to: pipeline.cache.modelName,
      weights: { bytes, tensors in
        guard let table = tensors["transformer.wte.weight"], table.type == .bfloat16 else { return }
        for row in stride(from: table.range.lowerBound, to: table.range.upperBound, by: 24 * 2) {
          bytes[row] = UInt8(truncatingIfNeeded: start)
          bytes[row + 1] = UInt8(truncatingIfNeeded: start >> 8)
        }
      })
    return pipeline
  }

  private func expectRefusal(_ pipeline: Pipeline) throws {
    let error = #expect(throws: CacheError.self) { try run(pipeline) }
    #expect(error == .notFinite(hook: "hook_embed", model: "large", sequence: nil))
    #expect(error?.sentence == "hook_embed of large is not finite: NaN or infinity.")
    #expect(
      error?.hint == "Check the model's weights, or cache.dtype: float16 ends at 65,504.")
    for name in try System.list(pipeline.store + "/activations") where name.contains("hook_embed") {
      #expect(try shards(pipeline.store + "/activations/" + name).isEmpty)
    }
  }

  /// 99,840 is within bfloat16 and beyond float16.
  @Test(arguments: [["hook_embed"], ["blocks.0.ln1.hook_normalized", "hook_embed"]])
  func aShardThatItsTypeCannotHoldIsNotPublished(hooks: [String]) throws {
    let folder = try TemporaryFolder()
    var pipeline = try largePipeline(folder, start: 0x47C3, hooks: hooks)
    pipeline.cache.dtype = .float16
    try expectRefusal(pipeline)
    pipeline.cache.dtype = .bfloat16
    #expect(try run(pipeline).didWork)
  }

  @Test func aNumberThatIsNoneIsFoundWhereverItStands() throws {
    let folder = try TemporaryFolder()
    try expectRefusal(largePipeline(folder, start: 0x7FC0, hooks: ["hook_embed"]))
  }
}

@Suite struct CacheErrorTests {
  private func failure(
    _ change: (inout Pipeline) -> Void, model: String = "grouped"
  ) throws -> (any Failure)? {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder, model: model)
    change(&pipeline)
    do {
      _ = try run(pipeline)
      return nil
    } catch { return error as? any Failure }
  }

  @Test func aModelThatIsNotHereIsNamed() throws {
    let error = try failure { $0.cache.modelName = "EleutherAI/pythia-70m" }
    #expect(
      error?.sentence
        == "The model EleutherAI/pythia-70m is not on this machine: there is no such folder.")
    #expect(
      error?.hint
        == "Set cache.model_name to a name on the Hugging Face Hub (owner/name), or to a folder with "
        + "config.json and weights." + HomeFolder.rule(for: "x"))
    #expect(error?.exitCode == .wrongInput)
  }

  @Test func aModelAndTokensThatAreMissingAreNamedTogether() throws {
    let folder = try TemporaryFolder()
    var pipeline = Pipeline()
    pipeline.store = folder.path + "/store"
    pipeline.cache.modelName = "EleutherAI/pythia-70m"
    pipeline.cache.hookName = "blocks.0.hook_resid_post"
    let error = #expect(throws: MissingInputs.self) { try Caching(pipeline) }
    #expect(
      error?.sentence
        == "The model EleutherAI/pythia-70m is not on this machine: there is no such folder. "
        + "The store \(folder.path)/store holds no finished token shards for this pipeline file.")
    #expect(
      error?.hint
        == "Set cache.model_name to a name on the Hugging Face Hub (owner/name), or to a folder with "
        + "config.json and weights." + HomeFolder.rule(for: "x")
        + " Run saeline-pretokenize with the same pipeline file (make pretokenize CONFIG=…).")
    #expect(error?.exitCode == .wrongInput)
  }

  @Test func missingTokensAreNamed() throws {
    let error = try failure { $0.pretokenize.contextSize = 17 }
    #expect(error?.sentence.hasPrefix("The store ") == true)
    #expect(
      error?.sentence.hasSuffix(" holds no finished token shards for this pipeline file.") == true)
    #expect(
      error?.hint
        == "Run saeline-pretokenize with the same pipeline file (make pretokenize CONFIG=…).")
  }

  @Test func anotherContextSizeIsRefused() throws {
    let error = try failure { $0.cache.contextSize = 8 }
    #expect(error?.sentence.hasPrefix("cache.context_size is 8, but the token shards in ") == true)
    #expect(error?.sentence.hasSuffix(" have 16.") == true)
    #expect(error?.hint == "Set cache.context_size to 16, or leave it out.")
  }

  @Test func aContextBeyondTheModelIsRefused() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder)
    pipeline.name = "long"
    pipeline.pretokenize.contextSize = 25
    try TokenStageFixture.write(
      tokens, contextSize: 25, vocabularySize: 53, shards: [7], for: pipeline)
    let error = #expect(throws: CacheError.self) { try run(pipeline) }
    #expect(
      error?.sentence
        == "The token shards have 25 tokens per sequence; \(pipeline.cache.modelName) reads at "
        + "most 24.")
    #expect(error?.hint == "Set pretokenize.context_size to 24 or less.")
  }

  @Test func aTokenBeyondTheVocabularyIsNamed() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder)
    pipeline.name = "wide"
    pipeline.pretokenize.contextSize = 8
    let stage = try TokenStageFixture.write(
      [1, 2, 3, 4, 5, 6, 7, 53], contextSize: 8, vocabularySize: 60, shards: [1], for: pipeline)
    let error = #expect(throws: CacheError.self) { try run(pipeline) }
    #expect(
      error?.sentence
        == "\(stage.path)/\(TokenShard.fileName(0)) holds the token 53; the vocabulary of "
        + "\(pipeline.cache.modelName) has 53.")
    #expect(error?.hint == "Set pretokenize.tokenizer_name to the model's own tokenizer.")
  }

  @Test func hookPointsAreCheckedAgainstTheModel() throws {
    let name = try failure { $0.cache.hookName = "blocks.7.hook_resid_post" }
    #expect(name?.sentence == "The model has no hook point blocks.7.hook_resid_post.")
    let width = try failure { $0.cache.dIn = 25 }
    #expect(width?.sentence == "d_in is 25, but blocks.1.hook_resid_post has 24 columns.")
    let layer = try failure { $0.cache.hookLayer = 0 }
    #expect(layer?.sentence == "hook_layer is 0, but blocks.1.hook_resid_post lies in layer 1.")
  }

  @Test func whatDoesNotFitIntoMemoryIsRefusedBeforeTheStart() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    let error = #expect(throws: CacheError.self) {
      try Caching(pipeline, memoryLimit: 1000, mode: .quiet).run()
    }
    let needed = try Estimate.make(
      pipeline, speed: CacheSpeed(secondsPerToken: 1, shardBytesPerSecond: 1)
    ).bill.memoryByteCount
    #expect(error == .memoryTooSmall(needed: try #require(needed), available: 1000))
    #expect(!System.exists(pipeline.store + "/activations"))
  }

  @Test func otherFactsHaveTheirSentences() {
    let memory = CacheError.memoryTooSmall(needed: 2_000_000, available: 1_000_000)
    #expect(
      memory.sentence
        == "The forward pass and its shards need about 2.0 MB of memory; there are 1.0 MB.")
    #expect(
      memory.hint == "Lower cache.buffer_size_gb, or take fewer hook points at a time.")
    let shard = CacheError.shardDiffers(path: "a", sequences: 3, contextSize: 4)
    #expect(shard.sentence == "a holds 3 sequences of 4, not what its manifest says.")
    let manifest = CacheError.malformedTokens(path: "m", key: "context_size")
    #expect(manifest.sentence == "m does not state context_size.")
    #expect(shard.hint == "Delete the folder and run saeline-pretokenize again.")
  }
}
