// The layers of Gemma 4: which see a window, the heads that each kind has, and which take keys and
// values of an earlier one. After transformers' configuration_gemma4.py.

/// What a config.json says of the layers of Gemma 4.
struct Gemma4Layers {
  private let configuration: ModelConfiguration

  init(_ configuration: ModelConfiguration) { self.configuration = configuration }

  /// In the place of a `per_layer_config` that a file leaves out; null is something else.
  static let notStated: JSON = "derived"

  func fill(_ model: inout ModelDescription) throws(ModelError) {
    model.layers = try configuration.layers(window: configuration.slidingWindow()) {
      ($0 + 1) % 6 != 0
    }
    // Whatever a file says of it.
    model.layers[model.layerCount - 1].window = nil
    try readHeads(into: &model)
    try readSharing(into: &model)
    try readRotations(into: &model)
  }

  // MARK: Heads

  private static let layerKeys = ["head_dim", "num_key_value_heads"]

  /// The sizes of a layer's heads that are not the model's.
  private struct Sizes: Equatable {
    var width: Int?
    var keyValueCount: Int?
  }

  private func readHeads(into model: inout ModelDescription) throws(ModelError) {
    let isShared = try configuration.flag("attention_k_eq_v", fallback: false)
    let stated = try statedSizes(of: model, keysAreValues: isShared)
    for layer in model.layers.indices {
      let sizes = stated[layer]
      model.layers[layer].headWidth = sizes.width == model.headWidth ? nil : sizes.width
      model.layers[layer].keyValueHeadCount =
        sizes.keyValueCount == model.keyValueHeadCount ? nil : sizes.keyValueCount
      if isShared, model.layers[layer].window == nil { model.layers[layer].keyValues = .keys }
      let count = model.heads(layer: layer).keyValueCount
      guard model.headCount % count == 0 else {
        throw .wrongValue(
          path: configuration.path, key: "num_global_key_value_heads", value: "\(count)",
          expected: "a divisor of the \(model.headCount) heads")
      }
    }
  }

  /// By layer, from `per_layer_config`, or where that is not stated from what holds for layers that see
  /// everything.
  private func statedSizes(
    of model: ModelDescription, keysAreValues: Bool
  ) throws(ModelError) -> [Sizes] {
    guard let (key, value) = configuration.value(["per_layer_config"]) else {
      return [Sizes](repeating: Sizes(), count: model.layerCount)
    }
    // Beside what makes layers differ there can be no window and no chunks.
    try configuration.refuse("attention_chunk_size", unless: [])
    guard value != Self.notStated else {
      var whole = Sizes(width: try configuration.heads("global_head_dim"))
      if keysAreValues, configuration.value(["num_global_key_value_heads"]) != nil {
        whole.keyValueCount = try configuration.heads("num_global_key_value_heads")
      }
      return model.layers.map { $0.window == nil ? whole : Sizes() }
    }
    guard let layers = value.object else {
      throw configuration.wrong(key, value, "a set of layers")
    }
    var sizes = [Sizes](repeating: Sizes(), count: model.layerCount)
    for (name, members) in layers.sorted(by: { $0.key < $1.key }) {
      guard let layer = Int(name), sizes.indices.contains(layer), let stated = members.object else {
        throw configuration.wrong(
          key + "." + name, members, "a set of values of one of the \(sizes.count) layers")
      }
      for other in stated.keys.sorted() where !Self.layerKeys.contains(other) {
        throw configuration.unsupported("\(key).\(name)", other, Self.layerKeys)
      }
      let part = ModelConfiguration(members: members, path: configuration.path)
      if stated["head_dim"] != nil { sizes[layer].width = try part.heads("head_dim") }
      if stated["num_key_value_heads"] != nil {
        sizes[layer].keyValueCount = try part.heads("num_key_value_heads")
      }
    }
    try check(sizes, of: model)
    return sizes
  }

  /// Layers of one kind share a rotation, so that their heads must be alike.
  private func check(_ sizes: [Sizes], of model: ModelDescription) throws(ModelError) {
    for isWhole in [true, false] {
      let kind = model.layers.indices.filter { (model.layers[$0].window == nil) == isWhole }
      guard kind.allSatisfy({ sizes[$0] == sizes[kind[0]] }) else {
        throw .wrongValue(
          path: configuration.path, key: "per_layer_config", value: "different sizes",
          expected: "the same for all layers of one of layer_types")
      }
    }
  }

  // MARK: Sharing

  /// The last layers take keys and values of the last one of their kind before them.
  private func readSharing(into model: inout ModelDescription) throws(ModelError) {
    let key = "num_kv_shared_layers"
    let shared = try configuration.size(key)
    let isWide = try configuration.flag("use_double_wide_mlp", fallback: false)
    let first = model.layerCount - shared
    guard first > 0 else {
      throw .wrongValue(
        path: configuration.path, key: key, value: "\(shared)",
        expected: "fewer than the \(model.layerCount) layers")
    }
    for layer in model.layers.indices.dropFirst(first) {
      let isWhole = model.layers[layer].window == nil
      let source = (0..<first).last { (model.layers[$0].window == nil) == isWhole }
      guard let source else {
        throw .wrongValue(
          path: configuration.path, key: key, value: "\(shared)",
          expected: "so few that a layer of each of layer_types has keys of its own")
      }
      model.layers[layer].keyValues = .layer(source)
      if isWide { model.layers[layer].mlpWidth = 2 * model.mlpWidth }
    }
  }

  // MARK: Rotations

  private static let rotations: JSON = [
    "sliding_attention": ["rope_type": "default", "rope_theta": 10_000.0],
    "full_attention": [
      "rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1_000_000.0,
    ],
  ]

  /// For each kind of layers; what `rope_scaling` says takes the place of all of it.
  private func readRotations(into model: inout ModelDescription) throws(ModelError) {
    var key = "rope_scaling"
    if configuration.value([key]) == nil { key = "rope_parameters" }
    let stated = configuration.value([key])?.value ?? Self.rotations
    for (type, isWhole) in [("full_attention", true), ("sliding_attention", false)] {
      guard model.layers.contains(where: { ($0.window == nil) == isWhole }) else { continue }
      guard let own = stated[type]?.object else {
        throw .missingKey(path: configuration.path, key: "\(key).\(type)")
      }
      guard own["rope_theta"] != nil else {
        throw .missingKey(path: configuration.path, key: "\(key).\(type).rope_theta")
      }
    }
    func width(whole: Bool) -> Int {
      let layer = model.layers.firstIndex { ($0.window == nil) == whole }
      return model.heads(layer: layer).width
    }
    model.positions = .rotary(
      try configuration.withoutRotary().filling("rope_parameters", stated).rotaryByLayer(
        headWidth: width(whole: true), localHeadWidth: width(whole: false), base: 10_000,
        localBase: 10_000))
  }
}
