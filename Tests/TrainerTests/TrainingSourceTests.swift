import Shared
import Support
import Testing
import Trainer

@Suite("What a run trains on")
struct TrainingSourceTests {
  private func sentence(_ cache: SyntheticCache) -> [String?] {
    do {
      _ = try Run(cache.pipeline, mode: .quiet).plan.prepared()
      return ["no error"]
    } catch let failure as any Failure {
      return [failure.sentence, failure.hint]
    } catch { return ["\(error)"] }
  }

  @Test("The manifest gives model, hook point, width and statistics")
  func facts() throws {
    let cache = try SyntheticCache()
    let source = try cache.source
    #expect(source.facts.dIn == 8)
    #expect(source.facts.hookName == SyntheticCache.hook)
    #expect(source.facts.rows == 3 * cache.rowsPerShard)
    #expect(source.facts.mean.count == 8)
    #expect(source.shards.map(\.rows) == [640, 640, 640])
  }

  @Test("A cache that is not there says what to run")
  func notCached() throws {
    let cache = try SyntheticCache()
    cache.pipeline.cache.seed = 7
    #expect(
      sentence(cache) == [
        "The store \(cache.pipeline.store) holds no activations of blocks.0.hook_mlp_out that "
          + "were cached with these settings.",
        "Run saeline-cache with the same pipeline file first (make cache CONFIG=…).",
      ])
  }

  @Test("A pipeline file without a hook point is refused")
  func noHook() throws {
    let cache = try SyntheticCache()
    cache.pipeline.cache.hookName = ""
    #expect(
      sentence(cache) == [
        "Neither train.hook_name nor cache.hook_name says what to train on.",
        "Set cache.hook_name, such as blocks.0.hook_mlp_out.",
      ])
  }

  @Test("Values that contradict the manifest are shown beside it")
  func contradictions() throws {
    let cache = try SyntheticCache()
    let folder = try cache.source.folder
    cache.pipeline.train.dIn = 512
    #expect(
      sentence(cache) == [
        "train.d_in is 512, but the cached activations in \(folder) are 8 wide.",
        "Remove train.d_in or make it agree.",
      ])
    cache.pipeline.train.dIn = 8
    cache.pipeline.train.contextSize = 128
    #expect(
      sentence(cache) == [
        "train.context_size is 128, but the cached activations in \(folder) come from contexts of "
          + "16 tokens.",
        "Remove train.context_size or make it agree.",
      ])
    cache.pipeline.train.contextSize = nil
    cache.pipeline.train.modelName = "gpt2"
    #expect(
      sentence(cache) == [
        "train.model_name is gpt2, but the cached activations in \(folder) were taken from tiny.",
        "Remove train.model_name or make it agree.",
      ])
  }

  @Test("A manifest that lacks a fact is refused")
  func incompleteManifest() throws {
    let cache = try SyntheticCache()
    let path = try cache.source.folder + "/manifest.json"
    var members = try JSON(parsing: MappedFile.contents(path)).object ?? [:]
    // What a person changes has no digest.
    members["sha256"] = nil
    let text = JSON.object(members).pretty
    try AtomicFile.replace(
      path, with: text.split(separator: "\"mean_norm\"").joined(separator: "\"m\""))
    #expect(
      sentence(cache) == [
        "\(path) does not state statistics.mean_norm.",
        "The folder was not written by this version; cache it again.",
      ])
  }

  @Test("Rows that are not finite are refused", arguments: [TensorType.float32, .int8])
  func notFinite(_ type: TensorType) throws {
    let cache = try SyntheticCache(type: type, rows: .damaged)
    let error = #expect(throws: TrainingSourceError.self) { _ = try cache.source }
    let ending = "/manifest.json does not state statistics.mean_norm."
    #expect(error?.sentence.hasSuffix(ending) == true)
  }

  @Test("Holding out everything leaves nothing to train on")
  func nothingLeft() throws {
    let cache = try SyntheticCache(shards: 1, sequencesPerShard: 1)
    cache.pipeline.train.evalFraction = 0.999
    let folder = try cache.source.folder
    #expect(
      sentence(cache) == [
        "What is held out or left out leaves no row of \(folder) to train on.",
        "Choose a smaller train.eval_fraction, or leave out less with exclude_special_tokens, "
          + "seqpos_slice or max_norm_multiple.",
      ])
  }

  /// Puts a token stage behind the cache, and what `details` says into the cache's manifest.
  private func addHistory(
    _ cache: SyntheticCache, tokenized: Bool = false, details: [String: JSON] = [:]
  ) throws {
    let path = try cache.source.folder + "/manifest.json"
    var members = try JSON(parsing: MappedFile.contents(path)).object ?? [:]
    // What a person changes has no digest.
    members["sha256"] = nil
    members["details"] = .object((members["details"]?.object ?? [:]).merging(details) { $1 })
    try AtomicFile.replace(path, with: JSON.object(members).pretty)
    let fingerprint = String(repeating: "7", count: 64)
    let folder = cache.pipeline.store + "/tokens/tiny-" + fingerprint.prefix(16)
    try System.createDirectories(folder)
    var manifest = Manifest(
      key: StageKey(
        stage: .tokens, label: "tiny", settings: PretokenizeSettings().fingerprintSettings),
      name: "tiny", tool: "test", shards: [],
      details: [
        "is_dataset_tokenized": .bool(tokenized),
        "sae_lens": ["original_dataset": "stories.jsonl"],
      ])
    manifest.fingerprint = fingerprint
    try AtomicFile.replace(folder + "/manifest.json", with: manifest.json.pretty)
  }

  @Test("Numbers of a manifest that contradict its shards are refused")
  func implausible() throws {
    let cache = try SyntheticCache()
    let path = try cache.source.folder + "/manifest.json"
    try addHistory(cache, details: ["rows": .integer(1)])
    #expect(
      sentence(cache) == [
        "\(path): details.rows contradicts the rest of the store.",
        "Delete \(path) and run the stage that made it again; its shards are kept.",
      ])
    let other = try SyntheticCache()
    let otherPath = try other.source.folder + "/manifest.json"
    try addHistory(other, details: ["rows": .integer(1920), "context_size": .integer(0)])
    #expect(sentence(other).first == "\(otherPath) does not state context_size.")
  }

  static let repeated:
    [(change: @Sendable (inout TrainSettings) -> Void, given: String, fact: String)] =
      [
        ({ $0.hookLayer = 3 }, "hook_layer is 3", "are of blocks.0.hook_mlp_out, in layer 0"),
        ({ $0.hookHeadIndex = 2 }, "hook_head_index is 2", "are of all heads"),
        ({ $0.dOut = 9 }, "d_out is 9", "are 8 wide"),
        (
          { $0.modelClassName = "AutoModelForCausalLM" },
          "model_class_name is AutoModelForCausalLM",
          "are of blocks.0.hook_mlp_out, a name of HookedTransformer's"
        ),
        (
          {
            $0.modelFromPretrainedKwargs =
              ModelOptions(setting: ["fold_ln": .bool(true)]) ?? .init()
          },
          "model_from_pretrained_kwargs.fold_ln is true", "were taken without fold_ln"
        ),
        (
          { $0.datasetPath = "x/other" }, "dataset_path is x/other",
          "come from the text stories.jsonl"
        ),
        ({ $0.prependBos = false }, "prepend_bos is false", "come from rows that begin with bos"),
        (
          { $0.disableConcatSequences = true }, "disable_concat_sequences is true",
          "come from rows that documents share"
        ),
        (
          { $0.sequenceSeparatorToken = .stated(.eos) }, "sequence_separator_token is eos",
          "come from rows with bos between documents"
        ),
        (
          { $0.sequenceSeparatorToken = .stated(nil) }, "sequence_separator_token is null",
          "come from rows with bos between documents"
        ),
        (
          { $0.seqposSlice = PositionSlice(setting: [.integer(2), .integer(12)]) ?? .all },
          "seqpos_slice is [2,12]",
          "hold only the positions [0,10]"
        ),
        (
          { $0.excludeSpecialTokens = .ids([1]) }, "exclude_special_tokens is [1]",
          "lack the tokens [1, 2]"
        ),
        (
          { $0.reshapeActivations = .hookZ }, "reshape_activations is hook_z",
          "are no heads side by side"
        ),
      ]

  @Test("An option that contradicts a manifest is shown beside what is so", arguments: repeated)
  func repetitions(
    _ change: @Sendable (inout TrainSettings) -> Void, _ given: String, _ fact: String
  ) throws {
    let cache = try SyntheticCache()
    try addHistory(
      cache,
      details: [
        "seqpos_slice": [.integer(0), .integer(10)],
        "excluded_tokens": [.integer(1), .integer(2)],
      ])
    let folder = try cache.source.folder
    change(&cache.pipeline.train)
    let key = given.split(separator: " ")[0]
    #expect(
      sentence(cache) == [
        "train.\(given), but the cached activations in \(folder) \(fact).",
        "Remove train.\(key) or make it agree.",
      ])
  }

  private func repeatEverything(_ settings: inout TrainSettings) {
    settings.hookLayer = 0
    settings.dOut = 8
    settings.modelClassName = "HookedTransformer"
    settings.modelFromPretrainedKwargs =
      ModelOptions(setting: ["center_writing_weights": .bool(false)]) ?? .init()
    settings.datasetPath = "somewhere/stories.jsonl"
    settings.prependBos = true
    settings.disableConcatSequences = false
    settings.sequenceSeparatorToken = .stated(.bos)
  }

  @Test("Options that repeat what manifests say are accepted, with no word")
  func agreeing() throws {
    let cache = try SyntheticCache()
    try addHistory(cache)
    repeatEverything(&cache.pipeline.train)
    _ = try Run(cache.pipeline, mode: .quiet)
    #expect(try cache.source.unknowns(in: cache.pipeline) == [])
  }

  @Test("Options that no manifest tells of are said to have no effect")
  func unknown() throws {
    let cache = try SyntheticCache()
    repeatEverything(&cache.pipeline.train)
    _ = try Run(cache.pipeline, mode: .quiet)
    #expect(
      try cache.source.unknowns(in: cache.pipeline)
        == ["dataset_path", "prepend_bos", "disable_concat_sequences", "sequence_separator_token"]
        .map {
          "note: train.\($0): has no effect. The store does not tell it of these activations."
        })
    try addHistory(cache, tokenized: true, details: ["has_tokens": .bool(false)])
    cache.pipeline.train.hookHeadIndex = 1
    #expect(try cache.source.unknowns(in: cache.pipeline).count == 6)
  }

  @Test("A configuration that SAELens wrote trains on the cache that it describes")
  func dumped() throws {
    let cache = try SyntheticCache()
    let dump = try ProjectFiles.text("Tests/Fixtures/config/runner_cfg-6.54.json")
    let text = "{ pretokenize: { context_size: 16 }, train: \(dump) }"
    var pipeline = try PipelineFile(parsing: Array(text.utf8), path: "x.json5").pipeline
    pipeline.store = cache.pipeline.store
    pipeline.cache = cache.pipeline.cache
    // It asks for W&B, for which there is no key.
    pipeline.logger.logToWandb = false
    #expect(try Run(pipeline, mode: .quiet).run() == .trained)
    try addHistory(cache)
    #expect(try Run(pipeline, mode: .quiet).run() == .nothingToDo)
  }
}
