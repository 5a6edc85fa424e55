// The constants of an SAE's formulas that all architectures share, and the shapes that follow.

package import Shared

/// The constants of an SAE's formulas.
package struct SAEConfiguration: Sendable {
  /// The word for the kind of SAE.
  package let name: Architecture
  package let architecture: any SAEArchitecture
  package let dIn: Int
  /// Width of the target: that of the input, but in a transcoder.
  package let dOut: Int
  package let dSae: Int
  package let shape: ParameterShape
  package let selection: Selection
  /// The reconstructions of a row, the last of those by activations being the SAE's.
  package let reconstructions: [RowReconstruction]
  package let entryGradients: EntryGradientKinds
  package let comparesByDecoderNorm: Bool
  package let applyBDecToInput: Bool
  package let rowNormalization: RowNormalization
  package let errorNormalization: ErrorNormalization?
  package let noiseScale: Double
  package let keepsUnitDecoder: Bool
  package let projectsDecoderGradient: Bool
  package let finetuningMethod: FinetuningMethod?
  package let adamBeta1: Double
  package let adamBeta2: Double
  package let maxGradNorm: Double
  package let deadFeatureWindow: Int
  package let seed: Int

  /// The constants that a run's settings give for activations of width `dIn`, and targets of width
  /// `dOut` where they are others.
  package init(_ settings: TrainSettings, dIn: Int, dOut: Int? = nil) {
    let latents = settings.latentCount(dIn: dIn) ?? 0
    let architecture = settings.architecture.definition(settings, dIn: dIn, dSae: latents)
    name = settings.architecture
    self.architecture = architecture
    self.dIn = dIn
    self.dOut = dOut ?? dIn
    dSae = latents
    shape = ParameterShape(
      dIn: dIn, dOut: dOut ?? dIn, dSae: latents,
      kinds: architecture.parameters + [.decoder, .decoderBias])
    selection = architecture.selection
    reconstructions = architecture.reconstructions
    entryGradients = architecture.entryGradients
    comparesByDecoderNorm = architecture.comparesByDecoderNorm
    applyBDecToInput = settings.applyBDecToInput && !settings.architecture.isTranscoder
    rowNormalization = RowNormalization(settings.normalizeActivations)
    errorNormalization = settings.mseLossNormalization
    noiseScale = settings.noiseScale
    keepsUnitDecoder = settings.normalizeSaeDecoder
    projectsDecoderGradient = settings.decoderProjection == .gradient
    finetuningMethod = settings.finetuningTokens > 0 ? settings.finetuningMethod : nil
    adamBeta1 = settings.adamBeta1
    adamBeta2 = settings.adamBeta2
    maxGradNorm = settings.maxGradNorm
    deadFeatureWindow = settings.deadFeatureWindow
    seed = settings.seed
  }

  /// The number of the reconstruction that is the SAE's.
  var finalReconstruction: Int {
    reconstructions.lastIndex { $0.source == .activation } ?? 0
  }

  /// The number of the reconstruction by selected values; nil where there is none.
  var selectedReconstruction: Int? {
    reconstructions.firstIndex { $0.source == .selected }
  }

  /// Whether a loss revives dead latents.
  var revivesLatents: Bool { architecture.revivals.contains(where: \.isActive) }

  /// The number of the reconstruction that a latent's activation comes into first.
  func reconstruction(of latent: Int) -> Int {
    var number = 0
    while latent >= reconstructions[number].latents.upperBound { number += 1 }
    return number
  }

  /// Latents of `rows` rows together that a choice over the batch keeps.
  static func keptLatents(k: Double, rows: Int, dSae: Int) -> Int {
    min(Int(k * Double(rows)), rows * dSae)
  }

  /// The state before the first step, with all parameters zero.
  package func freshState() -> TrainingState {
    TrainingState(shape, carried: architecture.carried)
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
