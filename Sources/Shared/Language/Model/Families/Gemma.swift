// Gemma 1, 2 and 3: Llama with scaled embeddings and gains stored as differences from one. 2 adds
// norms after attention and MLP, soft caps, and windows on every other layer; 3 a norm on
// each head's queries and keys, and rotations of their own for local layers. After transformers'
// modeling_gemma.py, modeling_gemma2.py and modeling_gemma3.py.

enum Gemma {
  static let keys = Llama.keys.without("mlp_bias").with([
    "vocab_size": 256_000, "hidden_size": 3072, "intermediate_size": 24_576,
    "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 16,
    "head_dim": 256, "hidden_act": "gelu_pytorch_tanh", "max_position_embeddings": 8192,
    "tie_word_embeddings": true, "use_bidirectional_attention": .null,
  ])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try common(configuration, family: .gemma)
    // "gelu" in published files means the approximation, which transformers puts right too.
    if model.activation == .gelu, try configuration.text("hidden_act") == "gelu" {
      model.activation = .geluTanh
    }
    return model
  }

  static func common(
    _ configuration: ModelConfiguration, family: Family, activationKey: String = "hidden_act"
  ) throws(ModelError) -> ModelDescription {
    try configuration.refuse("use_bidirectional_attention", unless: [false])
    var model = try Llama.common(
      configuration, family: family, activationKey: activationKey)
    model.gainOffset = 1
    model.embeddingScale = Float(model.width).squareRoot()
    return model
  }
}

enum Gemma2 {
  static let keys = ConfigurationKeys(
    Gemma.keys.without("hidden_act").with(
      [
        "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
        "num_attention_heads": 8, "num_key_value_heads": 4,
        "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 256,
        "sliding_window": 4096, "layer_types": .null, "final_logit_softcapping": 30.0,
        "attn_logit_softcapping": 50.0,
      ]
    ).defaults,
    nullable: ["sliding_window", "final_logit_softcapping", "attn_logit_softcapping"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try common(configuration, family: .gemma2)
    model.scoreCap = try configuration.optionalNumber("attn_logit_softcapping").map { Float($0) }
    model.layers = try configuration.layers(window: configuration.slidingWindow()) {
      $0 % 2 == 0
    }
    return model
  }

  /// What Gemma 2 and 3 share; a cap that is stated as null is none.
  static func common(
    _ configuration: ModelConfiguration, family: Family
  ) throws(ModelError) -> ModelDescription {
    var model = try Gemma.common(
      configuration, family: family, activationKey: "hidden_activation")
    model.logitCap = try configuration.optionalNumber("final_logit_softcapping").map { Float($0) }
    let scalar = try configuration.number("query_pre_attn_scalar")
    model.attentionScale = Float(1 / scalar.squareRoot())
    model.tensors.norm2 = "pre_feedforward_layernorm"
    model.tensors.outputNorms = OutputNormNames(
      attention: "post_attention_layernorm", mlp: "post_feedforward_layernorm")
    return model
  }
}

/// Gemma 3 never caps scores, whatever its files say.
enum Gemma3 {
  static let keys = ConfigurationKeys(
    Gemma2.keys.without("attn_logit_softcapping").with([
      "vocab_size": 262_208, "max_position_embeddings": 131_072,
      "final_logit_softcapping": .null, "use_bidirectional_attention": false,
      "sliding_window_pattern": 6, "rope_local_base_freq": .null,
    ]).defaults, nullable: ["sliding_window", "use_bidirectional_attention"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    // Both kinds of rotations are read below.
    var model = try Gemma2.common(configuration.withoutRotary(), family: .gemma3)
    model.tensors.headNorms = HeadNormNames(query: "self_attn.q_norm", key: "self_attn.k_norm")
    let pattern = try configuration.count("sliding_window_pattern")
    model.layers = try configuration.layers(window: configuration.slidingWindow()) {
      ($0 + 1) % pattern != 0
    }
    model.positions = .rotary(
      try configuration.rotaryByLayer(
        headWidth: model.headWidth, base: 1_000_000, localBase: 10_000,
        localKey: "rope_local_base_freq"))
    return model
  }

  /// The language model within one that also sees pictures.
  static func describeText(
    of configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let text = try configuration.part("text_config").resolved(by: keys)
    var model = try describe(text)
    model.tensors.prefixes = ["model.language_model.", "language_model.model."]
    model.tensors.isTied = try configuration.flag("tie_word_embeddings", fallback: true)
    model.tensors.unembedding += ["language_model.lm_head"]
    return model
  }

  static let textKeys = ConfigurationKeys(["text_config": .null, "tie_word_embeddings": true])
}
