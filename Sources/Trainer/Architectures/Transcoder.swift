// Transcoders: the formulas of another SAE towards a target of their own, with or without a linear
// connection past the latents. Dunefsky et al. 2024; skip connection of Paulo et al. 2025. b_dec is
// never subtracted from the input.
//
//   x̂ = f·W_dec + b_dec (+ x·W_skipᵀ)

import Shared

struct TranscoderSAE: SAEArchitecture {
  private let base: any SAEArchitecture
  private let hasSkip: Bool

  init(_ base: any SAEArchitecture, hasSkip: Bool) {
    self.base = base
    self.hasSkip = hasSkip
  }

  var parameters: [ParameterKind] { base.parameters + (hasSkip ? [.skip] : []) }
  var learnedByLogarithm: Set<ParameterKind> { base.learnedByLogarithm }

  var selection: Selection { base.selection }
  var comparesByDecoderNorm: Bool { base.comparesByDecoderNorm }

  var reconstructions: [RowReconstruction] { base.reconstructions }

  func activate(
    _ row: borrowing RowEntries, _ terms: borrowing LatentTerms,
    _ activations: inout MutableSpan<Float>
  ) {
    base.activate(row, terms, &activations)
  }

  var entryGradients: EntryGradientKinds { base.entryGradients }

  func differentiate(
    _ row: borrowing ActiveEntries, _ terms: borrowing LatentTerms,
    _ gradients: inout EntryGradients
  ) -> RowSparsity { base.differentiate(row, terms, &gradients) }

  func write(
    _ sums: LatentSums, of latent: Int, _ terms: borrowing LatentTerms,
    to gradient: borrowing ParameterWriter
  ) {
    base.write(sums, of: latent, terms, to: gradient)
  }

  var sparsity: SparsityLoss? { base.sparsity }
  var revivals: [Revival] { base.revivals }
  var fixedL0: Int? { base.fixedL0 }

  var trainingOptions: [String] { base.trainingOptions }

  static let options = ["hook_name_out", "d_out"]
}
