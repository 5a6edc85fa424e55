// Phi-3 and Phi-4: Llama with one tensor for queries, keys and values and one for gate and input, and
// wavelengths that are stretched one by one for long contexts. After transformers' modeling_phi3.py.

enum Phi3 {
  static let keys = ConfigurationKeys(
    [
      "vocab_size": 32_064, "hidden_size": 3072, "intermediate_size": 8192,
      "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": .null,
      "hidden_act": "silu", "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
      "tie_word_embeddings": false, "sliding_window": .null, "head_dim": .null,
    ].merging(ConfigurationKeys.rotary) { $1 }
  ).with(["original_max_position_embeddings": 4096], asked: ["head_dim"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let renamed = try withLongType(configuration)
    var model = try Llama.common(renamed, family: .phi3, rotary: RotaryRules(readsShare: true))
    model.layers = try configuration.layersWithWindow()
    model.tensors.queryKeyValue = .fused("self_attn.qkv_proj")
    model.tensors.mlpIn = "mlp.gate_up_proj"
    model.tensors.mlpGate = "mlp.gate_up_proj"
    model.tensors.activation = "mlp.activation_fn"
    return model
  }

  /// The kinds of scaling that files call "su" and "yarn" are longrope; others there are not.
  private static func withLongType(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelConfiguration {
    var members = configuration.members.object ?? [:]
    for key in ["rope_scaling", "rope_parameters"] {
      guard var rotary = members[key]?.object else { continue }
      for typeKey in ["rope_type", "type"] {
        guard let type = rotary[typeKey], type != .null else { continue }
        switch type.string {
        case "su", "yarn", "longrope": rotary[typeKey] = "longrope"
        case "default": break
        default:
          throw configuration.unsupported(
            "\(key).\(typeKey)", type.string ?? type.canonical, ["default", "longrope"])
        }
      }
      members[key] = .object(rotary)
    }
    return ModelConfiguration(members: .object(members), path: configuration.path)
  }
}
