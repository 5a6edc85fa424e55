// What was done to the data taken into the weights, so that they take rows as they are cached.

import Foundation
import Shared

extension Normalization {
  /// Lets the weights take rows as they are cached.
  ///
  /// With a factor: W_enc·s, W_dec/s, b_dec/s, and in a transcoder the same; biases of latents and
  /// thresholds stay. See `Whitening.fold` for the other case.
  package func fold(into parameters: inout Parameters, appliesBDecToInput: Bool = true) {
    if let whitening {
      return whitening.fold(into: &parameters, appliesBDecToInput: appliesBDecToInput)
    }
    guard factor != 1 else { return }
    let factor = Float(factor)
    // Where the decoder encodes as well, values take the factor: SAELens divides W_dec, which changes
    // what is found.
    if parameters.shape.has(.encoder) {
      parameters.encoder.buffer.apply { $0 * factor }
      parameters.decoder.buffer.apply { $0 / factor }
    }
    parameters.decoderBias.buffer.apply { $0 / factor }
  }
}

extension Whitening {
  /// W_enc ← M·W_enc; biases of latents lose μ·(M·W_enc) unless b_dec is subtracted from the input;
  /// W_dec ← W_dec·M⁻¹; b_dec ← b_dec·M⁻¹ + μ.
  func fold(into parameters: inout Parameters, appliesBDecToInput: Bool) {
    let latents = parameters.shape.dSae
    // Encoder rows are latents: w_j ← w_j·Mᵀ.
    parameters.encoder = product(parameters.encoder, matrix, .transposed)
    parameters.decoder = product(parameters.decoder, inverse, .plain)
    parameters.decoderBias = product(parameters.decoderBias, inverse, .plain)
    for column in 0..<width { parameters.decoderBias.buffer[column] += mean[column] }
    guard !appliesBDecToInput else { return }
    for latent in 0..<latents {
      let shift = shift(parameters.encoder, latent)
      parameters.encoderBias.buffer[latent] -= shift
      if parameters.magnitudeBias.count > 0 {
        parameters.magnitudeBias.buffer[latent] -=
          shift * exp(parameters.magnitudeScale.buffer[latent])
      }
    }
  }

  /// μ·w_j.
  private func shift(_ weights: borrowing Matrix, _ latent: Int) -> Float {
    let mean = mean
    return Vector.dot(weights.row(latent), mean.span)
  }

  private func product(_ left: borrowing Matrix, _ right: [Float], _ layout: Layout) -> Matrix {
    var result = Matrix(rows: left.rows, columns: width)
    var target = result.mutableSpan
    ChainProduct.product(
      rows: left.rows, columns: width, inner: width, left.span, .plain, right.span, layout,
      into: &target)
    return result
  }
}

extension AlignedBuffer<Float> {
  fileprivate mutating func apply(_ change: (Float) -> Float) {
    var values = mutableSpan
    for index in values.indices { values[index] = change(values[index]) }
  }
}
