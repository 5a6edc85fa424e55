// The topk SAE: of each row the k largest latents take part. Gao et al. 2024, with SAELens's
// comparison of latents as if decoder rows had norm 1. In abstopk they are the largest by magnitude
// and keep their sign.
//
//   h = (a·W_enc + b_enc) · ‖W_j‖     f = ReLU of the k largest h of a row     x̂ = Σ f_j·W_j/‖W_j‖ + b_dec
//   L = MSE + AuxK
//
// Norms cancel in x̂: an active latent adds its pre-activation times W_j, and the gradient is that
// of a plain decoder.

import Shared

/// topk and abstopk.
struct TopKSAE: SAEArchitecture {
  private let dSae: Int
  private let k: Double
  private let rescales: Bool
  private let auxiliary: AuxiliaryLoss
  private let largest: TopK

  init(_ settings: TrainSettings, dSae: Int, comparesMagnitudes: Bool = false) {
    self.dSae = dSae
    k = settings.k
    rescales = settings.rescaleActsByDecoderNorm
    largest = TopK(k: min(Int(settings.k), dSae), comparesMagnitudes: comparesMagnitudes)
    auxiliary = AuxiliaryLoss(
      coefficient: settings.auxLossCoefficient, comparesMagnitudes: comparesMagnitudes)
  }

  var parameters: [ParameterKind] { [.encoder, .encoderBias] }

  var selection: Selection { .rows(largest) }
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

  func exported(_ folding: Folding) -> [String: JSON] {
    [
      "k": .integer(largest.k),
      "rescale_acts_by_decoder_norm": .bool(rescales && !folding.hasDecoderNorms),
    ]
  }

  var formulaOptions: [String] { ["k", "rescale_acts_by_decoder_norm"] }
  var trainingOptions: [String] { ["aux_loss_coefficient"] }
  var trainingFacts: [String: JSON] { ["use_sparse_activations": .bool(false)] }

  static let options = ["k", "rescale_acts_by_decoder_norm", "aux_loss_coefficient"]
}

/// The forward formula of SAEs whose latents are compared with one another.
enum ComparedLatents {
  static func activate(
    _ row: borrowing RowEntries, _ terms: borrowing LatentTerms,
    _ activations: inout MutableSpan<Float>, rescales: Bool
  ) {
    for index in row.selected.indices {
      activations[index] =
        rescales
        ? row.selected[index] * terms.inverses[Int(row.latents[index])] : row.selected[index]
    }
  }
}

extension [RowReconstruction] {
  /// One by all latents.
  static func single(_ dSae: Int) -> [RowReconstruction] { [RowReconstruction(latents: 0..<dSae)] }
}
