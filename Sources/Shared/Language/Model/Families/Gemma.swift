// Gemma 1, 2 and 3: Llama with scaled embeddings and gains stored as differences from one. 2 adds
// norms after attention and MLP, soft caps, and windows on every other layer; 3 a norm on
// each head's queries and keys, and rotations of their own for local layers. After transformers'
// modeling_gemma.py, modeling_gemma2.py and modeling_gemma3.py.

enum Gemma {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try common(configuration, family: .gemma)
    // "gelu" in published files means the approximation, which transformers puts right too.
    if model.activation == .gelu { model.activation = .geluTanh }
    return model
  }

  static func common(
    _ configuration: ModelConfiguration, family: Family
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: family, isTied: true)
    let hasBias = try configuration.flag("attention_bias", fallback: false)
    model.tensors.biases = Biases(queryKeyValue: hasBias, attentionOutput: hasBias)
    model.gainOffset = 1
    model.embeddingScale = Float(model.width).squareRoot()
    let key = configuration.value(["hidden_activation"]) == nil ? "hidden_act" : "hidden_activation"
    model.activation = try configuration.activation(key, fallback: "gelu_pytorch_tanh")
    return model
  }
}

enum Gemma2 {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try common(configuration, family: .gemma2, scoreCap: 50, logitCap: 30)
    model.layers = try configuration.layers(window: configuration.slidingWindow() ?? 4096) {
      $0 % 2 == 0
    }
    return model
  }

  /// What Gemma 2 and 3 share; caps that are stated as null are none.
  static func common(
    _ configuration: ModelConfiguration, family: Family, scoreCap: Float? = nil,
    logitCap: Float? = nil
  ) throws(ModelError) -> ModelDescription {
    var model = try Gemma.common(configuration, family: family)
    func cap(_ key: String, _ fallback: Float?) throws(ModelError) -> Float? {
      guard configuration.members[key] != nil else { return fallback }
      return try configuration.optionalNumber(key).map { Float($0) }
    }
    model.scoreCap = try cap("attn_logit_softcapping", scoreCap)
    model.logitCap = try cap("final_logit_softcapping", logitCap)
    let scalar = try configuration.number("query_pre_attn_scalar", fallback: 256)
    model.attentionScale = Float(1 / scalar.squareRoot())
    model.tensors.norm2 = "pre_feedforward_layernorm"
    model.tensors.outputNorms = OutputNormNames(
      attention: "post_attention_layernorm", mlp: "post_feedforward_layernorm")
    return model
  }
}

enum Gemma3 {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Gemma2.common(configuration, family: .gemma3)
    model.tensors.headNorms = HeadNormNames(query: "self_attn.q_norm", key: "self_attn.k_norm")
    let pattern = try configuration.count(
      "sliding_window_pattern", "_sliding_window_pattern", fallback: 6)
    model.layers = try configuration.layers(window: configuration.slidingWindow() ?? 4096) {
      ($0 + 1) % pattern != 0
    }
    // transformers 4 states the two kinds of rotations by keys of their own.
    if configuration.value(["rope_parameters"]) == nil {
      let local = Rotary(
        width: model.headWidth / 2 * 2,
        base: try configuration.number("rope_local_base_freq", fallback: 10_000), scaling: .none)
      model.positions = .rotary(
        try configuration.rotary(headWidth: model.headWidth, base: 1_000_000) + [local])
    }
    return model
  }

  /// The language model within one that also sees pictures; its configuration states only what
  /// differs from the defaults of transformers.
  static func describeText(
    of configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let defaults: [String: JSON] = [
      "vocab_size": .integer(262_208), "hidden_size": .integer(2304),
      "intermediate_size": .integer(9216), "num_hidden_layers": .integer(26),
      "num_attention_heads": .integer(8), "num_key_value_heads": .integer(4),
      "head_dim": .integer(256), "max_position_embeddings": .integer(131_072),
    ]
    let text = try configuration.part("text_config", defaults: defaults)
    try text.refuseUnknownBehavior()
    var model = try describe(text)
    model.tensors.prefixes = ["model.language_model.", "language_model.model."]
    if !model.tensors.unembedding.isEmpty {
      model.tensors.unembedding += ["language_model.lm_head"]
    }
    return model
  }
}
