// The section `cache`: token shards to activation shards; SAELens's CacheActivationsRunnerConfig.

/// How numbers of an activation shard are stored.
package enum StorageType: String, Sendable, SettingChoice {
  case float32
  case float16
  case bfloat16
  case int8

  package static let misspellings = [
    "torch.float32": Self.float32, "torch.float16": .float16, "torch.bfloat16": .bfloat16,
  ]
}

/// Token shards to activation shards; SAELens's CacheActivationsRunnerConfig.
package struct CacheSettings: Sendable, Equatable {
  package var modelName = ""
  package var hookName = ""
  package var hookNames: [String] = []
  package var hookLayer: Int?
  package var hookHeadIndex: Int?
  package var dIn: Int?
  package var contextSize: Int?
  package var trainingTokens = 2_000_000
  package var modelBatchSize = 32
  package var bufferSizeGB = 2.0
  package var maxDiskGB: Double?
  package var dtype = StorageType.float32
  package var seed = 42
  package var shuffle = true
  package var modelRevision: String?
  package var seqposSlice = PositionSlice.all
  package var excludeSpecialTokens = TokenExclusion.none
  package var foldLn = false
  package var centerWritingWeights = false
  package var centerUnembed = false
  package var foldValueBiases = false
  package var autocastLM = false
  package var prependBos = true
  package var threads = 0
  package var hfRepoID: String?
  package var hfNumShards: Int?
  package var hfRevision = "main"
  package var hfIsPrivateRepo = false

  package init() {}

  /// The model's revision and the four settings of weight processing under one name of SAELens; reads as none.
  package var modelFromPretrainedKwargs: PretrainedOptions {
    get { PretrainedOptions() }
    set {
      foldLn = newValue.foldLn ?? foldLn
      centerWritingWeights = newValue.centerWritingWeights ?? centerWritingWeights
      centerUnembed = newValue.centerUnembed ?? centerUnembed
      foldValueBiases = newValue.foldValueBiases ?? foldValueBiases
      modelRevision = newValue.revision ?? modelRevision
    }
  }

  /// The same settings as options of TransformerLens.
  package var processing: PretrainedOptions {
    var options = PretrainedOptions()
    options.foldLn = foldLn ? true : nil
    options.centerWritingWeights = centerWritingWeights
    options.centerUnembed = centerUnembed ? true : nil
    options.foldValueBiases = foldValueBiases ? true : nil
    options.revision = modelRevision
    return options
  }

  /// The context size that is stated; SAELens's -1 means that of the tokens.
  package var statedContextSize: Int? { contextSize == -1 ? nil : contextSize }

  /// Every hook point of the pass, each once, in the order given.
  package var allHookNames: [String] {
    var names: [String] = []
    for name in [hookName] + hookNames where !name.isEmpty && !names.contains(name) {
      names.append(name)
    }
    return names
  }
}

extension CacheSettings: Section {
  package static let sectionName = "cache"
  package static let summary = "Token shards to activation shards"

