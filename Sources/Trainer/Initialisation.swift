// The parameters before the first step, as SAELens 6 draws them: a decoder with rows of equal norm,
// the encoder its transpose, biases zero. Torch's random stream is not reproduced.

import Shared

extension Parameters {
  /// Draws initial parameters.
  ///
  /// The decoder is uniform on ±√(6/d) (He et al. 2015, fan-in d, slope 0), its rows then scaled to
  /// `rowNorm` unless that is nil.
  package static func initial(
    dIn: Int, dSae: Int, rowNorm: Double?, seed: Int
  ) -> Parameters {
    let result = Parameters(dIn: dIn, dSae: dSae)
    result.draw(rowNorm: rowNorm, seed: seed)
    return result
  }

  private func draw(rowNorm: Double?, seed: Int) {
    let (dIn, dSae) = (shape.dIn, shape.dSae)
    let random = Random(seed: seed, stream: "W_dec")
    let bound = (6 / Double(dIn)).squareRoot()
    let decoder = decoder.disjoint
    let encoder = encoder.disjoint
    Parallel.forBlocks(dSae, blockSize: 64) { latents in
      for latent in latents {
        let range = latent * dIn..<(latent + 1) * dIn
        decoder.withSlice(range) { row in
          Self.draw(&row, random, firstIndex: range.lowerBound, bound: bound, norm: rowNorm)
          encoder.withSlice(range) { copy in
            for column in 0..<dIn { copy[column] = row[column] }
          }
        }
      }
    }
  }

  private static func draw(
    _ row: inout MutableSpan<Float>, _ random: Random, firstIndex: Int, bound: Double,
    norm: Double?
  ) {
    for column in 0..<row.count {
      row[column] = Float((2 * random.uniform(firstIndex + column) - 1) * bound)
    }
    guard let norm else { return }
    let length = Vector.squaredNorm(row.span).squareRoot()
    let factor = Float(length > 0 ? norm / length : 0)
    for column in 0..<row.count { row[column] *= factor }
  }
}

/// Centres of a set of rows, for the initial decoder bias.
package enum Centre {
  /// The mean of rows `[rows, d]`, summed in float64.
  package static func mean(_ values: Span<Float>, columns: Int) -> [Float] {
    var sums = [Double](repeating: 0, count: columns)
    let rows = values.count / max(1, columns)
    for row in 0..<rows {
      for column in 0..<columns { sums[column] += Double(values[row * columns + column]) }
    }
    return sums.map { Float($0 / Double(max(1, rows))) }
  }

  /// The point with the smallest sum of distances to rows `[rows, d]`.
  ///
  /// Weiszfeld's iteration from the mean, at most 100 times, until the sum stops falling; weights
  /// are 1 / max(distance, 1e-6).
  package static func geometricMedian(_ values: Span<Float>, columns: Int) -> [Float] {
    let rows = values.count / max(1, columns)
    var centre = mean(values, columns: columns).map(Double.init)
    var lastSum = Double.infinity
    for _ in 0..<100 {
      var weighted = [Double](repeating: 0, count: columns)
      var total = 0.0
      var sum = 0.0
      for row in 0..<rows {
        var square = 0.0
        for column in 0..<columns {
          let difference = Double(values[row * columns + column]) - centre[column]
          square += difference * difference
        }
        let distance = square.squareRoot()
        let weight = 1 / max(distance, 1e-6)
        sum += distance
        total += weight
        for column in 0..<columns {
          weighted[column] += weight * Double(values[row * columns + column])
        }
      }
      guard total > 0, abs(lastSum - sum) > 1e-20 * sum else { break }
      lastSum = sum
      centre = weighted.map { $0 / total }
    }
    return centre.map { Float($0) }
  }
}
