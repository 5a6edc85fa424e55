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
    try configuration.refuseUnknownBehavior(except: family.ownOptions)
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