  // A hook point's name enters the fingerprint of its own folder, not that of its neighbors.
  package static let settings: [Setting<CacheSettings>] = [
    Setting(
      "model_name", \.modelName,
      "Language model: a folder with config.json and weights, or a Hugging Face name.",
      effect: .none, names: .path),
    Setting(
      "model_revision", \.modelRevision,
      "Branch, tag or commit of the model on the Hugging Face Hub; null: main.", effect: .none),
    Setting(
      "hook_name", \.hookName,
      "TransformerLens 3's name (hook_normalized: before the gain) or a module's path.",
      aliases: ["hook_point"], effect: .none),
    Setting(
      "hook_names", \.hookNames, "Further hook points, stored in the same pass.", effect: .none),
    Setting(
      "hook_layer", \.hookLayer, "Layer of the hook point; must agree with hook_name.",
      .atLeast(0), aliases: ["hook_point_layer"], effect: .none),
    Setting(
      "hook_head_index", \.hookHeadIndex, "The one head to take; null takes all, side by side.",
      .atLeast(0), aliases: ["hook_point_head_index"], effect: .none),
    Setting(
      "d_in", \.dIn, "Width of the activations; must agree with the model.", .atLeast(1),
      effect: .none),
    Setting(
      "context_size", \.contextSize,
      "Tokens per sequence; must agree with the token shards; -1: any.", .atLeast(-1), effect: .none
    ),
    Setting(
      "training_tokens", \.trainingTokens, "Activations to store, rounded up to whole sequences.",
      .atLeast(1)),
    Setting(
      "model_batch_size", \.modelBatchSize, "Rows of tokens per forward pass.", .atLeast(1),
      aliases: ["store_batch_size_prompts"]),
    Setting("buffer_size_gb", \.bufferSizeGB, "Size of an activation shard, in GB.", .above(0)),
    Setting(
      "max_disk_gb", \.maxDiskGB,
      "Most GB of disk that shards take, while caching and training run together; null: no limit.",
      .above(0), effect: .none),
    Setting("dtype", \.dtype, "How activations are stored; int8 with a scale per row."),
    Setting(
      "seqpos_slice", \.seqposSlice,
      "Positions to keep, as Python's slice(): [stop], [start, stop] or [start, stop, step].",
      effect: .changesWhenSet(.formula)),
    Setting(
      "exclude_special_tokens", \.excludeSpecialTokens,
      "Leave out the activations of the tokenizer's special tokens, or of these ids.",
      effect: .changesWhenSet(.formula)),
    Setting(
      "fold_ln", \.foldLn, "As if TransformerLens had folded norms into the weights after them.",
      effect: .changesWhenSet(.formula)),
    Setting(
      "center_writing_weights", \.centerWritingWeights,
      "As if it had centered what is written to the residual stream.",
      effect: .changesWhenSet(.formula)),
    Setting(
      "center_unembed", \.centerUnembed, "As if it had centered the unembedding.",
      effect: .changesWhenSet(.formula)),
    Setting(
      "fold_value_biases", \.foldValueBiases,
      "As if it had folded the biases of values into attention's output.",
      effect: .changesWhenSet(.formula)),
    Setting(
      "model_from_pretrained_kwargs", \.modelFromPretrainedKwargs,
      "SAELens's name for a set of the four settings above and of revision.", effect: .none),
    Setting(
      "autocast_lm", \.autocastLM,
      "Round the factors of the model's products to bfloat16; sums stay float32.",
      effect: .changesWhenSet(.formula)),
    Setting("seed", \.seed, "Seed of the shuffle.", .atLeast(0)),
    Setting("shuffle", \.shuffle, "Shuffle the activations of a shard."),
    Setting(
      "prepend_bos", \.prependBos, "Recorded with the SAE; rows are used as they were packed.",
      effect: .none),
    Setting("threads", \.threads, "Threads; 0: every core it may use.", .atLeast(0), effect: .none),
    Setting(
      "hf_repo_id", \.hfRepoID,
      "Repository of the Hub to which finished activations are uploaded; null: none.",
      effect: .none),
    Setting(
      "hf_num_shards", \.hfNumShards, "Files that an upload has; null: as many as shards.",
      .atLeast(1), effect: .none),
    Setting(
      "hf_revision", \.hfRevision, "Branch of the upload, made where it is not there.",
      effect: .none),
    Setting(
      "hf_is_private_repo", \.hfIsPrivateRepo,
      "Whether a repository that is made for the upload is private.", effect: .none),
  ]

