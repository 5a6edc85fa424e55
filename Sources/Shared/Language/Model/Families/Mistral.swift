// Mistral: Llama whose layers all see a window of the last tokens, unless that is stated as null, or
// those that `layer_types` names (Ministral). Mixtral has experts in the place of MLPs. After
// transformers' modeling_mistral.py, modeling_ministral.py and modeling_mixtral.py.

enum Mistral {
  static let keys = Llama.keys.without("attention_bias", "mlp_bias").with(
    [
      "intermediate_size": 14_336, "num_key_value_heads": 8, "max_position_embeddings": 131_072,
      "sliding_window": 4096, "layer_types": .null,
    ], nullable: ["sliding_window"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    guard configuration.value(["layer_types"]) != nil else {
      var model = try Llama.common(configuration.without("layer_types"), family: .mistral)
      model.layers = try configuration.layersWithWindow()
      return model
    }
    // transformers takes such a file for one of Ministral, which asks for both.
    for key in ["head_dim", "sliding_window"] where configuration.value([key]) == nil {
      throw .missingKey(path: configuration.path, key: key)
    }
    var model = try Llama.common(configuration, family: .mistral)
    model.layers = try configuration.layers(window: configuration.slidingWindow()) { _ in true }
    return model
  }
}

enum Mixtral {
  static let keys = ConfigurationKeys(
    Mistral.keys.without("layer_types").with([
      "rms_norm_eps": 1e-5, "sliding_window": .null, "num_experts_per_tok": 2,
      "num_local_experts": 8,
    ]).defaults, aliases: ["num_experts": "num_local_experts"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(
      configuration, family: .mixtral, rotary: RotaryRules(base: 1_000_000))
    model.layers = try configuration.layersWithWindow()
    for layer in model.layers.indices { model.layers[layer].mlp = .routed }
    let count = try configuration.count("num_local_experts", limit: 1 << 12)
    model.experts = Experts(
      count: count, active: try configuration.count("num_experts_per_tok", limit: count),
      width: model.mlpWidth, routing: .softmax(sumsToOne: true),
      router: "mlp.gate", storedRouter: "block_sparse_moe.gate",
      tensors: .perExpert(
        prefix: "block_sparse_moe.experts", gate: "w1", input: "w3", output: "w2",
        joined: ["mlp.experts"]))
    return model
  }
}
