import Shared
import Support
import Testing

@Suite struct ArchitecturesTests {
  private static let llama = """
    "model_type": "llama", "vocab_size": 100, "hidden_size": 48, "intermediate_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 6
    """
  private static let neoX = """
    "model_type": "gpt_neox", "vocab_size": 100, "hidden_size": 48, "intermediate_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 6
    """
  private static let gpt2 = """
    "model_type": "gpt2", "vocab_size": 100, "n_embd": 48, "n_layer": 2, "n_head": 6,
    "n_positions": 32
    """

  private func read(_ members: String...) throws -> ModelDescription {
    try ModelDescription.read(
      text: "{" + members.joined(separator: ", ") + "}", path: "config.json")
  }

  private func rotary(_ members: String...) throws -> Rotary? {
    let model = try ModelDescription.read(
      text: "{" + members.joined(separator: ", ") + "}", path: "config.json")
    guard case .rotary(let kinds) = model.positions, kinds.count == 1 else { return nil }
    return kinds[0]
  }

  private func failure(_ members: String...) throws -> ModelError {
    try #require(throws: ModelError.self) {
      _ = try ModelDescription.read(
        text: "{" + members.joined(separator: ", ") + "}", path: "config.json")
    }
  }

  // MARK: Defaults and spellings

  @Test func gpt2HasItsDefaults() throws {
    let model = try read(Self.gpt2)
    #expect(model.mlpWidth == 192 && model.headWidth == 8 && model.contextLimit == 32)
    #expect(
      model.activation == .geluTanh && model.norm == .layer
        && model.positions == .learned(offset: 0))
    #expect(model.tensors.isTied)
    #expect(try read(Self.gpt2, #""n_inner": 70"#).mlpWidth == 70)
    #expect(try read(Self.gpt2, #""n_inner": null"#).mlpWidth == 192)
    #expect(try !read(Self.gpt2, #""tie_word_embeddings": false"#).tensors.isTied)
    // Another spelling wins over the family's own.
    #expect(try read(Self.gpt2, #""num_hidden_layers": 3"#).layerCount == 3)
    #expect(try read(Self.gpt2, #""n_ctx": 7"#).contextLimit == 32)
  }

  @Test func gpt2CanScaleScoresByLayer() throws {
    let model = try read(
      Self.gpt2, #""scale_attn_by_inverse_layer_idx": true, "scale_attn_weights": false"#)
    #expect(model.attentionScale(layer: 0) == 1 && model.attentionScale(layer: 3) == 0.25)
  }

  @Test func ropeIsReadInBothSpellings() throws {
    let four = try rotary(Self.llama, #""rope_theta": 500000.0, "rope_scaling": null"#)
    let five = try rotary(
      Self.llama, #""rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}"#)
    #expect(four == five)
    #expect(five?.width == 8 && five?.base == 500_000 && five?.scaling == RotaryScaling.none)
    #expect(try rotary(Self.llama)?.base == 10_000)
  }

  @Test func partialRotationIsReadInBothSpellings() throws {
    let four = try rotary(Self.neoX, #""rotary_pct": 0.5, "rotary_emb_base": 7"#)
    let five = try rotary(
      Self.neoX, #""rope_parameters": {"partial_rotary_factor": 0.5, "rope_theta": 7}"#)
    #expect(four == five)
    #expect(five?.width == 4 && five?.base == 7 && five?.scaling == RotaryScaling.none)
    #expect(try rotary(Self.neoX)?.width == 2)
    // Keys of other families say nothing.
    #expect(try rotary(Self.neoX, #""rope_theta": 7, "partial_rotary_factor": 0.5"#)?.width == 2)
    #expect(try rotary(Self.neoX, #""rope_theta": 7, "rotary_emb_base": 9"#)?.base == 9)
  }

  @Test func scaledWavelengthsAreReadInBothSpellings() throws {
    let values = """
      "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
      "original_max_position_embeddings": 8192
      """
    let four = try rotary(
      Self.llama, #""rope_theta": 5.0, "rope_scaling": {"rope_type": "llama3", \#(values)}"#)
    let five = try rotary(
      Self.llama, #""rope_parameters": {"rope_type": "llama3", "rope_theta": 5.0, \#(values)}"#)
    #expect(four == five)
    #expect(
      five?.scaling == .llama3(factor: 8, low: 1, high: 4, originalContext: 8192))
    let linear = try rotary(Self.llama, #""rope_scaling": {"type": "linear", "factor": 2.0}"#)
    #expect(linear?.scaling == .linear(factor: 2))
  }

  @Test func llamaMayHaveItsOwnHeadWidthAndBiases() throws {
    let model = try read(
      Self.llama, #""head_dim": 16, "num_key_value_heads": 3, "attention_bias": true"#)
    #expect(model.headWidth == 16 && model.keyValueHeadCount == 3)
    #expect(model.queryKeyValueWidth == 192)
    let biases = model.tensors.biases
    #expect(biases.queryKeyValue && biases.attentionOutput && !biases.mlp)
    #expect(try read(Self.llama).keyValueHeadCount == 6)
  }

  @Test func gptNeoXIsParallelUnlessStated() throws {
    #expect(try read(Self.neoX).block == .parallel)
    #expect(try read(Self.neoX, #""use_parallel_residual": false"#).block == .sequential)
  }

  @Test func operationsAreCountedPerToken() throws {
    let model = try read(Self.gpt2)
    // A token sees 5.5 of 10 on average.
    let layer = 2.0 * Double(48 * 144 + 48 * 48 + 2 * 48 * 192) + 4 * 48 * 5.5
    #expect(model.operationsPerToken(layers: 2, contextSize: 10) == 2 * layer)
    // Three, but for the first two tokens.
    let window = LayerKind(window: 3)
    #expect(window.meanVisibleKeys(contextSize: 10) == 2.7)
    #expect(window.firstVisible(1) == 0 && window.firstVisible(9) == 7)
  }

  // MARK: Windows and rotations by layer

  private static let wide = #""hidden_size": 48, "intermediate_size": 64, "vocab_size": 100"#
  private static let heads = #""num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 8"#

  private func windows(_ members: String...) throws -> [Int?] {
    try ModelDescription.read(
      text: "{" + ([Self.wide, Self.heads] + members).joined(separator: ", ") + "}",
      path: "config.json"
    ).layers.map(\.window)
  }

  @Test func windowsFollowEachFamilysRule() throws {
    let layers = #""num_hidden_layers": 4"#
    #expect(
      try windows(#""model_type": "mistral""#, layers, #""sliding_window": 9"#) == [9, 9, 9, 9])
    #expect(
      try windows(#""model_type": "mistral""#, layers, #""sliding_window": null"#)
        == [nil, nil, nil, nil])
    #expect(
      try windows(#""model_type": "mistral""#, layers) == [4096, 4096, 4096, 4096])
    #expect(
      try windows(
        #""model_type": "mistral", "num_hidden_layers": 2, "sliding_window": 9"#,
        #""layer_types": ["sliding_attention", "full_attention"]"#) == [9, nil])
    let qwen = [#""model_type": "qwen2""#, layers, #""sliding_window": 9"#]
    #expect(try windows(qwen[0], qwen[1], qwen[2]) == [nil, nil, nil, nil])
    #expect(
      try windows(
        qwen[0], qwen[1], qwen[2], #""use_sliding_window": true, "max_window_layers": 3"#)
        == [nil, nil, nil, 9])
    #expect(
      try windows(#""model_type": "gemma2""#, layers, #""sliding_window": 9"#)
        == [9, nil, 9, nil])
    #expect(
      try windows(
        #""model_type": "gemma3_text""#, layers,
        #""sliding_window": 9, "sliding_window_pattern": 3"#) == [9, 9, nil, 9])
    #expect(
      try windows(
        #""model_type": "gemma3_text", "num_hidden_layers": 2"#,
        #""sliding_window": 9, "layer_types": ["full_attention", "sliding_attention"]"#)
        == [nil, 9])
    #expect(
      try windows(
        #""model_type": "gpt_neo", "num_layers": 4, "num_heads": 6"#,
        #""attention_types": [[["global", "local"], 2]], "window_size": 9"#)
        == [nil, 9, nil, 9])
    #expect(
      try windows(
        #""model_type": "gpt_neo", "num_layers": 2, "num_heads": 6, "window_size": 9"#,
        #""attention_layers": ["local", "global"]"#) == [9, nil])
  }

  @Test func layersWithAWindowMayHaveARotationOfTheirOwn() throws {
    let four = try read(
      Self.wide, Self.heads, #""model_type": "gemma3_text", "num_hidden_layers": 2"#,
      #""sliding_window_pattern": 2, "rope_theta": 1e6, "rope_local_base_freq": 1e4"#,
      #""rope_scaling": {"rope_type": "linear", "factor": 8.0}"#)
    let five = try read(
      Self.wide, Self.heads, #""model_type": "gemma3_text", "num_hidden_layers": 2"#,
      #""sliding_window_pattern": 2, "rope_parameters": {"#
        + #""full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},"#
        + #""sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}"#)
    #expect(four == five)
    #expect(four.layers.map(\.rotation) == [1, 0])
    #expect(
      four.positions
        == .rotary([
          Rotary(width: 8, base: 1e6, scaling: .linear(factor: 8)),
          Rotary(width: 8, base: 1e4, scaling: .none),
        ]))
  }

  @Test func theLanguageModelWithinOneThatSeesIsTaken() throws {
    let text = #""hidden_size": 48, "num_hidden_layers": 2, "sliding_window": 9"#
    let whole = try read(
      #""model_type": "gemma3", "vision_config": {"hidden_size": 7}"#,
      #""text_config": {"model_type": "gemma3_text", "# + text + "}")
    #expect(whole.width == 48 && whole.headWidth == 256 && whole.headCount == 8)
    #expect(whole.vocabularySize == 262_208 && whole.layers.map(\.window) == [9, 9])
    #expect(whole.tensors.prefixes == ["model.language_model.", "language_model.model."])
    let plain = try read(#""model_type": "gemma3""#)
    #expect(plain.width == 2304 && plain.layerCount == 26)
    let both = try failure(
      #""model_type": "gemma3", "text_config": {"use_bidirectional_attention": true}"#)
    #expect(
      both.sentence
        == "config.json: use_bidirectional_attention is true, which is not supported.")
  }

  private static let smolLM3 = """
    "model_type": "smollm3", "vocab_size": 100, "hidden_size": 48, "intermediate_size": 64,
    "num_attention_heads": 8
    """

  @Test func someLayersOfSmolLM3DoNotRotate() throws {
    let model = try read(Self.smolLM3, #""num_hidden_layers": 9"#)
    #expect(model.layers.map(\.rotation) == [0, 0, 0, nil, 0, 0, 0, nil, 0])
    #expect(model.positions == .rotary([Rotary(width: 6, base: 2e6, scaling: .none)]))
    #expect(model.keyValueHeadCount == 4 && model.contextLimit == 32_768)
    #expect(model.tensors.isTied && !model.tensors.biases.queryKeyValue)
    let two = #""num_hidden_layers": 2"#
    let interval = try read(Self.smolLM3, two, #""no_rope_layer_interval": 2"#)
    #expect(interval.layers.map(\.rotation) == [0, nil])
    let listed = try read(
      Self.smolLM3, two, #""no_rope_layers": [0, 1, 0], "num_key_value_heads": null"#,
      #""tie_word_embeddings": false, "attention_bias": true, "rope_theta": 5e6"#)
    #expect(listed.layers.map(\.rotation) == [nil, 0])
    #expect(listed.positions == .rotary([Rotary(width: 6, base: 5e6, scaling: .none)]))
    #expect(listed.keyValueHeadCount == 8 && !listed.tensors.isTied)
    #expect(listed.tensors.biases.queryKeyValue && !listed.tensors.biases.mlp)
  }

  @Test func whatSmolLM3MayNotBeIsNamed() throws {
    let two = #""num_hidden_layers": 2"#
    for (text, shown) in [
      ("[1]", "[1]"), ("[1, 2]", "[1,2]"), ("3", "3"), ("[1, null]", "[1,null]"),
    ] {
      let list = try failure(Self.smolLM3, two, #""no_rope_layers": \#(text)"#)
      #expect(
        list.sentence
          == "config.json: no_rope_layers is \(shown) where a 0 or a 1 for each of the 2 layers is "
          + "expected.")
    }
    // A family that does not read a key passes over it.
    #expect(try read(Self.llama, #""no_rope_layers": [1, 0]"#) == read(Self.llama))
  }

  @Test func whatALayerMayNotBeIsNamed() throws {
    let type = try failure(
      Self.wide, Self.heads, #""model_type": "qwen3", "num_hidden_layers": 1"#,
      #""layer_types": ["linear_attention"]"#)
    #expect(
      type.sentence == "config.json: layer_types is linear_attention, which is not supported.")
    #expect(type.hint == "Supported are full_attention, sliding_attention.")
    let count = try failure(
      Self.wide, Self.heads, #""model_type": "qwen3", "num_hidden_layers": 2"#,
      #""layer_types": ["full_attention"]"#)
    #expect(
      count.sentence
        == "config.json: layer_types is 1 types where one for each of the 2 layers is expected.")
    let neo = try failure(
      Self.wide, #""model_type": "gpt_neo", "num_layers": 2, "num_heads": 6"#,
      #""attention_types": [[["sparse"], 2]]"#)
    #expect(neo.sentence == "config.json: attention_types is sparse, which is not supported.")
  }

  // MARK: Refusals

  @Test func whatIsNotKnownIsNamed() throws {
    let family = try failure(#""model_type": "nonsense""#)
    #expect(family.sentence == "config.json: model_type is nonsense, which is not supported.")
    #expect(
      family.hint
        == "Supported are gpt2, gpt_bigcode, gpt_neo, gpt_neox, gptj, gpt_oss, llama, smollm3, "
        + "granite, mistral, mixtral, qwen2, qwen3, qwen2_moe, qwen3_moe, qwen3_5_text, qwen3_5, "
        + "qwen3_5_moe_text, qwen3_5_moe, gemma, gemma2, gemma3_text, gemma3, gemma4_text, gemma4, "
        + "gemma4_unified_text, gemma4_unified, phi, phi3, opt, olmo, olmo2, olmo3, olmoe, "
        + "deepseek_v2, deepseek_v3, bloom, falcon, stablelm.")
    let recurrent = try failure(#""model_type": "mamba""#)
    #expect(
      recurrent.sentence
        == "config.json: a model of the type mamba has layers that are recurrent in the place of "
        + "attention, which is not supported.")
    #expect(recurrent.hint == family.hint)
    let activation = try failure(Self.llama, #""hidden_act": "mish""#)
    #expect(activation.sentence == "config.json: hidden_act is mish, which is not supported.")
    #expect(
      activation.hint
        == "Supported are gelu, gelu_python, gelu_new, gelu_fast, gelu_pytorch_tanh, "
        + "gelu_python_tanh, gelu_accurate, silu, swish, relu, quick_gelu, relu2.")
    let rope = try failure(Self.llama, #""rope_scaling": {"rope_type": "su", "factor": 2}"#)
    #expect(rope.sentence == "config.json: rope_scaling.rope_type is su, which is not supported.")
    #expect(rope.hint == "Supported are default, linear, dynamic, llama3, yarn, longrope.")
    let number = try failure(Self.llama, #""rope_scaling": {"rope_type": 3}"#)
    #expect(
      number.sentence == "config.json: rope_scaling.rope_type is 3, which is not supported.")
    let both = try failure(Self.llama, #""is_causal": false"#)
    #expect(both.sentence == "config.json: is_causal is false, which is not supported.")
    #expect(both.hint == "Supported are true.")
    let quantized = try failure(
      Self.llama, #""quantization_config": {"quant_method": "gptq"}"#)
    #expect(
      quantized.sentence
        == "config.json: quantization_config is gptq, which is not supported.")
  }

  @Test func whatTransformersCannotRunEitherIsNamed() throws {
    let width = try failure(
      #""model_type": "mistral", "num_hidden_layers": 2"#,
      #""layer_types": ["sliding_attention", "full_attention"]"#)
    #expect(width == .missingKey(path: "config.json", key: "head_dim"))
    let blind = try failure(
      #""model_type": "qwen2_moe", "num_hidden_layers": 2"#,
      #""layer_types": ["sliding_attention", "full_attention"]"#)
    #expect(
      blind.sentence
        == "config.json: use_sliding_window is false where true, beside layers of "
        + "sliding_attention, is expected.")
    let none = try failure(Self.neoX, #""head_dim": 200"#)
    #expect(
      none.sentence
        == "config.json: head_dim is 200 where one of which no more than 8 are rotated is "
        + "expected.")
  }

  @Test func whatIsMissingOrWrongIsNamed() throws {
    #expect(try failure().sentence == "config.json does not state model_type.")
    #expect(try read(#""model_type": "gpt2""#).width == 768)
    let null = try failure(Self.gpt2, #""vocab_size": null"#)
    #expect(null.sentence == "config.json: vocab_size is null where a value is expected.")
    #expect(null.hint == "Fetch the model's config.json again.")
    let factor = try failure(Self.llama, #""rope_scaling": {"type": "linear"}"#)
    #expect(factor.sentence == "config.json does not state factor.")
    let wrong = try failure(Self.gpt2, #""n_inner": "many""#)
    #expect(
      wrong.sentence
        == "config.json: n_inner is \"many\" where a whole number from 1 to 16777216 is expected.")
    let groups = try failure(Self.llama, #""num_key_value_heads": 4"#)
    #expect(
      groups.sentence
        == "config.json: num_key_value_heads is 4 where a divisor of the 6 heads is expected.")
    let share = try failure(Self.neoX, #""rotary_pct": 1e300"#)
    #expect(
      share.sentence
        == "config.json: rotary_pct is 1e+300 where a share of a head, at most 1 is expected.")
    let odd = try failure(
      #""model_type": "phi", "hidden_size": 48, "num_attention_heads": 6"#,
      #""partial_rotary_factor": 0.4"#)
    #expect(
      odd.sentence
        == "config.json: partial_rotary_factor is 0.4 where a share that rotates an even number of "
        + "8 is expected.")
    let part = try failure(
      Self.llama, #""partial_rotary_factor": 0.5, "rope_scaling": {"type": "linear", "factor": 2}"#)
    #expect(
      part.sentence
        == "config.json: partial_rotary_factor is 0.5 where a whole head, 1 is expected.")
    let heads = try failure(
      #""model_type": "llama", "hidden_size": 47, "num_attention_heads": 6, "head_dim": null"#)
    #expect(
      heads.sentence
        == "config.json: num_attention_heads is 6 where a divisor of the width 47 is expected.")
  }

  @Test func aFolderWithoutConfigurationIsRefused() {
    #expect {
      _ = try ModelDescription.open(folder: "/nowhere")
    } throws: { error in
      (error as? ModelError)?.sentence == "/nowhere holds no config.json."
        && (error as? ModelError)?.hint
          == "model_name must be a folder as Hugging Face lays it out: config.json and "
          + "model.safetensors or pytorch_model.bin."
    }
    #expect(throws: ModelError.malformed(path: "config.json")) {
      _ = try ModelDescription.read(text: "[1]", path: "config.json")
    }
    #expect(ModelError.malformed(path: "config.json").sentence == "config.json is no JSON object.")
  }

  // MARK: Families with words of their own

  @Test func longWavelengthsAreStretchedOneByOne() throws {
    let phi3 = """
      "model_type": "phi3", "vocab_size": 100, "hidden_size": 24, "intermediate_size": 64,
      "num_hidden_layers": 1, "num_attention_heads": 6, "max_position_embeddings": 64
      """
    let factors = #""short_factor": [1, 2], "long_factor": [3, 4]"#
    let model = try rotary(
      phi3, #""original_max_position_embeddings": 16"#,
      #""rope_scaling": {"type": "su", \#(factors)}"#)
    guard case .long(let long) = model?.scaling else {
      Issue.record("no longrope")
      return
    }
    #expect(long.short == [1, 2] && long.long == [3, 4] && long.originalContext == 16)
    #expect(abs(long.attentionFactor - 1.5.squareRoot()) < 1e-12)
    let short = try failure(
      phi3, #""rope_scaling": {"type": "longrope", "short_factor": [1], "long_factor": [3, 4]}"#)
    #expect(
      short.sentence
        == "config.json: rope_scaling.short_factor is 1 numbers where one for each of the 2 pairs "
        + "of a head is expected.")
    let none = try failure(
      phi3, #""rope_scaling": {"type": "longrope", "short_factor": 3, "long_factor": [3, 4]}"#)
    #expect(
      none.sentence
        == "config.json: short_factor is 3 where a list of numbers above 0 is expected.")
    let other = try failure(phi3, #""rope_scaling": {"type": "linear", "factor": 2}"#)
    #expect(other.sentence == "config.json: rope_scaling.type is linear, which is not supported.")
    #expect(other.hint == "Supported are default, longrope.")
  }

  @Test func someLayersHaveExperts() throws {
    let experts = try read(
      Self.wide, Self.heads, #""model_type": "qwen3_moe", "num_hidden_layers": 4"#,
      #""num_experts": 5, "num_experts_per_tok": 2, "decoder_sparse_step": 2"#,
      #""mlp_only_layers": [3]"#)
    #expect(experts.layers.map(\.mlp) == [.dense, .routed, .dense, .dense])
    #expect(experts.experts?.count == 5 && experts.experts?.width == 768)
    #expect(!HookPoint.all(in: experts).contains { $0.name == "blocks.1.mlp.hook_pre" })
    #expect(HookPoint.all(in: experts).contains { $0.name == "blocks.0.mlp.hook_pre" })
    let many = try failure(
      Self.wide, Self.heads, #""model_type": "mixtral", "num_experts_per_tok": 9"#)
    #expect(
      many.sentence
        == "config.json: num_experts_per_tok is 9 where a whole number from 1 to 8 is expected.")
    let layers = try failure(
      Self.wide, Self.heads, #""model_type": "qwen3_moe", "mlp_only_layers": 3"#)
    #expect(
      layers.sentence == "config.json: mlp_only_layers is 3 where a list of layers is expected.")
  }

  @Test func aConfigurationOfTransformerLensNeedsNoModelType() throws {
    let toy = """
      "d_model": 24, "n_layers": 2, "d_mlp": 96, "d_head": 8, "n_heads": 3, "n_ctx": 16,
      "d_vocab": 50, "attn_only": false
      """
    let model = try read(toy, #""act_fn": "solu_ln", "normalization": "LNPre""#)
    #expect(model.activation == .solu && !model.normsHaveParameters)
    #expect(model.tensors.activationNorm == "mlp.ln" && model.layerCount == 2)
    let activation = try failure(toy, #""act_fn": "mish", "normalization": "LN""#)
    #expect(activation.sentence == "config.json: act_fn is mish, which is not supported.")
    let norm = try failure(toy, #""act_fn": "gelu", "normalization_type": "BN""#)
    #expect(norm.sentence == "config.json: normalization_type is BN, which is not supported.")
    #expect(norm.hint == "Supported are LN, LNPre, RMS, RMSPre, null.")
    let none = try failure(toy, #""normalization": "LN""#)
    #expect(none.sentence == "config.json does not state act_fn.")
  }

  @Test func falconsBlocksThatDoNotFitTogetherAreNamed() throws {
    let falcon = #""model_type": "falcon", "hidden_size": 48, "num_attention_heads": 6"#
    let norms = try failure(falcon, #""num_ln_in_parallel_attn": 2"#)
    #expect(
      norms.sentence == "config.json: num_ln_in_parallel_attn is 2, which is not supported.")
    let sequential = try failure(
      falcon, #""new_decoder_architecture": true, "parallel_attn": false"#)
    #expect(
      sequential.sentence == "config.json: parallel_attn is false, which is not supported.")
  }
}
