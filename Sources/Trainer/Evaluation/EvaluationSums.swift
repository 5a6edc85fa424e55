// The sums behind the final figures. Comes in: rows, their reconstructions and active latents. Leaves:
// the figures that are taken of a pass over the rows.

import Foundation

/// Sums over evaluated rows, in float64.
package struct EvaluationSums: Sendable {
  private let dIn: Int
  package private(set) var rows = 0
  /// The rows on which each latent is active.
  package private(set) var fires: [Int]
  private var columnSums: [Double]
  /// Those before the batch that is being added.
  private var earlierColumnSums: [Double]
  /// Σ(x−x̂)² of each row of that batch.
  private var batchErrors: [Double] = []
  private var squaredNorms = 0.0
  private var reconstructedSquaredNorms = 0.0
  private var products = 0.0
  private var squaredErrors = 0.0
  private var norms = 0.0
  private var reconstructedNorms = 0.0
  private var ratios = 0.0
  private var cosines = 0.0
  private var active = 0
  private var activation = 0.0
  private var explainedOfRows = 0.0
  private var explainedRows = 0

  package init(dIn: Int, latentCount: Int) {
    self.dIn = dIn
    fires = Array(repeating: 0, count: latentCount)
    columnSums = Array(repeating: 0, count: dIn)
    earlierColumnSums = columnSums
  }

  /// Bytes that the sums take for so many columns and latents.
  static func byteCount(dIn: Int, latentCount: Int) -> Int { 8 * (2 * dIn + latentCount) }

  /// Adds one row, its reconstruction, both `[dIn]`, and its active latents with their values.
  package mutating func add(
    row: Span<Float>, reconstruction: Span<Float>, latents: Span<Int32>, values: Span<Float>
  ) {
    precondition(row.count == dIn && reconstruction.count == dIn, "rows are dIn wide")
    precondition(latents.count == values.count, "a value for every latent")
    var squared = 0.0
    var squaredOut = 0.0
    var product = 0.0
    var error = 0.0
    for column in 0..<dIn {
      let x = Double(row[column])
      let y = Double(reconstruction[column])
      columnSums[column] += x
      squared += x * x
      squaredOut += y * y
      product += x * y
      error += (x - y) * (x - y)
    }
    rows += 1
    batchErrors.append(error)
    products += product
    reconstructedSquaredNorms += squaredOut
    squaredNorms += squared
    squaredErrors += error
    let norm = squared.squareRoot()
    let normOut = squaredOut.squareRoot()
    norms += norm
    reconstructedNorms += normOut
    ratios += normOut / (norm < 1e-4 ? 1 : norm)
    cosines += norm * normOut > 0 ? product / (norm * normOut) : 0
    active += latents.count
    for index in latents.indices {
      fires[Int(latents[index])] += 1
      activation += abs(Double(values[index]))
    }
  }

  /// Ends a batch, whose rows `[rows, dIn]` have been added: the variance that each of them has explained
  /// is measured around the mean of its batch.
  package mutating func endBatch(_ batch: Span<Float>) {
    let count = batchErrors.count
    precondition(batch.count == count * dIn, "the rows that were added")
    let means = zip(columnSums, earlierColumnSums).map { ($0 - $1) / Double(max(1, count)) }
    for (index, error) in batchErrors.enumerated() {
      var distance = 0.0
      for column in 0..<dIn {
        let difference = Double(batch[index * dIn + column]) - means[column]
        distance += difference * difference
      }
      // The only row of a batch is its mean.
      guard distance > 0 else { continue }
      explainedOfRows += 1 - error / distance
      explainedRows += 1
    }
    earlierColumnSums = columnSums
    batchErrors.removeAll(keepingCapacity: true)
  }

  /// The means over all rows, and what became of the latents.
  ///
  /// Explained variance is 1 − Σ‖x−x̂‖² / (Σ‖x‖² − N‖x̄‖²), and 1 or 0 where the rows do not vary. That of
  /// rows is known where batches were ended.
  package var figures: Figures {
    let count = Double(max(1, rows))
    let squaredMean = columnSums.reduce(0) { $0 + ($1 / count) * ($1 / count) }
    let variance = squaredNorms / count - squaredMean
    let mse = squaredErrors / count
    let explained = variance < 1e-10 ? (mse < 1e-10 ? 1 : 0) : 1 - mse / variance
    let neverActive = Double(fires.count { $0 == 0 })
    var figures: Figures = [
      .evaluatedRows: Double(rows), .finalExplainedVariance: explained, .finalMSE: mse,
      .cosineSimilarity: cosines / count, .l2NormIn: norms / count,
      .l2NormOut: reconstructedNorms / count, .l2Ratio: ratios / count,
      .finalL0: Double(active) / count, .finalL1: activation / count,
      .latentCount: Double(fires.count), .neverActive: neverActive,
      .aliveShare: fires.isEmpty ? 0 : 1 - neverActive / Double(fires.count),
    ]
    if products != 0 { figures[.reconstructionBias] = reconstructedSquaredNorms / products }
    if explainedRows > 0 {
      figures[.finalExplainedVarianceOfRows] = explainedOfRows / Double(explainedRows)
    }
    return figures
  }
}
