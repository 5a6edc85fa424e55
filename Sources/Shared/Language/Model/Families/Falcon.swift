// Falcon: layer norms, one or several heads of keys and values, parallel or sequential blocks with one
// or two norms, rotary positions or scores that fall with distance. After transformers'
// modeling_falcon.py.

enum Falcon {
  static let keys = ConfigurationKeys(
    [
      "vocab_size": 65_024, "hidden_size": 4544, "num_hidden_layers": 32,
      "num_attention_heads": 71, "num_ln_in_parallel_attn": .null, "layer_norm_epsilon": 1e-5,
      "num_kv_heads": .null, "alibi": false, "new_decoder_architecture": false,
      "multi_query": true, "parallel_attn": true, "bias": false, "max_position_embeddings": 2048,
      "ffn_hidden_size": .null, "activation": "gelu", "tie_word_embeddings": true,
      "n_embed": .null, "head_dim": .null,
    ].merging(ConfigurationKeys.rotary) { $1 },
    nullable: ["alibi", "new_decoder_architecture", "multi_query", "parallel_attn", "bias"],
    asked: ["head_dim"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("n_embed", "hidden_size")
    let heads = try configuration.heads("num_attention_heads")
    let headWidth = try configuration.headWidth(width: width, heads: heads)
    // It follows from the other two, and cannot be set.
    try configuration.refuse("head_dim", unless: [])
    let isNew = try configuration.flag("new_decoder_architecture", fallback: false)
    let isMultiQuery = try configuration.flag("multi_query", fallback: false)
    let keyValueHeads = try configuration.count("num_kv_heads", fallback: heads)
    let hasBias = try configuration.flag("bias", fallback: false)
    var model = ModelDescription(
      family: Family.falcon.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("max_position_embeddings"),
      layers: try configuration.layers(),
      width: width, headCount: heads,
      keyValueHeadCount: isNew ? keyValueHeads : isMultiQuery ? 1 : heads, headWidth: headWidth,
      mlpWidth: try configuration.count("ffn_hidden_size", fallback: 4 * width),
      norm: .layer, normEpsilon: Float(try configuration.number("layer_norm_epsilon")),
      positions: try positions(configuration, heads: heads, headWidth: headWidth),
      activation: try configuration.activation("activation"),
      isGated: false, attentionScale: 1 / Float(headWidth).squareRoot(),
      tensors: TensorNames(
        prefixes: ["transformer.", ""], embedding: "word_embeddings", layers: "h.",
        norm1: "input_layernorm", norm2: "input_layernorm",
        queryKeyValue: .fusedPerHead("self_attention.query_key_value"),
        attentionOutput: "self_attention.dense", mlpIn: "mlp.dense_h_to_4h",
        mlpOut: "mlp.dense_4h_to_h", activation: "mlp.act", finalNorm: "ln_f",
        unembedding: ["lm_head"],
        isTied: try configuration.flag("tie_word_embeddings", fallback: true),
        biases: Biases(queryKeyValue: hasBias, attentionOutput: hasBias, mlp: hasBias)))
    try readBlock(configuration, isNew: isNew, into: &model)
    return model
  }

  /// Biases are rounded and scaled as scores are.
  private static func positions(
    _ configuration: ModelConfiguration, heads: Int, headWidth: Int
  ) throws(ModelError) -> Positions {
    guard try configuration.flag("alibi", fallback: false) else {
      return .rotary(try configuration.rotary(headWidth: headWidth))
    }
    return .linearBias(
      LinearBias(
        slopes: LinearBias.slopes(heads: heads), isRounded: true,
        scale: 1 / Float(headWidth).squareRoot()))
  }

  /// Blocks of the new architecture are parallel whatever is stated.
  private static func readBlock(
    _ configuration: ModelConfiguration, isNew: Bool, into model: inout ModelDescription
  ) throws(ModelError) {
    let isParallel = try configuration.flag("parallel_attn", fallback: false)
    let norms = try configuration.count("num_ln_in_parallel_attn", fallback: isNew ? 2 : 1)
    guard isParallel || !isNew, norms <= 2, isNew || norms == 1 else {
      throw configuration.unsupported(
        isParallel ? "num_ln_in_parallel_attn" : "parallel_attn", isParallel ? "\(norms)" : "false",
        isParallel ? ["1"] : ["true"])
    }
    if !isParallel {
      model.tensors.norm2 = "post_attention_layernorm"
    } else {
      model.block = .parallel
      if norms == 2 {
        model.tensors.norm1 = "ln_attn"
        model.tensors.norm2 = "ln_mlp"
      }
    }
  }
}
