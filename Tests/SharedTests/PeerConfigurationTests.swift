// Configurations as scripts of the field state them, for every SAELens from 1 to 6: each is read as that
// version resolves it (Fixtures/config/peers), or refused by name.

import Shared
import Support
import Testing

private struct Example: Sendable, CustomTestStringConvertible {
  let name: String
  let version: String
  let options: JSON
  /// What the version makes of it; nil where it refuses.
  let resolved: JSON?

  var testDescription: String { name }

  var contextSize: Int { options["context_size"]?.integer ?? 128 }

  static func all() throws -> [Example] {
    let folder = "Tests/Fixtures/config/peers/"
    let given = try JSON(parsing: Array(ProjectFiles.text(folder + "configurations.json").utf8))
    let resolved = try JSON(parsing: Array(ProjectFiles.text(folder + "resolved.json").utf8))
    return (given.array ?? []).compactMap { entry in
      guard let name = entry["name"]?.string, let version = entry["version"]?.string,
        let options = entry["options"]
      else { return nil }
      return Example(
        name: name, version: version, options: options, resolved: resolved[name]?["resolved"])
    }
  }

  /// The configuration as the section of a pipeline file.
  func read(stating version: String? = nil) throws -> PipelineFile {
    var members = options.object ?? [:]
    members["sae_lens_version"] = version.map(JSON.string)
    let text = JSON.object([
      "pretokenize": ["context_size": .integer(contextSize)], "train": .object(members),
    ])
    return try PipelineFile(parsing: Array(text.canonical.utf8), path: "x.json5")
  }
}

private func setting(_ name: String, _ train: TrainSettings) -> JSON? {
  TrainSettings.settings.first { $0.row.name == name }?.read(train)
}

/// Options that are called and meant as in SAELens 2 to 5, whatever the architecture.
private let flat = [
  "architecture", "d_in", "apply_b_dec_to_input", "b_dec_init_method", "normalize_sae_decoder",
  "noise_scale", "decoder_orthogonal_init", "decoder_heuristic_init",
  "init_encoder_as_decoder_transpose", "mse_loss_normalization", "use_ghost_grads",
  "training_tokens", "finetuning_tokens", "finetuning_method", "train_batch_size_tokens",
  "adam_beta1", "adam_beta2", "lr", "lr_scheduler_name", "lr_warm_up_steps", "lr_decay_steps",
  "n_restart_cycles", "feature_sampling_window", "dead_feature_window", "n_checkpoints", "seed",
  "seqpos_slice", "exclude_special_tokens", "hook_layer", "hook_head_index",
]

/// What of version 6 stands beside the SAE.
private let beside = [
  "training_tokens", "train_batch_size_tokens", "adam_beta1", "adam_beta2", "lr",
  "lr_scheduler_name", "lr_warm_up_steps", "lr_decay_steps", "n_restart_cycles",
  "feature_sampling_window", "dead_feature_window", "n_checkpoints", "seed", "seqpos_slice",
  "exclude_special_tokens", "hook_head_index", "hook_name",
]

@Suite("Configurations of the field")
struct PeerConfigurationTests {
  /// Those that are refused, by the words of it.
  private static let refusals: [String: String] = [
    "res-jb-1": "x.json5 has 2 problems:\n"
      + "  train.store_batch_size: is unknown; write store_batch_size_prompts.\n"
      + "  train.train_batch_size: is unknown; write train_batch_size_tokens.",
    "sweep-2":
      "x.json5: train.l1_coefficient: must be a number of 0 or more, but is [0.001,0.002]; "
      + "several values are train: { sweep: { l1_coefficient: [ … ] } }.",
    "activation-only-5": "x.json5: train.activation_fn: is \"topk\", which is not built with "
      + "architecture standard; write architecture: \"topk\" and k, which has no L1 loss.",
    "contradiction-5": "x.json5: train.decoder_heuristic_init: is true, which does not go with "
      + "normalize_sae_decoder (true by default in SAELens 3 to 5); set normalize_sae_decoder to "
      + "false.",
    "relu-topk-5": "x.json5: train.activation_fn: is \"relu\", but architecture topk keeps the "
      + "largest latents; leave it out.",
    "tanh-relu-3": "x.json5: train.activation_fn: must be relu, topk or null, but is "
      + "\"tanh-relu\"; tanh-relu is not built, and SAELens 6 opens no SAE of it; write relu.",
    "forked-architecture-5": "x.json5: train.architecture: must be standard, gated, topk, abstopk, "
      + "batchtopk, matryoshka_batchtopk, jumprelu, matching_pursuit, p_anneal, groupmax, "
      + "transcoder, skip_transcoder, jumprelu_transcoder or jumprelu_skip_transcoder, but is "
      + "\"ridge\".",
    "foreign-option-6": "x.json5: train.k: is no option of architecture standard; it belongs to "
      + "topk, abstopk, batchtopk, matryoshka_batchtopk or groupmax.",
  ]

