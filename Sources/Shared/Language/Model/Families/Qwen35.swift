// Qwen 3.5, dense or with experts: three of four layers have a gated delta rule in the place of
// attention; the others have gates on what heads mix, norms on each head's queries and keys, and rotary
// positions on a part of each head. After transformers' modeling_qwen3_5.py and
// modeling_qwen3_5_moe.py.

enum Qwen35 {
  static let keys = Llama.keys.without("mlp_bias").with([
    "vocab_size": 248_320, "intermediate_size": 12_288, "num_attention_heads": 16,
    "num_key_value_heads": 4, "max_position_embeddings": 32_768, "head_dim": 256,
    "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_value_head_dim": 128,
    "linear_num_key_heads": 16, "linear_num_value_heads": 32, "layer_types": .null,
    "full_attention_interval": 4,
  ])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    try common(configuration, family: .qwen35)
  }

  static func common(
    _ configuration: ModelConfiguration, family: Family
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(
      configuration, family: family,
      rotary: RotaryRules(share: 0.25, readsShare: true, roundsUp: true))
    model.gainOffset = 1
    model.tensors.prefixes = ["model.", "model.language_model.", ""]
    model.tensors.headNorms = HeadNormNames(query: "self_attn.q_norm", key: "self_attn.k_norm")
    model.tensors.queryHasGate = true
    let keyHeads = try configuration.heads("linear_num_key_heads")
    let valueHeads = try configuration.heads("linear_num_value_heads")
    guard valueHeads % keyHeads == 0 else {
      throw .wrongValue(
        path: configuration.path, key: "linear_num_key_heads", value: "\(keyHeads)",
        expected: "a divisor of the \(valueHeads) heads of values")
    }
    model.deltaRule = DeltaRule(
      keyHeadCount: keyHeads, valueHeadCount: valueHeads,
      keyHeadWidth: try configuration.count("linear_key_head_dim", limit: 1 << 14),
      valueHeadWidth: try configuration.count("linear_value_head_dim", limit: 1 << 14),
      kernelWidth: try configuration.count("linear_conv_kernel_dim", limit: 1 << 10),
      module: "linear_attn")
    try readLayers(configuration, into: &model)
    return model
  }

  private static func readLayers(
    _ configuration: ModelConfiguration, into model: inout ModelDescription
  ) throws(ModelError) {
    let interval = try configuration.count("full_attention_interval")
    let types = try configuration.texts("layer_types")
    if let types, types.count < model.layerCount {
      throw .wrongValue(
        path: configuration.path, key: "layer_types", value: "\(types.count) types",
        expected: "one for each of the \(model.layerCount) layers")
    }
    for layer in model.layers.indices {
      let type =
        types?[layer] ?? ((layer + 1) % interval == 0 ? "full_attention" : "linear_attention")
      switch type {
      case "full_attention": break
      case "linear_attention": model.layers[layer].mixer = .deltaRule
      default:
        throw configuration.unsupported(
          "layer_types", type, ["full_attention", "linear_attention"])
      }
    }
  }

  /// The language model within one that also sees pictures.
  static func describeText(
    of configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try describe(configuration.part("text_config").resolved(by: keys))
    try readWhole(configuration, into: &model)
    return model
  }

  static func readWhole(
    _ configuration: ModelConfiguration, into model: inout ModelDescription
  ) throws(ModelError) {
    model.tensors.prefixes = ["model.language_model."]
    model.tensors.isTied = try configuration.flag("tie_word_embeddings", fallback: false)
  }

  static let wholeKeys = ConfigurationKeys(["text_config": .null, "tie_word_embeddings": false])
}

enum Qwen35Experts {
  static let keys = Qwen35.keys.with([
    "hidden_size": 2048, "num_hidden_layers": 40, "num_key_value_heads": 2,
    "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512,
    "num_experts_per_tok": 8, "num_experts": 256,
  ])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Qwen35.common(configuration, family: .qwen35Experts)
    for layer in model.layers.indices { model.layers[layer].mlp = .routed }
    model.experts = try Qwen3Experts.experts(configuration, sumsToOne: true)
    model.experts?.shared = try Qwen3Experts.shared(configuration)
    model.mlpWidth = try configuration.count("moe_intermediate_size")
    return model
  }

  static func describeText(
    of configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try describe(configuration.part("text_config").resolved(by: keys))
    try Qwen35.readWhole(configuration, into: &model)
    return model
  }
}
