import Shared
import Support
import Testing

@Suite struct DeepSeekTests {
  private static let sizes = """
    "hidden_size": 48, "intermediate_size": 64, "vocab_size": 100, "num_attention_heads": 6,
    "num_key_value_heads": 6, "num_hidden_layers": 3, "q_lora_rank": null, "kv_lora_rank": 10,
    "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 7, "num_experts_per_tok": 2
    """

  private func read(_ type: String, _ members: String...) throws -> ModelDescription {
    try ModelDescription.read(
      text: "{" + ([#""model_type": "\#(type)""#, Self.sizes] + members).joined(separator: ", ")
        + "}", path: "config.json")
  }

  private func failure(_ type: String, _ members: String) throws -> String {
    try #require(throws: ModelError.self) { _ = try read(type, members) }.sentence
  }

  @Test func headsOfValuesHaveAWidthOfTheirOwn() throws {
    let model = try read("deepseek_v2", #""first_k_dense_replace": 1"#)
    #expect(model.headWidth == 12 && model.heads().valueWidth == 7)
    #expect(model.layers.map(\.mlp) == [.dense, .routed, .routed])
    #expect(model.experts?.shared?.width == 2 * 1407 && model.experts?.shared?.score == nil)
    for (name, shape) in [
      ("blocks.0.attn.hook_q", "6 × 12 = 72"), ("blocks.0.attn.hook_k", "6 × 12 = 72"),
      ("blocks.0.attn.hook_v", "6 × 7 = 42"), ("blocks.0.attn.hook_z", "6 × 7 = 42"),
      ("model.layers.0.self_attn.kv_a_proj_with_mqa", "14"),
      ("model.layers.0.self_attn.kv_b_proj", "90"),
    ] {
      #expect(try HookPoint.find(name, in: model).shapeText(in: model) == shape)
    }
    guard case .rotary(let kinds) = model.positions else {
      Issue.record("no rotation")
      return
    }
    #expect(kinds.map(\.width) == [4] && kinds.map(\.pairing) == [.neighbors])
  }

  @Test func whatMayNotBeIsNamed() throws {
    #expect(
      try failure("deepseek_v2", #""num_key_value_heads": 3"#)
        == "config.json: num_key_value_heads is 3 where the number of heads, 6, is expected.")
    #expect(
      try failure("deepseek_v2", #""topk_method": "noaux_tc""#)
        == "config.json: topk_method is noaux_tc, which is not supported.")
    #expect(
      try failure(
        "deepseek_v2", #""topk_method": "group_limited_greedy", "n_group": 3, "topk_group": 1"#)
        == "config.json: n_group is 3 where a divisor of the 64 experts is expected.")
    #expect(
      try failure("deepseek_v3", #""n_routed_experts": 8"#)
        == "config.json: n_group is 8 where so few that a group has two of the 8 experts is "
        + "expected.")
    #expect(
      try failure("deepseek_v3", #""head_dim": 12"#)
        == "config.json: head_dim is 12, which is not supported.")
    #expect(
      try failure("deepseek_v32", "\"n_group\": 1")
        == "config.json: a model of the type deepseek_v32 has attention to tokens that an index "
        + "chooses (sparse attention), which is not supported.")
  }
}
