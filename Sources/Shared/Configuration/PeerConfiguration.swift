// Configurations that SAELens wrote, given where a pipeline file is meant. Comes in: the members of a
// cfg.json or runner_cfg.json. Leaves: the sections of a pipeline file that say the same.

/// A configuration of SAELens.
package struct PeerConfiguration: Sendable {
  package enum Kind: Sendable, Equatable {
    case runner
    case sae
    case cacheRunner
    case pretokenizeRunner

    /// What a file looks like; nil for one with sections, or of which too little is known.
    init?(_ members: [String: JSON]) {
      let keys = Set(members.keys)
      let sections: Set = ["pretokenize", "cache", "train", "evaluate"]
      guard keys.isDisjoint(with: sections) else { return nil }
      func holds(_ count: Int, of section: String) -> Bool {
        guard let table = Gathering.table(section) else { return false }
        return keys.intersection(table.keys).count >= count
      }
      let training: Set = ["lr", "train_batch_size_tokens", "training_tokens", "adam_beta1"]
      let caching: Set = ["new_cached_activations_path", "model_batch_size", "buffer_size_gb"]
      let packing: Set = ["begin_batch_token", "begin_sequence_token", "pretokenize_batch_size"]
      if !keys.isDisjoint(with: packing), holds(3, of: "pretokenize") {
        self = .pretokenizeRunner
      } else if !keys.isDisjoint(with: caching), holds(3, of: "cache") {
        self = .cacheRunner
      } else if members["sae"]?.object != nil
        || (!keys.isDisjoint(with: training) && holds(5, of: "train"))
      {
        self = .runner
      } else if keys.isSuperset(of: ["d_in", "d_sae"]), holds(3, of: "train") {
        self = .sae
      } else {
        return nil
      }
    }

    var words: String {
      switch self {
      case .runner: "a configuration of SAELens's training"
      case .sae: "the cfg.json of an SAE"
      case .cacheRunner: "a configuration of SAELens's caching"
      case .pretokenizeRunner: "a configuration of SAELens's pretokenizing"
      }
    }
  }

  package let kind: Kind
  private let members: [String: JSON]

  package init?(_ members: [String: JSON]) {
    guard let kind = Kind(members) else { return nil }
    self.kind = kind
    self.members = members
  }

  /// The section that the members are options of.
  var section: String {
    switch kind {
    case .runner, .sae: TrainSettings.sectionName
    case .cacheRunner: CacheSettings.sectionName
    case .pretokenizeRunner: PretokenizeSettings.sectionName
    }
  }

  /// The members as options of their section.
  var options: [String: JSON] {
    var options = members
    if kind == .sae {
      // What an SAE was trained as stands in the metadata of its finished form.
      if let trained = metadata["training_architecture"], trained != .null {
        options["architecture"] = trained
        for (name, value) in metadata["training_architecture_details"]?.object ?? [:] {
          options[name] = value
        }
      }
      for version in [metadata["sae_lens_version"], options["sae_lens_training_version"]]
      where options["sae_lens_version"] == nil && version?.string != nil {
        options["sae_lens_version"] = version
      }
      for name in ["finetuning_scaling_factor", "neuronpedia_id", "threshold"] {
        options[name] = nil
      }
      if PeerConfiguration.isTopK(options) { options["architecture"] = "topk" }
    }
    return options
  }

  private var metadata: [String: JSON] { members["metadata"]?.object ?? [:] }

  /// A member, or what the metadata say in its place.
  private func said(_ names: String...) -> JSON? {
    for name in names {
      if let value = members[name] ?? metadata[name], value != .null { return value }
    }
    return nil
  }

  private var release: Release? {
    said("sae_lens_version", "sae_lens_training_version")?.string.flatMap { Release($0) }
  }

  /// What follows for the sections before the one that the members belong to.
  var companions: [String: [String: JSON]] {
    switch kind {
    case .runner, .sae: ["pretokenize": pretokenize, "cache": cache]
    case .cacheRunner: ["pretokenize": pretokenize]
    case .pretokenizeRunner: [:]
    }
  }

  private var pretokenize: [String: JSON] {
    let startsWithBOS = said("prepend_bos")?.bool ?? true
    let special: JSON = startsWithBOS ? "bos" : .null
    var result: [String: JSON] = ["begin_batch_token": special]
    result["tokenizer_name"] = said("model_name")
    result["dataset_path"] = said("dataset_path")
    result["streaming"] = said("streaming")
    if let size = said("context_size")?.integer, size > 0 {
      result["context_size"] = .integer(size)
    }
    result["sequence_separator_token"] =
      members["sequence_separator_token"] ?? metadata["sequence_separator_token"] ?? special
    result["disable_concat_sequences"] = said("disable_concat_sequences")
    return result
  }

  private var cache: [String: JSON] {
    var result: [String: JSON] = [:]
    result["model_name"] = said("model_name")
    result["hook_name"] = said("hook_name", "hook_point")
    result["hook_layer"] = said("hook_layer", "hook_point_layer")
    result["hook_head_index"] = said("hook_head_index", "hook_point_head_index")
    result["d_in"] = members["sae"]?["d_in"] ?? said("d_in")
    result["training_tokens"] = said("training_tokens")
    result["model_batch_size"] = said("store_batch_size_prompts")
    result["prepend_bos"] = said("prepend_bos")
    for (name, value) in processing { result[name] = value }
    return result
  }

  /// How the weights were processed: all ways before SAELens 3.19.2, and none after.
  private var processing: [String: JSON] {
    guard said("model_class_name") ?? "HookedTransformer" == "HookedTransformer" else { return [:] }
    let options = said("model_from_pretrained_kwargs")
    let isOld = release.map { $0 < Release(3, 19, 2) } ?? false
    var result: [String: JSON] =
      isOld
      ? Dictionary(PretrainedOptions.names.map { ($0, .bool(true)) }) { first, _ in first } : [:]
    if let options, !options.isEmptyGroup { result["model_from_pretrained_kwargs"] = options }
    // The single options win over the group that repeats them.
    for name in options?.object?.keys.sorted() ?? [] { result[name] = nil }
    return result
  }
}

extension JSON {
  fileprivate var isEmptyGroup: Bool { object?.isEmpty ?? true }
}

extension PeerConfiguration {
  /// Whether a cfg.json of SAELens 4 or 5 says topk by its activation.
  fileprivate static func isTopK(_ options: [String: JSON]) -> Bool {
    let function = options["activation_fn_str"] ?? options["activation_fn"]
    return function == "topk" && options["activation_fn_kwargs"]?["k"]?.double != nil
  }
}
