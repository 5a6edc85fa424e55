// Gemma 4: Gemma 3 with norms on each head's values, wider heads in layers that see everything, and a
// number that each block's result is multiplied with. Small ones have a vector of each token for every
// layer, and later layers that take keys and values of earlier ones; large ones keys that are values as
// well. After transformers' modeling_gemma4.py and modeling_gemma4_unified.py.

enum Gemma4 {
  static let keys = ConfigurationKeys(
    Gemma3.keys.without(
      "sliding_window_pattern", "rope_local_base_freq", "query_pre_attn_scalar", "rope_theta",
      "partial_rotary_factor", "original_max_position_embeddings"
    ).with([
      "vocab_size": 262_144, "num_hidden_layers": 30, "sliding_window": 512,
      "use_bidirectional_attention": .null, "vocab_size_per_layer_input": 262_144,
      "hidden_size_per_layer_input": 256, "attention_k_eq_v": false, "num_kv_shared_layers": 0,
      "enable_moe_block": false, "use_double_wide_mlp": false, "global_head_dim": 512,
      "num_global_key_value_heads": .null, "per_layer_config": Gemma4Layers.notStated,
      "rope_scaling": .null, "attention_chunk_size": .null,
    ]).defaults, nullable: ["per_layer_config"], asked: ["rope_scaling"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    try configuration.refuse("enable_moe_block", unless: [false])
    var model = try common(configuration, family: .gemma4)
    let width = try configuration.size("hidden_size_per_layer_input")
    if width > 0 { model.layerInputs = try layerInputs(configuration, width: width, of: model) }
    return model
  }

  static func common(
    _ configuration: ModelConfiguration, family: Family
  ) throws(ModelError) -> ModelDescription {
    // Of texts all tokens see those before them alone, as they do with "vision".
    try configuration.refuse("use_bidirectional_attention", unless: ["vision"])
    // Rotations are read below.
    var model = try Llama.common(
      configuration.withoutRotary(), family: family, activationKey: "hidden_activation")
    model.embeddingScale = Float(model.width).squareRoot()
    model.attentionScale = 1
    model.logitCap = try configuration.optionalNumber("final_logit_softcapping").map { Float($0) }
    model.tensors.prefixes = ["model.", "model.language_model.", ""]
    model.tensors.norm2 = "pre_feedforward_layernorm"
    model.tensors.outputNorms = OutputNormNames(
      attention: "post_attention_layernorm", mlp: "post_feedforward_layernorm")
    model.tensors.headNorms = HeadNormNames(
      query: "self_attn.q_norm", key: "self_attn.k_norm", value: "self_attn.v_norm")
    model.tensors.blockScale = "layer_scalar"
    try Gemma4Layers(configuration).fill(&model)
    return model
  }

  private static func layerInputs(
    _ configuration: ModelConfiguration, width: Int, of model: ModelDescription
  ) throws(ModelError) -> LayerInputs {
    let key = "vocab_size_per_layer_input"
    let count = try configuration.count(key)
    guard count >= model.vocabularySize else {
      throw .wrongValue(
        path: configuration.path, key: key, value: "\(count)",
        expected: "at least the vocabulary's \(model.vocabularySize)")
    }
    return LayerInputs(
      width: width, vocabularySize: count, table: "embed_tokens_per_layer",
      projection: "per_layer_model_projection", norm: "per_layer_projection_norm",
      gate: "per_layer_input_gate", activation: "act_fn", output: "per_layer_projection",
      outputNorm: "post_per_layer_input_norm")
  }

  /// The language model within one that also sees and hears.
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
    model.tensors.isTied = try configuration.flag("tie_word_embeddings", fallback: true)
  }
}

/// The 12B model, which reads pictures without a model of their own.
enum Gemma4Unified {
  static let keys = ConfigurationKeys(
    Gemma4.keys.without(
      "vocab_size_per_layer_input", "hidden_size_per_layer_input", "enable_moe_block"
    ).with([
      "max_position_embeddings": 262_144, "sliding_window": 1024,
      "use_bidirectional_attention": "vision",
    ]).defaults, nullable: ["use_bidirectional_attention", "per_layer_config"],
    asked: ["rope_scaling"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    try Gemma4.common(configuration, family: .gemma4Unified)
  }

  static func describeText(
    of configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try describe(configuration.part("text_config").resolved(by: keys))
    try Gemma4.readWhole(configuration, into: &model)
    return model
  }
}
