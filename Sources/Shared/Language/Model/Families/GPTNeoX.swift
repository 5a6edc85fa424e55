// GPT-NeoX and Pythia: layer norms, rotary positions on a part of each head, parallel or sequential
// blocks, queries, keys and values head by head in one tensor. After transformers'
// modeling_gpt_neox.py.

enum GPTNeoX {
  static let keys = ConfigurationKeys(
    [
      "vocab_size": 50_432, "hidden_size": 6144, "num_hidden_layers": 44,
      "num_attention_heads": 64, "intermediate_size": 24_576, "hidden_act": "gelu",
      "max_position_embeddings": 2048, "layer_norm_eps": 1e-5, "tie_word_embeddings": false,
      "use_parallel_residual": true, "attention_bias": true, "rope_parameters": .null,
      "rope_scaling": .null, "rotary_emb_base": .null, "rotary_pct": .null,
      "original_max_position_embeddings": .null, "head_dim": .null,
    ])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("hidden_size")
    let heads = try configuration.heads("num_attention_heads")
    let headWidth = try configuration.headShare(width: width, heads: heads)
    let isParallel = try configuration.flag("use_parallel_residual", fallback: true)
    let hasBias = try configuration.flag("attention_bias", fallback: true)
    return ModelDescription(
      family: Family.gptNeoX.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("max_position_embeddings"),
      layers: try configuration.layers(),
      width: width, headCount: heads, keyValueHeadCount: heads, headWidth: headWidth,
      mlpWidth: try configuration.count("intermediate_size"),
      norm: .layer,
      normEpsilon: Float(try configuration.number("layer_norm_eps")),
      positions: .rotary(try rotary(configuration, width: width, heads: heads)),
      block: isParallel ? .parallel : .sequential,
      activation: try configuration.activation("hidden_act"),
      isGated: false, attentionScale: 1 / Float(headWidth).squareRoot(),
      tensors: TensorNames(
        prefixes: ["gpt_neox.", ""], embedding: "embed_in",
        layers: "layers.", norm1: "input_layernorm", norm2: "post_attention_layernorm",
        queryKeyValue: .fusedPerHead("attention.query_key_value"),
        attentionOutput: "attention.dense", mlpIn: "mlp.dense_h_to_4h",
        mlpOut: "mlp.dense_4h_to_h", activation: "mlp.act", finalNorm: "final_layer_norm",
        unembedding: ["embed_out", "lm_head"],
        isTied: try configuration.flag("tie_word_embeddings", fallback: false),
        biases: Biases(queryKeyValue: hasBias, attentionOutput: hasBias, mlp: true)))
  }

  /// `head_dim` says nothing but what a share of is rotated.
  private static func rotary(
    _ configuration: ModelConfiguration, width: Int, heads: Int
  ) throws(ModelError) -> [Rotary] {
    let rules = RotaryRules(
      baseKey: "rotary_emb_base", share: 0.25, shareKey: "rotary_pct", readsShare: true,
      roundsUp: true)
    let stated = try configuration.headWidth(width: width, heads: heads)
    let kinds = try configuration.rotary(headWidth: stated, rules)
    let headWidth = try configuration.headShare(width: width, heads: heads)
    guard kinds.allSatisfy({ 2 * $0.pairCount <= headWidth }) else {
      throw configuration.wrong(
        "head_dim", .integer(stated), "one of which no more than \(headWidth) are rotated")
    }
    return kinds
  }
}
