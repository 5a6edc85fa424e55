// BLOOM: layer norms, also of embeddings, scores that fall with distance, queries, keys and values
// head by head in one tensor. After transformers' modeling_bloom.py.

enum Bloom {
  static let keys = ConfigurationKeys(
    [
      "vocab_size": 250_880, "hidden_size": 64, "n_layer": 2, "n_head": 8,
      "layer_norm_epsilon": 1e-5, "apply_residual_connection_post_layernorm": false,
      "tie_word_embeddings": true, "n_embed": .null,
    ], aliases: ["num_hidden_layers": "n_layer", "num_attention_heads": "n_head"])

  /// There are no tables of positions, so contexts are bounded by what a sequence may be.
  static let contextLimit = 1 << 20

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    try configuration.refuse("apply_residual_connection_post_layernorm", unless: [false])
    let width = try configuration.count("n_embed", "hidden_size")
    let heads = try configuration.heads("n_head")
    let headWidth = try configuration.headWidth(width: width, heads: heads)
    return ModelDescription(
      family: Family.bloom.rawValue,
      vocabularySize: try configuration.count("vocab_size"), contextLimit: contextLimit,
      layers: try configuration.layers(),
      width: width, headCount: heads, keyValueHeadCount: heads, headWidth: headWidth,
      mlpWidth: 4 * width, norm: .layer,
      normEpsilon: Float(try configuration.number("layer_norm_epsilon")),
      positions: .linearBias(LinearBias(slopes: LinearBias.slopes(heads: heads))),
      activation: .geluTanh, isGated: false, attentionScale: 1 / Float(headWidth).squareRoot(),
      tensors: TensorNames(
        prefixes: ["transformer.", ""], embedding: "word_embeddings",
        embeddingNorm: "word_embeddings_layernorm", layers: "h.", norm1: "input_layernorm",
        norm2: "post_attention_layernorm",
        queryKeyValue: .fusedPerHead("self_attention.query_key_value"),
        attentionOutput: "self_attention.dense", modulesAddResidual: true,
        mlpIn: "mlp.dense_h_to_4h",
        mlpOut: "mlp.dense_4h_to_h", activation: "mlp.gelu_impl", finalNorm: "ln_f",
        unembedding: ["lm_head"],
        isTied: try configuration.flag("tie_word_embeddings", fallback: true),
        biases: Biases(queryKeyValue: true, attentionOutput: true, mlp: true)))
  }
}
