// Qwen 2, 2.5 and 3: Llama with biases on queries, keys and values (2), or with a norm on each
// head's queries and keys (3); upper layers may see a window only. After transformers'
// modeling_qwen2.py and modeling_qwen3.py.

enum Qwen2 {
  static let keys = Llama.keys.without("attention_bias", "mlp_bias").with(
    [
      "vocab_size": 151_936, "intermediate_size": 22_016, "num_key_value_heads": 32,
      "max_position_embeddings": 32_768, "use_sliding_window": false, "sliding_window": 4096,
      "max_window_layers": 28, "layer_types": .null,
    ], nullable: ["num_key_value_heads", "sliding_window"], asked: ["head_dim"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: .qwen2)
    model.tensors.biases.queryKeyValue = true
    model.layers = try layers(configuration)
    return model
  }

  /// The layers from `max_window_layers` on see a window, where the model says that it uses one.
  static func layers(_ configuration: ModelConfiguration) throws(ModelError) -> [LayerKind] {
    let usesWindow = try configuration.flag("use_sliding_window", fallback: false)
    guard usesWindow, let window = try configuration.slidingWindow() else {
      return try configuration.layers(window: nil) { _ in false }
    }
    let first = configuration.value(["max_window_layers"])?.value.integer ?? 0
    return try configuration.layers(window: window) { $0 >= first }
  }
}

enum Qwen3 {
  static let keys = Qwen2.keys.with(["head_dim": 128, "attention_bias": false])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: .qwen3)
    model.tensors.headNorms = HeadNormNames(query: "self_attn.q_norm", key: "self_attn.k_norm")
    model.layers = try Qwen2.layers(configuration)
    return model
  }
}
