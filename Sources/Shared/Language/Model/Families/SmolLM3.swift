// SmolLM3: Llama of which some layers, every fourth unless stated, do not rotate queries and keys.
// After transformers' modeling_smollm3.py.

enum SmolLM3 {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(
      configuration, family: .smolLM3, isTied: true, rotaryBase: 2_000_000)
    model.tensors.biases = try Llama.biases(configuration)
    model.contextLimit = try configuration.count("max_position_embeddings", fallback: 32_768)
    // Null means as many as there are queries.
    if configuration.members["num_key_value_heads"] == nil { model.keyValueHeadCount = 4 }
    try configuration.refuse("use_sliding_window", unless: [.bool(false)])
    let window = try configuration.slidingWindow()
    model.layers = try configuration.layers(window: window) { _ in false }
    let rotates = try rotatingLayers(configuration, count: model.layerCount)
    for layer in model.layers.indices where !rotates[layer] { model.layers[layer].rotation = nil }
    return model
  }

  /// Which layers rotate: `no_rope_layers`, where 1 says that a layer does, or all but every
  /// `no_rope_layer_interval`-th.
  private static func rotatingLayers(
    _ configuration: ModelConfiguration, count: Int
  ) throws(ModelError) -> [Bool] {
    guard let (key, value) = configuration.value(["no_rope_layers"]) else {
      let interval = try configuration.count("no_rope_layer_interval", fallback: 4)
      return (0..<count).map { ($0 + 1) % interval != 0 }
    }
    let flags = value.array?.map(\.integer) ?? []
    guard flags.count >= count, flags.allSatisfy({ $0 == 0 || $0 == 1 }) else {
      throw configuration.wrong(key, value, "a 0 or a 1 for each of the \(count) layers")
    }
    return flags.map { $0 == 1 }
  }
}
