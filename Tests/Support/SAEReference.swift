// A textbook SAE in double precision: its loss as a plain function of its parameters, one loop per
// formula, and derivatives by central differences. What is a constant for the derivatives is given
// as an argument.

import Foundation

/// An SAE with `latents` latents of width `width`.
package struct SAEReference: Sendable {
  package enum Tensor: Int, CaseIterable, Sendable {
    case encoder, encoderBias, decoder, decoderBias
  }

  package struct Formula: Sendable {
    /// Latents kept per row; nil is a ReLU SAE.
    package var k: Int?
    package var isRescaled = true
    package var subtractsBias = true
    package var exponent = 1.0
    package var sparsityCoefficient = 0.0
    package var auxiliaryCoefficient = 0.0
    package var dead: [Int] = []

    package init() {}
  }

  package struct Losses: Sendable {
    package var mse = 0.0
    package var sparsity = 0.0
    package var auxiliary = 0.0
    package var total: Double { mse + sparsity + auxiliary }
  }

  package let width: Int
  package let latents: Int
  package var formula: Formula
  /// W_encᵀ `[D, d]`, b_enc, W_dec `[D, d]`, b_dec.
  package var tensors: [[Double]]

  package init(width: Int, latents: Int, _ formula: Formula, tensors: [[Float]]) {
    self.width = width
    self.latents = latents
    self.formula = formula
    self.tensors = tensors.map { $0.map(Double.init) }
  }

  private subscript(tensor: Tensor, index: Int) -> Double { tensors[tensor.rawValue][index] }

  private func norm(_ latent: Int) -> Double {
    (0..<width).reduce(0) {
      $0 + self[.decoder, latent * width + $1] * self[.decoder, latent * width + $1]
    }.squareRoot()
  }

  /// What latents are compared by, `[D]`.
  private func preActivations(_ row: [Double], norms: [Double]) -> [Double] {
    (0..<latents).map { latent in
      var sum = self[.encoderBias, latent]
      for column in 0..<width {
        let input = row[column] - (formula.subtractsBias ? self[.decoderBias, column] : 0)
        sum += input * self[.encoder, latent * width + column]
      }
      return formula.k != nil && formula.isRescaled ? sum * norms[latent] : sum
    }
  }

  /// The indices of the largest numbers, of equal ones the first.
  package static func largest(_ count: Int, of values: [Double]) -> [Int] {
    let order = values.indices.sorted {
      values[$0] > values[$1] || (values[$0] == values[$1] && $0 < $1)
    }
    return order.prefix(count).sorted()
  }

  private func activations(_ preActivations: [Double]) -> [Double] {
    guard let k = formula.k else { return preActivations.map { max($0, 0) } }
    var result = [Double](repeating: 0, count: latents)
    for latent in Self.largest(k, of: preActivations) {
      result[latent] = max(preActivations[latent], 0)
    }
    return result
  }

  /// Σ_j f_j·W_j, over the norms where latents are compared by them.
  private func decode(_ activations: [Double], norms: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: width)
    for latent in 0..<latents where activations[latent] != 0 {
      let divisor = formula.k != nil && formula.isRescaled ? norms[latent] : 1
      for column in 0..<width {
        result[column] +=
          activations[latent] / divisor * self[.decoder, latent * width + column]
      }
    }
    return result
  }

  /// The feature activations f `[D]` of a row and its reconstruction `[d]`.
  package func encode(_ row: [Double]) -> (activations: [Double], reconstruction: [Double]) {
    let norms = (0..<latents).map(norm)
    let active = activations(preActivations(row, norms: norms))
    let decoded = decode(active, norms: norms)
    return (active, decoded.enumerated().map { $1 + self[.decoderBias, $0] })
  }

  /// x − x̂ of every row, which the auxiliary loss takes as constant.
  package func residuals(_ rows: [[Double]]) -> [[Double]] {
    rows.map { row in zip(row, encode(row).reconstruction).map { $0 - $1 } }
  }

  package func losses(_ rows: [[Double]], residuals: [[Double]]) -> Losses {
    let norms = (0..<latents).map(norm)
    var result = Losses()
    for (row, residual) in zip(rows, residuals) {
      let hidden = preActivations(row, norms: norms)
      let active = activations(hidden)
      let decoded = decode(active, norms: norms)
      for column in 0..<width {
        let error = decoded[column] + self[.decoderBias, column] - row[column]
        result.mse += error * error
      }
      result.sparsity += formula.k == nil ? sparsity(active, norms: norms) : 0
      result.auxiliary += auxiliary(hidden, norms: norms, residual)
    }
    let count = Double(rows.count)
    result.mse /= count
    result.sparsity *= formula.sparsityCoefficient / count
    result.auxiliary /= count
    return result
  }

  private func sparsity(_ active: [Double], norms: [Double]) -> Double {
    let powers = zip(active, norms).reduce(0) { sum, pair in
      pair.0 > 0 ? sum + pow(pair.0 * pair.1, formula.exponent) : sum
    }
    return powers > 0 ? pow(powers, 1 / formula.exponent) : 0
  }

  private func auxiliary(_ hidden: [Double], norms: [Double], _ residual: [Double]) -> Double {
    guard !formula.dead.isEmpty, formula.auxiliaryCoefficient > 0 else { return 0 }
    let half = width / 2
    let share = min(Double(formula.dead.count) / Double(half), 1)
    let kept = Self.largest(half, of: formula.dead.map { hidden[$0] }).map { formula.dead[$0] }
    var values = [Double](repeating: 0, count: latents)
    for latent in kept { values[latent] = hidden[latent] }
    let square = zip(decode(values, norms: norms), residual).reduce(0) {
      $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
    }
    return formula.auxiliaryCoefficient * share * square
  }

  /// The derivative of the loss for one number of a tensor, by central differences.
  package func derivative(
    _ tensor: Tensor, _ index: Int, _ rows: [[Double]], residuals: [[Double]]
  ) -> Double {
    let step = 1e-6
    var above = self
    above.tensors[tensor.rawValue][index] += step
    var below = self
    below.tensors[tensor.rawValue][index] -= step
    return
      (above.losses(rows, residuals: residuals).total
      - below.losses(rows, residuals: residuals).total) / (2 * step)
  }
}