  @Test(
    "A configuration is what its version makes of it, or refused by name",
    arguments: try Example.all())
  private func configuration(_ example: Example) throws {
    guard let refusal = Self.refusals[example.name] else {
      let resolved = try #require(example.resolved)
      for version in [nil, example.version] {
        let train = try example.read(stating: version).pipeline.train
        if resolved["sae"] == nil {
          expectFlat(train, resolved, example, isVersionKnown: version != nil)
        } else {
          expectNested(train, resolved, example)
        }
      }
      return
    }
    let error = #expect(throws: PipelineError.self) { try example.read() }
    #expect(withoutPlaces(error?.sentence ?? "") == refusal)
    #expect(namesPlace(error?.sentence ?? ""))
  }

  private func expect(
    _ name: String, _ actual: JSON?, _ expected: JSON?, _ example: Example
  ) {
    guard let expected else { return }
    #expect(actual?.canonical == expected.canonical, "\(name) of \(example.name)")
  }

  private func expectFlat(
    _ train: TrainSettings, _ resolved: JSON, _ example: Example, isVersionKnown: Bool
  ) {
    // A standard SAE whose activation is topk and that has no L1 loss is a topk SAE here.
    let isRenamed = train.architecture == .topk && resolved["architecture"] == "standard"
    for name in flat where !(name == "architecture" && isRenamed) {
      expect(name, setting(name, train), resolved[name], example)
    }
    let dIn = train.dIn ?? 0
    #expect(train.latentCount(dIn: dIn) == resolved["d_sae"]?.integer)
    expect("lr_end", setting("lr_end", train.settled(dIn: dIn)), resolved["lr_end"], example)
    expect(
      "decoder_init_norm", setting("decoder_init_norm", train),
      resolved["decoder_heuristic_init_norm"], example)
    let normalization = resolved["normalize_activations"]
    expect(
      "normalize_activations", setting("normalize_activations", train),
      normalization?.bool.map { $0 ? "expected_average_only_in" : "none" } ?? normalization,
      example)
    expectSparsity(train, resolved, example, isVersionKnown: isVersionKnown)
  }

  private func expectSparsity(
    _ train: TrainSettings, _ resolved: JSON, _ example: Example, isVersionKnown: Bool
  ) {
    let isRenamed = train.architecture == .topk && resolved["architecture"] == "standard"
    let sparsity = train.architecture == .jumprelu ? "l0" : "l1"
    if train.architecture != .topk {
      for name in ["coefficient", "warm_up_steps"] {
        expect(
          sparsity, setting("\(sparsity)_\(name)", train), resolved["l1_\(name)"], example)
      }
    }
    switch train.architecture {
    case .standard:
      expect("lp_norm", setting("lp_norm", train), resolved["lp_norm"], example)
      // SAELens 3 weighs by norms whatever it is told, which needs its version to be known.
      let isIgnored = isVersionKnown && example.name == "weighting-ignored-3"
      let weighs = resolved["scale_sparsity_penalty_by_decoder_norm"]?.bool
      #expect(train.scaleSparsityPenaltyByDecoderNorm == (isIgnored ? true : weighs))
    case .gated: #expect(train.scaleSparsityPenaltyByDecoderNorm)
    case .topk:
      expect("k", setting("k", train), resolved["activation_fn_kwargs"]?["k"], example)
      #expect(!train.rescaleActsByDecoderNorm)
      #expect(train.auxLossCoefficient == (isRenamed ? 0 : 1))
    case .jumprelu:
      for name in ["jumprelu_init_threshold", "jumprelu_bandwidth"] {
        expect(name, setting(name, train), resolved[name], example)
      }
    default: Issue.record("\(train.architecture) is no architecture of older versions")
    }
  }

  private func expectNested(_ train: TrainSettings, _ resolved: JSON, _ example: Example) {
    for name in beside { expect(name, setting(name, train), resolved[name], example) }
    var compared = 0
    for (name, value) in resolved["sae"]?.object ?? [:] where name != "metadata" {
      guard let own = setting(name, train) else { continue }
      expect(name, own, value, example)
      compared += 1
    }
    #expect(compared >= 8)
    expect("lr_end", setting("lr_end", train.settled(dIn: 1)), resolved["lr_end"], example)
  }

