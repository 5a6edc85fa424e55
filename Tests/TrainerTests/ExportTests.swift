import Foundation
import Shared
import Testing
import Trainer

@Suite("The files of an SAE")
struct ExportTests {
  private func files(_ change: (inout Pipeline) -> Void) throws -> (SyntheticCache, SAEFiles) {
    let cache = try SyntheticCache(dIn: 2)
    cache.pipeline.train.dSae = 3
    cache.pipeline.pretokenize.datasetPath = "/home/somebody/stories.jsonl"
    change(&cache.pipeline)
    try System.createDirectories(cache.folder + "/out")
    return (cache, try TrainingPlan(cache.pipeline, source: cache.source).prepared().files)
  }

  private func json(_ cache: SyntheticCache, _ name: String) throws -> JSON {
    try JSON(parsing: MappedFile.contents(cache.folder + "/out/" + name))
  }

  private func floats(_ cache: SyntheticCache, _ file: String, _ name: String) throws -> [Float] {
    let file = try SafetensorsFile.open(cache.folder + "/out/" + file)
    let entry = try #require(file.header.tensors[name])
    var values = [Float](repeating: 0, count: entry.count)
    var span = values.mutableSpan
    file.readFloats(entry, into: &span)
    return values
  }

  private func state() -> TrainingState {
    var state = TrainingState(dIn: 2, dSae: 3)
    for index in 0..<6 {
      state.parameters.encoder.buffer[index] = Float(index + 1)
      state.parameters.decoder.buffer[index] = Float(10 * (index + 1))
    }
    for latent in 0..<3 { state.parameters.encoderBias.buffer[latent] = Float(latent) }
    state.parameters.decoderBias.buffer[0] = 4
    state.parameters.decoderBias.buffer[1] = 6
    state.activeCounts[1] = 50
    state.activeCounts[2] = 100
    state.activeSamples = 100
    state.passesSinceFired[0] = 2000
    return state
  }

