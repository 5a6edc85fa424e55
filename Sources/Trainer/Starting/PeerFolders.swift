// Folders of SAELens's peers: sparsify, dictionary_learning and Gemma Scope. Comes in: their configuration,
// where they have one. Leaves: what the SAE is, by the formulas of the peers' own classes.

import Shared

/// sparsify (EleutherAI): `cfg.json` and `sae.safetensors`.
enum SparsifyFolder {
  static let weights = "sae.safetensors"

  static func read(_ cfg: JSON, path: String) throws -> StartingSAE {
    for option in ["transcode", "skip_connection"] where cfg[option]?.bool == true {
      throw PretrainedSAEError.unknown(path: path, option: option, value: "true")
    }
    let architecture: Architecture
    switch (cfg["activation"]?.string ?? "topk", cfg["signed"]?.bool ?? false) {
    case ("topk", false): architecture = .topk
    case ("topk", true): architecture = .abstopk
    case ("groupmax", false): architecture = .groupmax
    case (let name, _):
      throw PretrainedSAEError.unknown(path: path, option: "activation", value: name)
    }
    var sae = StartingSAE(
      architecture, weights: weights,
      layout: WeightLayout(
        places: [
          .encoder: .init("encoder.weight"), .encoderBias: .init("encoder.bias"),
          .decoder: .init("W_dec"), .decoderBias: .init("b_dec"),
        ]))
    sae.dIn = cfg["d_in"]?.integer
    let count = cfg["num_latents"]?.integer ?? 0
    sae.dSae = count > 0 ? count : width(cfg)
    sae.formula = ["k": cfg["k"] ?? .integer(32), "apply_b_dec_to_input": .bool(true)]
    if architecture != .groupmax {
      sae.formula["rescale_acts_by_decoder_norm"] = .bool(false)
    }
    if cfg["normalize_decoder"]?.bool ?? true {
      sae.training["normalize_sae_decoder"] = .bool(true)
    }
    return sae
  }

  private static func width(_ cfg: JSON) -> Int? {
    guard let dIn = cfg["d_in"]?.integer else { return nil }
    let (count, overflow) = dIn.multipliedReportingOverflow(
      by: cfg["expansion_factor"]?.integer ?? 32)
    return overflow ? nil : count
  }
}

/// dictionary_learning: `config.json` and `ae.pt`.
enum DictionaryFolder {
  static let weights = "ae.pt"

  static func read(_ cfg: JSON, path: String) throws -> StartingSAE {
    guard let trainer = cfg["trainer"], let name = trainer["dict_class"]?.string else {
      throw PretrainedSAEError.unknown(
        path: path, option: "trainer.dict_class", value: "not stated")
    }
    guard let kind = kinds[name] else {
      throw PretrainedSAEError.unknown(path: path, option: "trainer.dict_class", value: name)
    }
    var sae = StartingSAE(kind.architecture, weights: weights, layout: layout(name))
    sae.dIn = trainer["activation_dim"]?.integer
    sae.dSae = trainer["dict_size"]?.integer
    sae.formula["apply_b_dec_to_input"] = .bool(kind.subtractsBias)
    if kind.architecture.ownOptions.contains("k") {
      guard let k = trainer["k"] else {
        throw PretrainedSAEError.unknown(path: path, option: "trainer.k", value: "not stated")
      }
      sae.formula["k"] = k
      sae.formula["rescale_acts_by_decoder_norm"] = .bool(false)
    }
    if kind.architecture == .matryoshkaBatchtopk {
      var end = 0
      let widths = (trainer["group_sizes"]?.array ?? []).compactMap(\.integer).map { size in
        end &+= size
        return JSON.integer(end)
      }
      sae.training["matryoshka_widths"] = .array(widths)
    }
    return sae
  }

  private static let kinds: [String: (architecture: Architecture, subtractsBias: Bool)] = [
    "AutoEncoder": (.standard, true), "AutoEncoderNew": (.standard, false),
    "GatedAutoEncoder": (.gated, true), "AutoEncoderTopK": (.topk, true),
    "BatchTopKSAE": (.batchtopk, true), "MatryoshkaBatchTopKSAE": (.matryoshkaBatchtopk, true),
    "JumpReluAutoEncoder": (.jumprelu, false),
  ]

  private static func layout(_ name: String) -> WeightLayout {
    var layout: WeightLayout
    switch name {
    case "JumpReluAutoEncoder", "MatryoshkaBatchTopKSAE":
      layout = SAELensFolder.layout(hasGate: false)
    default:
      let isGated = name == "GatedAutoEncoder"
      layout = WeightLayout(places: [
        .encoder: .init("encoder.weight"),
        .encoderBias: isGated ? .init("gate_bias") : .init("encoder.bias"),
        .decoder: .init("decoder.weight", isTransposed: true),
        .decoderBias: .init("b_dec", "bias", "decoder_bias", "decoder.bias"),
        .magnitudeBias: .init("mag_bias"), .magnitudeScale: .init("r_mag"),
      ])
    }
    layout.sharedThreshold = ["threshold"]
    return layout
  }
}

/// Gemma Scope: `params.npz`, and nothing that describes it.
enum GemmaScopeFolder {
  static let weights = "params.npz"

  static func read() -> StartingSAE {
    var sae = StartingSAE(
      .jumprelu, weights: weights,
      layout: WeightLayout(places: [
        .encoder: .init("W_enc", "w_enc", isTransposed: true), .encoderBias: .init("b_enc"),
        .decoder: .init("W_dec", "w_dec"), .decoderBias: .init("b_dec"),
        .threshold: .init("threshold"),
      ]))
    sae.formula["apply_b_dec_to_input"] = .bool(false)
    return sae
  }
}
