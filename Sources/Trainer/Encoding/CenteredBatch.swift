// A batch on its way into an SAE: normalized row by row, without b_dec, and what passes it by.

import Shared

/// What is worked out of a batch before it is encoded.
struct CenteredBatch: ~Copyable {
  private let configuration: SAEConfiguration
  private(set) var scaling: RowScaling
  /// a = x − β·b_dec `[B, d]`.
  private(set) var centered: Matrix
  /// What the skip connection adds `[B, o]`; empty where there is none.
  private(set) var skipped: Matrix

  init(_ configuration: SAEConfiguration, rows: Int) {
    self.configuration = configuration
    scaling = RowScaling(rows: rows)
    centered = Matrix(rows: rows, columns: configuration.dIn)
    skipped = Matrix(
      rows: configuration.shape.has(.skip) ? rows : 0, columns: configuration.dOut)
  }

  /// Numbers that batches of `rows` rows take.
  static func count(_ configuration: SAEConfiguration, rows: Int) -> Int {
    rows * (configuration.dIn + (configuration.shape.has(.skip) ? configuration.dOut : 0) + 8)
  }

  /// Measures the rows of a batch `[rows, d]`.
  mutating func measure(_ batch: Span<Float>, rows: Int) {
    scaling.measure(batch, rows: rows, configuration.rowNormalization)
  }

  /// Gives the errors of rows their weights; `means` and `squaredDeviations` are those of the targets.
  mutating func weigh(
    _ targets: Span<Float>, rows: Int, means: borrowing AlignedBuffer<Float>,
    squaredDeviations: Double
  ) {
    switch configuration.errorNormalization {
    case nil: break
    case .denseBatch: scaling.weigh(targets, rows: rows, means: means)
    case .variance: scaling.weigh(rows: rows, squaredDeviations: squaredDeviations)
    }
  }

  /// Fills what is encoded and what passes by of a batch that was measured.
  mutating func fill(_ batch: Span<Float>, rows: Int, _ parameters: borrowing Parameters) {
    Self.center(configuration, batch, parameters.decoderBias, scaling, &centered)
    guard skipped.rows > 0 else { return }
    Self.skip(batch, rows: rows, parameters.skip, &skipped)
  }

  private static func center(
    _ configuration: SAEConfiguration, _ batch: Span<Float>, _ bias: borrowing Matrix,
    _ scaling: borrowing RowScaling, _ centered: inout Matrix
  ) {
    Centering(configuration, batch, bias.span, scaling, &centered)
      .run(rows: batch.count / configuration.dIn)
  }

  private static func skip(
    _ batch: Span<Float>, rows: Int, _ weights: borrowing Matrix, _ target: inout Matrix
  ) {
    var output = target.mutableSpan
    ChainProduct.product(
      rows: rows, columns: weights.rows, inner: weights.columns, batch, .plain, weights.span,
      .transposed, into: &output)
  }

  /// From the SAE's units to those of the rows.
  func restore(_ output: inout MutableSpan<Float>, rows: Int) {
    guard configuration.rowNormalization != .none else { return }
    let dOut = configuration.dOut
    for row in 0..<rows {
      for column in row * dOut..<(row + 1) * dOut {
        output[column] = output[column] * scaling.outScale[row] + scaling.outShift[row]
      }
    }
  }
}

/// Brings rows to what is encoded.
private struct Centering: ~Escapable, Sendable {
  private let width: Int
  private let isPlain: Bool
  private let batch: Span<Float>
  /// b_dec; empty where it is not subtracted.
  private let bias: Span<Float>
  private let scales: Span<Float>
  private let shifts: Span<Float>
  private let target: Disjoint<Float>

  @_lifetime(copy batch, copy bias, borrow scaling, &target)
  init(
    _ configuration: SAEConfiguration, _ batch: Span<Float>, _ bias: Span<Float>,
    _ scaling: borrowing RowScaling, _ target: inout Matrix
  ) {
    width = configuration.dIn
    isPlain = configuration.rowNormalization == .none
    self.batch = batch
    self.bias = configuration.applyBDecToInput ? bias : bias.extracting(0..<0)
    scales = scaling.inScale.span
    shifts = scaling.inShift.span
    self.target = target.writer
  }

  func run(rows: Int) {
    Parallel.forBlocks(rows, blockSize: 64) { rows in
      for row in rows { fill(row) }
    }
  }

  private func fill(_ row: Int) {
    let range = row * width..<(row + 1) * width
    let values = batch.extracting(range)
    var target = target.slice(range)
    if isPlain {
      for column in 0..<target.count { target[column] = values[column] }
    } else {
      let (scale, shift) = (scales[row], shifts[row])
      for column in 0..<target.count { target[column] = values[column] * scale + shift }
    }
    if !bias.isEmpty { Vector.add(-1, bias, to: &target) }
  }
}
