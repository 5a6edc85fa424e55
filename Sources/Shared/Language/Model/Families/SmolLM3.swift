// SmolLM3: Llama of which some layers, every fourth unless stated, do not rotate queries and keys.
// After transformers' modeling_smollm3.py.

enum SmolLM3 {
  static let keys = Llama.keys.with(
    [
      "vocab_size": 128_256, "hidden_size": 2048, "num_hidden_layers": 36,
      "num_attention_heads": 16, "num_key_value_heads": 4, "max_position_embeddings": 32_768,
      "use_sliding_window": false, "sliding_window": .null, "no_rope_layers": .null,
      "no_rope_layer_interval": 4, "layer_types": .null, "tie_word_embeddings": true,
    ], nullable: ["num_key_value_heads"], asked: ["head_dim"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(
      configuration, family: .smolLM3, rotary: RotaryRules(base: 2_000_000))
    let rotates = try rotatingLayers(configuration, count: model.layerCount)
    let usesWindow = try configuration.flag("use_sliding_window", fallback: false)
    model.layers = try configuration.layers(window: configuration.slidingWindow()) {
      usesWindow && configuration.value(["sliding_window"]) != nil && !rotates[$0]
    }
    for layer in model.layers.indices where !rotates[layer] { model.layers[layer].rotation = nil }
    return model
  }

  /// Which layers rotate: `no_rope_layers`, where 1 says that a layer does, or all but every
  /// `no_rope_layer_interval`-th.
  private static func rotatingLayers(
    _ configuration: ModelConfiguration, count: Int
  ) throws(ModelError) -> [Bool] {
    guard let (key, value) = configuration.value(["no_rope_layers"]) else {
      let interval = try configuration.count("no_rope_layer_interval")
      return (0..<count).map { ($0 + 1) % interval != 0 }
    }
    let flags = value.array?.map(\.integer) ?? []
    guard flags.count >= count, flags.allSatisfy({ $0 == 0 || $0 == 1 }) else {
      throw configuration.wrong(key, value, "a 0 or a 1 for each of the \(count) layers")
    }
    return flags.map { $0 == 1 }
  }
}
