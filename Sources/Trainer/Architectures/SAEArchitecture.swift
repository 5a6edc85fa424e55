// What an architecture is, as the passes ask for it: parameters, selection, forward, backward, losses,
// what is folded and what is exported. One file each states these in this order; passes know no kinds.

package import Shared

/// One kind of SAE.
package protocol SAEArchitecture: Sendable {
  /// What it has besides the decoder and its bias.
  var parameters: [ParameterKind] { get }
  /// Those that are above zero and of which training moves the logarithm.
  var learnedByLogarithm: Set<ParameterKind> { get }

  /// How the latents that take part are found.
  var selection: Selection { get }
  /// Latents are compared, and decoded, as if every decoder row had norm 1.
  var comparesByDecoderNorm: Bool { get }

  /// The reconstructions of a row, each with a loss of its own.
  var reconstructions: [RowReconstruction] { get }
  /// Fills what each entry multiplies its decoder row by: its selected value, unless said otherwise.
  func activate(
    _ row: borrowing RowEntries, _ terms: borrowing LatentTerms,
    _ activations: inout MutableSpan<Float>)
  /// What the finished SAE gives as the activation of an entry whose selected value is no such thing.
  var magnitude: (@Sendable (_ latent: Int, _ selected: Float, borrowing LatentTerms) -> Float)? {
    get
  }

  /// Which gradients entries have besides those by their activation.
  var entryGradients: EntryGradientKinds { get }
  /// Turns the gradients by activations into those by pre-activations and everything else; nothing is
  /// to be done where they are the same.
  ///
  /// - Returns: what the row adds to the sparsity loss.
  func differentiate(
    _ row: borrowing ActiveEntries, _ terms: borrowing LatentTerms,
    _ gradients: inout EntryGradients
  ) -> RowSparsity
  /// Writes the gradients of what a latent has one number of, from the sums over its entries.
  func write(
    _ sums: LatentSums, of latent: Int, _ terms: borrowing LatentTerms,
    to gradient: borrowing ParameterWriter)

  /// The loss that makes latents sparse; nil where selection alone does.
  var sparsity: SparsityLoss? { get }
  /// The losses that revive dead latents.
  var revivals: [Revival] { get }
  /// The L0 that the settings fix; nil where it comes of training.
  var fixedL0: Int? { get }
  /// What is carried from step to step besides parameters, before the first step.
  var carried: [String: [Double]] { get }
  /// Brings what is carried to the next step.
  func carry(_ carried: inout [String: [Double]], _ facts: StepFacts)
  /// Figures of what is carried, for the log.
  func figures(carried: [String: [Double]]) -> Figures

  /// Decoder norms go into the weights of the finished SAE.
  var foldsDecoderNorms: Bool { get }
  /// The one threshold that the finished SAE has of what was carried.
  func finalThreshold(carried: [String: [Double]]) -> Double?

  /// The word for the finished SAE; nil where it is that of training.
  var exportedName: Architecture? { get }
  /// What cfg.json says of the finished SAE besides what it says of all; `factor` is folded into it.
  func exported(_ folding: Folding) -> [String: JSON]
  /// Options of the formula that cfg.json states in training as well.
  var formulaOptions: [String] { get }
  /// Options that cfg.json states as details of the training.
  var trainingOptions: [String] { get }
  /// Further details, and those that are not stated as they were given.
  var trainingFacts: [String: JSON] { get }
  /// What the training checkpoint's weights hold besides the parameters.
  func exportedScalars(carried: [String: [Double]]) -> [String: Double]

  /// The options that are its own.
  static var options: [String] { get }
}

extension SAEArchitecture {
  package var learnedByLogarithm: Set<ParameterKind> { [] }
  package var comparesByDecoderNorm: Bool { false }
  package func activate(
    _ row: borrowing RowEntries, _ terms: borrowing LatentTerms,
    _ activations: inout MutableSpan<Float>
  ) {
    for index in row.selected.indices { activations[index] = row.selected[index] }
  }

  package var magnitude:
    (@Sendable (_ latent: Int, _ selected: Float, borrowing LatentTerms) -> Float)?
  { nil }
  package var entryGradients: EntryGradientKinds { [] }
  package func differentiate(
    _ row: borrowing ActiveEntries, _ terms: borrowing LatentTerms,
    _ gradients: inout EntryGradients
  ) -> RowSparsity { RowSparsity() }

  package func write(
    _ sums: LatentSums, of latent: Int, _ terms: borrowing LatentTerms,
    to gradient: borrowing ParameterWriter
  ) {
    gradient.encoderBias.set(latent, sums.preActivation)
  }

  package var sparsity: SparsityLoss? { nil }
  package var revivals: [Revival] { [] }
  package var fixedL0: Int? { nil }
  package var carried: [String: [Double]] { [:] }
  package func carry(_ carried: inout [String: [Double]], _ facts: StepFacts) {}
  package func figures(carried: [String: [Double]]) -> Figures { Figures() }
  package var foldsDecoderNorms: Bool { false }
  package func finalThreshold(carried: [String: [Double]]) -> Double? { nil }
  package var exportedName: Architecture? { nil }
  package func exported(_ folding: Folding) -> [String: JSON] { [:] }
  package var formulaOptions: [String] { [] }
  package var trainingOptions: [String] { [] }
  package var trainingFacts: [String: JSON] { [:] }
  package func exportedScalars(carried: [String: [Double]]) -> [String: Double] { [:] }
}

/// What the finished SAE has in its weights.
package struct Folding: Sendable {
  /// The factor of the data.
  package let factor: Double
  package let hasDecoderNorms: Bool
}

/// One of the reconstructions of a row.
package struct RowReconstruction: Sendable {
  /// What an entry multiplies its decoder row by.
  package enum Source: Sendable { case activation, selected }

  /// The latents that it adds.
  package let latents: Range<Int>
  var source = Source.activation
  /// Whether it goes on from the one before it instead of starting from b_dec.
  var continues = false
  /// What its loss is logged as; nil of the one that the SAE gives out.
  var figure: Figure?
}

/// The loss that makes latents sparse.
package struct SparsityLoss: Sendable {
  /// λ at its height.
  package let coefficient: Double
  /// Steps over which λ grows from 0.
  package let warmUpSteps: Int
  package let lossFigure: Figure
  package let coefficientFigure: Figure
  /// What is carried as λ instead, by name.
  package var carriedCoefficient: String?
}

/// A loss that revives dead latents.
package enum Revival: Sendable {
  case auxiliary(AuxiliaryLoss)
  case ghostGradients
  case preActivations(coefficient: Double)

  /// Whether it does anything: AuxK with a weight of zero does not.
  var isActive: Bool {
    switch self {
    case .auxiliary(let loss): loss.coefficient > 0
    case .ghostGradients, .preActivations: true
    }
  }
}

/// AuxK as an architecture takes it.
package struct AuxiliaryLoss: Sendable {
  package let coefficient: Double
  /// Whether pre-activations are compared by their magnitudes.
  var comparesMagnitudes = false
  /// Whether the latents of each reconstruction learn from the error of their own.
  var isPerReconstruction = false
  /// Whether dead latents take part by ReLU of their pre-activations, and the decoder alone learns.
  var trainsDecoderOnly = false
}

/// What a step tells of itself to those who carry something on.
package struct StepFacts: Sendable {
  package let step: Int
  /// The least value that a selection over a whole batch kept.
  package let leastKept: Float?
  /// The means of `RowSparsity.watched` over the rows.
  package let watched: SIMD2<Double>
}
