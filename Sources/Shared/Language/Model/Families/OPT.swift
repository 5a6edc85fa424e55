// OPT: layer norms, learned positions of which the first two rows belong to padding, ReLU. After
// transformers' modeling_opt.py. The 350M model, which norms afterwards and projects its
// embeddings, is refused.

enum OPT {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("hidden_size")
    let heads = try configuration.heads("num_attention_heads")
    let headWidth = try configuration.headWidth(width: width, heads: heads)
    try configuration.refuse("do_layer_norm_before", unless: [.bool(true)])
    try configuration.refuse("_remove_final_layer_norm", unless: [.bool(false)])
    try configuration.refuse("layer_norm_elementwise_affine", unless: [.bool(true)])
    try configuration.refuse("word_embed_proj_dim", unless: [.integer(width)])
    let hasBias = try configuration.flag("enable_bias", fallback: true)
    let isTied = try configuration.flag("tie_word_embeddings", fallback: true)
    return ModelDescription(
      family: Family.opt.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("max_position_embeddings", fallback: 2048),
      layers: try configuration.layers(),
      width: width, headCount: heads, keyValueHeadCount: heads, headWidth: headWidth,
      mlpWidth: try configuration.count("ffn_dim"),
      norm: .layer, normEpsilon: 1e-5,
      positions: .learned(offset: 2),
      activation: try configuration.activation("activation_function", fallback: "relu"),
      isGated: false, attentionScale: 1 / Float(headWidth).squareRoot(),
      tensors: TensorNames(
        prefixes: ["model.decoder.", "decoder."], embedding: "embed_tokens",
        positions: "embed_positions", layers: "layers.", norm1: "self_attn_layer_norm",
        norm2: "final_layer_norm",
        queryKeyValue: .separate(
          query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj"),
        attentionOutput: "self_attn.out_proj", mlpIn: "fc1", mlpOut: "fc2",
        activation: "activation_fn", finalNorm: "final_layer_norm",
        unembedding: isTied ? [] : ["lm_head"],
        biases: Biases(queryKeyValue: hasBias, attentionOutput: hasBias, mlp: hasBias)))
  }
}
