// The memory that the products of a pass work in. Comes in: the weights. Leaves: tiles and rows.

/// Owns what products need besides their factors and results.
struct ProductScratch: ~Copyable {
  /// Tiles of weights that must be made, or of results of products of bfloat16, one row per thread.
  var tiles: Matrix
  /// The left factor of a product of bfloat16.
  var rows: AlignedBuffer<UInt16>

  /// Scratch for products of up to `rows` rows.
  init(_ weights: borrowing ModelWeights, rows: Int) {
    let isRounded = weights.factors == .bfloat16
    tiles = Matrix(
      rows: Parallel.threadCount,
      columns: isRounded ? RoundedProduct.tileCount : weights.scratchCount)
    self.rows = AlignedBuffer(
      count: isRounded ? Self.rowCount(weights.plan, rows: rows) : 0)
  }

  /// Elements of the widest left factor in bfloat16.
  private static func rowCount(_ plan: WeightPlan, rows: Int) -> Int {
    plan.projections.map { RoundedProduct.rowCount(rows, inner: $0.inputs) }.max() ?? 0
  }

  /// Bytes of it, where every tile of weights must be made.
  static func byteCount(_ plan: WeightPlan, rows: Int, factors: FactorPrecision) -> Int {
    switch factors {
    case .float32:
      4 * Parallel.threadCount * (plan.projections.map(\.tileCount).max() ?? 0)
    case .bfloat16:
      4 * Parallel.threadCount * RoundedProduct.tileCount + 2 * rowCount(plan, rows: rows)
    }
  }
}
