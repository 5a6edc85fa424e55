// DeepSeek V2 and V3: Llama with latent attention, and from some layer on experts with some more that all
// tokens go through. 3 scores experts by sigmoids, with a bias for the choice. After transformers'
// modeling_deepseek_v2.py and modeling_deepseek_v3.py.

import Foundation

enum DeepSeek2 {
  static let keys = ConfigurationKeys(
    Llama.keys.without("head_dim").with([
      "vocab_size": 102_400, "first_k_dense_replace": 0, "kv_lora_rank": 512,
      "q_lora_rank": 1536, "n_group": .null, "n_routed_experts": 64, "n_shared_experts": 2,
      "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "routed_scaling_factor": 1.0,
      "topk_group": .null, "topk_method": "greedy", "v_head_dim": 128,
      "num_experts_per_tok": .null, "moe_intermediate_size": 1407,
    ]).defaults, aliases: ["num_experts": "n_routed_experts"],
    nullable: ["q_lora_rank", "topk_method"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try common(configuration, family: .deepSeek2)
    model.rotatesNeighbors()
    _ = try configuration.headShare(width: model.width, heads: model.headCount)
    var routing = GroupedRouting(
      groups: 1, kept: 1, scoring: .softmax, sumsToOne: false,
      factor: Float(try configuration.number("routed_scaling_factor")))
    let method = configuration.value(["topk_method"])?.value.string ?? "null"
    switch method {
    case "greedy": break
    case "group_limited_greedy": try readGroups(configuration, into: &routing)
    default:
      throw configuration.unsupported("topk_method", method, ["greedy", "group_limited_greedy"])
    }
    try readExperts(configuration, routing, into: &model)
    return model
  }

  static func common(
    _ configuration: ModelConfiguration, family: Family
  ) throws(ModelError) -> ModelDescription {
    func size(_ key: String) throws(ModelError) -> Int {
      try configuration.count(key, limit: 1 << 14)
    }
    let latent = LatentAttention(
      queryRank: configuration.value(["q_lora_rank"]) == nil ? nil : try size("q_lora_rank"),
      rank: try size("kv_lora_rank"), plainWidth: try size("qk_nope_head_dim"),
      rotatedWidth: try size("qk_rope_head_dim"), valueWidth: try size("v_head_dim"),
      hasBiases: try configuration.flag("attention_bias", fallback: false))
    try configuration.refuse("head_dim", unless: [.integer(latent.rotatedWidth)])
    // The part of a head that is rotated is a head to the rotations.
    var model = try Llama.common(
      configuration.filling("head_dim", .integer(latent.rotatedWidth)), family: family)
    guard model.keyValueHeadCount == model.headCount else {
      throw .wrongValue(
        path: configuration.path, key: "num_key_value_heads",
        value: "\(model.keyValueHeadCount)", expected: "the number of heads, \(model.headCount),")
    }
    model.headWidth = latent.headWidth
    model.latent = latent
    model.attentionScale = Float(
      try configuration.magnitude() / Double(latent.headWidth).squareRoot())
    return model
  }

  static func readGroups(
    _ configuration: ModelConfiguration, into routing: inout GroupedRouting
  ) throws(ModelError) {
    let experts = try configuration.count("n_routed_experts", limit: 1 << 12)
    routing.groups = try configuration.count("n_group", limit: experts)
    routing.kept = try configuration.count("topk_group", limit: routing.groups)
    guard experts % routing.groups == 0 else {
      throw .wrongValue(
        path: configuration.path, key: "n_group", value: "\(routing.groups)",
        expected: "a divisor of the \(experts) experts")
    }
  }

  static func readExperts(
    _ configuration: ModelConfiguration, _ routing: GroupedRouting,
    into model: inout ModelDescription
  ) throws(ModelError) {
    let first = try configuration.size("first_k_dense_replace")
    for layer in model.layers.indices where layer >= first { model.layers[layer].mlp = .routed }
    guard first < model.layerCount else { return }
    let count = try configuration.count("n_routed_experts", limit: 1 << 12)
    let width = try configuration.count("moe_intermediate_size")
    var experts = Experts(
      count: count, active: try configuration.count("num_experts_per_tok", limit: count),
      width: width, routing: .grouped(routing), router: "mlp.gate",
      tensors: .perExpert(
        prefix: "mlp.experts", gate: "gate_proj", input: "up_proj", output: "down_proj",
        joined: ["mlp.experts"]))
    let shared = try configuration.size("n_shared_experts", limit: 1 << 10)
    if shared > 0 {
      experts.shared = SharedExpert(width: shared * width, module: "mlp.shared_experts", score: nil)
    }
    model.experts = experts
    if first == 0 { model.mlpWidth = width }
  }
}

enum DeepSeek3 {
  static let keys = ConfigurationKeys(
    DeepSeek2.keys.without("mlp_bias", "topk_method").with([
      "vocab_size": 129_280, "hidden_size": 7168, "intermediate_size": 18_432,
      "moe_intermediate_size": 2048, "num_hidden_layers": 61, "num_attention_heads": 128,
      "num_key_value_heads": 128, "n_shared_experts": 1, "n_routed_experts": 256,
      "routed_scaling_factor": 2.5, "n_group": 8, "topk_group": 4, "num_experts_per_tok": 8,
      "first_k_dense_replace": 3, "norm_topk_prob": true, "max_position_embeddings": 4096,
      "rope_interleave": true, "head_dim": .null,
    ]).defaults, aliases: ["num_local_experts": "n_routed_experts"],
    nullable: ["q_lora_rank", "num_key_value_heads", "norm_topk_prob", "rope_interleave"])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try DeepSeek2.common(configuration, family: .deepSeek3)
    if try configuration.flag("rope_interleave", fallback: false) { model.rotatesNeighbors() }
    var routing = GroupedRouting(
      groups: 1, kept: 1, scoring: .sigmoid(bias: "mlp.gate.e_score_correction_bias"),
      sumsToOne: try configuration.flag("norm_topk_prob", fallback: false),
      factor: Float(try configuration.number("routed_scaling_factor")))
    try DeepSeek2.readGroups(configuration, into: &routing)
    let experts = try configuration.count("n_routed_experts")
    guard experts >= 2 * routing.groups else {
      throw .wrongValue(
        path: configuration.path, key: "n_group", value: "\(routing.groups)",
        expected: "so few that a group has two of the \(experts) experts")
    }
    try DeepSeek2.readExperts(configuration, routing, into: &model)
    return model
  }
}

extension ModelDescription {
  /// Lets the elements of a head that are rotated together be neighbors.
  fileprivate mutating func rotatesNeighbors() {
    guard case .rotary(var kinds) = positions else { return }
    for index in kinds.indices { kinds[index].pairing = .neighbors }
    positions = .rotary(kinds)
  }
}

extension ModelConfiguration {
  /// What scores are multiplied with because wavelengths are stretched (`yarn_apply_mscale`).
  fileprivate func magnitude() throws(ModelError) -> Double {
    guard let (_, stated) = statedRotary(),
      let (_, type) = value(["rope_type", "type"], in: stated),
      type != "default", let scale = stated["mscale_all_dim"]?.double, scale != 0
    else { return 1 }
    let factor = try number("factor", in: stated)
    let magnitude = factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1
    return magnitude * magnitude
  }
}
