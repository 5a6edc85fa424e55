// Operations on single rows, with explicit lanes: Swift never reassociates float sums, so the
// order of additions is fixed here and the same everywhere.

/// Operations on vectors of Float.
package enum Vector {
  private typealias Lanes = SIMD16<Float>
  private static let width = 16

  /// Σ aᵢbᵢ over two vectors of one length.
  package static func dot(_ a: Span<Float>, _ b: Span<Float>) -> Float {
    precondition(a.count == b.count, "vectors differ in length")
    return unsafe a.withUnsafeBytes { a in
      unsafe b.withUnsafeBytes { b in
        let count = a.count / MemoryLayout<Float>.stride
        var first = Lanes.zero
        var second = Lanes.zero
        var index = 0
        while index + 2 * width <= count {
          unsafe first.addProduct(lanes(a, index), lanes(b, index))
          unsafe second.addProduct(lanes(a, index + width), lanes(b, index + width))
          index += 2 * width
        }
        if index + width <= count {
          unsafe first.addProduct(lanes(a, index), lanes(b, index))
          index += width
        }
        var sum = (first + second).sum()
        while index < count {
          unsafe sum += scalar(a, index) * scalar(b, index)
          index += 1
        }
        return sum
      }
    }
  }

  /// y ← y + scale·x.
  package static func add(_ scale: Float, _ x: Span<Float>, to y: inout MutableSpan<Float>) {
    precondition(x.count == y.count, "vectors differ in length")
    unsafe x.withUnsafeBufferPointer { x in
      unsafe y.withUnsafeMutableBufferPointer { y in
        for index in 0..<x.count { unsafe y[index] += scale * x[index] }
      }
    }
  }

  /// y ← y + a₀·x₀ + a₁·x₁ + a₂·x₂ + a₃·x₃, as four calls of `add` in this order would.
  ///
  /// Row i of `x` begins at `starts[i]`; y is loaded and stored once instead of four times.
  package static func add(
    _ scales: SIMD4<Float>, rowsOf x: Span<Float>, from starts: SIMD4<Int>,
    to y: inout MutableSpan<Float>
  ) {
    let count = y.count
    precondition(
      (0..<4).allSatisfy { starts[$0] >= 0 && starts[$0] + count <= x.count }, "row outside")
    unsafe x.withUnsafeBytes { x in
      unsafe y.withUnsafeMutableBufferPointer { y in
        let memory = UnsafeMutableRawBufferPointer(y)
        let whole = count / width * width
        for index in stride(from: 0, to: whole, by: width) {
          var sum = unsafe lanes(UnsafeRawBufferPointer(memory), index)
          for row in 0..<4 { unsafe sum += scales[row] * lanes(x, starts[row] + index) }
          unsafe memory.storeBytes(of: sum, toByteOffset: index * 4, as: Lanes.self)
        }
        for index in whole..<count {
          for row in 0..<4 { unsafe y[index] += scales[row] * scalar(x, starts[row] + index) }
        }
      }
    }
  }

  /// Σ xᵢ², exact to float64 from blocks of float32 lanes.
  package static func squaredNorm(_ x: Span<Float>) -> Double {
    var sum = 0.0
    var start = 0
    while start < x.count {
      let end = min(start + 4096, x.count)
      let block = x.extracting(start..<end)
      sum += Double(dot(block, block))
      start = end
    }
    return sum
  }

  /// Σ (aᵢ − bᵢ)² over two vectors of one length, summed as `squaredNorm` is.
  package static func squaredDistance(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    precondition(a.count == b.count, "vectors differ in length")
    return unsafe a.withUnsafeBytes { a in
      unsafe b.withUnsafeBytes { b in
        let count = a.count / MemoryLayout<Float>.stride
        var sum = Lanes.zero
        let whole = count / width * width
        for index in stride(from: 0, to: whole, by: width) {
          let difference = unsafe lanes(a, index) - lanes(b, index)
          sum.addProduct(difference, difference)
        }
        var rest = Double(sum.sum())
        for index in whole..<count {
          let difference = unsafe Double(scalar(a, index) - scalar(b, index))
          rest += difference * difference
        }
        return rest
      }
    }
  }

  /// Elements that `nextBlock` looks at together.
  package static let blockWidth = 32

  /// Where the first block from `start` on begins that holds a number above `limit`.
  ///
  /// Blocks begin at multiples of `blockWidth`, as must `start`; the count where there is none.
  package static func nextBlock(in x: Span<Float>, from start: Int, above limit: Float) -> Int {
    unsafe x.withUnsafeBufferPointer { x in
      let whole = x.count / blockWidth * blockWidth
      var index = start
      while index < whole {
        var found: UInt32 = 0
        for lane in 0..<blockWidth { unsafe found |= x[index + lane] > limit ? 1 : 0 }
        if found != 0 { return index }
        index += blockWidth
      }
      for place in index..<x.count where unsafe x[place] > limit { return index }
      return x.count
    }
  }

  /// As `nextBlock`, with a limit for each number.
  package static func nextBlock(
    in x: Span<Float>, from start: Int, above limits: Span<Float>
  ) -> Int {
    precondition(limits.count == x.count, "vectors differ in length")
    return unsafe x.withUnsafeBufferPointer { x in
      unsafe limits.withUnsafeBufferPointer { limits in
        let whole = x.count / blockWidth * blockWidth
        var index = start
        while index < whole {
          var found: UInt32 = 0
          for lane in 0..<blockWidth {
            unsafe found |= x[index + lane] > limits[index + lane] ? 1 : 0
          }
          if found != 0 { return index }
          index += blockWidth
        }
        for place in index..<x.count where unsafe x[place] > limits[place] { return place }
        return x.count
      }
    }
  }

  @inline(__always)
  private static func lanes(_ memory: UnsafeRawBufferPointer, _ index: Int) -> Lanes {
    unsafe memory.loadUnaligned(fromByteOffset: index * 4, as: Lanes.self)
  }

  @inline(__always)
  private static func scalar(_ memory: UnsafeRawBufferPointer, _ index: Int) -> Float {
    unsafe memory.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
  }
}
