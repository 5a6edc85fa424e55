// What is done to each row of a batch on its way into the SAE and out of it: the normalizations
// that SAELens runs inside the SAE, and the weight of the row's error.

import Shared

/// The numbers of a batch's rows.
///
/// The SAE sees x·inScale + inShift. Its output y stands for outScale·y + outShift, so that
/// x̂ − x = outScale · (y − (x·targetScale + targetShift)).
struct RowScaling: ~Copyable {
  private(set) var inScale: AlignedBuffer<Float>
  private(set) var inShift: AlignedBuffer<Float>
  private(set) var targetScale: AlignedBuffer<Float>
  private(set) var targetShift: AlignedBuffer<Float>
  private(set) var outScale: AlignedBuffer<Float>
  private(set) var outShift: AlignedBuffer<Float>
  /// The weight of ‖x̂ − x‖² in the loss, apart from 1/B.
  private(set) var weight: AlignedBuffer<Float>
  /// The derivative of the loss by y is this times the error in units of y.
  private(set) var slope: AlignedBuffer<Float>

  init(rows: Int) {
    inScale = AlignedBuffer(count: rows)
    inShift = AlignedBuffer(count: rows)
    targetScale = AlignedBuffer(count: rows)
    targetShift = AlignedBuffer(count: rows)
    outScale = AlignedBuffer(count: rows)
    outShift = AlignedBuffer(count: rows)
    weight = AlignedBuffer(count: rows)
    slope = AlignedBuffer(count: rows)
  }

  /// Measures the rows of a batch `[rows, d]`.
  mutating func measure(_ batch: Span<Float>, rows: Int, _ normalization: RowNormalization) {
    let dIn = batch.count / max(1, rows)
    for row in 0..<rows {
      scale(row, batch.extracting(row * dIn..<(row + 1) * dIn), normalization)
      weight[row] = 1
      slope[row] = Float(2 / Double(rows)) * outScale[row] * outScale[row]
    }
  }

  /// Divides each row's error by its target's distance from the mean of the batch's.
  mutating func weigh(
    _ targets: Span<Float>, rows: Int, means: borrowing AlignedBuffer<Float>
  ) {
    let width = means.count
    let means = means.span
    for row in 0..<rows {
      let target = targets.extracting(row * width..<(row + 1) * width)
      // SAELens divides by the norm, not by its square.
      weigh(row, Float(1 / (Vector.squaredDistance(target, means).squareRoot() + 1e-6)))
    }
  }

  /// Divides the error of all rows by the variance of their targets, whose squared deviations are
  /// given in sum: the loss is the fraction of variance unexplained.
  mutating func weigh(rows: Int, squaredDeviations: Double) {
    for row in 0..<rows { weigh(row, Float(Double(rows) / squaredDeviations)) }
  }

  private mutating func weigh(_ row: Int, _ value: Float) {
    weight[row] = value
    slope[row] *= value
  }

  private mutating func scale(
    _ row: Int, _ values: Span<Float>, _ normalization: RowNormalization
  ) {
    inShift[row] = 0
    targetShift[row] = 0
    outShift[row] = 0
    switch normalization {
    case .none:
      inScale[row] = 1
      targetScale[row] = 1
      outScale[row] = 1
    case .constantNorm:
      let norm = Vector.squaredNorm(values).squareRoot()
      let factor = norm > 0 ? Double(values.count).squareRoot() / norm : 0
      inScale[row] = Float(factor)
      targetScale[row] = Float(factor)
      outScale[row] = factor > 0 ? Float(1 / factor) : 0
    case .layerNorm:
      var sum = 0.0
      for index in values.indices { sum += Double(values[index]) }
      let mean = sum / Double(values.count)
      var squares = 0.0
      for index in values.indices {
        squares += (Double(values[index]) - mean) * (Double(values[index]) - mean)
      }
      let deviation = (squares / Double(max(1, values.count - 1))).squareRoot()
      let inverse = deviation > 0 ? 1 / deviation : 0
      inScale[row] = Float(1 / (deviation + 1e-5))
      inShift[row] = Float(-mean / (deviation + 1e-5))
      targetScale[row] = Float(inverse)
      targetShift[row] = Float(-mean * inverse)
      outScale[row] = Float(deviation)
      outShift[row] = Float(mean)
    }
  }
}
