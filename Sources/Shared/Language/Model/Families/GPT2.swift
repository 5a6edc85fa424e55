// GPT-2: layer norms, learned positions, sequential blocks, one tensor for queries, keys and
// values, matrices stored `[inputs, outputs]`. GPT-BigCode is this with rows of keys and values that
// all heads share. After transformers' modeling_gpt2.py and modeling_gpt_bigcode.py.

enum GPT2 {
  static let keys = ConfigurationKeys(
    [
      "vocab_size": 50_257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12,
      "n_inner": .null, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
      "scale_attn_weights": true, "scale_attn_by_inverse_layer_idx": false,
      "tie_word_embeddings": true,
    ],
    aliases: [
      "hidden_size": "n_embd", "max_position_embeddings": "n_positions",
      "num_attention_heads": "n_head", "num_hidden_layers": "n_layer",
    ])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    try common(configuration, family: .gpt2)
  }

  static func common(
    _ configuration: ModelConfiguration, family: Family
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("n_embd")
    let heads = try configuration.heads("n_head")
    let headWidth = try configuration.headWidth(width: width, heads: heads)
    let scales = try configuration.flag("scale_attn_weights", fallback: true)
    return ModelDescription(
      family: family.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("n_positions"),
      layers: try configuration.layers(),
      width: width, headCount: heads, keyValueHeadCount: heads, headWidth: headWidth,
      mlpWidth: try configuration.count("n_inner", fallback: 4 * width),
      norm: .layer,
      normEpsilon: Float(try configuration.number("layer_norm_epsilon")),
      positions: .learned(offset: 0),
      activation: try configuration.activation("activation_function"),
      isGated: false,
      attentionScale: scales ? 1 / Float(headWidth).squareRoot() : 1,
      dividesScoresByLayer: try configuration.flag(
        "scale_attn_by_inverse_layer_idx", fallback: false),
      tensors: TensorNames(
        prefixes: ["transformer.", ""], embedding: "wte", positions: "wpe",
        layers: "h.", norm1: "ln_1", norm2: "ln_2", queryKeyValue: .fused("attn.c_attn"),
        attentionOutput: "attn.c_proj", mlpIn: "mlp.c_fc", mlpOut: "mlp.c_proj",
        activation: "mlp.act", finalNorm: "ln_f", unembedding: ["lm_head"],
        isTied: try configuration.flag("tie_word_embeddings", fallback: true),
        order: .inputMajor,
        biases: Biases(queryKeyValue: true, attentionOutput: true, mlp: true)))
  }
}

enum GPTBigCode {
  static let keys = ConfigurationKeys(
    GPT2.keys.without("scale_attn_by_inverse_layer_idx").with([
      "activation_function": "gelu_pytorch_tanh", "multi_query": true,
      "add_cross_attention": false,
    ]).defaults, aliases: GPT2.keys.aliases)

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    try configuration.refuse("add_cross_attention", unless: [false])
    var model = try GPT2.common(configuration, family: .gptBigCode)
    model.tensors.order = .outputMajor
    if try configuration.flag("multi_query", fallback: true) {
      model.keyValueHeadCount = 1
    } else {
      model.tensors.queryKeyValue = .fusedPerHead("attn.c_attn")
    }
    return model
  }
}
