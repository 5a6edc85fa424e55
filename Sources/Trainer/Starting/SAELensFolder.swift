// Folders of SAELens 3 to 6, and of this program: `cfg.json` and `sae_weights.safetensors`. Comes in:
// cfg.json. Leaves: what the SAE is. Versions before 6 have other names and defaults, which SAELens 6 knows
// as well (`handle_pre_6_0_config`).

import Shared

enum SAELensFolder {
  /// Reads cfg.json; `scaler` is what activation_scaler.json says, where a checkpoint has it.
  static func read(_ cfg: JSON, scaler: JSON?, path: String) throws -> StartingSAE {
    let version = cfg["sae_lens_version"]?.string ?? cfg["metadata"]?["sae_lens_version"]?.string
    let major = version.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
    let isOld = major < 6
    let architecture = try architecture(cfg, isOld: isOld, path)
    let hasGate = architecture == .gated
    var sae = StartingSAE(
      architecture, weights: SAEWeights.fileName, layout: layout(hasGate: hasGate))
    sae.dIn = cfg["d_in"]?.integer
    sae.dSae = cfg["d_sae"]?.integer
    sae.layout.takesFactors = isOld && cfg["finetuning_scaling_factor"]?.bool == true
    sae.formula["apply_b_dec_to_input"] = cfg["apply_b_dec_to_input"] ?? .bool(true)
    if architecture.isTranscoder { sae.formula["apply_b_dec_to_input"] = nil }
    try readOptions(cfg, isOld: isOld, path, into: &sae)
    try readNormalization(cfg, scaler, path, into: &sae)
    let metadata = cfg["metadata"] ?? cfg
    sae.trainedAs = metadata["training_architecture"]?.string.flatMap(Architecture.init)
    if let out = metadata["hook_name_out"], out != .null, architecture.isTranscoder {
      sae.training["hook_name_out"] = out
    }
    return sae
  }

  private static func architecture(
    _ cfg: JSON, isOld: Bool, _ path: String
  ) throws -> Architecture {
    let name = cfg["architecture"]?.string ?? "standard"
    guard let architecture = Architecture(rawValue: name) else {
      throw PretrainedSAEError.unknown(path: path, option: "architecture", value: name)
    }
    guard let given = cfg["activation_fn_str"] ?? cfg["activation_fn"], given != .null else {
      return architecture
    }
    switch given.string?.lowercased() {
    case "relu": return architecture
    case "topk" where isOld && (architecture == .standard || architecture == .topk): return .topk
    case "topk" where architecture == .topk: return .topk
    default:
      throw PretrainedSAEError.unknown(
        path: path, option: "activation_fn", value: given.string ?? given.canonical)
    }
  }

  private static func readOptions(
    _ cfg: JSON, isOld: Bool, _ path: String, into sae: inout StartingSAE
  ) throws {
    let formula: Set = ["k", "rescale_acts_by_decoder_norm"]
    if isOld {
      guard sae.architecture == .topk else { return }
      guard let k = cfg["activation_fn_kwargs"]?["k"] ?? cfg["k"] else {
        throw PretrainedSAEError.unknown(path: path, option: "k", value: "not stated")
      }
      sae.formula["k"] = k
      sae.formula["rescale_acts_by_decoder_norm"] = .bool(false)
      return
    }
    for name in sae.architecture.ownOptions {
      guard let value = cfg[name], value != .null else { continue }
      if formula.contains(name) { sae.formula[name] = value } else { sae.training[name] = value }
    }
    guard sae.architecture.ownOptions.contains("rescale_acts_by_decoder_norm") else { return }
    // Absent from files of versions that did not rescale.
    sae.formula["rescale_acts_by_decoder_norm"] =
      cfg["rescale_acts_by_decoder_norm"] ?? .bool(false)
  }

  private static func readNormalization(
    _ cfg: JSON, _ scaler: JSON?, _ path: String, into sae: inout StartingSAE
  ) throws {
    if scaler?["has_whitening"]?.bool == true { throw PretrainedSAEError.whitened(path: path) }
    switch cfg["normalize_activations"] {
    case nil, .null, .bool(false): break
    case .bool(true): sae.normalization = .expectedAverageOnlyIn
    case let given?:
      guard let normalization = ActivationNormalization(setting: given) else {
        throw PretrainedSAEError.unknown(
          path: path, option: "normalize_activations", value: given.string ?? given.canonical)
      }
      sae.normalization = normalization
    }
    if let factor = scaler?["scaling_factor"]?.double {
      guard factor.isFinite, factor > 0 else {
        throw PretrainedSAEError.unknown(
          path: path, option: "scaling_factor", value: JSON.number(factor).canonical)
      }
      sae.scale = .factor(factor)
    } else if sae.normalization == .expectedAverageOnlyIn {
      // The factor was that of the data; nobody wrote it down.
      sae.scale = .ofRun
    }
    let hook = (cfg["metadata"]?["hook_name"] ?? cfg["hook_name"] ?? cfg["hook_point"])?.string
    let stated = cfg["reshape_activations"]?.string
    if stated == "hook_z" || (stated == nil && hook?.contains("hook_z") == true) {
      sae.training["reshape_activations"] = "hook_z"
    }
  }

  static func layout(hasGate: Bool) -> WeightLayout {
    WeightLayout(
      places: [
        .encoder: .init("W_enc", isTransposed: true),
        .encoderBias: hasGate ? .init("b_gate") : .init("b_enc"),
        .decoder: .init("W_dec"), .decoderBias: .init("b_dec"), .threshold: .init("threshold"),
        .magnitudeBias: .init("b_mag"), .magnitudeScale: .init("r_mag"), .skip: .init("W_skip"),
      ], logarithm: "log_threshold", factors: ["finetuning_scaling_factor", "scaling_factor"],
      sharedThreshold: ["topk_threshold"])
  }
}
