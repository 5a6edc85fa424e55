// The standard SAE: ReLU with a sparsity loss weighted by the decoder's norms. Bricken et al. 2023
// with the weighting of Anthropic's April 2024 update.
//
//   f = ReLU(a·W_enc + b_enc)      x̂ = (f∘s)·W_dec + b_dec      s = 1 but in fine-tuning
//   v_j = f_j·‖W_j‖      S_b = (Σ_j v_j^p)^(1/p)      L = MSE + λ·mean_b S_b

import Foundation
import Shared

struct StandardSAE: SAEArchitecture {
  private let dSae: Int
  private let norm: SparsityNorm
  private let weighsByDecoderNorm: Bool
  private let isFinetuned: Bool
  private let hasGhosts: Bool
  private let loss: SparsityLoss

  init(_ settings: TrainSettings, dSae: Int) {
    self.dSae = dSae
    norm = SparsityNorm(exponent: settings.lpNorm)
    weighsByDecoderNorm = settings.scaleSparsityPenaltyByDecoderNorm
    isFinetuned = settings.finetuningTokens > 0 && settings.finetuningMethod != nil
    hasGhosts = settings.useGhostGrads
    loss = .l1(settings)
  }

  var parameters: [ParameterKind] {
    [.encoder, .encoderBias] + (isFinetuned ? [.latentScale] : [])
  }

  var selection: Selection { .above(.zero) }

  var reconstructions: [RowReconstruction] { .single(dSae) }

  func activate(
    _ row: borrowing RowEntries, _ terms: borrowing LatentTerms,
    _ activations: inout MutableSpan<Float>
  ) {
    for index in row.selected.indices {
      let scale = isFinetuned ? terms.latentScales[Int(row.latents[index])] : 1
      activations[index] = row.selected[index] * scale
    }
  }

  var entryGradients: EntryGradientKinds { isFinetuned ? [.decoderNorm, .own] : [.decoderNorm] }

  func differentiate(
    _ row: borrowing ActiveEntries, _ terms: borrowing LatentTerms,
    _ gradients: inout EntryGradients
  ) -> RowSparsity {
    if isFinetuned {
      for index in row.selected.indices {
        gradients.own[index] = row.selected[index] * gradients.preActivation[index]
        gradients.preActivation[index] *= terms.latentScales[Int(row.latents[index])]
      }
    }
    return RowSparsity(
      loss: norm.differentiate(row, terms, &gradients, weighsByDecoderNorm: weighsByDecoderNorm))
  }

  func write(
    _ sums: LatentSums, of latent: Int, _ terms: borrowing LatentTerms,
    to gradient: borrowing ParameterWriter
  ) {
    gradient.encoderBias.set(latent, sums.preActivation)
    if isFinetuned { gradient.latentScale.set(latent, sums.own) }
  }

  var sparsity: SparsityLoss? { loss }
  var revivals: [Revival] { hasGhosts ? [.ghostGradients] : [] }

  var trainingOptions: [String] { ["l1_coefficient", "lp_norm", "l1_warm_up_steps"] }

  static let options = [
    "l1_coefficient", "lp_norm", "l1_warm_up_steps", "scale_sparsity_penalty_by_decoder_norm",
    "use_ghost_grads", "finetuning_tokens", "finetuning_method",
  ]
}

/// The sparsity of a row by the p-norm of its weighted activations.
struct SparsityNorm: Sendable {
  /// The exponent p.
  let exponent: Double

  /// Adds dL/df = (λ/B) · dS/dv · ‖W_j‖ to the gradients and returns the row's share of λ·S.
  func differentiate(
    _ row: borrowing ActiveEntries, _ terms: borrowing LatentTerms,
    _ gradients: inout EntryGradients, weighsByDecoderNorm: Bool
  ) -> Double {
    let coefficient = Float(terms.rowCoefficient)
    var powers = 0.0
    for index in row.selected.indices {
      let weight = weighsByDecoderNorm ? terms.norms[Int(row.latents[index])] : 1
      powers += power(row.selected[index] * weight)
    }
    let total = total(powers: powers)
    for index in row.selected.indices {
      let weight = weighsByDecoderNorm ? terms.norms[Int(row.latents[index])] : 1
      let weighted = row.selected[index] * weight
      let slope = weighted > 0 ? coefficient * self.slope(weighted, total: total) : 0
      gradients.decoderNorm[index] = weighsByDecoderNorm ? slope * row.selected[index] : 0
      gradients.preActivation[index] += slope * weight
    }
    return terms.rowCoefficient * total
  }

  /// S of a row with Σ v^p = `powers`.
  private func total(powers: Double) -> Double {
    exponent == 1 ? powers : pow(powers, 1 / exponent)
  }

  /// v^p.
  private func power(_ weighted: Float) -> Double {
    exponent == 1 ? Double(weighted) : pow(Double(weighted), exponent)
  }

  /// dS/dv = v^(p−1) · S^(1−p), for v above zero.
  private func slope(_ weighted: Float, total: Double) -> Float {
    exponent == 1
      ? 1 : Float(pow(Double(weighted), exponent - 1) * pow(total, 1 - exponent))
  }
}

extension SparsityLoss {
  /// By l1_coefficient and its warm-up.
  static func l1(_ settings: TrainSettings) -> SparsityLoss {
    SparsityLoss(
      coefficient: settings.l1Coefficient, warmUpSteps: settings.l1WarmUpSteps, lossFigure: .l1,
      coefficientFigure: .l1Coefficient)
  }
}
