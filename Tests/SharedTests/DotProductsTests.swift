import Shared
import Support
import Testing

/// Dot products against their order of summation written out.
@Suite struct DotProductsTests {
  /// Around the lanes, the blocks, and rests of both.
  static let widths = [1, 3, 15, 16, 17, 31, 32, 47, 100, 1024]

  /// 16 chains of fused multiply-adds, then halves that are added.
  static func chained(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Float {
    var sums = [Float](repeating: 0, count: 16)
    let (a, b) = (Array(a), Array(b))
    for start in stride(from: 0, to: a.count, by: 16) {
      for lane in 0..<16 {
        let index = start + lane
        let factors = index < a.count ? (a[index], b[index]) : (0, 0)
        sums[lane].addProduct(factors.0, factors.1)
      }
    }
    for half in [8, 4, 2, 1] {
      for lane in 0..<half { sums[lane] += sums[lane + half] }
    }
    return sums[0]
  }

  private static func isSame(_ a: [Float], _ b: [Float]) -> Bool {
    zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
  }

  private var levels: [DotProduct.Level] {
    DotProduct.Level.allCases.filter { $0.rawValue <= DotProduct.Level.best.rawValue }
  }

  @Test(arguments: widths, AdversarialRows.allCases)
  func everyProcessorComputesTheWrittenOutOrder(width: Int, kind: AdversarialRows) {
    let (rows, columns) = (7, 53)
    let a = kind.values(rows: rows, width: width)
    let b = AdversarialRows.ordinary.values(rows: columns, width: width, seed: 2)
    let expected = (0..<rows * columns).map { index in
      let (row, column) = (index / columns * width, index % columns * width)
      return Self.chained(a[row..<row + width], b[column..<column + width])
    }
    for level in levels {
      var whole = [Float](repeating: 0, count: rows * (columns + 3))
      var target = whole.mutableSpan
      DotProduct.product(
        rows: rows, columns: columns, inner: width, a.span, b.span, into: &target,
        stride: columns + 3, level: level)
      for row in 0..<rows {
        let found = Array(whole[row * (columns + 3)..<row * (columns + 3) + columns])
        let wanted = Array(expected[row * columns..<(row + 1) * columns])
        #expect(Self.isSame(found, wanted), "row \(row), level \(level)")
        let order = (0..<columns).map { Int32($0 * 11 % columns) }
        var dots = [Float](repeating: 0, count: columns)
        var results = dots.mutableSpan
        DotProduct.dots(
          a.span.extracting(row * width..<(row + 1) * width), b.span, rows: order.span,
          into: &results, level: level)
        #expect(Self.isSame(dots, order.map { wanted[Int($0)] }), "row \(row), level \(level)")
      }
    }
  }

  @Test func manyRowsAreThoseOfOne() {
    let (rows, columns, width) = (131, 9, 40)
    let a = AdversarialRows.ordinary.values(rows: rows, width: width)
    let b = AdversarialRows.ordinary.values(rows: columns, width: width, seed: 2)
    for level in levels {
      var all = [Float](repeating: 0, count: rows * columns)
      var target = all.mutableSpan
      DotProduct.product(
        rows: rows, columns: columns, inner: width, a.span, b.span, into: &target,
        stride: columns, level: level)
      for index in all.indices {
        let (row, column) = (index / columns * width, index % columns * width)
        #expect(
          all[index] == Self.chained(a[row..<row + width], b[column..<column + width]))
      }
    }
  }
}
