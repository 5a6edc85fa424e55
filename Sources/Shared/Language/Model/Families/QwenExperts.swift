// Qwen 2 and 3 with experts: layers that are not named as plain ones, every one or every n-th, route
// each token to some of many small MLPs; in 2 one more is for all tokens. After transformers'
// modeling_qwen2_moe.py and modeling_qwen3_moe.py.

enum Qwen3Experts {
  static let keys = ConfigurationKeys(
    Llama.keys.without("mlp_bias").with([
      "vocab_size": 151_936, "hidden_size": 2048, "intermediate_size": 6144,
      "num_hidden_layers": 24, "num_key_value_heads": 4, "max_position_embeddings": 32_768,
      "use_sliding_window": false, "sliding_window": 4096, "decoder_sparse_step": 1,
      "moe_intermediate_size": 768, "num_experts_per_tok": 8, "num_experts": 128,
      "norm_topk_prob": false, "mlp_only_layers": .null,
    ]).defaults, aliases: ["num_local_experts": "num_experts"], nullable: ["sliding_window"],
    asked: ["head_dim"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: .qwen3Experts)
    model.tensors.headNorms = HeadNormNames(query: "self_attn.q_norm", key: "self_attn.k_norm")
    if try configuration.flag("use_sliding_window", fallback: false) {
      model.layers = try configuration.layersWithWindow()
    }
    model.experts = try experts(
      configuration, sumsToOne: configuration.flag("norm_topk_prob", fallback: false))
    try routeLayers(configuration, of: &model)
    return model
  }

  static func experts(
    _ configuration: ModelConfiguration, sumsToOne: Bool
  ) throws(ModelError) -> Experts {
    let count = try configuration.count("num_experts", limit: 1 << 12)
    return Experts(
      count: count, active: try configuration.count("num_experts_per_tok", limit: count),
      width: try configuration.count("moe_intermediate_size"),
      routing: .softmax(sumsToOne: sumsToOne), router: "mlp.gate",
      tensors: .perExpert(
        prefix: "mlp.experts", gate: "gate_proj", input: "up_proj", output: "down_proj",
        joined: ["mlp.experts"]))
  }

  /// The expert that all tokens go through.
  static func shared(_ configuration: ModelConfiguration) throws(ModelError) -> SharedExpert {
    SharedExpert(
      width: try configuration.count("shared_expert_intermediate_size"),
      module: "mlp.shared_expert", score: "mlp.shared_expert_gate")
  }

  /// Routes every n-th layer that is not named as a plain one.
  static func routeLayers(
    _ configuration: ModelConfiguration, of model: inout ModelDescription
  ) throws(ModelError) {
    let step = try configuration.count("decoder_sparse_step")
    let plain = try plainLayers(configuration)
    for layer in model.layers.indices where (layer + 1) % step == 0 && !plain.contains(layer) {
      model.layers[layer].mlp = .routed
    }
    // Without plain layers their width says nothing.
    if let experts = model.experts, !model.layers.contains(where: { $0.mlp == .dense }) {
      model.mlpWidth = experts.width
    }
  }

  /// The layers that have a plain MLP whatever the step.
  private static func plainLayers(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> [Int] {
    guard let (key, value) = configuration.value(["mlp_only_layers"]) else { return [] }
    let layers = value.array?.map(\.integer) ?? [nil]
    guard layers.allSatisfy({ $0 != nil }) else {
      throw configuration.wrong(key, value, "a list of layers")
    }
    return layers.compactMap { $0 }
  }
}

enum Qwen2Experts {
  static let keys = ConfigurationKeys(
    Qwen3Experts.keys.without("attention_bias").with([
      "intermediate_size": 5632, "num_attention_heads": 16, "num_key_value_heads": 16,
      "max_window_layers": 28, "moe_intermediate_size": 1408,
      "shared_expert_intermediate_size": 5632, "num_experts_per_tok": 4, "num_experts": 60,
      "qkv_bias": true, "layer_types": .null,
    ]).defaults, nullable: ["sliding_window"], asked: ["head_dim"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: .qwen2Experts)
    model.tensors.biases.queryKeyValue = try configuration.flag("qkv_bias", fallback: true)
    let usesWindow = try configuration.flag("use_sliding_window", fallback: false)
    let types = try configuration.texts("layer_types") ?? []
    // They would see a window of no tokens.
    guard usesWindow || !types.contains("sliding_attention") else {
      throw configuration.wrong(
        "use_sliding_window", .bool(false), "true, beside layers of sliding_attention,")
    }
    let first = configuration.value(["max_window_layers"])?.value.integer ?? 0
    model.layers = try configuration.layers(
      window: usesWindow ? configuration.slidingWindow() : nil
    ) {
      usesWindow && $0 % 2 == 0 && $0 < first
    }
    model.experts = try Qwen3Experts.experts(
      configuration, sumsToOne: configuration.flag("norm_topk_prob", fallback: false))
    model.experts?.shared = try Qwen3Experts.shared(configuration)
    try Qwen3Experts.routeLayers(configuration, of: &model)
    return model
  }
}
