// OLMo 1, 2 and 3, and OLMoE: Llama with norms that have no gains (1), or with norms of what attention
// and MLP write and of all queries and keys together (2 and 3); every fourth layer of 3 sees
// everything. After transformers' modeling_olmo.py, modeling_olmo2.py and modeling_olmo3.py.

enum OLMo {
  static let keys = Llama.keys.without("mlp_bias", "rms_norm_eps").with(
    [
      "vocab_size": 50_304, "clip_qkv": .null,
    ], asked: ["head_dim"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: .olmo)
    model.norm = .layer
    model.normEpsilon = 1e-5
    model.normsHaveParameters = false
    model.queryKeyValueLimit = try configuration.optionalNumber("clip_qkv").map { Float($0) }
    return model
  }
}

enum OLMo2 {
  static let keys = OLMo.keys.without("clip_qkv").with(["rms_norm_eps": 1e-5])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    try common(configuration, family: .olmo2)
  }

  static func common(
    _ configuration: ModelConfiguration, family: Family
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: family)
    model.tensors.norm1 = nil
    model.tensors.norm2 = nil
    model.tensors.outputNorms = OutputNormNames(
      attention: "post_attention_layernorm", mlp: "post_feedforward_layernorm")
    model.tensors.headNorms = HeadNormNames(
      query: "self_attn.q_norm", key: "self_attn.k_norm", span: .all)
    return model
  }
}

enum OLMo3 {
  static let keys = OLMo2.keys.with(
    ["sliding_window": 4096, "layer_types": .null], nullable: ["sliding_window"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try OLMo2.common(configuration.withoutRotary(), family: .olmo3)
    model.layers = try configuration.layers(window: configuration.slidingWindow()) {
      ($0 + 1) % 4 != 0
    }
    // `rope_theta` beside the kinds of layers is that of layers that see everything alone.
    model.positions = .rotary(
      try configuration.rotaryByLayer(
        headWidth: model.headWidth, base: 500_000, localBase: 500_000))
    return model
  }
}

enum OLMoExperts {
  static let keys = ConfigurationKeys(
    OLMo.keys.with([
      "hidden_size": 2048, "intermediate_size": 2048, "num_hidden_layers": 16,
      "num_attention_heads": 16, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
      "num_experts_per_tok": 8, "num_experts": 64, "norm_topk_prob": false,
    ]).defaults, aliases: ["num_local_experts": "num_experts"], asked: ["head_dim"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: .olmoExperts)
    try configuration.refuse("head_dim", unless: [.integer(model.width / model.headCount)])
    model.queryKeyValueLimit = try configuration.optionalNumber("clip_qkv").map { Float($0) }
    model.tensors.headNorms = HeadNormNames(
      query: "self_attn.q_norm", key: "self_attn.k_norm", span: .all)
    for layer in model.layers.indices { model.layers[layer].mlp = .routed }
    let count = try configuration.count("num_experts", limit: 1 << 12)
    model.experts = Experts(
      count: count, active: try configuration.count("num_experts_per_tok", limit: count),
      width: model.mlpWidth,
      routing: .softmax(sumsToOne: try configuration.flag("norm_topk_prob", fallback: false)),
      router: "mlp.gate",
      tensors: .perExpert(
        prefix: "mlp.experts", gate: "gate_proj", input: "up_proj", output: "down_proj",
        joined: ["mlp.experts"]))
    return model
  }
}
