// The batchtopk SAE: of a batch the k·B largest latents take part, however many of each row. Bussmann
// et al. 2024.
//
//   h as in topk      f = ReLU(h) where it is among the ⌊k·B⌋ largest of the batch      L = MSE + AuxK
//   t ← (1 − ρ)·t + ρ·(least f > 0 of the batch), from 0: the threshold of the finished SAE, a jumprelu

import Shared

struct BatchTopKSAE: SAEArchitecture {
  /// The name of t in checkpoints.
  static let thresholdName = "topk_threshold"

  private let dSae: Int
  private let k: Double
  private let rescales: Bool
  private let rate: Double
  private let auxiliary: AuxiliaryLoss

  init(_ settings: TrainSettings, dSae: Int, auxiliaryPerReconstruction: Bool = false) {
    self.dSae = dSae
    k = settings.k
    rescales = settings.rescaleActsByDecoderNorm
    rate = settings.topkThresholdLr
    auxiliary = AuxiliaryLoss(
      coefficient: settings.auxLossCoefficient, isPerReconstruction: auxiliaryPerReconstruction)
  }

  var parameters: [ParameterKind] { [.encoder, .encoderBias] }

  var selection: Selection { .batch(k: k) }
  var comparesByDecoderNorm: Bool { rescales }

  var reconstructions: [RowReconstruction] { .single(dSae) }

  func activate(
    _ row: borrowing RowEntries, _ terms: borrowing LatentTerms,
    _ activations: inout MutableSpan<Float>
  ) {
    ComparedLatents.activate(row, terms, &activations, rescales: rescales)
  }

  var revivals: [Revival] { [.auxiliary(auxiliary)] }
  var fixedL0: Int? { Int(k) }

  var carried: [String: [Double]] { [Self.thresholdName: [0]] }

  func carry(_ carried: inout [String: [Double]], _ facts: StepFacts) {
    guard let least = facts.leastKept else { return }
    carried[Self.thresholdName] = [(1 - rate) * threshold(carried) + rate * Double(least)]
  }

  func figures(carried: [String: [Double]]) -> Figures {
    [.topkThreshold: threshold(carried)]
  }

  private func threshold(_ carried: [String: [Double]]) -> Double {
    carried[Self.thresholdName]?.first ?? 0
  }

  var foldsDecoderNorms: Bool { rescales }
  func finalThreshold(carried: [String: [Double]]) -> Double? { threshold(carried) }

  var exportedName: Architecture? { .jumprelu }
  var formulaOptions: [String] { ["k", "rescale_acts_by_decoder_norm"] }
  var trainingOptions: [String] { ["aux_loss_coefficient", "topk_threshold_lr"] }
  var trainingFacts: [String: JSON] { ["use_sparse_activations": .bool(false)] }

  func exportedScalars(carried: [String: [Double]]) -> [String: Double] {
    [Self.thresholdName: threshold(carried)]
  }

  static let options = [
    "k", "rescale_acts_by_decoder_norm", "aux_loss_coefficient", "topk_threshold_lr",
  ]
}
