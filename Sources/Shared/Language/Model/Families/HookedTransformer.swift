// Models in TransformerLens's own format, such as gelu-1l to gelu-4l, solu-1l and attn-only-1l: its
// configuration and its names of tensors. After TransformerLens's loading_from_pretrained.py.

enum HookedTransformer {
  static let keys = ConfigurationKeys([
    "d_model": .null, "n_layers": .null, "d_mlp": .null, "d_head": .null, "n_heads": .null,
    "n_ctx": .null, "d_vocab": .null, "act_fn": .null, "attn_only": .null, "final_rms": false,
    "normalization": .null, "normalization_type": .null, "shortformer_pos": false,
  ])

  /// Whether a configuration is TransformerLens's, which has no `model_type`.
  static func recognizes(_ configuration: ModelConfiguration) -> Bool {
    configuration.value(["model_type"]) == nil
      && ["d_model", "n_layers", "d_vocab"].allSatisfy { configuration.value([$0]) != nil }
  }

  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    let width = try configuration.count("d_model")
    let heads = try configuration.heads("n_heads")
    let headWidth = try configuration.count("d_head", limit: 1 << 14)
    let isAttentionOnly = try configuration.flag("attn_only")
    let count = try configuration.count("n_layers", limit: 1 << 12)
    var layer = LayerKind()
    if isAttentionOnly { layer.mlp = .none }
    let activation = try configuration.text("act_fn")
    let isShort = try configuration.flag("shortformer_pos", fallback: false)
    var model = ModelDescription(
      family: Family.hookedTransformer.rawValue,
      vocabularySize: try configuration.count("d_vocab"),
      contextLimit: try configuration.count("n_ctx"),
      layers: [LayerKind](repeating: layer, count: count), width: width, headCount: heads,
      keyValueHeadCount: heads, headWidth: headWidth,
      mlpWidth: isAttentionOnly ? 1 : try configuration.count("d_mlp"),
      norm: .layer, normEpsilon: 1e-5,
      positions: isShort ? .learnedForAttention : .learned(offset: 0),
      activation: try configuration.lensActivation("act_fn"), isGated: false,
      attentionScale: 1 / Float(headWidth).squareRoot(),
      tensors: TensorNames(
        prefixes: [""], embedding: "embed.W_E", positions: "pos_embed.W_pos", layers: "blocks.",
        norm1: "ln1", norm2: "ln2",
        queryKeyValue: .separate(query: "attn.W_Q", key: "attn.W_K", value: "attn.W_V"),
        attentionOutput: "attn.W_O", mlpIn: "mlp.W_in", mlpOut: "mlp.W_out",
        activationNorm: activation == "solu_ln" ? "mlp.ln" : nil, finalNorm: "ln_final",
        unembedding: ["unembed.W_U"], order: .inputMajor,
        biases: Biases(queryKeyValue: true, attentionOutput: true, mlp: true, unembedding: true),
        spelling: .transformerLens))
    try readNorms(configuration, into: &model)
    return model
  }

  /// Norms are whole, folded into the weights after them, or not there.
  private static func readNorms(
    _ configuration: ModelConfiguration, into model: inout ModelDescription
  ) throws(ModelError) {
    let key = configuration.value(["normalization"]) == nil ? "normalization_type" : "normalization"
    switch try configuration.text(key, fallback: "none") {
    case "LN": break
    case "LNPre": model.normsHaveParameters = false
    case "RMS": model.norm = .rootMeanSquare
    case "RMSPre":
      model.norm = .rootMeanSquare
      model.normsHaveParameters = false
    case "none":
      model.tensors.norm1 = nil
      model.tensors.norm2 = nil
      model.tensors.finalNorm = nil
    case let other:
      throw configuration.unsupported(key, other, ["LN", "LNPre", "RMS", "RMSPre", "null"])
    }
    if try configuration.flag("final_rms", fallback: false), model.norm == .layer {
      model.finalNorm = .rootMeanSquare
    }
  }
}
