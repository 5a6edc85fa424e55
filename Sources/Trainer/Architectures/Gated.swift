// The gated SAE: one path says which latents are active, another how strongly, with shared weights.
// Rajamanoharan et al. 2024, with SAELens's auxiliary term, whose decoder is not held constant.
//
//   z = a·W_enc      π = z + b_gate      f = 1[π > 0]·ReLU(z·exp(r_mag) + b_mag)      x̂ = f·W_dec + b_dec
//   L = MSE + λ·mean_b Σ_j ReLU(π_j)·‖W_j‖ + mean_b ‖ReLU(π)·W_dec + b_dec − x‖²
//
// An entry is a latent with π > 0; what was selected is π.

import Shared

struct GatedSAE: SAEArchitecture {
  private let dSae: Int
  private let weighsByDecoderNorm: Bool
  private let loss: SparsityLoss

  init(_ settings: TrainSettings, dSae: Int) {
    self.dSae = dSae
    weighsByDecoderNorm = settings.scaleSparsityPenaltyByDecoderNorm
    loss = .l1(settings)
  }

  var parameters: [ParameterKind] { [.encoder, .encoderBias, .magnitudeBias, .magnitudeScale] }

  var selection: Selection { .above(.zero) }

  var reconstructions: [RowReconstruction] {
    .single(dSae) + [RowReconstruction(latents: 0..<dSae, source: .selected, figure: .auxiliary)]
  }

  func activate(
    _ row: borrowing RowEntries, _ terms: borrowing LatentTerms,
    _ activations: inout MutableSpan<Float>
  ) {
    for index in row.selected.indices {
      activations[index] = Self.magnitude(Int(row.latents[index]), row.selected[index], terms)
    }
  }

  var magnitude: (@Sendable (_ latent: Int, _ selected: Float, borrowing LatentTerms) -> Float)? {
    { Self.magnitude($0, $1, $2) }
  }

  /// f of an entry.
  @inline(__always) private static func magnitude(
    _ latent: Int, _ gate: Float, _ terms: borrowing LatentTerms
  ) -> Float {
    max(
      0,
      (gate - terms.biases[latent]) * terms.magnitudeFactors[latent]
        + terms.magnitudeBiases[latent])
  }

  var entryGradients: EntryGradientKinds { [.decoderNorm, .own, .ownTimesInput] }

  func differentiate(
    _ row: borrowing ActiveEntries, _ terms: borrowing LatentTerms,
    _ gradients: inout EntryGradients
  ) -> RowSparsity {
    let coefficient = Float(terms.rowCoefficient)
    var total = 0.0
    for index in row.selected.indices {
      let latent = Int(row.latents[index])
      let gate = row.selected[index]
      let weight = weighsByDecoderNorm ? terms.norms[latent] : 1
      let magnitude = row.activations[index] > 0 ? gradients.preActivation[index] : 0
      total += Double(gate * weight)
      gradients.preActivation[index] =
        gradients.own[index] + coefficient * weight + magnitude * terms.magnitudeFactors[latent]
      gradients.own[index] = magnitude
      gradients.decoderNorm[index] = weighsByDecoderNorm ? coefficient * gate : 0
    }
    return RowSparsity(loss: terms.rowCoefficient * total)
  }

  func write(
    _ sums: LatentSums, of latent: Int, _ terms: borrowing LatentTerms,
    to gradient: borrowing ParameterWriter
  ) {
    // z feeds the gate directly and the magnitude through exp(r_mag).
    let factor = terms.magnitudeFactors[latent]
    gradient.encoderBias.set(latent, sums.preActivation - sums.own * factor)
    gradient.magnitudeBias.set(latent, sums.own)
    gradient.magnitudeScale.set(latent, sums.ownTimesInput * factor)
  }

  var sparsity: SparsityLoss? { loss }

  var trainingOptions: [String] { ["l1_coefficient", "l1_warm_up_steps"] }

  static let options = [
    "l1_coefficient", "l1_warm_up_steps", "scale_sparsity_penalty_by_decoder_norm",
  ]
}
