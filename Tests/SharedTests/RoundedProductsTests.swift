import Shared
import Support
import Testing

/// Every kernel of products of bfloat16 against plain loops.
@Suite struct RoundedProductsTests {
  static let kinds = RoundedKind.allCases.filter(\.isAvailable)
  /// Rows, columns and inner elements around blocks, panels and passes, and rests of all.
  static let shapes = [
    (1, 1, 1), (5, 31, 2), (6, 32, 31), (7, 33, 33), (12, 64, 32), (13, 70, 255), (31, 5, 256),
    (97, 40, 257), (193, 600, 40), (33, 300, 700),
  ]

  /// The bfloat16 that products take: what is too small for a normal number is 0.
  private static func rounded(_ value: Float) -> Float {
    if value.isZero || value.isSubnormal { return 0 }
    return Precision.float(bfloat16: Precision.bfloat16(value))
  }

  /// C ← A·B `[rows, columns]` by the library, with B as it lies or transposed.
  private func product(
    _ kind: RoundedKind, _ shape: (rows: Int, columns: Int, inner: Int), _ a: [Float],
    _ b: [Float], _ layout: Layout, bias: [Float] = []
  ) -> [Float] {
    let (rows, columns, inner) = shape
    var left = AlignedBuffer<UInt16>(count: RoundedProduct.rowCount(rows, inner: inner))
    var right = AlignedBuffer<UInt16>(count: RoundedProduct.columnCount(columns, inner: inner))
    let tiles = Matrix(rows: Parallel.threadCount, columns: RoundedProduct.tileCount)
    var leftSpan = left.mutableSpan
    var rightSpan = right.mutableSpan
    RoundedProduct.round(rows: rows, inner: inner, stride: inner, a.span, into: &leftSpan)
    RoundedProduct.round(
      columns: columns, inner: inner,
      Factor(b.span, layout, stride: layout == .plain ? columns : inner), into: &rightSpan)
    // Elements between the rows of the result have to stay.
    let stride = columns + 3
    var result = [Float](repeating: 7, count: rows * stride)
    var span = result.mutableSpan
    RoundedProduct.product(
      rows: rows, left.span, RoundedColumns(right.span, inner: inner, columns: columns),
      ProductEnd(bias: bias.span), into: &span, cStride: stride, tiles: tiles.disjoint,
      workers: tiles.rows, kind: kind)
    for row in 0..<rows {
      #expect(result[row * stride + columns..<(row + 1) * stride].allSatisfy { $0 == 7 })
    }
    return (0..<rows).flatMap { result[$0 * stride..<$0 * stride + columns] }
  }

  @Test(arguments: kinds, shapes)
  func everyKernelMultipliesRoundedFactors(kind: RoundedKind, shape: (Int, Int, Int)) {
    let (rows, columns, inner) = shape
    let a = AdversarialRows.ordinary.values(rows: rows, width: inner)
    let b = AdversarialRows.ordinary.values(rows: columns, width: inner, seed: 2)
    let plain = (0..<inner * columns).map { b[$0 % columns * inner + $0 / columns] }
    let found = product(kind, shape, a, b, .transposed)
    #expect(found == product(kind, shape, a, plain, .plain))
    for row in 0..<rows {
      for column in 0..<columns {
        var (chain, sum, size) = (Float(0), 0.0, 0.0)
        for k in 0..<inner {
          let (x, y) = (Self.rounded(a[row * inner + k]), Self.rounded(b[column * inner + k]))
          chain.addProduct(x, y)
          sum += Double(x) * Double(y)
          size += abs(Double(x) * Double(y))
        }
        let value = found[row * columns + column]
        switch kind {
        case .avx512, .avx2, .portable: #expect(value == chain, "\(row), \(column)")
        // Processors that multiply bfloat16 themselves add in an order of their own.
        case .amx, .avx512BF16:
          #expect(abs(Double(value) - sum) <= Double(inner + 16) * 0x1p-23 * size)
        }
      }
    }
  }

  @Test(arguments: kinds)
  func aBiasIsAddedToTheSum(kind: RoundedKind) {
    let (rows, columns, inner) = (9, 37, 20)
    let a = AdversarialRows.ordinary.values(rows: rows, width: inner)
    let b = AdversarialRows.ordinary.values(rows: columns, width: inner, seed: 2)
    let bias = AdversarialRows.ordinary.values(rows: 1, width: columns, seed: 3)
    let sums = product(kind, (rows, columns, inner), a, b, .transposed)
    let found = product(kind, (rows, columns, inner), a, b, .transposed, bias: bias)
    #expect(found == sums.indices.map { sums[$0] + bias[$0 % columns] })
  }

  @Test(arguments: kinds)
  func anElementIsTheSameWhereverItsRowAndColumnLie(kind: RoundedKind) {
    let (rows, columns, inner) = (230, 530, 300)
    let a = AdversarialRows.ordinary.values(rows: rows, width: inner)
    let b = AdversarialRows.ordinary.values(rows: columns, width: inner, seed: 2)
    let whole = product(kind, (rows, columns, inner), a, b, .transposed)
    for (firstRow, firstColumn) in [(1, 1), (95, 511), (100, 47), (229, 529)] {
      let (left, right) = (Array(a[(firstRow * inner)...]), Array(b[(firstColumn * inner)...]))
      let shape = (rows - firstRow, columns - firstColumn, inner)
      let part = product(kind, shape, left, right, .transposed)
      let expected = (firstRow..<rows).flatMap {
        whole[$0 * columns + firstColumn..<($0 + 1) * columns]
      }
      #expect(part == expected, "from \(firstRow), \(firstColumn)")
    }
  }

  @Test(arguments: AdversarialRows.allCases)
  func factorsAreRoundedToTheNearest(kind: AdversarialRows) {
    let (rows, width) = (5, 75)
    let values = kind.values(rows: rows, width: width)
    var target = [UInt16](repeating: 9, count: rows * RoundedProduct.width(width))
    var span = target.mutableSpan
    RoundedProduct.round(rows: rows, inner: width, stride: width, values.span, into: &span)
    for row in 0..<rows {
      for column in 0..<RoundedProduct.width(width) {
        let bits = target[row * RoundedProduct.width(width) + column]
        let expected = column < width ? Self.rounded(values[row * width + column]) : 0
        let found = Precision.float(bfloat16: bits)
        #expect(found == expected || found.isNaN && expected.isNaN)
      }
    }
  }
}
