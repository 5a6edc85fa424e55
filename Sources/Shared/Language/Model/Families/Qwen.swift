// Qwen 2, 2.5 and 3: Llama with biases on queries, keys and values (2), or with a norm on each
// head's queries and keys (3); upper layers may see a window only. After transformers'
// modeling_qwen2.py and modeling_qwen3.py.

enum Qwen2 {
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
    let first = configuration.value(["max_window_layers"])?.value.integer ?? 28
    return try configuration.layers(window: window) { $0 >= first }
  }
}

enum Qwen3 {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: .qwen3)
    let hasBias = try configuration.flag("attention_bias", fallback: false)
    model.tensors.biases = Biases(queryKeyValue: hasBias, attentionOutput: hasBias)
    model.tensors.headNorms = HeadNormNames(query: "self_attn.q_norm", key: "self_attn.k_norm")
    model.layers = try Qwen2.layers(configuration)
    return model
  }
}
