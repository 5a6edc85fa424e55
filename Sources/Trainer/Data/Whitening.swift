// Whitening by the covariance of the activations (covariance_whitening): directions of equal spread.
//
//   C = covariance (n − 1) = E·Λ·Eᵀ, eigenvalues at least 0, plus 1e-3
//   z = (x − μ)·M      M = E·Λ^-½      M⁻¹ = Λ^½·Eᵀ

import Foundation
import Shared

/// The whitening of a cache's activations.
package final class Whitening: Sendable, Equatable {
  /// What SAELens adds to every eigenvalue.
  private static let leastVariance = 1e-3

  /// μ `[d]`.
  package let mean: [Float]
  /// M and M⁻¹ `[d, d]`, row-major.
  package let matrix: [Float]
  package let inverse: [Float]

  package init(mean: [Float], matrix: [Float], inverse: [Float]) {
    self.mean = mean
    self.matrix = matrix
    self.inverse = inverse
  }

  package static func == (left: Whitening, right: Whitening) -> Bool {
    left.mean == right.mean && left.matrix == right.matrix && left.inverse == right.inverse
  }

  package var width: Int { mean.count }

  /// The whitening of activations with a mean and a covariance `[d, d]`, symmetric.
  package convenience init(mean: [Double], covariance: [Double]) {
    let width = mean.count
    let (values, vectors) = Eigen.symmetric(covariance, size: width)
    var matrix = [Float](repeating: 0, count: width * width)
    var inverse = matrix
    for component in 0..<width {
      let variance = max(values[component], 0) + Self.leastVariance
      let deviation = variance.squareRoot()
      for column in 0..<width {
        let part = vectors[component * width + column]
        matrix[column * width + component] = Float(part / deviation)
        inverse[component * width + column] = Float(part * deviation)
      }
    }
    self.init(mean: mean.map { Float($0) }, matrix: matrix, inverse: inverse)
  }

  func apply(to rows: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>) {
    let count = rows.count / width
    let (mean, matrix) = (mean, matrix)
    for row in 0..<count {
      for column in 0..<width {
        scratch[row * width + column] = rows[row * width + column] - mean[column]
      }
    }
    Multiply.product(
      rows: count, columns: width, inner: width, scratch.span, .plain, matrix.span, .plain,
      into: &rows, threads: .none)
  }
}

/// Sums of rows and of their products, in float64 blocks.
struct CovarianceSums: ~Copyable {
  private let width: Int
  private var count = 0
  private var sums: [Double]
  private var products: [Double]
  private let block: Matrix

  init(width: Int) {
    self.width = width
    sums = Array(repeating: 0, count: width)
    products = Array(repeating: 0, count: width * width)
    block = Matrix(rows: width, columns: width)
  }

  /// Adds rows `[rows, d]`, fewer than float32 products lose digits over.
  mutating func add(_ rows: Span<Float>) {
    let number = rows.count / width
    block.disjoint.withAll { block in
      Multiply.product(
        rows: width, columns: width, inner: number, rows, .transposed, rows, .plain, into: &block)
    }
    for index in products.indices { products[index] += Double(block.buffer[index]) }
    for row in 0..<number {
      for column in 0..<width { sums[column] += Double(rows[row * width + column]) }
    }
    count += number
  }

  var mean: [Double] { sums.map { $0 / Double(count) } }

  /// `[d, d]` with n − 1 degrees of freedom.
  var covariance: [Double] {
    let mean = mean
    var result = products
    for row in 0..<width {
      for column in 0..<width {
        let index = row * width + column
        result[index] =
          (products[index] - Double(count) * mean[row] * mean[column]) / Double(max(1, count - 1))
      }
    }
    return result
  }
}
