// Llama: root-mean-square norms, rotary positions, grouped queries, a gated perceptron, no biases
// unless stated. After transformers' modeling_llama.py.

enum Llama {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("hidden_size")
    let heads = try configuration.count("num_attention_heads")
    let headWidth =
      configuration.value(["head_dim"]) == nil
      ? try configuration.headWidth(width: width, heads: heads)
      : try configuration.count("head_dim")
    let attentionBias = try configuration.flag("attention_bias", fallback: false)
    let isTied = try configuration.flag("tie_word_embeddings", fallback: false)
    return ModelDescription(
      family: Family.llama.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("max_position_embeddings", fallback: 2048),
      layerCount: try configuration.count("num_hidden_layers"),
      width: width, headCount: heads,
      keyValueHeadCount: try configuration.count("num_key_value_heads", fallback: heads),
      headWidth: headWidth, mlpWidth: try configuration.count("intermediate_size"),
      norm: .rootMeanSquare,
      normEpsilon: Float(try configuration.number("rms_norm_eps", fallback: 1e-6)),
      positions: .rotary(try configuration.rotary(headWidth: headWidth, fraction: 1)),
      block: .sequential,
      activation: try configuration.activation("hidden_act", fallback: "silu"),
      isGated: true, attentionScale: 1 / Float(headWidth).squareRoot(),
      dividesScoresByLayer: false,
      tensors: TensorNames(
        prefixes: ["model.", ""], embedding: "embed_tokens.weight", positions: nil,
        layers: "layers.", norm1: "input_layernorm", norm2: "post_attention_layernorm",
        queryKeyValue: .separate(
          query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj"),
        attentionOutput: "self_attn.o_proj", mlpIn: "mlp.up_proj", mlpGate: "mlp.gate_proj",
        mlpOut: "mlp.down_proj", finalNorm: "norm",
        unembedding: isTied ? [] : ["lm_head.weight"], order: .outputMajor,
        biases: Biases(
          queryKeyValue: attentionBias, attentionOutput: attentionBias,
          mlp: try configuration.flag("mlp_bias", fallback: false))))
  }
}
