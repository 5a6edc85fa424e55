// GPT-NeoX and Pythia: layer norms, rotary positions on a part of each head, parallel or sequential
// blocks, queries, keys and values head by head in one tensor. After transformers'
// modeling_gpt_neox.py.

enum GPTNeoX {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("hidden_size")
    let heads = try configuration.heads("num_attention_heads")
    let headWidth = try configuration.headWidth(width: width, heads: heads)
    let isParallel = try configuration.flag("use_parallel_residual", fallback: true)
    let hasBias = try configuration.flag("attention_bias", fallback: true)
    let isTied = try configuration.flag("tie_word_embeddings", fallback: false)
    return ModelDescription(
      family: Family.gptNeoX.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("max_position_embeddings", fallback: 2048),
      layers: try configuration.layers(),
      width: width, headCount: heads, keyValueHeadCount: heads, headWidth: headWidth,
      mlpWidth: try configuration.count("intermediate_size"),
      norm: .layer,
      normEpsilon: Float(try configuration.number("layer_norm_eps", fallback: 1e-5)),
      positions: .rotary(try configuration.rotary(headWidth: headWidth, fraction: 0.25)),
      block: isParallel ? .parallel : .sequential,
      activation: try configuration.activation("hidden_act", fallback: "gelu"),
      isGated: false, attentionScale: 1 / Float(headWidth).squareRoot(),
      tensors: TensorNames(
        prefixes: ["gpt_neox.", ""], embedding: "embed_in",
        layers: "layers.", norm1: "input_layernorm", norm2: "post_attention_layernorm",
        queryKeyValue: .fusedPerHead("attention.query_key_value"),
        attentionOutput: "attention.dense", mlpIn: "mlp.dense_h_to_4h",
        mlpOut: "mlp.dense_4h_to_h", activation: "mlp.act", finalNorm: "final_layer_norm",
        unembedding: isTied ? [] : ["embed_out", "lm_head"],
        biases: Biases(queryKeyValue: hasBias, attentionOutput: hasBias, mlp: true)))
  }
}
