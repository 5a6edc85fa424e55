// Sums over the rows of an activation stage, from which the trainer normalizes and initializes
// without a pass of its own. They are taken over the rows as stored, in row order and fixed blocks.

/// Sums over rows `[rows, dIn]` in double precision.
package struct ActivationStatistics: Sendable, Equatable {
  package private(set) var rows = 0
  /// Sum of each column, `[dIn]`.
  package private(set) var sum: [Double]
  /// Sum of each column's squares, `[dIn]`.
  package private(set) var sumOfSquares: [Double]
  /// Sum of the Euclidean norms of the rows.
  package private(set) var sumOfNorms = 0.0

  package init(dIn: Int) {
    sum = [Double](repeating: 0, count: dIn)
    sumOfSquares = sum
  }

  package var dIn: Int { sum.count }

  /// Whether every number of every row is finite.
  package var isFinite: Bool { sumOfNorms.isFinite }

  /// Adds rows `[n, dIn]`, one after the other.
  package mutating func add(_ values: Span<Float>) {
    let width = dIn
    guard width > 0 else { return }
    rows += values.count / width
    for start in stride(from: 0, to: values.count, by: width) {
      let row = values.extracting(start..<start + width)
      addColumns(row, to: &sum) { $0 }
      addColumns(row, to: &sumOfSquares) { $0 * $0 }
      sumOfNorms += squaredNorm(row).squareRoot()
    }
  }

  /// Adds the sums of other rows.
  package mutating func add(_ other: ActivationStatistics) {
    precondition(other.dIn == dIn, "widths differ")
    rows += other.rows
    for column in 0..<dIn {
      sum[column] += other.sum[column]
      sumOfSquares[column] += other.sumOfSquares[column]
    }
    sumOfNorms += other.sumOfNorms
  }

  /// Mean of each column, `[dIn]`.
  package var mean: [Double] { sum.map { $0 / Double(max(1, rows)) } }
  /// Mean of ‖x‖.
  package var meanNorm: Double { sumOfNorms / Double(max(1, rows)) }
  /// Mean of ‖x‖².
  package var secondMoment: Double { sumOfSquares.reduce(0, +) / Double(max(1, rows)) }

  /// What a manifest says under `statistics`.
  package var json: JSON {
    .object([
      "mean": .array(mean.map { .number($0) }), "mean_norm": .number(meanNorm),
      "second_moment": .number(secondMoment),
    ])
  }
}

@inline(__always) private func addColumns(
  _ row: Span<Float>, to sums: inout [Double], _ term: (Double) -> Double
) {
  var sums = sums.mutableSpan
  for column in 0..<row.count { sums[column] += term(Double(row[column])) }
}

/// ‖row‖² in double precision, in eight fixed lanes.
private func squaredNorm(_ row: Span<Float>) -> Double {
  var lanes = SIMD8<Double>(repeating: 0)
  let whole = row.count / 8 * 8
  for start in stride(from: 0, to: whole, by: 8) {
    var values = SIMD8<Double>(repeating: 0)
    for lane in 0..<8 { values[lane] = Double(row[start + lane]) }
    lanes += values * values
  }
  var total = 0.0
  for lane in 0..<8 { total += lanes[lane] }
  for index in whole..<row.count { total += Double(row[index]) * Double(row[index]) }
  return total
}

extension ActivationStatistics {
  private static let sumKey = "saeline.sum"
  private static let sumOfSquaresKey = "saeline.sum_of_squares"
  private static let sumOfNormsKey = "saeline.sum_of_norms"

  /// The sums as decimal strings that read back to the same numbers.
  var metadata: [String: String] {
    [
      Self.sumKey: sum.map { "\($0)" }.joined(separator: " "),
      Self.sumOfSquaresKey: sumOfSquares.map { "\($0)" }.joined(separator: " "),
      Self.sumOfNormsKey: "\(sumOfNorms)",
    ]
  }

  /// Reads the sums from the metadata of a shard with `rows` rows of `dIn` columns.
  init(
    metadata: [String: String], rows: Int, dIn: Int, path: String
  ) throws(ShardError) {
    func numbers(_ key: String, _ count: Int) throws(ShardError) -> [Double] {
      let values = metadata[key]?.split(separator: " ").map { Double($0) }
      guard let values, values.count == count else {
        throw .malformedMetadata(path: path, key: key, value: metadata[key])
      }
      let finite = values.compactMap { $0 }
      guard finite.count == count else {
        throw .malformedMetadata(path: path, key: key, value: metadata[key])
      }
      return finite
    }
    self.rows = rows
    sum = try numbers(Self.sumKey, dIn)
    sumOfSquares = try numbers(Self.sumOfSquaresKey, dIn)
    sumOfNorms = try numbers(Self.sumOfNormsKey, 1)[0]
  }
}
