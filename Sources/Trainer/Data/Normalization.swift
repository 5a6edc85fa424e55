// The one owner of what `normalize_activations` does to the data before the SAE sees it. Comes in: the
// cache's statistics, or its covariance. Leaves: the transformation for the loader. What is done to single
// rows inside the SAE is in RowScaling; how weights take it in, in Folding.

package import Shared

/// The transformation between activations as cached and activations as trained on.
package struct Normalization: Sendable, Equatable {
  /// s in x ← s·x.
  package let factor: Double
  /// x ← (x − μ)·M, instead of a factor.
  package let whitening: Whitening?

  /// No transformation.
  package static let identity = Normalization(factor: 1)

  package init(factor: Double) {
    self.factor = factor
    whitening = nil
  }

  package init(whitening: Whitening) {
    factor = 1
    self.whitening = whitening
  }

  /// s = √d / mean‖x‖ for `expected_average_only_in`, so that rows have the norm √d on average; 1 for
  /// what is not done to the data.
  package init(_ mode: ActivationNormalization, dIn: Int, meanNorm: Double) {
    let scales = mode == .expectedAverageOnlyIn && meanNorm > 0
    self.init(factor: scales ? Double(dIn).squareRoot() / meanNorm : 1)
  }

  /// Transforms rows `[rows, d]` in place; `scratch` has their size where there is whitening.
  func apply(to rows: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>) {
    if let whitening {
      whitening.apply(to: &rows, scratch: &scratch)
    } else if factor != 1 {
      let factor = Float(factor)
      for index in rows.indices { rows[index] *= factor }
    }
  }
}
