// The matryoshka SAE: a batchtopk SAE whose first w₁ < w₂ < … latents must reconstruct alone as well.
// Bussmann et al. 2025.
//
//   L = MSE + AuxK + Σ_{i<m} mean_b ‖f_{:w_i}·W_{:w_i} + b_dec − x‖²
//
// All else is that of batchtopk.

import Shared

struct MatryoshkaSAE: SAEArchitecture {
  private let base: BatchTopKSAE
  /// Ends of the ranges of latents; the last is `dSae`.
  private let widths: [Int]
  private let hasOwnAuxiliary: Bool

  init(_ settings: TrainSettings, dSae: Int) {
    hasOwnAuxiliary = settings.useMatryoshkaAuxLoss
    base = BatchTopKSAE(settings, dSae: dSae, auxiliaryPerReconstruction: hasOwnAuxiliary)
    widths = settings.matryoshkaWidths.values.filter { $0 < dSae } + [dSae]
  }

  var parameters: [ParameterKind] { base.parameters }

  var selection: Selection { base.selection }
  var comparesByDecoderNorm: Bool { base.comparesByDecoderNorm }

  var reconstructions: [RowReconstruction] {
    zip([0] + widths, widths).map { first, end in
      RowReconstruction(
        latents: first..<end, continues: first > 0,
        figure: end == widths.last ? nil : .inner(width: end))
    }
  }

  func activate(
    _ row: borrowing RowEntries, _ terms: borrowing LatentTerms,
    _ activations: inout MutableSpan<Float>
  ) {
    base.activate(row, terms, &activations)
  }

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

  var revivals: [Revival] { base.revivals }
  var fixedL0: Int? { base.fixedL0 }
  var carried: [String: [Double]] { base.carried }
  func carry(_ carried: inout [String: [Double]], _ facts: StepFacts) {
    base.carry(&carried, facts)
  }
  func figures(carried: [String: [Double]]) -> Figures {
    base.figures(carried: carried)
  }

  var foldsDecoderNorms: Bool { base.foldsDecoderNorms }
  func finalThreshold(carried: [String: [Double]]) -> Double? {
    base.finalThreshold(carried: carried)
  }

  var exportedName: Architecture? { base.exportedName }
  var formulaOptions: [String] { base.formulaOptions }
  var trainingOptions: [String] { base.trainingOptions + ["use_matryoshka_aux_loss"] }
  var trainingFacts: [String: JSON] {
    var facts = base.trainingFacts
    // SAELens adds the width of all latents to those that were given.
    facts["matryoshka_widths"] = .array(widths.map { .integer($0) })
    return facts
  }
  func exportedScalars(carried: [String: [Double]]) -> [String: Double] {
    base.exportedScalars(carried: carried)
  }

  static let options = BatchTopKSAE.options + ["matryoshka_widths", "use_matryoshka_aux_loss"]
}
