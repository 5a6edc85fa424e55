// Centers of rows, from which an initial decoder bias is taken.

import Shared

/// Centers of a set of rows, for the initial decoder bias.
package enum Center {
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
    var center = mean(values, columns: columns).map(Double.init)
    var lastSum = Double.infinity
    for _ in 0..<100 {
      var weighted = [Double](repeating: 0, count: columns)
      var total = 0.0
      var sum = 0.0
      for row in 0..<rows {
        var square = 0.0
        for column in 0..<columns {
          let difference = Double(values[row * columns + column]) - center[column]
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
      center = weighted.map { $0 / total }
    }
    return center.map { Float($0) }
  }
}
