// Words that options of the section `train` take; most are SAELens's.

/// How activations are normalized; the words are SAELens's.
package enum ActivationNormalization: String, Sendable, SettingChoice {
  case none
  case expectedAverageOnlyIn = "expected_average_only_in"
  case constantNormRescale = "constant_norm_rescale"
  case layerNorm = "layer_norm"
  case covarianceWhitening = "covariance_whitening"
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
}

package enum DecoderBiasInit: String, Sendable, SettingChoice {
  case zeros
  case mean
  case geometricMedian = "geometric_median"
}
