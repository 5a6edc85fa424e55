import Shared
import Support
import Testing

@Suite struct Gemma4Tests {
  private static let sizes = """
    "hidden_size": 48, "intermediate_size": 64, "vocab_size": 100, "num_attention_heads": 6,
    "num_key_value_heads": 2, "head_dim": 8, "global_head_dim": 16, "sliding_window": 9
    """
  private static let text = #""model_type": "gemma4_text", "# + sizes

  private func read(_ members: String...) throws -> ModelDescription {
    try ModelDescription.read(
      text: "{" + members.joined(separator: ", ") + "}", path: "config.json")
  }

  private func failure(_ members: String...) throws -> ModelError {
    try #require(throws: ModelError.self) {
      _ = try ModelDescription.read(
        text: "{" + ([Self.text] + members).joined(separator: ", ") + "}", path: "config.json")
    }
  }

  @Test func layersThatSeeEverythingHaveWiderHeads() throws {
    let model = try read(Self.text, #""num_hidden_layers": 12"#)
    #expect(model.layers.map(\.window) == [9, 9, 9, 9, 9, nil, 9, 9, 9, 9, 9, nil])
    #expect(model.heads(layer: 0).width == 8 && model.heads(layer: 5).width == 16)
    #expect(model.layers.map(\.rotation) == [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0])
    #expect(
      model.positions
        == .rotary([
          Rotary(width: 16, base: 1e6, scaling: .first(pairs: 2, factor: 1)),
          Rotary(width: 8, base: 1e4, scaling: .none),
        ]))
    #expect(
      try HookPoint.find("blocks.5.attn.hook_q", in: model).shapeText(in: model) == "6 × 16 = 96")
    #expect(
      try HookPoint.find("blocks.4.attn.hook_z", in: model).shapeText(in: model) == "6 × 8 = 48")
    // The last layer sees everything whatever is said of it.
    let last = try read(
      Self.text, #""num_hidden_layers": 2, "layer_types": ["full_attention", "sliding_attention"]"#)
    #expect(last.layers.map(\.window) == [nil, nil])
  }

  @Test func laterLayersTakeKeysAndValuesOfEarlierOnes() throws {
    let model = try read(
      Self.text, #""num_hidden_layers": 12, "num_kv_shared_layers": 4, "use_double_wide_mlp": true"#
    )
    #expect(model.layers[7].keyValues == .projections && model.layers[8].keyValues == .layer(7))
    #expect(model.layers[11].keyValues == .layer(5))
    let names = Set(HookPoint.all(in: model).map(\.name))
    #expect(names.contains("blocks.7.attn.hook_k") && !names.contains("blocks.8.attn.hook_k"))
    #expect(
      !names.contains("blocks.8.attn.hook_rot_k") && names.contains("blocks.8.attn.hook_rot_q"))
    #expect(try HookPoint.find("blocks.8.mlp.hook_post", in: model).shapeText(in: model) == "128")
    #expect(try HookPoint.find("blocks.7.mlp.hook_post", in: model).shapeText(in: model) == "64")
  }

  @Test func keysMayBeValuesAsWell() throws {
    let model = try read(
      Self.text, #""num_hidden_layers": 6, "attention_k_eq_v": true"#,
      #""num_global_key_value_heads": 1, "hidden_size_per_layer_input": 0"#)
    #expect(model.layers[5].keyValues == .keys && model.layers[4].keyValues == .projections)
    #expect(model.heads(layer: 5).keyValueCount == 1 && model.heads(layer: 4).keyValueCount == 2)
    #expect(model.layerInputs == nil)
    let modules = Set(HookPoint.modules(in: model).map(\.name))
    #expect(modules.contains("model.layers.5.self_attn.k_proj"))
    #expect(!modules.contains("model.layers.5.self_attn.v_proj"))
  }

  @Test func theLanguageModelWithinOneThatSeesIsTaken() throws {
    for kind in ["gemma4", "gemma4_unified"] {
      let whole = try read(
        #""model_type": "\#(kind)", "vision_config": {"hidden_size": 7}"#,
        #""text_config": {"model_type": "\#(kind)_text", "num_hidden_layers": 6, "# + Self.sizes
          + "}")
      #expect(whole.width == 48 && whole.layerCount == 6 && whole.tensors.isTied)
      #expect(whole.tensors.prefixes == ["model.language_model."])
      #expect((whole.layerInputs != nil) == (kind == "gemma4"))
    }
  }

  @Test func whatLayersMayNotBeIsNamed() throws {
    let six = #""num_hidden_layers": 6"#
    for (members, sentence) in [
      (#""enable_moe_block": true"#, "enable_moe_block is true, which is not supported."),
      (
        #""use_bidirectional_attention": "all""#,
        "use_bidirectional_attention is all, which is not supported."
      ),
      (
        #""vocab_size_per_layer_input": 99"#,
        "vocab_size_per_layer_input is 99 where at least the vocabulary's 100 is expected."
      ),
      (
        #""num_kv_shared_layers": 6"#,
        "num_kv_shared_layers is 6 where fewer than the 6 layers is expected."
      ),
      (
        #""num_kv_shared_layers": 1"#,
        "num_kv_shared_layers is 1 where so few that a layer of each of layer_types has keys of its "
          + "own is expected."
      ),
      (
        #""num_kv_shared_layers": -1"#,
        "num_kv_shared_layers is -1 where a whole number from 0 to 16777216 is expected."
      ),
      (
        #""per_layer_config": {"5": {"hidden_size": 3}}"#,
        "per_layer_config.5 is hidden_size, which is not supported."
      ),
      (
        #""per_layer_config": {"6": {"head_dim": 3}}"#,
        #"per_layer_config.6 is {"head_dim":3} where a set of values of one of the 6 layers is "#
          + "expected."
      ),
      (#""per_layer_config": 3"#, "per_layer_config is 3 where a set of layers is expected."),
      (
        #""per_layer_config": {"0": {"head_dim": 4}}"#,
        "per_layer_config is different sizes where the same for all layers of one of layer_types is "
          + "expected."
      ),
      (
        #""attention_k_eq_v": true, "num_global_key_value_heads": 5"#,
        "num_global_key_value_heads is 5 where a divisor of the 6 heads is expected."
      ),
      (#""attention_chunk_size": 3"#, "attention_chunk_size is 3, which is not supported."),
    ] {
      #expect(try failure(six, members).sentence == "config.json: " + sentence)
    }
    #expect(
      try failure(six, #""rope_parameters": {"full_attention": {"rope_theta": 5}}"#)
        == .missingKey(path: "config.json", key: "rope_parameters.sliding_attention"))
    #expect(
      try failure(six, #""rope_scaling": {"full_attention": {"rope_type": "default"}}"#)
        == .missingKey(path: "config.json", key: "rope_scaling.full_attention.rope_theta"))
    // Other families have no sizes of single layers.
    let other = try #require(throws: ModelError.self) {
      _ = try read(#""model_type": "llama", "per_layer_config": {"0": {"head_dim": 4}}"#)
    }
    #expect(other.sentence == "config.json: per_layer_config is set, which is not supported.")
  }
}
