// GPT-2: layer norms, learned positions, sequential blocks, one tensor for queries, keys and
// values, matrices stored `[inputs, outputs]`. After transformers' modeling_gpt2.py.

enum GPT2 {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("n_embd", "hidden_size")
    let heads = try configuration.heads("n_head", "num_attention_heads")
    let headWidth = try configuration.headWidth(width: width, heads: heads)
    let scales = try configuration.flag("scale_attn_weights", fallback: true)
    let isTied = try configuration.flag("tie_word_embeddings", fallback: true)
    return ModelDescription(
      family: Family.gpt2.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("n_positions", "n_ctx", "max_position_embeddings"),
      layers: try configuration.layers(),
      width: width, headCount: heads, keyValueHeadCount: heads, headWidth: headWidth,
      mlpWidth: try configuration.count("n_inner", fallback: 4 * width),
      norm: .layer,
      normEpsilon: Float(try configuration.number("layer_norm_epsilon", fallback: 1e-5)),
      positions: .learned(offset: 0),
      activation: try configuration.activation("activation_function", fallback: "gelu_new"),
      isGated: false,
      attentionScale: scales ? 1 / Float(headWidth).squareRoot() : 1,
      dividesScoresByLayer: try configuration.flag(
        "scale_attn_by_inverse_layer_idx", fallback: false),
      tensors: TensorNames(
        prefixes: ["transformer.", ""], embedding: "wte", positions: "wpe",
        layers: "h.", norm1: "ln_1", norm2: "ln_2", queryKeyValue: .fused("attn.c_attn"),
        attentionOutput: "attn.c_proj", mlpIn: "mlp.c_fc", mlpOut: "mlp.c_proj",
        activation: "mlp.act", finalNorm: "ln_f", unembedding: isTied ? [] : ["lm_head"],
        order: .inputMajor,
        biases: Biases(queryKeyValue: true, attentionOutput: true, mlp: true)))
  }
}
