// What a config.json says of layers and heads. Comes in: its members. Leaves: the kind of every
// layer, and the widths of heads.

extension ModelConfiguration {
  /// The kinds of a model's layers, all alike.
  func layers() throws(ModelError) -> [LayerKind] {
    let count = try count("num_hidden_layers", "num_layers", "n_layer", limit: 1 << 12)
    return [LayerKind](repeating: LayerKind(), count: count)
  }

  /// The kinds of a model's layers from `layer_types`, or from a rule where that is not stated.
  func layers(
    window: Int?, isLocal rule: (Int) -> Bool
  ) throws(ModelError) -> [LayerKind] {
    var layers = try layers()
    let types = try texts("layer_types")
    if let types, types.count != layers.count {
      throw .wrongValue(
        path: path, key: "layer_types", value: "\(types.count) types",
        expected: "one for each of the \(layers.count) layers")
    }
    for layer in layers.indices {
      let isLocal: Bool
      switch types?[layer] {
      case nil: isLocal = rule(layer)
      case "full_attention": isLocal = false
      case "sliding_attention": isLocal = true
      case .some(let other):
        throw unsupported("layer_types", other, ["full_attention", "sliding_attention"])
      }
      guard isLocal else { continue }
      guard let window else { throw .missingKey(path: path, key: "sliding_window") }
      layers[layer].window = window
    }
    return layers
  }

  /// Layers that all see a window, where one is stated.
  func layersWithWindow() throws(ModelError) -> [LayerKind] {
    var layers = try layers()
    guard let window = try slidingWindow() else { return layers }
    for layer in layers.indices { layers[layer].window = window }
    return layers
  }

  /// The width of the sliding window, where one is stated.
  func slidingWindow() throws(ModelError) -> Int? {
    value(["sliding_window"]) == nil ? nil : try count("sliding_window")
  }

  /// The width of a head: stated, or a share of the model's width.
  func headWidth(width: Int, heads: Int) throws(ModelError) -> Int {
    if value(["head_dim"]) != nil { return try count("head_dim", limit: Self.headLimit) }
    return try headShare(width: width, heads: heads)
  }

  /// The width of a head as a share of the model's width.
  func headShare(width: Int, heads: Int) throws(ModelError) -> Int {
    guard width % heads == 0 else {
      throw .wrongValue(
        path: path, key: "num_attention_heads", value: "\(heads)",
        expected: "a divisor of the width \(width)")
    }
    return width / heads
  }

  /// The number of heads.
  func heads(_ key: String) throws(ModelError) -> Int {
    try count(key, limit: Self.headLimit)
  }

  private static let headLimit = 1 << 14
}
