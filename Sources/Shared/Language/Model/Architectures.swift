// The families that the forward pass can be. A family is one file that turns a config.json into a
// description; nothing else in the programs knows its name.

/// A family of language models; the raw value is the `model_type` of config.json.
package enum Family: String, CaseIterable, Sendable {
  case gpt2
  case gptNeo = "gpt_neo"
  case gptNeoX = "gpt_neox"
  case llama
  case smolLM3 = "smollm3"
  case mistral
  case qwen2
  case qwen3
  case gemma
  case gemma2
  case gemma3 = "gemma3_text"
  case gemma3WithVision = "gemma3"
  case phi
  case opt

  func describe(_ configuration: ModelConfiguration) throws(ModelError) -> ModelDescription {
    switch self {
    case .gpt2: try GPT2.describe(configuration)
    case .gptNeo: try GPTNeo.describe(configuration)
    case .gptNeoX: try GPTNeoX.describe(configuration)
    case .llama: try Llama.describe(configuration)
    case .smolLM3: try SmolLM3.describe(configuration)
    case .mistral: try Mistral.describe(configuration)
    case .qwen2: try Qwen2.describe(configuration)
    case .qwen3: try Qwen3.describe(configuration)
    case .gemma: try Gemma.describe(configuration)
    case .gemma2: try Gemma2.describe(configuration)
    case .gemma3: try Gemma3.describe(configuration)
    case .gemma3WithVision: try Gemma3.describeText(of: configuration)
    case .phi: try Phi.describe(configuration)
    case .opt: try OPT.describe(configuration)
    }
  }

  /// Options that this family reads and every other one refuses.
  fileprivate var ownOptions: Set<String> {
    self == .smolLM3 ? ["no_rope_layers", "no_rope_layer_interval"] : []
  }
}

extension ModelDescription {
  /// Reads `config.json` of a folder.
  package static func open(folder: String) throws -> ModelDescription {
    try read(ModelConfiguration.open(folder: folder))
  }

  /// Reads the text of a config.json; `path` is what errors call it.
  package static func read(text: String, path: String) throws -> ModelDescription {
    try read(ModelConfiguration(text: Array(text.utf8), path: path))
  }

  private static func read(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let type = try configuration.text("model_type")
    guard let family = Family(rawValue: type) else {
      throw configuration.unsupported("model_type", type, Family.allCases.map(\.rawValue))
    }
    try configuration.refuseUnknownBehaviour(except: family.ownOptions)
    var description = try family.describe(configuration)
    try description.check(configuration)
    description.giveWindowsTheirRotation()
    return description
  }

  /// Layers with a window take the second kind of rotation where there are two.
  private mutating func giveWindowsTheirRotation() {
    guard case .rotary(let kinds) = positions, kinds.count > 1 else { return }
    for layer in layers.indices where layers[layer].window != nil {
      layers[layer].rotation = layers[layer].rotation.map { _ in 1 }
    }
  }

  /// Refuses sizes that do not fit together.
  private func check(_ configuration: ModelConfiguration) throws(ModelError) {
    guard headCount % keyValueHeadCount == 0 else {
      throw .wrongValue(
        path: configuration.path, key: "num_key_value_heads", value: "\(keyValueHeadCount)",
        expected: "a divisor of the \(headCount) heads")
    }
  }
}

extension ModelConfiguration {
  /// Options of config.json that would change the forward pass, with the values that do not.
  ///
  /// Those that a family does read are checked there.
  private static let neutral: [(key: String, values: [JSON])] = [
    ("is_encoder_decoder", [.bool(false)]), ("add_cross_attention", [.bool(false)]),
    ("alibi", [.bool(false)]), ("use_bidirectional_attention", [.bool(false)]),
    ("clip_qkv", []), ("qk_layernorm", [.bool(false)]), ("use_qk_norm", [.bool(false)]),
    ("residual_multiplier", [.number(1), .integer(1)]),
    ("embedding_multiplier", [.number(1), .integer(1)]),
    ("attention_multiplier", []), ("logits_scaling", [.number(1), .integer(1)]),
    ("logit_scale", [.number(1), .integer(1)]), ("num_experts", [.integer(0)]),
    ("num_local_experts", [.integer(0)]), ("attention_chunk_size", []),
    ("no_rope_layers", []), ("no_rope_layer_interval", []),
  ]

  /// Refuses weights that are no plain numbers and options that the family does not know.
  func refuseUnknownBehaviour(except known: Set<String> = []) throws(ModelError) {
    if let quantisation = value(["quantization_config"]) {
      let method = quantisation.value["quant_method"]?.string ?? "set"
      throw unsupported("quantization_config", method, [])
    }
    for (key, values) in Self.neutral where !known.contains(key) {
      try refuse(key, unless: values)
    }
  }

  /// Refuses a stated option whose value is none of some.
  func refuse(_ key: String, unless values: [JSON]) throws(ModelError) {
    guard let (_, stated) = value([key]), !values.contains(stated) else { return }
    throw unsupported(key, stated.string ?? stated.canonical, values.map(\.canonical))
  }

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

  /// The width of the sliding window, where one is stated.
  func slidingWindow() throws(ModelError) -> Int? {
    value(["sliding_window"]) == nil ? nil : try count("sliding_window")
  }

  /// The width of a head: stated, or a share of the model's width.
  func headWidth(width: Int, heads: Int) throws(ModelError) -> Int {
    if value(["head_dim"]) != nil { return try count("head_dim", limit: Self.headLimit) }
    guard width % heads == 0 else {
      throw .wrongValue(
        path: path, key: "num_attention_heads", value: "\(heads)",
        expected: "a divisor of the width \(width)")
    }
    return width / heads
  }

  /// The number of heads.
  func heads(_ keys: String...) throws(ModelError) -> Int {
    for key in keys where value([key]) != nil { return try count(key, limit: Self.headLimit) }
    return try count(keys[0])
  }

  private static let headLimit = 1 << 14
}
