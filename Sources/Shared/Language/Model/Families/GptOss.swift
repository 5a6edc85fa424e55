// gpt-oss: Llama with biases, a sink in the softmax of each head, windows on every other layer, and
// experts whose gates are kept within a limit. Those of published files are stored in MXFP4. After
// transformers' modeling_gpt_oss.py and integrations/mxfp4.py.

enum GptOss {
  static let keys = ConfigurationKeys(
    Llama.keys.without("mlp_bias").with(
      [
        "num_hidden_layers": 36, "num_local_experts": 128, "vocab_size": 201_088,
        "hidden_size": 2880, "intermediate_size": 2880, "head_dim": 64,
        "num_attention_heads": 64, "num_key_value_heads": 8, "sliding_window": 128,
        "max_position_embeddings": 131_072, "rms_norm_eps": 1e-5, "num_experts_per_tok": 4,
        "swiglu_alpha": 1.702, "swiglu_limit": 7.0, "layer_types": .null, "attention_bias": true,
        "quantization_config": .null,
      ]
    ).defaults, aliases: ["num_experts": "num_local_experts"], nullable: ["sliding_window"])

  /// Rotary positions where a file states none.
  private static let rotary: JSON = [
    "rope_type": "yarn", "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": false,
    "original_max_position_embeddings": 4096,
  ]

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(
      configuration.filling("rope_parameters", Self.rotary), family: .gptOss,
      rotary: RotaryRules(base: 150_000))
    model.layers = try configuration.layers(window: configuration.slidingWindow()) { $0 % 2 == 0 }
    for layer in model.layers.indices { model.layers[layer].mlp = .routed }
    // `hidden_act` is read, but experts have a gate of their own.
    model.activation = .silu
    model.tensors.attentionSinks = "self_attn.sinks"
    let count = try configuration.count("num_local_experts", limit: 1 << 12)
    model.experts = Experts(
      count: count, active: try configuration.count("num_experts_per_tok", limit: count),
      width: model.mlpWidth, routing: .softmaxOfChosen,
      gate: .clamped(
        alpha: Float(try configuration.number("swiglu_alpha")),
        limit: Float(try configuration.number("swiglu_limit"))),
      router: "mlp.router", routerHasBias: true, tensors: .joinedInputMajor(prefix: "mlp.experts"))
    if configuration.quantizationMethod != nil { try readPacked(configuration, into: &model) }
    return model
  }

  /// Experts in MXFP4, whose inputs fill blocks.
  private static func readPacked(
    _ configuration: ModelConfiguration, into model: inout ModelDescription
  ) throws(ModelError) {
    model.experts?.tensors = .joinedPacked(prefix: "mlp.experts")
    for (key, size) in [("hidden_size", model.width), ("intermediate_size", model.mlpWidth)] {
      guard size % ExpertTensors.packedTogether == 0 else {
        throw .wrongValue(
          path: configuration.path, key: key, value: "\(size)",
          expected: "a multiple of \(ExpertTensors.packedTogether), which MXFP4 takes together,")
      }
    }
  }
}
