import Testing

import Shared

@Suite struct MultiplyTests {
  @Test func processorsUnknownToTheLibraryGetKernelsThatTheyCanRun() {
    let wide = ProcessorFeatures(
      description: "flags : avx2 fma avx512f avx512dq avx512cd avx512bw avx512vl avx512_bf16")
    let narrow = ProcessorFeatures(description: "flags : avx2 fma avx512f")
    let old = ProcessorFeatures(description: "flags : avx sse4_2")
    func better(than chosen: String, _ processor: ProcessorFeatures, wish: String? = nil) -> String?
    {
      ProductKernels.better(than: chosen, on: processor, wish: wish)
    }
    #expect(better(than: "Prescott", wide) == "SkylakeX")
    #expect(better(than: "Prescott", narrow) == "Haswell")
    #expect(better(than: "Sandybridge", narrow) == "Haswell")
    #expect(better(than: "Prescott", old) == nil)
    #expect(better(than: "Prescott", ProcessorFeatures(description: "")) == nil)
    #expect(better(than: "Prescott", wide, wish: "Prescott") == nil)
    for known in ["Haswell", "ZEN", "SkylakeX", "Cooperlake"] {
      #expect(better(than: known, wide) == nil)
    }
  }

  /// Shapes that meet every way of cutting: fewer rows than a block, a tapered end, several tiles
  /// of different width.
  @Test(arguments: [
    (1, 5, [3]), (300, 17, [40]), (700, 9, [64, 64, 10]), (2500, 33, [70, 3]),
    (4700, 6, [1, 2, 3, 4, 5, 6, 7, 8]),
  ])
  func aProductInTilesIsTheProduct(rows: Int, inner: Int, widths: [Int]) {
    let columns = widths.reduce(0, +)
    let a = values(rows * inner, "a")
    let b = values(columns * inner, "b")
    let bias = values(columns, "bias")
    var starts = [0]
    for width in widths { starts.append((starts.last ?? 0) + width) }
    let tiles = zip(starts, starts.dropFirst()).map { $0..<$1 }
    let stride = columns + 3
    var result = [Float](repeating: .nan, count: rows * stride)
    var target = result.mutableSpan
    Multiply.product(
      rows: rows, inner: inner, a.span, aStride: inner, tiles: tiles, bias: bias.span,
      into: &target, cStride: stride, workers: 3,
      withTile: { _, tile, use in
        let range = tiles[tile]
        use(
          Factor(
            b.span.extracting(range.lowerBound * inner..<range.upperBound * inner), .transposed,
            stride: inner))
      }, activation: .relu)
    for row in Swift.stride(from: 0, to: rows, by: max(1, rows / 97)) {
      for column in 0..<columns {
        var sum = Double(bias[column])
        for index in 0..<inner {
          sum += Double(a[row * inner + index]) * Double(b[column * inner + index])
        }
        #expect(abs(Double(result[row * stride + column]) - max(0, sum)) < 1e-5)
      }
    }
    let written = result.lazy.filter { !$0.isNaN }.count
    #expect(written == rows * columns)
  }

  /// Every layout of both factors, with gaps between the rows of all three arrays.
  @Test(arguments: [Layout.plain, .transposed], [Layout.plain, .transposed])
  func factorsLieAsTheySay(_ aLayout: Layout, _ bLayout: Layout) {
    let (rows, columns, inner) = (70, 66, 9)
    let (aStride, bStride, cStride) = (80, 71, 68)
    let a = values(80 * 80, "a")
    let b = values(80 * 80, "b")
    let start = values(rows * cStride, "c")
    for sharing in [Sharing.blocks, .none] {
      var (named, listed) = (start, start)
      var target = named.mutableSpan
      Multiply.product(
        rows: rows, columns: columns, inner: inner, Factor(a.span, aLayout, stride: aStride),
        Factor(b.span, bLayout, stride: bStride), into: &target, cStride: cStride, scale: 2,
        keep: 0.5, threads: sharing)
      target = listed.mutableSpan
      Multiply.product(
        rows: rows, columns: columns, inner: inner, a.span, aLayout, aStride: aStride, b.span,
        bLayout, bStride: bStride, into: &target, cStride: cStride, scale: 2, keep: 0.5,
        threads: sharing)
      #expect(named == listed)
      for row in 0..<rows {
        for column in 0..<cStride {
          let place = row * cStride + column
          guard column < columns else {
            #expect(named[place] == start[place])
            continue
          }
          var sum = 0.0
          for index in 0..<inner {
            let left = aLayout == .plain ? row * aStride + index : index * aStride + row
            let right = bLayout == .plain ? index * bStride + column : column * bStride + index
            sum += Double(a[left]) * Double(b[right])
          }
          #expect(abs(Double(named[place]) - (2 * sum + 0.5 * Double(start[place]))) < 1e-5)
        }
      }
    }
  }
}

private func values(_ count: Int, _ stream: String) -> [Float] {
  let random = Random(seed: 7, stream: stream)
  return (0..<count).map { Float(random.uniform($0)) - 0.5 }
}
