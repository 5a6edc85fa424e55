import Shared
import Support
import Testing

/// Products by chains against their order of summation written out.
@Suite struct ChainProductsTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    let rows: Int
    let columns: Int
    let inner: Int
    var testDescription: String { "\(rows) \(columns) \(inner)" }
  }

  /// Around the blocks of registers, of caches and of tasks.
  static let shapes = [
    Shape(rows: 1, columns: 1, inner: 1), Shape(rows: 13, columns: 35, inner: 7),
    Shape(rows: 24, columns: 64, inner: 161), Shape(rows: 200, columns: 530, inner: 20),
    Shape(rows: 1, columns: 40, inner: 330), Shape(rows: 5, columns: 3, inner: 0),
  ]

  private static func isSame(_ a: [Float], _ b: [Float]) -> Bool {
    zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
  }

  @Test(arguments: shapes, [AdversarialRows.ordinary, .denormal, .huge, .infinite])
  func everyProcessorComputesTheWrittenOutOrder(shape: Shape, kind: AdversarialRows) {
    let (rows, columns, inner) = (shape.rows, shape.columns, shape.inner)
    let a = kind.values(rows: rows, width: inner)
    let b = AdversarialRows.ordinary.values(rows: inner, width: columns, seed: 2)
    let start = AdversarialRows.ordinary.values(rows: rows, width: columns, seed: 3)
    for (scale, keep): (Float, Float) in [(1, 0), (0.3, 1), (-1, 0.5)] {
      let expected = start.indices.map { index in
        let (row, column) = (index / columns, index % columns)
        var sum = keep == 0 ? 0 : keep == 1 ? start[index] : keep * start[index]
        for k in 0..<inner { sum.addProduct(scale * a[row * inner + k], b[k * columns + column]) }
        return sum
      }
      for level in DotProduct.Level.allCases where level.rawValue <= DotProduct.Level.best.rawValue
      {
        for (aLayout, bLayout): (Layout, Layout) in [
          (.plain, .plain), (.plain, .transposed), (.transposed, .plain),
          (.transposed, .transposed),
        ] {
          let left = aLayout == .plain ? a : Self.transposed(a, rows: rows, columns: inner)
          let right = bLayout == .plain ? b : Self.transposed(b, rows: inner, columns: columns)
          var found = start
          var target = found.mutableSpan
          ChainProduct.product(
            rows: rows, columns: columns, inner: inner, left.span, aLayout, right.span, bLayout,
            into: &target, scale: scale, keep: keep, level: level)
          let isSame = Self.isSame(found, expected)
          #expect(isSame, "level \(level), \(aLayout) by \(bLayout), keep \(keep)")
        }
      }
    }
  }

  private static func transposed(_ values: [Float], rows: Int, columns: Int) -> [Float] {
    (0..<values.count).map { values[$0 % rows * columns + $0 / rows] }
  }

  @Test func whatLiesBetweenRowsOfAResultIsLeftAlone() {
    let (rows, columns, inner) = (14, 33, 5)
    let a = AdversarialRows.ordinary.values(rows: rows, width: inner)
    let b = AdversarialRows.ordinary.values(rows: inner, width: columns, seed: 2)
    var apart = [Float](repeating: 7, count: rows * 40)
    var dense = [Float](repeating: 0, count: rows * columns)
    var target = apart.mutableSpan
    ChainProduct.product(
      rows: rows, columns: columns, inner: inner, a.span, .plain, b.span, .plain, into: &target,
      cStride: 40)
    var denseTarget = dense.mutableSpan
    ChainProduct.product(
      rows: rows, columns: columns, inner: inner, a.span, .plain, b.span, .plain, into: &denseTarget
    )
    for row in 0..<rows {
      #expect(
        Array(apart[row * 40..<row * 40 + columns])
          == Array(dense[row * columns..<(row + 1) * columns]))
      #expect(apart[row * 40 + columns..<(row + 1) * 40].allSatisfy { $0 == 7 })
    }
  }
}
