// The sums of the columns of a matrix and the variance around their mean. Blocks of rows are fixed, so
// that no sum depends on threads.

import Shared

/// Columns of a matrix in float64.
struct ColumnSums: ~Copyable {
  static let rowBlock = 256

  private let columns: Int
  /// Sums of each block of rows `[blocks, columns]`.
  private var partial: AlignedBuffer<Double>
  private(set) var totals: AlignedBuffer<Double>
  /// The means that `squaredDeviations` found.
  private(set) var means: AlignedBuffer<Float>
  /// The squared deviation of each row that it found `[rows]`.
  private(set) var deviations: AlignedBuffer<Double>

  init(rows: Int, columns: Int) {
    self.columns = columns
    partial = AlignedBuffer(count: (rows + Self.rowBlock - 1) / Self.rowBlock * columns)
    totals = AlignedBuffer(count: columns)
    means = AlignedBuffer(count: columns)
    deviations = AlignedBuffer(count: rows)
  }

  /// Sums the columns of `values` `[rows, columns]`, rows with their weights where there are any.
  ///
  /// With a stride only every so many rows of the array are rows of `values`.
  mutating func measure(_ values: Span<Float>, weights: Span<Float> = Span(), stride: Int = 1) {
    let rows = (values.count / columns + stride - 1) / stride
    BlockSums(values, weights: weights, stride: stride, columns: columns, &partial).add(rows: rows)
    for column in 0..<columns { totals[column] = 0 }
    for block in 0..<(rows + Self.rowBlock - 1) / Self.rowBlock {
      for column in 0..<columns { totals[column] += partial[block * columns + column] }
    }
  }

  /// As `measure`, of every so many rows of errors from a first one on, by the slopes of their rows.
  mutating func measure(
    _ errors: borrowing Matrix, from first: Int, weights: borrowing RowScaling, stride: Int
  ) {
    measure(
      errors.span.extracting(first * columns..<errors.count), weights: weights.slope.span,
      stride: stride)
  }

  /// Σ_b ‖x_b − x̄‖² of rows `[rows, columns]`.
  mutating func squaredDeviations(_ values: Span<Float>) -> Double {
    measure(values)
    let rows = values.count / columns
    for column in 0..<columns { means[column] = Float(totals[column] / Double(rows)) }
    Self.deviate(values, from: means, &deviations, &partial)
    return (0..<(rows + Self.rowBlock - 1) / Self.rowBlock).reduce(0) { $0 + partial[$1] }
  }
}

extension ColumnSums {
  /// Fills the squared deviations of each row and of each block of rows.
  private static func deviate(
    _ values: Span<Float>, from means: borrowing AlignedBuffer<Float>,
    _ deviations: inout AlignedBuffer<Double>, _ partial: inout AlignedBuffer<Double>
  ) {
    BlockSums(values, columns: means.count, &partial)
      .deviate(rows: values.count / means.count, from: means, deviations.writer)
  }
}

/// Sums over blocks of rows.
private struct BlockSums: ~Escapable, Sendable {
  private let values: Span<Float>
  private let weights: Span<Float>
  private let stride: Int
  private let columns: Int
  private let partial: Disjoint<Double>

  @_lifetime(copy values, copy weights, &partial)
  init(
    _ values: Span<Float>, weights: Span<Float> = Span(), stride: Int = 1, columns: Int,
    _ partial: inout AlignedBuffer<Double>
  ) {
    self.values = values
    self.weights = weights
    self.stride = stride
    self.columns = columns
    self.partial = partial.writer
  }

  func add(rows: Int) {
    Parallel.forBlocks(rows, blockSize: ColumnSums.rowBlock) { block in
      let start = block.lowerBound / ColumnSums.rowBlock * columns
      var sums = partial.slice(start..<start + columns)
      for column in 0..<sums.count { sums[column] = 0 }
      for index in block { add(index, to: &sums) }
    }
  }

  private func add(_ index: Int, to sums: inout MutableSpan<Double>) {
    let start = index * stride * columns
    let row = values.extracting(start..<start + columns)
    if weights.isEmpty {
      for column in 0..<sums.count { sums[column] += Double(row[column]) }
    } else {
      let weight = Double(weights[index])
      for column in 0..<sums.count { sums[column] += weight * Double(row[column]) }
    }
  }

  func deviate(
    rows: Int, from means: borrowing AlignedBuffer<Float>, _ deviations: Disjoint<Double>
  ) {
    let means = means.span
    Parallel.forBlocks(rows, blockSize: ColumnSums.rowBlock) { block in
      var sum = 0.0
      for row in block {
        let deviation = Vector.squaredDistance(
          values.extracting(row * columns..<(row + 1) * columns), means)
        deviations.set(row, deviation)
        sum += deviation
      }
      partial.set(block.lowerBound / ColumnSums.rowBlock, sum)
    }
  }
}
