// An SAE that training starts from (from_pretrained_path). Comes in: a folder as SAELens writes one,
// in training or for inference, or a folder of ours. Leaves: initial parameters in the scale of the
// run's data.

package import Shared

/// Why an SAE cannot be started from.
package enum PretrainedSAEError: Failure, Equatable {
  case missing(path: String)
  case notJSON(path: String)
  case otherSize(path: String, name: String, has: Int, wanted: Int)
  case whitened(path: String)
  case otherNormalization(path: String, has: String, wanted: String)

  package var sentence: String {
    switch self {
    case .missing(let path): "train.from_pretrained_path: there is no \(path)."
    case .notJSON(let path): "train.from_pretrained_path: \(path) is not JSON."
    case .otherSize(let path, let name, let has, let wanted):
      "train.from_pretrained_path: the SAE in \(path) has \(name) \(has), but the run has \(wanted)."
    case .whitened(let path):
      "train.from_pretrained_path: the SAE in \(path) was trained on whitened activations."
    case .otherNormalization(let path, let has, let wanted):
      "train.from_pretrained_path: the SAE in \(path) has normalize_activations \(has), "
        + "but the run has \(wanted)."
    }
  }

  package var hint: String? {
    switch self {
    case .missing: "Give a folder with cfg.json and sae_weights.safetensors."
    case .otherSize: "Set train.d_sae to what the SAE has, and take the same hook point."
    case .notJSON: "Give a folder as SAELens or this program writes one."
    case .otherNormalization(_, let has, _): "Set train.normalize_activations to \(has)."
    case .whitened: "Start from the folder of the finished SAE, whose weights are folded."
    }
  }
}

/// The weights of another SAE.
package struct PretrainedSAE: Sendable {
  private let folder: String
  /// SHA-256 of the weights' file.
  package let digest: String
  /// The factor that the data had and the weights have not: 1 where it is folded into them.
  private let factor: Double
  /// What cfg.json says.
  private let cfg: JSON

  /// Looks at a folder.
  package static func open(_ folder: String) throws -> PretrainedSAE {
    for name in ["cfg.json", SAEWeights.fileName] where !System.exists(folder + "/" + name) {
      throw PretrainedSAEError.missing(path: folder + "/" + name)
    }
    let cfg = try json(folder + "/cfg.json")
    var factor = 1.0
    let scaler = folder + "/activation_scaler.json"
    if System.exists(scaler) {
      let json = try json(scaler)
      if json["has_whitening"]?.bool == true { throw PretrainedSAEError.whitened(path: folder) }
      factor = json["scaling_factor"]?.double ?? 1
    }
    return PretrainedSAE(
      folder: folder, digest: "sha256:" + (try Digest.ofFile(folder + "/" + SAEWeights.fileName)),
      factor: factor, cfg: cfg)
  }

  private static func json(_ path: String) throws -> JSON {
    guard let json = try? JSON(parsing: MappedFile.contents(path)) else {
      throw PretrainedSAEError.notJSON(path: path)
    }
    return json
  }

  /// Refuses a run whose SAE has other sizes, or whose rows come in another form.
  ///
  /// A factor is no other form: the weights take it. Rows that are normalized one by one or whitened are.
  package func check(
    for configuration: SAEConfiguration, _ normalization: ActivationNormalization
  ) throws {
    for (name, wanted) in [("d_in", configuration.dIn), ("d_sae", configuration.dSae)] {
      guard let has = cfg[name]?.integer, has != wanted else { continue }
      throw PretrainedSAEError.otherSize(path: folder, name: name, has: has, wanted: wanted)
    }
    let own = cfg["normalize_activations"].flatMap { ActivationNormalization(setting: $0) } ?? .none
    guard own.isFactor ? normalization.isFactor : own == normalization else {
      throw PretrainedSAEError.otherNormalization(
        path: folder, has: own.rawValue, wanted: normalization.rawValue)
    }
    if own == .covarianceWhitening { throw PretrainedSAEError.whitened(path: folder) }
  }

  /// Fills the parameters that both SAEs have.
  func fill(_ parameters: inout Parameters, _ normalization: Normalization) throws {
    let file = try SafetensorsFile.open(folder + "/" + SAEWeights.fileName)
    let shape = parameters.shape
    let kinds = shape.kinds.filter { kind in
      // A threshold, and what gated has of its own, may be missing; the rest must be there.
      switch kind {
      case .threshold, .magnitudeBias, .magnitudeScale, .skip, .latentScale:
        SAEWeights.holds(file, kind, shape)
      case .encoder, .encoderBias, .decoder, .decoderBias: true
      }
    }
    try SAEWeights.read(file, kinds, into: &parameters)
    for latent in 0..<parameters.latentScale.count { parameters.latentScale.buffer[latent] = 1 }
    // From weights for rows times `factor` to weights for rows as the run sees them.
    Normalization(factor: factor / normalization.factor).fold(into: &parameters)
  }
}

extension ActivationNormalization {
  /// Whether rows are as they are cached but for one factor.
  fileprivate var isFactor: Bool { self == .none || self == .expectedAverageOnlyIn }
}
