// Words that options of the section `train` take; most are SAELens's.

/// How activations are normalized; the words are SAELens's.
package enum ActivationNormalization: String, Sendable, SettingChoice {
  case none
  case expectedAverageOnlyIn = "expected_average_only_in"
  case constantNormRescale = "constant_norm_rescale"
  case layerNorm = "layer_norm"
  case covarianceWhitening = "covariance_whitening"

  package init?(setting: JSON) {
    switch setting {
    // As SAELens 6 reads what version 2 wrote.
    case .null, .bool(false): self = .none
    case .bool(true): self = .expectedAverageOnlyIn
    default:
      guard let value = Self.choice(setting) else { return nil }
      self = value
    }
  }
}

package enum JumpReLUSparsityLoss: String, Sendable, SettingChoice {
  case step
  case tanh
  case quadratic
}

package enum ErrorNormalization: String, Sendable, SettingChoice {
  case denseBatch = "dense_batch"
  case variance
}

package enum DecoderDraw: String, Sendable, SettingChoice {
  case kaimingUniform = "kaiming_uniform"
  case normal
  case uniform
}

package enum DecoderProjection: String, Sendable, SettingChoice {
  case gradient
  case rowsOnly = "rows_only"
}

package enum FinetuningMethod: String, Sendable, SettingChoice {
  case scale
  case decoder
  case unrotatedDecoder = "unrotated_decoder"
}

/// Whether the finished SAE takes heads side by side or each by itself.
package enum ActivationReshaping: String, Sendable, SettingChoice {
  case none
  case hookZ = "hook_z"
}

package enum SweepMode: String, Sendable, SettingChoice {
  case separate
  case shared
}

package enum LearningRateSchedule: String, Sendable, SettingChoice {
  case constant
  case cosineAnnealing = "cosineannealing"
  case cosineAnnealingWarmRestarts = "cosineannealingwarmrestarts"

  package static let misspellings = ["consineannealing": Self.cosineAnnealing]

  package static func advice(on word: String) -> String? {
    switch word.lowercased() {
    case "constantwithwarmup", "linearwarmup", "constant_with_warmup":
      "write constant, with lr_warm_up_steps"
    case "linearwarmupdecay", "linear": "write constant, with lr_warm_up_steps and lr_decay_steps"
    case "cosineannealingwarmup", "cosine", "cosine_warmup":
      "write cosineannealing, with lr_warm_up_steps"
    default: nil
    }
  }
}

package enum DecoderBiasInit: String, Sendable, SettingChoice {
  case zeros
  case mean
  case geometricMedian = "geometric_median"
}

/// The activation as SAELens 3 to 5 state it beside the architecture.
package enum ActivationFunction: String, Sendable, SettingChoice {
  case relu
  case topk

  package static func advice(on word: String) -> String? {
    if let count = word.lowercased().split(separator: "-").last, word.hasPrefix("topk-") {
      return "write architecture: \"topk\" and k: \(JSON.clipped(String(count)))"
    }
    return word.lowercased() == "tanh-relu"
      ? "tanh-relu is not built, and SAELens 6 opens no SAE of it; write relu" : nil
  }
}

/// The SAELens whose defaults options have that are left out.
package enum DefaultsVersion: String, Sendable, SettingChoice {
  case saeLens5 = "sae_lens-5"
  case saeLens6 = "sae_lens-6"

  package static let misspellings = [
    "sae_lens-3": Self.saeLens5, "sae_lens-4": .saeLens5, "saelens-5": .saeLens5,
    "saelens-6": .saeLens6,
  ]

  /// The defaults of a release, such as "5.11.0"; nil where that is no version.
  init?(release: String) {
    guard let major = release.split(separator: ".").first.flatMap({ Int($0) }) else { return nil }
    self = major < 6 ? .saeLens5 : .saeLens6
  }
}
