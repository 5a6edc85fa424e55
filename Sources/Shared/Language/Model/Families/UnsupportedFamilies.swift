// Families of models that people bring and that the forward pass cannot be, with what stands in the
// way.

enum UnsupportedFamilies {
  private static let reasons: [(types: [String], reason: String)] = [
    (["qwen3_next", "kimi_linear", "olmo_hybrid"], "has layers of linear attention"),
    (
      ["deepseek_v32", "deepseek_v4", "glm_moe_dsa"],
      "has attention to tokens that an index chooses (sparse attention)"
    ),
    (
      ["minicpm3", "longcat_flash", "glm4_moe_lite"],
      "has attention with compressed keys and values (multi-head latent attention)"
    ),
    (
      ["gemma3n", "gemma3n_text"],
      "has several residual streams side by side (AltUp)"
    ),
    (["granitemoe", "granitemoeshared", "phimoe"], "has experts that are routed in another way"),
    (
      [
        "mamba", "mamba2", "falcon_mamba", "rwkv", "xlstm", "jamba", "bamba", "zamba", "zamba2",
        "falcon_h1", "nemotron_h", "lfm2", "recurrent_gemma", "granitemoehybrid",
      ], "has layers that are recurrent in the place of attention"
    ),
    (
      [
        "t5", "mt5", "umt5", "bart", "mbart", "pegasus", "marian", "t5gemma", "switch_transformers",
      ],
      "is an encoder with a decoder"
    ),
    (
      [
        "bert", "roberta", "xlm-roberta", "distilbert", "albert", "deberta", "deberta-v2",
        "electra", "modernbert", "nomic_bert",
      ], "reads texts in both directions and predicts no next token"
    ),
    (
      [
        "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "llava", "llava_next", "paligemma", "mllama",
        "llama4", "idefics3", "clip", "siglip", "vit",
      ], "sees pictures as well"
    ),
    (["whisper", "wav2vec2", "hubert"], "hears sound"),
  ]

  /// What stands in the way of a `model_type`; nil where nothing is known of it.
  static func reason(_ type: String) -> String? {
    reasons.first { $0.types.contains(type) }?.reason
  }

  /// The types that have a reason.
  static var types: [String] { reasons.flatMap(\.types) }
}