  @Test("The pipeline file that is made of a configuration says the same")
  func drafts() throws {
    for example in try Example.all() where Self.refusals[example.name] == nil {
      var options = example.options.object ?? [:]
      options["sae_lens_version"] = .string(example.version)
      let text = Array(JSON.object(options).pretty.utf8)
      let draft = try PipelineDraft(parsing: text, path: "runs/\(example.name)/runner_cfg.json")
      let direct = try example.read(stating: example.version).pipeline.train
      let again = try PipelineFile(parsing: Array(draft.text.utf8), path: "y.json5")
      #expect(again.pipeline.name == example.name)
      #expect(again.notes.filter { $0.name == "defaults" }.isEmpty)
      #expect(
        again.pipeline.train.fingerprintSettings == direct.fingerprintSettings, "\(example.name)")
      #expect(again.pipeline.cache.hookName == direct.hookName ?? "")
      #expect(again.pipeline.pretokenize.contextSize == example.contextSize)
      #expect(
        again.pipeline.cache.trainingTokens == example.options["training_tokens"]?.integer)
    }
  }

  @Test("A configuration of SAELens given as pipeline file is recognized")
  func recognized() throws {
    func refusal(_ text: String) -> (sentence: String, hint: String) {
      do {
        _ = try PipelineFile(parsing: Array(text.utf8), path: "a/cfg.json")
        return ("", "")
      } catch {
        let failure = error as? any Failure
        return (failure?.sentence ?? "", failure?.hint ?? "")
      }
    }
    let runner = try ProjectFiles.text("Tests/Fixtures/config/runner_cfg-6.54.json")
    #expect(
      refusal(runner).sentence
        == "a/cfg.json is a configuration of SAELens's training, no pipeline file.")
    #expect(
      refusal(runner).hint
        == "saeline-train init --from a/cfg.json writes the pipeline file that it amounts to.")
    #expect(
      refusal("{ d_in: 16, d_sae: 64, architecture: 'jumprelu', metadata: {} }").sentence
        == "a/cfg.json is the cfg.json of an SAE, no pipeline file.")
    #expect(
      refusal("{ new_cached_activations_path: 'x', model_name: 'y', d_in: 3 }").sentence
        == "a/cfg.json is a configuration of SAELens's caching, no pipeline file.")
    #expect(
      refusal("{ begin_batch_token: 'bos', tokenizer_name: 'x', context_size: 16 }").sentence
        == "a/cfg.json is a configuration of SAELens's pretokenizing, no pipeline file.")
  }

  @Test("The cfg.json of a finished SAE gives the SAE back, with what it was taken from")
  func finished() throws {
    let text = """
      { "architecture": "standard", "d_in": 768, "d_sae": 24576, "activation_fn_str": "topk",
        "activation_fn_kwargs": { "k": 32 }, "apply_b_dec_to_input": true, "model_name": "gpt2-small",
        "hook_name": "blocks.8.hook_resid_pre", "hook_layer": 8, "hook_head_index": null,
        "context_size": 64, "prepend_bos": true, "normalize_activations": "none", "dtype": "torch.float32",
        "finetuning_scaling_factor": false, "sae_lens_training_version": "3.7.0", "device": "cuda",
        "dataset_path": "x/y", "neuronpedia_id": null, "model_from_pretrained_kwargs": {} }
      """
    let draft = try PipelineDraft(parsing: Array(text.utf8), path: "x/cfg.json")
    #expect(draft.pipeline.train.architecture == .topk && draft.pipeline.train.k == 32)
    #expect(draft.pipeline.train.adamBeta1 == 0)
    #expect(draft.pipeline.cache.foldLn && draft.pipeline.cache.centerWritingWeights)
    #expect(draft.pipeline.pretokenize.datasetPath == "x/y")
    let trained = """
      { "architecture": "jumprelu", "d_in": 8, "d_sae": 24, "dtype": "float32", "device": "cpu",
        "apply_b_dec_to_input": true, "normalize_activations": "none", "metadata": {
        "sae_lens_version": "6.54.12", "model_name": "m", "hook_name": "blocks.0.hook_mlp_out",
        "context_size": 16, "prepend_bos": false, "training_architecture": "batchtopk",
        "training_architecture_details": { "k": 3, "topk_threshold_lr": 0.02 } } }
      """
    let batch = try PipelineDraft(parsing: Array(trained.utf8), path: "x/cfg.json").pipeline
    #expect(batch.train.architecture == .batchtopk && batch.train.k == 3)
    #expect(batch.train.topkThresholdLr == 0.02 && batch.pretokenize.beginBatchToken == nil)
    #expect(batch.cache.modelName == "m" && batch.cache.hookName == "blocks.0.hook_mlp_out")
  }

  @Test("What is no configuration of SAELens is refused")
  func unknown() {
    #expect(throws: PipelineDraftError.unknown(path: "x.json")) {
      try PipelineDraft(parsing: Array("{ \"lr\": 1 }".utf8), path: "x.json")
    }
    #expect(throws: PipelineError.self) {
      try PipelineDraft(parsing: Array("{ \"lr\": ".utf8), path: "x.json")
    }
  }
}
