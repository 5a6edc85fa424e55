// The families that the forward pass can be. A family is one file that turns a config.json into a
// description; nothing else in the programs knows its name.

/// A family of language models; the raw value is the `model_type` of config.json.
package enum Family: String, CaseIterable, Sendable {
  case gpt2
  case gptNeoX = "gpt_neox"
  case llama

  func describe(_ configuration: ModelConfiguration) throws(ModelError) -> ModelDescription {
    switch self {
    case .gpt2: try GPT2.describe(configuration)
    case .gptNeoX: try GPTNeoX.describe(configuration)
    case .llama: try Llama.describe(configuration)
    }
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
    if let quantisation = configuration.value(["quantization_config"]) {
      let method = quantisation.value["quant_method"]?.string ?? "set"
      throw configuration.unsupported("quantization_config", method, [])
    }
    let description = try family.describe(configuration)
    try description.check(configuration)
    return description
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
  /// The width of a head where it is a share of the model's width.
  func headWidth(width: Int, heads: Int) throws(ModelError) -> Int {
    guard width % heads == 0 else {
      throw .wrongValue(
        path: path, key: "num_attention_heads", value: "\(heads)",
        expected: "a divisor of the width \(width)")
    }
    return width / heads
  }
}
