// Products of matrices in float32 whose every element is one chain of fused multiply-adds, in order of
// the inner index: what a training step multiplies besides dot products, the same on every processor
// and any number of threads. docs/exactness.md says where it is used.

internal import CProducts

/// Matrix products in one order of summation.
package enum ChainProduct {
  /// Elements of the result that one task computes; no bit depends on them.
  private static let taskRows = 192
  private static let taskColumns = 512

  /// C ← scale·A·B + keep·C of arrays as `Multiply.product` takes them.
  ///
  /// An element starts from keep·C, or from 0 with `keep: 0`, and goes on with (scale·A)·B.
  package static func product(
    rows: Int, columns: Int, inner: Int,
    _ a: Span<Float>, _ aLayout: Layout = .plain, aStride: Int? = nil,
    _ b: Span<Float>, _ bLayout: Layout = .plain, bStride: Int? = nil,
    into c: inout MutableSpan<Float>, cStride: Int? = nil,
    scale: Float = 1, keep: Float = 0, level: DotProduct.Level = .best
  ) {
    guard rows > 0, columns > 0 else { return }
    let a = Factor(a, aLayout, stride: aStride ?? (aLayout == .plain ? inner : rows))
    let b = Factor(b, bLayout, stride: bStride ?? (bLayout == .plain ? columns : inner))
    let cStride = cStride ?? columns
    let (aPlaces, bPlaces) = (FactorPlaces(a), FactorPlaces(b))
    check(a, rows: rows, columns: inner)
    check(b, rows: inner, columns: columns)
    precondition(
      cStride >= columns && (rows - 1) * cStride + columns <= c.count, "result too small")
    let columnTasks = (columns + taskColumns - 1) / taskColumns
    let tasks = (rows + taskRows - 1) / taskRows * columnTasks
    unsafe SpanPointers.lend(a.values, b.values, &c) { a, b, c in
      let places = unsafe Places(a: a, b: b, c: c)
      Parallel.forEach(tasks) { task in
        let row = task / columnTasks * taskRows
        let column = task % columnTasks * taskColumns
        unsafe saeline_chain_product(
          level.rawValue, min(taskRows, rows - row), min(taskColumns, columns - column), inner,
          places.a.map { unsafe $0 + aPlaces.place(row: row, column: 0) }, aPlaces.stride,
          aPlaces.isTransposed ? 1 : 0,
          places.b.map { unsafe $0 + bPlaces.place(row: 0, column: column) }, bPlaces.stride,
          bPlaces.isTransposed ? 1 : 0,
          places.c.map { unsafe $0 + row * cStride + column }, cStride, scale, keep)
      }
    }
  }

  private static func check(_ factor: Factor, rows: Int, columns: Int) {
    let (rows, columns) = factor.layout == .plain ? (rows, columns) : (columns, rows)
    precondition(
      factor.stride >= columns
        && (rows == 0 || columns == 0
          || (rows - 1) * factor.stride + columns <= factor.values.count),
      "factor too small")
  }

  /// Where the arrays lie; tasks write disjoint blocks of C.
  @unsafe private struct Places: @unchecked Sendable {
    let a: UnsafePointer<Float>?
    let b: UnsafePointer<Float>?
    let c: UnsafeMutablePointer<Float>?
  }
}

/// How a factor lies in memory.
private struct FactorPlaces: Sendable {
  let isTransposed: Bool
  let stride: Int

  init(_ factor: borrowing Factor) {
    isTransposed = factor.layout == .transposed
    stride = factor.stride
  }

  /// Where what the formula names row and column begins.
  func place(row: Int, column: Int) -> Int {
    isTransposed ? column * stride + row : row * stride + column
  }
}
