// Textbook versions of the kernels in double precision, one loop each.

import Foundation
package import Shared

package enum ReferenceKernels {
  package static func activate(_ activation: Activation, _ x: Double) -> Double {
    switch activation {
    case .gelu: 0.5 * x * (1 + erf(x / 2.squareRoot()))
    case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .silu: x / (1 + exp(-x))
    case .relu: max(0, x)
    case .quickGELU: x / (1 + exp(-1.702 * x))
    case .squaredReLU: max(0, x) * max(0, x)
    // The softmax over a row of one.
    case .solu: x
    }
  }

  package static func softmax(_ row: [Double]) -> [Double] {
    let top = row.max() ?? 0
    let powers = row.map { exp($0 - top) }
    let total = powers.reduce(0, +)
    return powers.map { $0 / total }
  }

  package static func normalize(
    _ row: [Double], _ kind: NormKind, epsilon: Double
  ) -> (scale: Double, row: [Double]) {
    let mean = kind == .layer ? row.reduce(0, +) / Double(row.count) : 0
    let centered = row.map { $0 - mean }
    let scale = (centered.reduce(0) { $0 + $1 * $1 } / Double(row.count) + epsilon).squareRoot()
    return (scale, centered.map { $0 / scale })
  }

  /// Numbers between -`range` and `range`, and some at its ends.
  package static func numbers(_ count: Int, range: Float, seed: Int) -> [Float] {
    let random = Random(seed: seed, stream: "kernel-test")
    return (0..<count).map { index in
      index % 31 == 0 ? (index % 2 == 0 ? range : -range) : Float(random.normal(index)) * range / 3
    }
  }
}
