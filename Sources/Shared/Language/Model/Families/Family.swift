// The families that the forward pass can be. A family is one file that turns a config.json into a
// description; nothing else in the programs knows its name.

/// A family of language models; the raw value is the `model_type` of config.json.
package enum Family: String, CaseIterable, Sendable {
  case gpt2
  case gptBigCode = "gpt_bigcode"
  case gptNeo = "gpt_neo"
  case gptNeoX = "gpt_neox"
  case gptJ = "gptj"
  case gptOss = "gpt_oss"
  case llama
  case smolLM3 = "smollm3"
  case granite
  case mistral
  case mixtral
  case qwen2
  case qwen3
  case qwen2Experts = "qwen2_moe"
  case qwen3Experts = "qwen3_moe"
  case qwen35 = "qwen3_5_text"
  case qwen35WithVision = "qwen3_5"
  case qwen35Experts = "qwen3_5_moe_text"
  case qwen35ExpertsWithVision = "qwen3_5_moe"
  case gemma
  case gemma2
  case gemma3 = "gemma3_text"
  case gemma3WithVision = "gemma3"
  case gemma4 = "gemma4_text"
  case gemma4WithVision = "gemma4"
  case gemma4Unified = "gemma4_unified_text"
  case gemma4UnifiedWithVision = "gemma4_unified"
  case phi
  case phi3
  case opt
  case olmo
  case olmo2
  case olmo3
  case olmoExperts = "olmoe"
  case deepSeek2 = "deepseek_v2"
  case deepSeek3 = "deepseek_v3"
  case bloom
  case falcon
  case stableLM = "stablelm"
  /// Without a `model_type`.
  case hookedTransformer = "HookedTransformer"

  /// The values of `model_type` that are known.
  static var names: [String] { allCases.filter { $0 != .hookedTransformer }.map(\.rawValue) }

  private typealias Reading = (
    keys: ConfigurationKeys, describe: (ModelConfiguration) throws(ModelError) -> ModelDescription
  )

  private var reading: Reading {
    switch self {
    case .gpt2: (GPT2.keys, GPT2.describe)
    case .gptBigCode: (GPTBigCode.keys, GPTBigCode.describe)
    case .gptNeo: (GPTNeo.keys, GPTNeo.describe)
    case .gptNeoX: (GPTNeoX.keys, GPTNeoX.describe)
    case .gptJ: (GPTJ.keys, GPTJ.describe)
    case .gptOss: (GptOss.keys, GptOss.describe)
    case .llama: (Llama.keys, Llama.describe)
    case .smolLM3: (SmolLM3.keys, SmolLM3.describe)
    case .granite: (Granite.keys, Granite.describe)
    case .mistral: (Mistral.keys, Mistral.describe)
    case .mixtral: (Mixtral.keys, Mixtral.describe)
    case .qwen2: (Qwen2.keys, Qwen2.describe)
    case .qwen3: (Qwen3.keys, Qwen3.describe)
    case .qwen2Experts: (Qwen2Experts.keys, Qwen2Experts.describe)
    case .qwen3Experts: (Qwen3Experts.keys, Qwen3Experts.describe)
    case .qwen35: (Qwen35.keys, Qwen35.describe)
    case .qwen35WithVision: (Qwen35.wholeKeys, Qwen35.describeText)
    case .qwen35Experts: (Qwen35Experts.keys, Qwen35Experts.describe)
    case .qwen35ExpertsWithVision: (Qwen35.wholeKeys, Qwen35Experts.describeText)
    case .gemma: (Gemma.keys, Gemma.describe)
    case .gemma2: (Gemma2.keys, Gemma2.describe)
    case .gemma3: (Gemma3.keys, Gemma3.describe)
    case .gemma3WithVision: (Gemma3.textKeys, Gemma3.describeText)
    case .gemma4: (Gemma4.keys, Gemma4.describe)
    case .gemma4WithVision: (Gemma3.textKeys, Gemma4.describeText)
    case .gemma4Unified: (Gemma4Unified.keys, Gemma4Unified.describe)
    case .gemma4UnifiedWithVision: (Gemma3.textKeys, Gemma4Unified.describeText)
    case .phi: (Phi.keys, Phi.describe)
    case .phi3: (Phi3.keys, Phi3.describe)
    case .opt: (OPT.keys, OPT.describe)
    case .olmo: (OLMo.keys, OLMo.describe)
    case .olmo2: (OLMo2.keys, OLMo2.describe)
    case .olmo3: (OLMo3.keys, OLMo3.describe)
    case .olmoExperts: (OLMoExperts.keys, OLMoExperts.describe)
    case .deepSeek2: (DeepSeek2.keys, DeepSeek2.describe)
    case .deepSeek3: (DeepSeek3.keys, DeepSeek3.describe)
    case .bloom: (Bloom.keys, Bloom.describe)
    case .falcon: (Falcon.keys, Falcon.describe)
    case .stableLM: (StableLM.keys, StableLM.describe)
    case .hookedTransformer: (HookedTransformer.keys, HookedTransformer.describe)
    }
  }

  /// Describes the model of a configuration, of which it sees what its family reads.
  func describe(_ configuration: ModelConfiguration) throws(ModelError) -> ModelDescription {
    let reading = reading
    return try reading.describe(configuration.resolved(by: reading.keys))
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
    let family = try family(of: configuration)
    try configuration.refuseQuantization(unless: family == .gptOss ? "mxfp4" : nil)
    // GPT-Neo masks by itself.
    if family != .gptNeo { try configuration.refuse("is_causal", unless: [true]) }
    var description = try family.describe(configuration)
    try description.check(configuration)
    description.giveWindowsTheirRotation()
    return description
  }

  private static func family(of configuration: ModelConfiguration) throws(ModelError) -> Family {
    if HookedTransformer.recognizes(configuration) { return .hookedTransformer }
    let type = try configuration.text("model_type")
    guard let family = Family(rawValue: type), family != .hookedTransformer else {
      if let reason = UnsupportedFamilies.reason(type) {
        throw .unsupportedFamily(
          path: configuration.path, type: type, reason: reason, supported: Family.names)
      }
      throw configuration.unsupported("model_type", type, Family.names)
    }
    return family
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
    // Whether or not the family reads them.
    if let types = configuration.value(["layer_types"])?.value.array, types.count != layerCount {
      throw .wrongValue(
        path: configuration.path, key: "layer_types", value: "\(types.count) types",
        expected: "one for each of the \(layerCount) layers")
    }
  }
}
