// Normalizations of single rows, which SAELens runs inside the SAE.

package import Shared

/// A normalization of single rows, undone on the reconstruction.
package enum RowNormalization: Sendable, Equatable {
  case none
  /// x·c with c = √d / ‖x‖.
  case constantNorm
  /// (x − μ) / (σ + 1e-5) with σ of d − 1 degrees of freedom; the reconstruction is ·σ + μ.
  case layerNorm

  package init(_ mode: ActivationNormalization) {
    switch mode {
    case .constantNormRescale: self = .constantNorm
    case .layerNorm: self = .layerNorm
    default: self = .none
    }
  }
}
