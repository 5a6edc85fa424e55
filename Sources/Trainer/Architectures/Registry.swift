// The one place that knows which architectures there are.

import Shared

extension Architecture {
  /// What the architecture of a run is, for activations of width `dIn`.
  func definition(_ settings: TrainSettings, dIn: Int, dSae: Int) -> any SAEArchitecture {
    switch self {
    case .standard: StandardSAE(settings, dSae: dSae)
    case .gated: GatedSAE(settings, dSae: dSae)
    case .topk: TopKSAE(settings, dSae: dSae)
    case .abstopk: TopKSAE(settings, dSae: dSae, comparesMagnitudes: true)
    case .batchtopk: BatchTopKSAE(settings, dSae: dSae)
    case .matryoshkaBatchtopk: MatryoshkaSAE(settings, dSae: dSae)
    case .jumprelu: JumpReLUSAE(settings, dSae: dSae)
    case .matchingPursuit: MatchingPursuitSAE(settings, dIn: dIn, dSae: dSae)
    case .pAnneal: PAnnealSAE(settings, dSae: dSae)
    case .groupmax: GroupMaxSAE(settings, dSae: dSae)
    case .transcoder: TranscoderSAE(StandardSAE(settings, dSae: dSae), hasSkip: false)
    case .skipTranscoder: TranscoderSAE(StandardSAE(settings, dSae: dSae), hasSkip: true)
    case .jumpreluTranscoder: TranscoderSAE(JumpReLUSAE(settings, dSae: dSae), hasSkip: false)
    case .jumpreluSkipTranscoder: TranscoderSAE(JumpReLUSAE(settings, dSae: dSae), hasSkip: true)
    }
  }
}
