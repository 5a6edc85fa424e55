// Llama, SmolLM and SmolLM2: root-mean-square norms, rotary positions, grouped queries, a gated
// MLP, no biases unless stated. After transformers' modeling_llama.py. SmolLM3, Mistral, Qwen, Gemma,
// OLMo and Granite are what this is, but for what their files say.

enum Llama {
  static let keys = ConfigurationKeys(
    [
      "vocab_size": 32_000, "hidden_size": 4096, "intermediate_size": 11_008,
      "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": .null,
      "hidden_act": "silu", "max_position_embeddings": 2048, "rms_norm_eps": 1e-6,
      "tie_word_embeddings": false, "attention_bias": false, "mlp_bias": false, "head_dim": .null,
    ].merging(ConfigurationKeys.rotary) { $1 })

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    try common(configuration, family: .llama)
  }

  /// A model of the Llama kind without windows or anything else of its own; biases where the family
  /// reads keys for them.
  static func common(
    _ configuration: ModelConfiguration, family: Family, rotary: RotaryRules = RotaryRules(),
    activationKey: String = "hidden_act"
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("hidden_size")
    let heads = try configuration.heads("num_attention_heads")
    let headWidth = try configuration.headWidth(width: width, heads: heads)
    let hasBias = try configuration.flag("attention_bias", fallback: false)
    return ModelDescription(
      family: family.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("max_position_embeddings"),
      layers: try configuration.layers(),
      width: width, headCount: heads,
      keyValueHeadCount: try configuration.count("num_key_value_heads", fallback: heads),
      headWidth: headWidth, mlpWidth: try configuration.count("intermediate_size"),
      norm: .rootMeanSquare,
      normEpsilon: Float(try configuration.number("rms_norm_eps", fallback: 1e-5)),
      positions: .rotary(try configuration.rotary(headWidth: headWidth, rotary)),
      activation: try configuration.activation(activationKey),
      isGated: true, attentionScale: 1 / Float(headWidth).squareRoot(),
      tensors: TensorNames(
        prefixes: ["model.", ""], embedding: "embed_tokens",
        layers: "layers.", norm1: "input_layernorm", norm2: "post_attention_layernorm",
        queryKeyValue: .separate(
          query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj"),
        attentionOutput: "self_attn.o_proj", mlpIn: "mlp.up_proj", mlpGate: "mlp.gate_proj",
        mlpOut: "mlp.down_proj", activation: "mlp.act_fn", finalNorm: "norm",
        unembedding: ["lm_head"],
        isTied: try configuration.flag("tie_word_embeddings", fallback: false),
        biases: Biases(
          queryKeyValue: hasBias, attentionOutput: hasBias,
          mlp: try configuration.flag("mlp_bias", fallback: false))))
  }
}

enum Granite {
  static let keys = Llama.keys.with(
    [
      "embedding_multiplier": 1.0, "logits_scaling": 1.0, "residual_multiplier": 1.0,
      "attention_multiplier": 1.0,
    ], asked: ["head_dim"])

  /// Llama with four factors of its own.
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: .granite)
    model.embeddingScale = Float(try configuration.number("embedding_multiplier"))
    model.tensors.scalesAfterEmbedding = true
    model.residualScale = Float(try configuration.number("residual_multiplier"))
    model.attentionScale = Float(try configuration.number("attention_multiplier"))
    model.logitScale = Float(1 / (try configuration.number("logits_scaling")))
    return model
  }
}