  @Test("The inference configuration of a TopK SAE is SAELens's")
  func topKConfiguration() throws {
    let (cache, files) = try files { $0.train.architecture = .topk }
    try files.writeFinal(state(), to: cache.folder + "/out")
    #expect(
      try json(cache, "cfg.json").canonical == """
        {"apply_b_dec_to_input":true,"architecture":"topk","d_in":2,"d_sae":3,"device":"cpu",\
        "dtype":"float32","k":3,"metadata":{"context_size":16,"dataset_path":"stories.jsonl",\
        "disable_concat_sequences":false,"exclude_special_tokens":false,"hook_head_index":null,\
        "hook_name":"blocks.0.hook_mlp_out","l0":1.5,"model_class_name":"HookedTransformer",\
        "model_from_pretrained_kwargs":{"center_writing_weights":false},"model_name":"tiny",\
        "num_dead_features":1,"prepend_bos":true,"producer":"saeline \(Product.version)",\
        "sae_lens_training_version":"6.54.12","sae_lens_version":"6.54.12","seqpos_slice":[null],\
        "sequence_separator_token":"bos","training_architecture":"topk",\
        "training_architecture_details":{"aux_loss_coefficient":1,"decoder_init_norm":0.1,\
        "use_sparse_activations":false}},"normalize_activations":"none",\
        "rescale_acts_by_decoder_norm":true,"reshape_activations":"none"}
        """)
    #expect(try SAEFiles.deadLatents(in: cache.folder + "/out") == 1)
  }

  @Test("What was taken of the model is noted in SAELens's words")
  func selection() throws {
    let (cache, _) = try files { _ in }
    let source = try cache.source
    cache.pipeline.cache.hookHeadIndex = 2
    cache.pipeline.cache.seqposSlice =
      PositionSlice(setting: .array([.integer(1), .null])) ?? .all
    cache.pipeline.cache.excludeSpecialTokens = .ids([0, 5])
    cache.pipeline.cache.foldLn = true
    try TrainingPlan(cache.pipeline, source: source).prepared().files
      .writeFinal(state(), to: cache.folder + "/out")
    let metadata = try #require(try json(cache, "cfg.json")["metadata"])
    #expect(metadata["hook_head_index"] == .integer(2))
    #expect(metadata["seqpos_slice"]?.canonical == "[1,null]")
    #expect(metadata["exclude_special_tokens"]?.canonical == "[0,5]")
    #expect(
      metadata["model_from_pretrained_kwargs"]?.canonical
        == "{\"center_writing_weights\":false,\"fold_ln\":true}")
  }

  @Test("A module's path goes with transformers, which takes none of TransformerLens's options")
  func modules() throws {
    let (cache, files) = try files { _ in }
    for (hook, kind, options) in [
      ("model.layers.0.mlp", "AutoModelForCausalLM", "{}"),
      ("logits", "HookedTransformer", "{\"center_writing_weights\":false}"),
      ("unembed.hook_out", "HookedTransformer", "{\"center_writing_weights\":false}"),
    ] {
      let facts = CacheFacts(
        modelName: "tiny", hookName: hook, dIn: 2, contextSize: 16, rows: 1, mean: [0, 0],
        meanNorm: 1)
      try SAEFiles(
        pipeline: files.pipeline, configuration: files.configuration, facts: facts,
        normalization: files.normalization
      ).writeFinal(state(), to: cache.folder + "/out")
      let metadata = try #require(try json(cache, "cfg.json")["metadata"])
      #expect(metadata["hook_name"] == .string(hook))
      #expect(metadata["model_class_name"] == .string(kind))
      #expect(metadata["model_from_pretrained_kwargs"]?.canonical == options)
      let runner = try json(cache, "runner_cfg.json")
      #expect(runner["model_from_pretrained_kwargs"]?.canonical == options)
    }
  }

  @Test("A standard SAE has no k, and its factor is folded into the weights")
  func folding() throws {
    let (cache, files) = try files { $0.train.normalizeActivations = .expectedAverageOnlyIn }
    let factor = Float(files.normalization.factor)
    #expect(factor != 1)
    try files.writeFinal(state(), to: cache.folder + "/out")
    let configuration = try json(cache, "cfg.json")
    #expect(configuration["k"] == nil)
    #expect(configuration["normalize_activations"] == .string("none"))
    let weights = "sae_weights.safetensors"
    #expect(
      try floats(cache, weights, "W_enc") == [1, 3, 5, 2, 4, 6].map { $0 * factor })
    #expect(
      try floats(cache, weights, "W_dec") == [10, 20, 30, 40, 50, 60].map { $0 / factor })
    #expect(try floats(cache, weights, "b_enc") == [0, 1, 2])
    #expect(try floats(cache, weights, "b_dec") == [4, 6].map { $0 / factor })
  }

  @Test("A checkpoint keeps the weights as trained and the factor beside them")
  func checkpoint() throws {
    let (cache, files) = try files { $0.train.normalizeActivations = .expectedAverageOnlyIn }
    try files.writeCheckpoint(state(), to: cache.folder + "/out")
    #expect(try floats(cache, "sae_weights.safetensors", "W_enc") == [1, 3, 5, 2, 4, 6])
    let configuration = try json(cache, "cfg.json")
    #expect(configuration["normalize_activations"] == .string("expected_average_only_in"))
    #expect(configuration["l1_coefficient"] == .integer(1))
    #expect(
      try json(cache, "activation_scaler.json")
        == .object([
          "has_whitening": .bool(false), "scaling_factor": .number(files.normalization.factor),
        ]))
  }

  @Test("Without a factor the scaler says null, and sparsity is the log of the frequencies")
  func sparsity() throws {
    let (cache, files) = try files { _ in }
    try files.writeCheckpoint(state(), to: cache.folder + "/out")
    #expect(try json(cache, "activation_scaler.json")["scaling_factor"] == .null)
    let expected = [0, 0.5, 1].map { Float(log10($0 + 1e-10)) }
    #expect(try floats(cache, "sparsity.safetensors", "sparsity") == expected)
  }

  @Test("The runner's configuration carries the settings under SAELens's names")
  func runner() throws {
    let (cache, files) = try files { $0.train.lrSchedulerName = .cosineAnnealing }
    try files.writeFinal(state(), to: cache.folder + "/out")
    let runner = try json(cache, "runner_cfg.json")
    #expect(runner["lr_end"]?.double == 3e-3 / 10)
    #expect(runner["lr_scheduler_name"] == .string("cosineannealing"))
    #expect(runner["sae"]?["architecture"] == .string("standard"))
    #expect(runner["training_tokens"] == .integer(1280))
    #expect(runner["logger"]?["wandb_log_frequency"] == .integer(5))
  }

  @Test("W&B is told every option that SAELens tells it, and no other")
  func trackedOptions() throws {
    let (cache, files) = try files { $0.train.architecture = .topk }
    try files.writeFinal(state(), to: cache.folder + "/out")
    let ours = WandbConfiguration.make(try json(cache, "runner_cfg.json"), cache.pipeline)
    let text = try ProjectFiles.text("Tests/Fixtures/config/runner_cfg-6.54.json")
    let theirs = try #require(try JSON(parsing: Array(text.utf8)).object)
    // The official client leaves out what holds nothing.
    #expect(ours.keys.sorted() == theirs.filter { $0.value != [:] }.keys.sorted())
    for name in ["sae", "logger"] {
      #expect(ours[name]?.object?.keys.sorted() == theirs[name]?.object?.keys.sorted())
    }
  }
}
