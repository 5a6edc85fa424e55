// What the formulas of architectures read and write, row by row. Both passes, sparse and dense, go
// through them. An entry is a latent that was selected in a row.

import Foundation
package import Shared

/// The entries of one row as selection leaves them.
package struct RowEntries: ~Escapable {
  package let latents: Span<Int32>
  /// What selection saw: the pre-activation, times ‖W_j‖ where latents are compared by it.
  package let selected: Span<Float>

  @_lifetime(copy latents, copy selected)
  init(latents: Span<Int32>, selected: Span<Float>) {
    self.latents = latents
    self.selected = selected
  }
}

/// The entries of one row with their activations.
package struct ActiveEntries: ~Escapable {
  package let latents: Span<Int32>
  /// As in `RowEntries`.
  package let selected: Span<Float>
  /// What each entry multiplies its decoder row by.
  package let activations: Span<Float>

  @_lifetime(copy latents, copy selected, copy activations)
  init(latents: Span<Int32>, selected: Span<Float>, activations: Span<Float>) {
    self.latents = latents
    self.selected = selected
    self.activations = activations
  }
}

/// The numbers of latents that formulas read, and the weight of the sparsity loss.
package struct LatentTerms: ~Escapable, Sendable {
  /// The number of the step.
  package let step: Int
  /// λ of the step over the number of rows: the weight of a row's sparsity loss.
  package let rowCoefficient: Double
  /// ‖W_j‖ and its inverse.
  package let norms: Span<Float>
  package let inverses: Span<Float>
  package let biases: Span<Float>
  package let thresholds: Span<Float>
  package let magnitudeBiases: Span<Float>
  /// exp(r_mag).
  package let magnitudeFactors: Span<Float>
  package let latentScales: Span<Float>

  @_lifetime(copy parameters, borrow norms)
  package init(
    _ parameters: borrowing ParameterReader, _ norms: borrowing LatentNorms,
    rowCoefficient: Double = 0, step: Int = 0
  ) {
    self.step = step
    self.rowCoefficient = rowCoefficient
    self.norms = norms.values.span
    inverses = norms.inverses.span
    biases = parameters.encoderBias
    thresholds = parameters.threshold
    magnitudeBiases = parameters.magnitudeBias
    magnitudeFactors = norms.magnitudeFactors.span
    latentScales = parameters.latentScale
  }
}

/// Gradients of entries besides those by their activation.
package struct EntryGradientKinds: OptionSet, Sendable {
  package let rawValue: Int

  package init(rawValue: Int) { self.rawValue = rawValue }

  /// By ‖W_j‖, where the norm is part of the loss.
  static let decoderNorm = EntryGradientKinds(rawValue: 1)
  /// By something that the architecture has of its own; see `EntryGradients.own`.
  static let own = EntryGradientKinds(rawValue: 2)
  /// The sums of a latent have its own gradients also times what its encoder gave.
  static let ownTimesInput = EntryGradientKinds(rawValue: 4)
}

/// The gradients of a row's entries.
package struct EntryGradients: ~Copyable, ~Escapable {
  /// dL/d(activation) at first, then dL/d(a·W_enc).
  package var preActivation: MutableSpan<Float>
  /// Filled with dL/d‖W_j‖; without elements where the norm is no part of the loss.
  package var decoderNorm: MutableSpan<Float>
  /// What the architecture has of its own: gated dL/d(magnitude), jumprelu dL/dθ, fine-tuning
  /// dL/d(factor).
  ///
  /// Where there is a reconstruction by selected values, dL/d of those stands here at first.
  package var own: MutableSpan<Float>

  @_lifetime(copy preActivation, copy decoderNorm, copy own)
  init(
    preActivation: consuming MutableSpan<Float>, decoderNorm: consuming MutableSpan<Float>,
    own: consuming MutableSpan<Float>
  ) {
    self.preActivation = preActivation
    self.decoderNorm = decoderNorm
    self.own = own
  }
}

/// What a row adds to the sparsity loss.
package struct RowSparsity: Sendable {
  /// Its share of the mean, times λ.
  package var loss = 0.0
  /// What the architecture wants the means of, to carry something on.
  package var watched = SIMD2<Double>()
}

/// The sums of a latent over its entries, in their order.
package struct LatentSums: Sendable {
  package var active: Int32 = 0
  /// Of dL/d(a·W_enc), dL/d‖W_j‖ and the own gradients.
  package var preActivation: Float = 0
  package var decoderNorm: Float = 0
  package var own: Float = 0
  /// Of own gradients times a·W_enc.
  package var ownTimesInput: Float = 0
}

/// The norms of the decoder's rows, and what else is worked out of parameters once a step.
package struct LatentNorms: ~Copyable, Sendable {
  package private(set) var values: AlignedBuffer<Float>
  /// 1/‖W_j‖; 0 where the norm is 0.
  package private(set) var inverses: AlignedBuffer<Float>
  /// exp(r_mag).
  package private(set) var magnitudeFactors: AlignedBuffer<Float>

  package init(_ shape: ParameterShape) {
    values = AlignedBuffer(count: shape.dSae)
    inverses = AlignedBuffer(count: shape.dSae)
    magnitudeFactors = AlignedBuffer(count: shape.has(.magnitudeScale) ? shape.dSae : 0)
  }

  package mutating func measure(_ parameters: borrowing Parameters) {
    for latent in 0..<magnitudeFactors.count {
      magnitudeFactors[latent] = exp(parameters.magnitudeScale.buffer[latent])
    }
    Self.measure(parameters.decoder, &values, &inverses)
  }

  private static func measure(
    _ decoder: borrowing Matrix, _ values: inout AlignedBuffer<Float>,
    _ inverses: inout AlignedBuffer<Float>
  ) {
    NormMeasurement(decoder, values.writer, inverses.writer).run()
  }
}

/// Measures the norms of the rows of a decoder.
private struct NormMeasurement: ~Escapable, Sendable {
  private static let block = 64
  private let weights: Span<Float>
  private let width: Int
  private let norms: Disjoint<Float>
  private let inverses: Disjoint<Float>

  @_lifetime(borrow decoder, copy norms, copy inverses)
  init(_ decoder: borrowing Matrix, _ norms: Disjoint<Float>, _ inverses: Disjoint<Float>) {
    weights = decoder.span
    width = decoder.columns
    self.norms = norms
    self.inverses = inverses
  }

  func run() {
    Parallel.forBlocks(norms.count, blockSize: Self.block) { latents in
      for latent in latents {
        let row = weights.extracting(latent * width..<(latent + 1) * width)
        let norm = Float(Vector.squaredNorm(row).squareRoot())
        norms.set(latent, norm)
        inverses.set(latent, norm > 0 ? 1 / norm : 0)
      }
    }
  }
}
