// Phi-1, 1.5 and 2: parallel blocks that read one layer norm, rotary positions on a part of each
// head, biases everywhere, also on the unembedding. After transformers' modeling_phi.py.

enum Phi {
  static let keys = ConfigurationKeys(
    [
      "vocab_size": 51_200, "hidden_size": 2048, "intermediate_size": 8192,
      "num_hidden_layers": 24, "num_attention_heads": 32, "num_key_value_heads": .null,
      "hidden_act": "gelu_new", "max_position_embeddings": 2048, "layer_norm_eps": 1e-5,
      "tie_word_embeddings": false, "qk_layernorm": false, "head_dim": .null,
    ].merging(ConfigurationKeys.rotary) { $1 }, asked: ["head_dim"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("hidden_size")
    let heads = try configuration.heads("num_attention_heads")
    let headWidth = try configuration.headWidth(width: width, heads: heads)
    try configuration.refuse("qk_layernorm", unless: [false])
    try configuration.refuse("head_dim", unless: [.integer(width / heads)])
    let rules = RotaryRules(share: 0.5, readsShare: true)
    return ModelDescription(
      family: Family.phi.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("max_position_embeddings"),
      layers: try configuration.layers(),
      width: width, headCount: heads,
      keyValueHeadCount: try configuration.count("num_key_value_heads", fallback: heads),
      headWidth: headWidth, mlpWidth: try configuration.count("intermediate_size"),
      norm: .layer,
      normEpsilon: Float(try configuration.number("layer_norm_eps")),
      positions: .rotary(try configuration.rotary(headWidth: headWidth, rules)),
      block: .parallel,
      activation: try configuration.activation("hidden_act"),
      isGated: false, attentionScale: 1 / Float(headWidth).squareRoot(),
      tensors: TensorNames(
        prefixes: ["model.", ""], embedding: "embed_tokens",
        layers: "layers.", norm1: "input_layernorm", norm2: "input_layernorm",
        queryKeyValue: .separate(
          query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj"),
        attentionOutput: "self_attn.dense", mlpIn: "mlp.fc1", mlpOut: "mlp.fc2",
        activation: "mlp.activation_fn", finalNorm: "final_layernorm",
        unembedding: ["lm_head"],
        isTied: try configuration.flag("tie_word_embeddings", fallback: false),
        biases: Biases(
          queryKeyValue: true, attentionOutput: true, mlp: true, unembedding: true)))
  }
}
