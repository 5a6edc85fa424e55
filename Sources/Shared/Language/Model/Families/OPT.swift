// OPT and Galactica: layer norms, learned positions of which the first two rows belong to padding,
// ReLU. The 350M model norms after each addition, has no last norm and projects its embeddings. After
// transformers' modeling_opt.py.

enum OPT {
  static let keys = ConfigurationKeys([
    "vocab_size": 50_272, "hidden_size": 768, "num_hidden_layers": 12, "ffn_dim": 3072,
    "max_position_embeddings": 2048, "do_layer_norm_before": true,
    "_remove_final_layer_norm": false, "word_embed_proj_dim": .null, "num_attention_heads": 12,
    "activation_function": "relu", "enable_bias": true, "layer_norm_elementwise_affine": true,
    "tie_word_embeddings": true,
  ])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("hidden_size")
    let heads = try configuration.heads("num_attention_heads")
    let headWidth = try configuration.headWidth(width: width, heads: heads)
    let hasBias = try configuration.flag("enable_bias", fallback: true)
    var model = ModelDescription(
      family: Family.opt.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("max_position_embeddings"),
      layers: try configuration.layers(),
      width: width, headCount: heads, keyValueHeadCount: heads, headWidth: headWidth,
      mlpWidth: try configuration.count("ffn_dim"),
      norm: .layer, normEpsilon: 1e-5,
      normsHaveParameters: try configuration.flag("layer_norm_elementwise_affine", fallback: true),
      positions: .learned(offset: 2),
      activation: try configuration.activation("activation_function"),
      isGated: false, attentionScale: 1 / Float(headWidth).squareRoot(),
      tensors: TensorNames(
        prefixes: ["model.decoder.", "decoder."], embedding: "embed_tokens",
        positions: "embed_positions", layers: "layers.", norm1: "self_attn_layer_norm",
        norm2: "final_layer_norm",
        queryKeyValue: .separate(
          query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj"),
        attentionOutput: "self_attn.out_proj", mlpIn: "fc1", mlpOut: "fc2",
        activation: "activation_fn", finalNorm: "final_layer_norm", unembedding: ["lm_head"],
        isTied: try configuration.flag("tie_word_embeddings", fallback: true),
        biases: Biases(queryKeyValue: hasBias, attentionOutput: hasBias, mlp: hasBias)))
    try readLayout(configuration, into: &model)
    return model
  }

  /// Where norms are, and whether embeddings have a width of their own.
  private static func readLayout(
    _ configuration: ModelConfiguration, into model: inout ModelDescription
  ) throws(ModelError) {
    let normsBefore = try configuration.flag("do_layer_norm_before", fallback: true)
    if !normsBefore {
      model.tensors.norm1 = nil
      model.tensors.norm2 = "self_attn_layer_norm"
      model.tensors.blockNorm = "final_layer_norm"
    }
    let removes = try configuration.flag("_remove_final_layer_norm", fallback: false)
    if !normsBefore || removes { model.tensors.finalNorm = nil }
    let tableWidth = try configuration.count("word_embed_proj_dim", fallback: model.width)
    if tableWidth != model.width {
      model.embeddingWidth = tableWidth
      model.tensors.embeddingProjections = EmbeddingProjectionNames(
        into: "project_in", out: "project_out")
    }
  }
}
