// Llama, SmolLM and SmolLM2: root-mean-square norms, rotary positions, grouped queries, a gated
// MLP, no biases unless stated. After transformers' modeling_llama.py. SmolLM3, Mistral, Qwen
// and Gemma are what this is, but for what their files say.

enum Llama {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try common(configuration, family: .llama)
    model.tensors.biases = try biases(configuration)
    return model
  }

  /// The biases that a configuration states.
  static func biases(_ configuration: ModelConfiguration) throws(ModelError) -> Biases {
    let hasAttention = try configuration.flag("attention_bias", fallback: false)
    return Biases(
      queryKeyValue: hasAttention, attentionOutput: hasAttention,
      mlp: try configuration.flag("mlp_bias", fallback: false))
  }

  /// A model of the Llama kind without biases, windows or anything else of its own.
  static func common(
    _ configuration: ModelConfiguration, family: Family, isTied fallback: Bool = false,
    rotaryBase: Double = 10_000
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("hidden_size")
    let heads = try configuration.heads("num_attention_heads")
    let headWidth = try configuration.headWidth(width: width, heads: heads)
    let isTied = try configuration.flag("tie_word_embeddings", fallback: fallback)
    return ModelDescription(
      family: family.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("max_position_embeddings", fallback: 2048),
      layers: try configuration.layers(),
      width: width, headCount: heads,
      keyValueHeadCount: try configuration.count("num_key_value_heads", fallback: heads),
      headWidth: headWidth, mlpWidth: try configuration.count("intermediate_size"),
      norm: .rootMeanSquare,
      normEpsilon: Float(try configuration.number("rms_norm_eps", fallback: 1e-6)),
      positions: .rotary(try configuration.rotary(headWidth: headWidth, base: rotaryBase)),
      activation: try configuration.activation("hidden_act", fallback: "silu"),
      isGated: true, attentionScale: 1 / Float(headWidth).squareRoot(),
      tensors: TensorNames(
        prefixes: ["model.", ""], embedding: "embed_tokens",
        layers: "layers.", norm1: "input_layernorm", norm2: "post_attention_layernorm",
        queryKeyValue: .separate(
          query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj"),
        attentionOutput: "self_attn.o_proj", mlpIn: "mlp.up_proj", mlpGate: "mlp.gate_proj",
        mlpOut: "mlp.down_proj", activation: "mlp.act_fn", finalNorm: "norm",
        unembedding: isTied ? [] : ["lm_head"]))
  }
}
