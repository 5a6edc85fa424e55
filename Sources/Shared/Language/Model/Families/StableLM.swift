// StableLM 2 and its kin: Llama with layer norms, rotary positions on a part of each head, biases on
// queries, keys and values where stated, and parallel blocks or norms of each head in some. After
// transformers' modeling_stablelm.py.

enum StableLM {
  static let keys = Llama.keys.without("mlp_bias", "attention_bias", "rms_norm_eps")
    .with([
      "vocab_size": 50_304, "intermediate_size": 6912, "hidden_size": 2560,
      "num_key_value_heads": 32, "max_position_embeddings": 4096, "layer_norm_eps": 1e-5,
      "use_qkv_bias": false, "qk_layernorm": false, "use_parallel_residual": false,
    ])

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("hidden_size")
    let heads = try configuration.heads("num_attention_heads")
    try configuration.refuse("head_dim", unless: [.integer(width / heads)])
    var model = try Llama.common(
      configuration, family: .stableLM, rotary: RotaryRules(share: 0.25, readsShare: true))
    model.norm = .layer
    model.normEpsilon = Float(try configuration.number("layer_norm_eps"))
    model.tensors.biases.queryKeyValue = try configuration.flag("use_qkv_bias", fallback: false)
    if try configuration.flag("qk_layernorm", fallback: false) {
      model.tensors.headNorms = HeadNormNames(
        query: "self_attn.q_layernorm.norms", key: "self_attn.k_layernorm.norms", span: .ownHead)
    }
    if try configuration.flag("use_parallel_residual", fallback: false) {
      model.block = .parallel
      model.tensors.norm2 = model.tensors.norm1
    }
    return model
  }
}
