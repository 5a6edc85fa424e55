// The constants of an SAE's formulas, and the shapes that follow from them.

package import Shared

/// The constants of an SAE's formulas.
package struct SAEConfiguration: Sendable, Equatable {
  package let architecture: Architecture
  package let dIn: Int
  /// Width of the target: that of the input, but in a transcoder.
  package let dOut: Int
  package let dSae: Int
  package let k: Double
  package let auxLossCoefficient: Double
  package let rescaleActsByDecoderNorm: Bool
  package let topkThresholdLr: Double
  package let usesMatryoshkaAuxLoss: Bool
  /// Ends of the ranges of latents that must reconstruct alone; the last is `dSae`.
  package let widths: [Int]
  package let lpNorm: Double
  package let weighsSparsityByDecoderNorm: Bool
  package let bandwidth: Double
  package let sparsityLossMode: JumpReLUSparsityLoss
  package let tanhScale: Double
  package let passesBandToInput: Bool
  package let targetL0: Double
  package let preActLossCoefficient: Double
  package let residualThreshold: Double
  package let maxIterations: Int
  package let stopsOnDuplicateSupport: Bool
  package let applyBDecToInput: Bool
  package let rowNormalization: RowNormalization
  package let normalizesErrors: Bool
  package let usesGhostGrads: Bool
  package let noiseScale: Double
  package let keepsUnitDecoder: Bool
  package let projectsDecoderGradient: Bool
  package let finetuningMethod: FinetuningMethod?
  package let adamBeta1: Double
  package let adamBeta2: Double
  package let deadFeatureWindow: Int
  package let seed: Int

  /// The constants that a run's settings give for activations of width `dIn`, and targets of width
  /// `dOut` where they are others.
  package init(_ settings: TrainSettings, dIn: Int, dOut: Int? = nil) {
    architecture = settings.architecture
    self.dIn = dIn
    self.dOut = dOut ?? dIn
    let latents = settings.latentCount(dIn: dIn) ?? 0
    dSae = latents
    k = settings.k
    auxLossCoefficient = settings.auxLossCoefficient
    rescaleActsByDecoderNorm = settings.rescaleActsByDecoderNorm
    topkThresholdLr = settings.topkThresholdLr
    usesMatryoshkaAuxLoss = settings.useMatryoshkaAuxLoss
    let inner =
      settings.architecture == .matryoshkaBatchtopk
      ? settings.matryoshkaWidths.values.filter { $0 < latents } : []
    widths = inner + [latents]
    lpNorm = settings.lpNorm
    weighsSparsityByDecoderNorm = settings.scaleSparsityPenaltyByDecoderNorm
    bandwidth = settings.jumpreluBandwidth
    sparsityLossMode = settings.jumpreluSparsityLossMode
    tanhScale = settings.jumpreluTanhScale
    passesBandToInput = settings.jumpreluSteToInput
    targetL0 = settings.targetL0 ?? 1
    preActLossCoefficient = settings.preActLossCoefficient ?? 0
    residualThreshold = settings.residualThreshold
    maxIterations = settings.maxIterations ?? dIn
    stopsOnDuplicateSupport = settings.stopOnDuplicateSupport
    applyBDecToInput = settings.applyBDecToInput && !settings.architecture.isTranscoder
    rowNormalization = RowNormalization(settings.normalizeActivations)
    normalizesErrors = settings.mseLossNormalization == .denseBatch
    usesGhostGrads = settings.useGhostGrads
    noiseScale = settings.noiseScale
    keepsUnitDecoder = settings.normalizeSaeDecoder
    projectsDecoderGradient = settings.decoderProjection == .gradient
    finetuningMethod = settings.finetuningTokens > 0 ? settings.finetuningMethod : nil
    adamBeta1 = settings.adamBeta1
    adamBeta2 = settings.adamBeta2
    deadFeatureWindow = settings.deadFeatureWindow
    seed = settings.seed
  }

  /// How active latents are chosen.
  package var selection: Selection {
    switch architecture {
    case .standard, .transcoder, .skipTranscoder: .relu
    case .gated: .gate
    case .topk: .topk
    case .abstopk: .absTopK
    case .batchtopk, .matryoshkaBatchtopk: .batchTopK
    case .jumprelu, .jumpreluTranscoder, .jumpreluSkipTranscoder: .jumpReLU
    case .matchingPursuit: .pursuit
    }
  }

  /// Latents are compared with others, and revived by AuxK.
  package var isTopK: Bool {
    switch selection {
    case .topk, .absTopK, .batchTopK: true
    default: false
    }
  }

  /// Whether latents are compared, and decoded, as if every decoder row had norm 1.
  var normalizesDecoder: Bool { isTopK && rescaleActsByDecoderNorm }

  /// Latents of a row that topk keeps.
  package var wholeK: Int { min(Int(k), dSae) }

  /// Latents of `rows` rows together that batchtopk keeps.
  func keptLatents(rows: Int) -> Int { min(Int(k * Double(rows)), rows * dSae) }

  /// The reconstructions that a row has: one per width, and gated's second.
  var levels: Int { selection == .gate ? 2 : widths.count }

  /// The level of a latent's range.
  func level(of latent: Int) -> Int {
    var level = 0
    while latent >= widths[level] { level += 1 }
    return level
  }

  /// Which parameters there are.
  package var shape: ParameterShape {
    ParameterShape(
      dIn: dIn, dOut: dOut, dSae: dSae, hasEncoder: selection != .pursuit,
      hasThreshold: selection == .jumpReLU, isGated: selection == .gate,
      hasSkip: architecture == .skipTranscoder || architecture == .jumpreluSkipTranscoder,
      hasLatentScale: finetuningMethod != nil)
  }

  /// The parameters that learn; in fine-tuning only some do.
  package func trained(isFinetuning: Bool) -> Set<ParameterKind> {
    guard isFinetuning, let finetuningMethod else {
      return Set(ParameterKind.allCases).subtracting([.latentScale])
    }
    switch finetuningMethod {
    case .scale: return [.latentScale]
    case .decoder: return [.latentScale, .decoder, .decoderBias]
    case .unrotatedDecoder: return [.latentScale, .decoderBias]
    }
  }
}

/// How active latents are chosen.
package enum Selection: Sendable {
  /// Above zero.
  case relu
  /// Above zero; the value comes from a second bias and scale.
  case gate
  /// The k largest of a row.
  case topk
  /// The k largest of a row by magnitude.
  case absTopK
  /// The k·B largest of a batch.
  case batchTopK
  /// Above a threshold of their own.
  case jumpReLU
  /// One after another, by what they explain of the rest.
  case pursuit
}
