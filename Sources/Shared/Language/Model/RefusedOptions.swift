// Options of a config.json that would change the forward pass in ways that it does not know:
// refused by name, never passed over.

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
  func refuseUnknownBehavior(except known: Set<String> = []) throws(ModelError) {
    if let quantization = value(["quantization_config"]) {
      let method = quantization.value["quant_method"]?.string ?? "set"
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
}
