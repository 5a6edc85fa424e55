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
    #expect(model.tensors.unembedding.isEmpty)
    #expect(try read(Self.gpt2, #""n_inner": 70"#).mlpWidth == 70)
    #expect(try read(Self.gpt2, #""n_inner": null"#).mlpWidth == 192)
    #expect(try read(Self.gpt2, #""tie_word_embeddings": false"#).tensors.unembedding.count == 1)
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
    let none = try failure(#""model_type": "gemma3""#)
    #expect(none.sentence == "config.json does not state text_config.")
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
    #expect(model.tensors.unembedding.isEmpty && !model.tensors.biases.queryKeyValue)
    let two = #""num_hidden_layers": 2"#
    let interval = try read(Self.smolLM3, two, #""no_rope_layer_interval": 2"#)
    #expect(interval.layers.map(\.rotation) == [0, nil])
    let listed = try read(
      Self.smolLM3, two, #""no_rope_layers": [0, 1, 0], "num_key_value_heads": null"#,
      #""tie_word_embeddings": false, "attention_bias": true, "rope_theta": 5e6"#)
    #expect(listed.layers.map(\.rotation) == [nil, 0])
    #expect(listed.positions == .rotary([Rotary(width: 6, base: 5e6, scaling: .none)]))
    #expect(listed.keyValueHeadCount == 8 && listed.tensors.unembedding == ["lm_head"])
    #expect(listed.tensors.biases.queryKeyValue && !listed.tensors.biases.mlp)
  }

  @Test func whatSmolLM3MayNotBeIsNamed() throws {
    let two = #""num_hidden_layers": 2"#
    let window = try failure(Self.smolLM3, two, #""use_sliding_window": true"#)
    #expect(window.sentence == "config.json: use_sliding_window is true, which is not supported.")
    #expect(window.hint == "Supported are false.")
    for (text, shown) in [
      ("[1]", "[1]"), ("[1, 2]", "[1,2]"), ("3", "3"), ("[1, null]", "[1,null]"),
    ] {
      let list = try failure(Self.smolLM3, two, #""no_rope_layers": \#(text)"#)
      #expect(
        list.sentence
          == "config.json: no_rope_layers is \(shown) where a 0 or a 1 for each of the 2 layers is "
          + "expected.")
    }
    let other = try failure(Self.llama, #""no_rope_layers": [1, 0]"#)
    #expect(other.sentence == "config.json: no_rope_layers is [1,0], which is not supported.")
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
    let opt = try failure(
      Self.wide, #""model_type": "opt", "num_attention_heads": 6, "word_embed_proj_dim": 24"#)
    #expect(opt.sentence == "config.json: word_embed_proj_dim is 24, which is not supported.")
    #expect(opt.hint == "Supported are 48.")
  }

  // MARK: Refusals

  @Test func whatIsNotKnownIsNamed() throws {
    let family = try failure(#""model_type": "mamba""#)
    #expect(family.sentence == "config.json: model_type is mamba, which is not supported.")
    #expect(
      family.hint
        == "Supported are gpt2, gpt_neo, gpt_neox, llama, smollm3, mistral, qwen2, qwen3, gemma, "
        + "gemma2, gemma3_text, gemma3, phi, opt.")
    let activation = try failure(Self.llama, #""hidden_act": "mish""#)
    #expect(activation.sentence == "config.json: hidden_act is mish, which is not supported.")
    #expect(
      activation.hint
        == "Supported are gelu, gelu_python, gelu_new, gelu_fast, gelu_pytorch_tanh, "
        + "gelu_python_tanh, gelu_accurate, silu, swish, relu.")
    let rope = try failure(
      Self.llama, #""rope_scaling": {"rope_type": "longrope", "factor": 2}"#)
    #expect(
      rope.sentence == "config.json: rope_scaling.rope_type is longrope, which is not supported.")
    #expect(rope.hint == "Supported are default, linear, dynamic, llama3, yarn.")
    let number = try failure(Self.llama, #""rope_scaling": {"rope_type": 3}"#)
    #expect(
      number.sentence == "config.json: rope_scaling.rope_type is 3, which is not supported.")
    let types = try failure(
      Self.llama, #""rope_parameters": {"chunked_attention": {"rope_type": "default"}}"#)
    #expect(
      types.sentence
        == "config.json: rope_parameters.chunked_attention is set, which is not supported.")
    let clipped = try failure(Self.llama, #""clip_qkv": 8.0"#)
    #expect(clipped.sentence == "config.json: clip_qkv is 8, which is not supported.")
    let quantized = try failure(
      Self.llama, #""quantization_config": {"quant_method": "gptq"}"#)
    #expect(
      quantized.sentence
        == "config.json: quantization_config is gptq, which is not supported.")
  }

  @Test func whatIsMissingOrWrongIsNamed() throws {
    #expect(try failure().sentence == "config.json does not state model_type.")
    let absent = try failure(#""model_type": "gpt2""#)
    #expect(absent.sentence == "config.json does not state n_embd.")
    #expect(absent.hint == "Fetch the model's config.json again.")
    let wrong = try failure(Self.gpt2, #""n_inner": "many""#)
    #expect(
      wrong.sentence
        == "config.json: n_inner is \"many\" where a whole number from 1 to 16777216 is expected.")
    let groups = try failure(Self.llama, #""num_key_value_heads": 4"#)
    #expect(
      groups.sentence
        == "config.json: num_key_value_heads is 4 where a divisor of the 6 heads is expected.")
    let share = try failure(Self.llama, #""partial_rotary_factor": 1e300"#)
    #expect(
      share.sentence
        == "config.json: partial_rotary_factor is 1e+300 where a share of a head, at most 1 is "
        + "expected.")
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
          + "model.safetensors."
    }
    #expect(throws: ModelError.malformed(path: "config.json")) {
      _ = try ModelDescription.read(text: "[1]", path: "config.json")
    }
    #expect(ModelError.malformed(path: "config.json").sentence == "config.json is no JSON object.")
  }
}
