import Shared
import Testing

@Suite struct VectorTests {
  /// Lengths around the lanes: none, below them, whole, and with a rest.
  static let lengths = [0, 1, 7, 15, 16, 17, 31, 32, 33, 48, 63, 64, 100, 4096, 9001]

  private func numbers(_ count: Int, seed: Int) -> [Float] {
    let random = Random(seed: seed, stream: "vector")
    return (0..<count).map { Float(random.normal($0)) }
  }

  @Test(arguments: lengths) func sumsAgreeWithThoseInDoublePrecision(length: Int) {
    let (a, b) = (numbers(length, seed: 1), numbers(length, seed: 2))
    let pairs = zip(a, b).map { (Double($0), Double($1)) }
    let scale = 1e-6 * Double(length + 1)
    let product = pairs.reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(Double(Vector.dot(a.span, b.span)) - product) < scale)
    let square = pairs.reduce(0) { $0 + $1.0 * $1.0 }
    #expect(abs(Vector.squaredNorm(a.span) - square) < scale)
    let distance = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    #expect(abs(Vector.squaredDistance(a.span, b.span) - distance) < scale)
  }

  @Test(arguments: lengths) func addingScalesTheFirstVector(length: Int) {
    let (x, y) = (numbers(length, seed: 1), numbers(length, seed: 2))
    var sum = y
    var span = sum.mutableSpan
    Vector.add(0.5, x.span, to: &span)
    #expect(zip(sum, zip(x, y)).allSatisfy { abs($0 - (0.5 * $1.0 + $1.1)) < 1e-6 })
  }

  @Test(arguments: lengths) func addingFourRowsIsAddingOneAfterTheOther(length: Int) {
    let (x, y) = (numbers(6 * length + 3, seed: 1), numbers(length, seed: 2))
    let starts = SIMD4(0, 3, 2 * length + 1, 5 * length)
    let scales = SIMD4<Float>(0.5, -2, 0, 3)
    var together = y
    var span = together.mutableSpan
    Vector.add(scales, rowsOf: x.span, from: starts, to: &span)
    var expected = y
    var single = expected.mutableSpan
    for row in 0..<4 {
      Vector.add(
        scales[row], x.span.extracting(starts[row]..<starts[row] + length), to: &single)
    }
    #expect(together == expected)
  }

  @Test(arguments: lengths) func theNextBlockIsTheFirstWithANumberAboveTheLimit(length: Int) {
    var values = [Float](repeating: 1, count: length)
    #expect(Vector.nextBlock(in: values.span, from: 0, above: 1) == length)
    for place in stride(from: 0, to: length, by: 37) {
      values[place] = 2
      let block = place / Vector.blockWidth * Vector.blockWidth
      for start in stride(from: 0, through: place, by: Vector.blockWidth) {
        #expect(Vector.nextBlock(in: values.span, from: start, above: 1) == block)
      }
      values[place] = .nan
    }
    #expect(Vector.nextBlock(in: values.span, from: 0, above: 1) == length)
  }
}
