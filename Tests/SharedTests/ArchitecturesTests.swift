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
    guard case .rotary(let rotary) = model.positions else { return nil }
    return rotary
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
    #expect(model.activation == .geluTanh && model.norm == .layer && model.positions == .learned)
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
    let layer = 2.0 * Double(48 * 144 + 48 * 48 + 2 * 48 * 192 + 48 * 10)
    #expect(model.operationsPerToken(layers: 2, contextSize: 10) == 2 * layer)
  }

  // MARK: Refusals

  @Test func whatIsNotKnownIsNamed() throws {
    let family = try failure(#""model_type": "mamba""#)
    #expect(family.sentence == "config.json: model_type is mamba, which is not supported.")
    #expect(family.hint == "Supported are gpt2, gpt_neox, llama.")
    let activation = try failure(Self.llama, #""hidden_act": "mish""#)
    #expect(activation.sentence == "config.json: hidden_act is mish, which is not supported.")
    #expect(
      activation.hint
        == "Supported are gelu, gelu_python, gelu_new, gelu_fast, gelu_pytorch_tanh, "
        + "gelu_python_tanh, gelu_accurate, silu, swish, relu.")
    let rope = try failure(
      Self.llama, #""rope_scaling": {"rope_type": "yarn", "factor": 2}"#)
    #expect(
      rope.sentence == "config.json: rope_scaling.rope_type is yarn, which is not supported.")
    #expect(rope.hint == "Supported are default, linear, llama3.")
    let quantised = try failure(
      Self.llama, #""quantization_config": {"quant_method": "gptq"}"#)
    #expect(
      quantised.sentence
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
        == "config.json: n_inner is \"many\" where a whole number of at least 1 is expected.")
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
