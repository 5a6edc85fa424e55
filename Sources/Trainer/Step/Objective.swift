// What an architecture makes of the active latents of a row: how much of each decoder row it takes,
// and the derivatives. Both passes, sparse and dense, go through here; each architecture's formulas
// stand in its own file.

import Shared

/// The formulas of a step, with what they read.
struct Objective: ~Escapable, Sendable {
  let configuration: SAEConfiguration
  /// λ of the step over the number of rows: the weight of a row's sparsity loss.
  let rowCoefficient: Double
  /// ‖W_j‖ and its inverse.
  let norms: Span<Float>
  let inverses: Span<Float>
  let biases: Span<Float>
  let thresholds: Span<Float>
  let magnitudeBiases: Span<Float>
  /// exp(r_mag).
  let magnitudeFactors: Span<Float>
  let latentScales: Span<Float>

  @_lifetime(borrow parameters, borrow norms)
  init(
    _ configuration: SAEConfiguration, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, rows: Int, coefficient: Double
  ) {
    self.configuration = configuration
    rowCoefficient = coefficient / Double(rows)
    self.norms = norms.values.span
    inverses = norms.inverses.span
    biases = parameters.encoderBias.span
    thresholds = parameters.threshold.span
    magnitudeBiases = parameters.magnitudeBias.span
    magnitudeFactors = norms.magnitudeFactors.span
    latentScales = parameters.latentScale.span
  }

  /// The weight of a latent in the sparsity loss.
  @inline(__always) func weight(_ latent: Int) -> Float {
    configuration.weighsSparsityByDecoderNorm ? norms[latent] : 1
  }

  /// Fills what each entry multiplies its decoder row by.
  func fillAmplitudes(
    _ latents: Span<Int32>, _ values: Span<Float>, _ amplitudes: inout MutableSpan<Float>
  ) {
    switch configuration.selection {
    case .relu: Standard.fillAmplitudes(self, latents, values, &amplitudes)
    case .gate: Gated.fillAmplitudes(self, latents, values, &amplitudes)
    case .topk, .absTopK, .batchTopK: TopK.fillAmplitudes(self, latents, values, &amplitudes)
    case .jumpReLU: JumpReLU.fillAmplitudes(self, latents, values, &amplitudes)
    case .pursuit:
      for index in values.indices { amplitudes[index] = values[index] }
    }
  }

  /// Turns the derivatives by amplitudes into those by everything else.
  ///
  /// - Parameters:
  ///   - row: the entries of a row.
  ///   - slopes: dL/d(amplitude) at first, then dL/d(a·W_enc).
  ///   - pressures: filled with dL/d‖W_j‖; without elements where the norm is no part of the loss.
  ///   - extras: gated: dL/d(via-gate amplitude) at first, then dL/d(magnitude); jumprelu: filled
  ///     with dL/dθ; fine-tuning: filled with dL/d(latent scale).
  /// - Returns: the row's sparsity loss, its share of the mean.
  func differentiate(
    _ row: borrowing RowEntries, _ slopes: inout MutableSpan<Float>,
    _ pressures: inout MutableSpan<Float>, _ extras: inout MutableSpan<Float>
  ) -> Double {
    switch configuration.selection {
    case .relu: Standard.differentiate(self, row, &slopes, &pressures, &extras)
    case .gate: Gated.differentiate(self, row, &slopes, &pressures, &extras)
    case .topk, .absTopK, .batchTopK: 0
    case .jumpReLU: JumpReLU.differentiate(self, row, &slopes, &pressures, &extras)
    case .pursuit: preconditionFailure("has a pass of its own")
    }
  }
}

/// The entries of one row.
struct RowEntries: ~Escapable {
  let latents: Span<Int32>
  /// What selection saw: the pre-activation, times ‖W_j‖ in topk and kin.
  let values: Span<Float>
  let amplitudes: Span<Float>

  @_lifetime(copy latents, copy values, copy amplitudes)
  init(latents: Span<Int32>, values: Span<Float>, amplitudes: Span<Float>) {
    self.latents = latents
    self.values = values
    self.amplitudes = amplitudes
  }
}
