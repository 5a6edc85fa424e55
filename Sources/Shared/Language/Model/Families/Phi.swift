// Phi-1, 1.5 and 2: parallel blocks that read one layer norm, rotary positions on a part of each
// head, biases everywhere, also on the unembedding. After transformers' modeling_phi.py.

enum Phi {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("hidden_size")
    let heads = try configuration.heads("num_attention_heads")
    let headWidth = try configuration.headWidth(width: width, heads: heads)
    let isTied = try configuration.flag("tie_word_embeddings", fallback: false)
    return ModelDescription(
      family: Family.phi.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("max_position_embeddings", fallback: 2048),
      layers: try configuration.layers(),
      width: width, headCount: heads,
      keyValueHeadCount: try configuration.count("num_key_value_heads", fallback: heads),
      headWidth: headWidth, mlpWidth: try configuration.count("intermediate_size"),
      norm: .layer,
      normEpsilon: Float(try configuration.number("layer_norm_eps", fallback: 1e-5)),
      positions: .rotary(try configuration.rotary(headWidth: headWidth, fraction: 0.5)),
      block: .parallel,
      activation: try configuration.activation("hidden_act", fallback: "gelu_new"),
      isGated: false, attentionScale: 1 / Float(headWidth).squareRoot(),
      tensors: TensorNames(
        prefixes: ["model.", ""], embedding: "embed_tokens",
        layers: "layers.", norm1: "input_layernorm", norm2: "input_layernorm",
        queryKeyValue: .separate(
          query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj"),
        attentionOutput: "self_attn.dense", mlpIn: "mlp.fc1", mlpOut: "mlp.fc2",
        activation: "mlp.activation_fn", finalNorm: "final_layernorm",
        unembedding: isTied ? [] : ["lm_head"],
        biases: Biases(
          queryKeyValue: true, attentionOutput: true, mlp: true, unembedding: true)))
  }
}
