// The one owner of the factor that `normalize_activations` puts on the data. Comes in: the mean
// norm that the cache's manifest states. Leaves: the factor for the loader, and weights with the
// factor folded into them, which take activations as they are.

package import Shared

/// The factor between activations as cached and activations as trained on.
package struct Normalization: Sendable, Equatable {
  /// s in x ← s·x.
  package let factor: Double

  /// s = √d / mean‖x‖ for `expected_average_only_in`, so that rows have the norm √d on average.
  package init(_ mode: ActivationNormalization, dIn: Int, meanNorm: Double) {
    switch mode {
    case .expectedAverageOnlyIn:
      factor = meanNorm > 0 ? Double(dIn).squareRoot() / meanNorm : 1
    default: factor = 1
    }
  }

  package var isIdentity: Bool { factor == 1 }

  /// Lets the weights take unscaled rows: W_enc·s, W_dec/s, b_dec/s; b_enc stays.
  package func fold(into parameters: inout Parameters) {
    guard !isIdentity else { return }
    let factor = Float(factor)
    parameters.encoder.buffer.apply { $0 * factor }
    parameters.decoder.buffer.apply { $0 / factor }
    parameters.decoderBias.buffer.apply { $0 / factor }
  }
}

extension AlignedBuffer<Float> {
  fileprivate mutating func apply(_ change: (Float) -> Float) {
    var values = mutableSpan
    for index in values.indices { values[index] = change(values[index]) }
  }
}
