// The memory that attention works in, and its products. Comes in: a model. Leaves: for each thread room
// for the weights of a block of queries, what they mix, and the factors in bfloat16 where a pass has such.

/// What a block of queries needs.
struct AttentionRoom: Sendable {
  /// Queries per task; bounds the scratch and skips the keys after a block.
  static let queryBlock = 128

  private let factors: FactorPrecision
  private let queries: Int
  private let keys: Int
  /// Elements of a key, and of a value.
  private let width: Int
  private let valueWidth: Int

  init(queries: Int, keys: Int, width: Int, valueWidth: Int, factors: FactorPrecision) {
    self.queries = queries
    self.keys = keys
    self.width = width
    self.valueWidth = valueWidth
    self.factors = factors
  }

  private var rows: Int {
    queries + (factors == .bfloat16 ? RoundedProduct.rowPadding : 0)
  }

  /// Elements from one row of weights, or of what is mixed, to the next.
  var weightStride: Int { factors == .bfloat16 ? RoundedProduct.padded(keys) : keys }
  var outputStride: Int {
    factors == .bfloat16 ? RoundedProduct.padded(valueWidth) : valueWidth
  }

  var weightCount: Int { rows * weightStride }
  var outputCount: Int { rows * outputStride }

  /// Elements of the left factor in bfloat16, and of both.
  var roundedRows: Int {
    factors == .bfloat16
      ? max(
        RoundedProduct.rowCount(queries, inner: width),
        RoundedProduct.rowCount(queries, inner: keys)) : 0
  }
  var roundedCount: Int {
    factors == .bfloat16
      ? roundedRows
        + max(
          RoundedProduct.columnCount(keys, inner: width),
          RoundedProduct.columnCount(valueWidth, inner: keys)) : 0
  }

  /// The largest of a model.
  init(_ model: ModelDescription, contextSize: Int, factors: FactorPrecision) {
    self.init(
      queries: min(Self.queryBlock, contextSize), keys: contextSize, width: model.largest(\.width),
      valueWidth: model.largest(\.valueWidth), factors: factors)
  }
}

/// Owns the rooms of all threads.
struct AttentionScratch: ~Copyable {
  /// One row per thread.
  var values: Matrix
  /// As many elements for each thread, in bfloat16.
  var rounded: AlignedBuffer<UInt16>

  var threads: Int { values.rows }

  init(_ model: ModelDescription, contextSize: Int, factors: FactorPrecision) {
    let counts = Self.counts(model, contextSize: contextSize, factors: factors)
    values = Matrix(rows: Parallel.threadCount, columns: counts.values)
    rounded = AlignedBuffer(count: Parallel.threadCount * counts.rounded)
  }

  /// Elements of a thread, in whole cache lines, so that threads do not share one.
  private static func counts(
    _ model: ModelDescription, contextSize: Int, factors: FactorPrecision
  ) -> (values: Int, rounded: Int) {
    let room = AttentionRoom(model, contextSize: contextSize, factors: factors)
    return (
      (room.weightCount + room.outputCount + 15) / 16 * 16, (room.roundedCount + 31) / 32 * 32
    )
  }

  /// Bytes of it.
  static func byteCount(
    _ model: ModelDescription, contextSize: Int, factors: FactorPrecision
  ) -> Int {
    let counts = counts(model, contextSize: contextSize, factors: factors)
    return Parallel.threadCount * (4 * counts.values + 2 * counts.rounded)
  }
}

/// A product of attention: C ← scale·A·B with A `[rows, inner]`, B `[inner, columns]`.
struct AttentionProduct: Sendable {
  let rows: Int
  let columns: Int
  let inner: Int
  var scale: Float = 1

  /// Computes it by the calling thread; `rounded` holds the factors in bfloat16, the left one in the
  /// first `rowCount` elements, and is empty where they stay as they are.
  func compute(
    _ a: Factor, _ b: Factor, into c: inout MutableSpan<Float>, stride: Int, rowCount: Int,
    _ rounded: inout MutableSpan<UInt16>
  ) {
    guard !rounded.isEmpty else {
      Multiply.product(
        rows: rows, columns: columns, inner: inner, a, b, into: &c, cStride: stride,
        scale: scale, threads: .none)
      return
    }
    rounded.withDisjoint { rounded in
      rounded.withSlice(0..<rowCount) { left in
        RoundedProduct.round(rows: rows, inner: inner, stride: a.stride, a.values, into: &left)
        rounded.withSlice(rowCount..<rounded.count) { right in
          RoundedProduct.round(columns: columns, inner: inner, b, into: &right)
          RoundedProduct.fill(
            &c, stride: stride, rows: rows, columns: columns, inner: inner, left.span, right.span)
        }
      }
    }
    guard scale != 1 else { return }
    for index in 0..<rows * stride { c[index] *= scale }
  }
}
