// The JumpReLU SAE: every latent has a threshold of its own, which learns from a band around it by
// straight-through estimates. Rajamanoharan et al. 2024; tanh after Anthropic's January 2025 update;
// quadratic after Gemma Scope 2.
//
//   f = pre·1[pre > θ]      r = 1[|pre − θ| < ε/2]
//   dL/dpre = 1[pre > θ]·g (+ (θ/ε)·r·g)      dL/dθ = −(θ/ε)·r·g      with g = dL/df
//   step:      λ·mean_b Σ_j 1[pre_j > θ_j]            dL/dθ −= (λ/ε)·r      (dL/dpre += (λ/ε)·r)
//   tanh:      λ·mean_b Σ_j tanh(c·f_j·‖W_j‖)
//   quadratic: λ·mean_b (2/target)·(L0_b − target)²   as step, with its derivative by L0_b
//
// With jumprelu_log_threshold what learns is log θ: dL/dlog θ = θ·dL/dθ, as in SAELens up to 6.18.
// What is in parentheses applies with jumprelu_ste_to_input. An entry is a latent above θ or within
// the band; what was selected is pre.

import Foundation
import Shared

struct JumpReLUSAE: SAEArchitecture {
  private let dSae: Int
  private let bandwidth: Double
  private let mode: JumpReLUSparsityLoss
  private let tanhScale: Double
  private let target: Double
  private let reachesInput: Bool
  private let learnsLogarithms: Bool
  private let weighsByDecoderNorm: Bool
  private let preActivationCoefficient: Double
  private let loss: SparsityLoss

  init(_ settings: TrainSettings, dSae: Int) {
    self.dSae = dSae
    bandwidth = settings.jumpreluBandwidth
    mode = settings.jumpreluSparsityLossMode
    tanhScale = settings.jumpreluTanhScale
    target = settings.targetL0 ?? 1
    reachesInput = settings.jumpreluSteToInput
    learnsLogarithms = settings.jumpreluLogThreshold
    weighsByDecoderNorm = settings.scaleSparsityPenaltyByDecoderNorm
    preActivationCoefficient = settings.preActLossCoefficient ?? 0
    loss = SparsityLoss(
      coefficient: settings.l0Coefficient, warmUpSteps: settings.l0WarmUpSteps,
      lossFigure: .l0Loss, coefficientFigure: .l0Coefficient)
  }

  var parameters: [ParameterKind] { [.encoder, .encoderBias, .threshold] }

  var learnedByLogarithm: Set<ParameterKind> { learnsLogarithms ? [.threshold] : [] }

  var selection: Selection { .above(.threshold(bandwidth: bandwidth)) }

  var reconstructions: [RowReconstruction] { .single(dSae) }

  func activate(
    _ row: borrowing RowEntries, _ terms: borrowing LatentTerms,
    _ activations: inout MutableSpan<Float>
  ) {
    for index in row.selected.indices {
      let isActive = row.selected[index] > terms.thresholds[Int(row.latents[index])]
      activations[index] = isActive ? row.selected[index] : 0
    }
  }

  var entryGradients: EntryGradientKinds { [.decoderNorm, .own] }

  func differentiate(
    _ row: borrowing ActiveEntries, _ terms: borrowing LatentTerms,
    _ gradients: inout EntryGradients
  ) -> RowSparsity {
    var active = 0.0
    for index in row.selected.indices where row.activations[index] != 0 { active += 1 }
    var loss = 0.0
    var stepSlope = 0.0
    switch mode {
    case .step:
      loss = active
      stepSlope = terms.rowCoefficient
    case .quadratic:
      let excess = active - target
      loss = 2 / target * excess * excess
      stepSlope = terms.rowCoefficient * 4 / target * excess
    case .tanh: loss = differentiateTanh(row, terms, &gradients)
    }
    passThrough(row, terms, &gradients, stepSlope: stepSlope)
    return RowSparsity(loss: terms.rowCoefficient * loss)
  }

  /// Adds the gradients of the tanh loss and returns Σ tanh.
  private func differentiateTanh(
    _ row: borrowing ActiveEntries, _ terms: borrowing LatentTerms,
    _ gradients: inout EntryGradients
  ) -> Double {
    var total = 0.0
    for index in row.selected.indices {
      let norm = weighsByDecoderNorm ? terms.norms[Int(row.latents[index])] : 1
      let weight = Double(norm)
      let activation = Double(row.activations[index])
      let value = tanh(tanhScale * activation * weight)
      let slope = terms.rowCoefficient * tanhScale * (1 - value * value)
      total += value
      gradients.preActivation[index] += Float(slope * weight)
      gradients.decoderNorm[index] = Float(slope * activation)
    }
    return total
  }

  /// From gradients by activations to those by pre-activations and thresholds.
  private func passThrough(
    _ row: borrowing ActiveEntries, _ terms: borrowing LatentTerms,
    _ gradients: inout EntryGradients, stepSlope: Double
  ) {
    let width = Float(bandwidth)
    let step = Float(stepSlope) / width
    for index in row.selected.indices {
      let value = row.selected[index]
      let threshold = terms.thresholds[Int(row.latents[index])]
      let place = (value - threshold) / width
      let isInBand = place > -0.5 && place < 0.5
      let band = isInBand ? threshold / width * gradients.preActivation[index] + step : 0
      gradients.own[index] = -band
      let direct = value > threshold ? gradients.preActivation[index] : 0
      gradients.preActivation[index] = reachesInput ? direct + band : direct
    }
  }

  func write(
    _ sums: LatentSums, of latent: Int, _ terms: borrowing LatentTerms,
    to gradient: borrowing ParameterWriter
  ) {
    gradient.encoderBias.set(latent, sums.preActivation)
    gradient.threshold.set(latent, sums.own)
  }

  var sparsity: SparsityLoss? { loss }
  var revivals: [Revival] {
    preActivationCoefficient > 0 ? [.preActivations(coefficient: preActivationCoefficient)] : []
  }

  var trainingOptions: [String] {
    Self.options.filter { $0 != Self.ownWeighting && $0 != Self.ownForm }
  }

  // Options that SAELens 6 does not have.
  private static let ownWeighting = "scale_sparsity_penalty_by_decoder_norm"
  private static let ownForm = "jumprelu_log_threshold"

  static let options = [
    "jumprelu_init_threshold", "jumprelu_bandwidth", "jumprelu_sparsity_loss_mode",
    "jumprelu_tanh_scale", "jumprelu_ste_to_input", "l0_coefficient", "l0_warm_up_steps",
    "target_l0", "pre_act_loss_coefficient", ownWeighting, ownForm,
  ]
}