  package static let inertSettings: [InertSetting] =
    InertSetting.languageModel + [
      InertSetting("dataset_path", "Tokens come from the pretokenize section."),
      InertSetting("dataset_trust_remote_code", "No code of a data set is ever run."),
      InertSetting("streaming", "Tokens come from the pretokenize section."),
      InertSetting("is_dataset_tokenized", "Tokens come from the pretokenize section."),
      InertSetting(
        "model_class_name",
        only: [.string("HookedTransformer"), .string("AutoModelForCausalLM")],
        "Hook points have TransformerLens's names and those of modules."),
      InertSetting("new_cached_activations_path", "Activations are written to the store."),
      InertSetting("cached_activations_path", "Activations are written to the store."),
      InertSetting("train_batch_size_tokens", "It belongs to the train section."),
      InertSetting(
        "normalize_activations", only: [.string("none"), .null, .bool(false)],
        "Activations are stored as they are; normalize in the train section."),
      InertSetting("n_batches_in_buffer", "buffer_size_gb sets the size of a shard."),
      InertSetting("shuffle_every_n_buffers", "Activations are permuted as they are written."),
      InertSetting("n_shuffles_with_last_section", "Activations are permuted as they are written."),
      InertSetting("n_shuffles_in_entire_dir", "Activations are permuted as they are written."),
      InertSetting("n_shuffles_final", "Activations are permuted as they are written."),
    ]

  package static let formerNames = [
    "model": "model_name", "hook": "hook_name", "layer": "hook_layer",
    "batch_size": "model_batch_size", "store_batch_size": "model_batch_size",
    "total_training_tokens": "training_tokens", "n_tokens": "training_tokens",
    "act_size": "d_in", "activation_dim": "d_in",
  ]

  package var contradictions: [Complaint] {
    var found = HookLayer.contradiction(name: hookName, layer: hookLayer)
    if hfRepoID != nil, allHookNames.count > 1 {
      found.append(
        Complaint(
          "hf_repo_id",
          "takes the activations of one hook point, but hook_names has \(allHookNames.count): leave hook_names "
            + "out, and upload each in a run of its own, by hook_name and a repository for it."))
    }
    if hfRepoID != nil, maxDiskGB != nil {
      found.append(
        Complaint(
          "hf_repo_id",
          "takes all activations, of which max_disk_gb keeps only some: leave one of them out."))
    }
    if let contextSize, contextSize < 2, contextSize != -1 {
      found.append(Complaint("context_size", "is \(contextSize); it must be at least 2, or -1."))
    }
    return found
  }

  package var omissions: [Complaint] {
    var found: [Complaint] = []
    if modelName.isEmpty {
      found.append(Complaint("model_name", "is missing; it says which model to run."))
    }
    if allHookNames.isEmpty {
      found.append(Complaint("hook_name", "is missing; it says where activations are taken."))
    }
    return found
  }
}

extension InertSetting {
  /// Options about the language model that both runners of SAELens have.
  static let languageModel: [InertSetting] = [
    InertSetting("device", "The programs run on the processor."),
    InertSetting("act_store_device", "The programs run on the processor."),
    InertSetting("llm_device", "The programs run on the processor."),
    InertSetting("compile_llm", "There is nothing to compile."),
    InertSetting("llm_compilation_mode", "There is nothing to compile."),
    InertSetting("prefetch_llm_batches", "There is nothing to prefetch."),
    InertSetting("hook_eval", "SAELens never reads it either."),
    InertSetting("hook_point_eval", "SAELens never reads it either."),
    InertSetting("verbose", "--quiet silences a program."),
    InertSetting("model_kwargs", only: [.null, .object([:])], "The forward pass has no options."),
    InertSetting("use_chat_formatting", only: [.bool(false)], "Text is taken as it is."),
  ]
}

/// The layer in a hook point's name, for configurations that state it twice.
package enum HookLayer {
  static func contradiction(name: String?, layer: Int?) -> [Complaint] {
    guard let layer, let name, let named = number(in: name), named != layer else { return [] }
    return [
      Complaint("hook_layer", "is \(layer), but hook_name \"\(name)\" lies in layer \(named).")
    ]
  }

  /// The layer that a hook point's name states.
  package static func number(in name: String) -> Int? {
    name.split(separator: ".").lazy.compactMap { Int($0) }.first
  }
}
