// GPT-Neo and TinyStories: like GPT-2, but every other layer sees a window only, scores are not
// scaled, and queries, keys and values are tensors of their own without biases. After
// transformers' modeling_gpt_neo.py.

enum GPTNeo {
  static let keys = ConfigurationKeys(
    [
      "vocab_size": 50_257, "max_position_embeddings": 2048, "hidden_size": 2048, "num_layers": 24,
      "attention_types": .null, "num_heads": 16, "intermediate_size": .null, "window_size": 256,
      "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": true,
      "attention_layers": .null,
    ], aliases: ["num_attention_heads": "num_heads", "num_hidden_layers": "num_layers"],
    asked: ["attention_layers"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("hidden_size")
    let heads = try configuration.heads("num_heads")
    return ModelDescription(
      family: Family.gptNeo.rawValue,
      vocabularySize: try configuration.count("vocab_size"),
      contextLimit: try configuration.count("max_position_embeddings"),
      layers: try layers(configuration),
      width: width, headCount: heads, keyValueHeadCount: heads,
      headWidth: try configuration.headWidth(width: width, heads: heads),
      mlpWidth: try configuration.count("intermediate_size", fallback: 4 * width),
      norm: .layer,
      normEpsilon: Float(try configuration.number("layer_norm_epsilon")),
      positions: .learned(offset: 0),
      activation: try configuration.activation("activation_function"),
      isGated: false, attentionScale: 1,
      tensors: TensorNames(
        prefixes: ["transformer.", ""], embedding: "wte", positions: "wpe",
        layers: "h.", norm1: "ln_1", norm2: "ln_2",
        queryKeyValue: .separate(
          query: "attn.attention.q_proj", key: "attn.attention.k_proj",
          value: "attn.attention.v_proj"),
        attentionOutput: "attn.attention.out_proj", mlpIn: "mlp.c_fc", mlpOut: "mlp.c_proj",
        activation: "mlp.act", finalNorm: "ln_f", unembedding: ["lm_head"],
        isTied: try configuration.flag("tie_word_embeddings", fallback: true),
        biases: Biases(attentionOutput: true, mlp: true)))
  }

  /// The kinds of the layers: `attention_layers`, or else `attention_types` written out.
  private static func layers(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> [LayerKind] {
    var layers = try configuration.layers()
    let window = try configuration.count("window_size")
    let expanded = try expandedTypes(configuration)
    let stated = try configuration.texts("attention_layers")
    let key = stated == nil ? "attention_types" : "attention_layers"
    let types = stated ?? expanded
    guard types.count == layers.count else {
      throw .wrongValue(
        path: configuration.path, key: key, value: "\(types.count) types",
        expected: "one for each of the \(layers.count) layers")
    }
    for (layer, type) in types.enumerated() {
      switch type {
      case "global": break
      case "local": layers[layer].window = window
      default: throw configuration.unsupported(key, type, ["global", "local"])
      }
    }
    return layers
  }

  /// `[[["global", "local"], 12]]` as 24 texts.
  private static func expandedTypes(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> [String] {
    let key = "attention_types"
    let fallback = JSON.array([
      .array([.array([.string("global"), .string("local")]), .integer(12)])
    ])
    let stated = configuration.value([key])?.value ?? fallback
    let wrong = configuration.wrong(key, stated, "a list of patterns with their counts")
    guard let patterns = stated.array else { throw wrong }
    var types: [String] = []
    for pattern in patterns {
      guard let parts = pattern.array, parts.count == 2, let names = parts[0].array,
        let count = parts[1].integer, count >= 0, count <= 1 << 12, names.count <= 1 << 12
      else { throw wrong }
      for _ in 0..<count { types += names.map { $0.string ?? $0.canonical } }
      guard types.count <= 1 << 12 else { throw wrong }
    }
    return types
  }
}
