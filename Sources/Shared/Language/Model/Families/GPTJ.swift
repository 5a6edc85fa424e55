// GPT-J: parallel blocks that read one layer norm, neighboring elements of heads rotated together,
// biases in the MLP and on the unembedding. After transformers' modeling_gptj.py.

enum GPTJ {
  static let keys = ConfigurationKeys(
    [
      "vocab_size": 50_400, "n_positions": 2048, "n_embd": 4096, "n_layer": 28, "n_head": 16,
      "rotary_dim": 64, "n_inner": .null, "activation_function": "gelu_new",
      "layer_norm_epsilon": 1e-5, "tie_word_embeddings": false,
    ], aliases: GPT2.keys.aliases)

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try GPT2.common(configuration, family: .gptJ)
    let width = try configuration.count("rotary_dim", limit: model.headWidth)
    guard width % 2 == 0 else {
      throw .wrongValue(
        path: configuration.path, key: "rotary_dim", value: "\(width)", expected: "an even number")
    }
    var rotary = Rotary(width: width, base: 10_000, scaling: .none)
    rotary.pairing = .neighbors
    model.positions = .rotary([rotary])
    model.block = .parallel
    model.tensors.positions = nil
    model.tensors.norm2 = "ln_1"
    model.tensors.queryKeyValue = .separate(
      query: "attn.q_proj", key: "attn.k_proj", value: "attn.v_proj")
    model.tensors.attentionOutput = "attn.out_proj"
    model.tensors.mlpIn = "mlp.fc_in"
    model.tensors.mlpOut = "mlp.fc_out"
    model.tensors.order = .outputMajor
    model.tensors.biases = Biases(mlp: true, unembedding: true)
    return model
  }
}
