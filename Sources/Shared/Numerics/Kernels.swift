// The elementwise and rowwise kernels of a forward pass. Come in: rows as spans. Leave: the same
// rows changed, or sums of them.
//
// Elementwise bodies are plain loops, which the compiler turns into vector code; reductions have
// explicit lanes, because Swift never reorders floating-point sums by itself.

/// What a layer norm does besides dividing.
package enum NormKind: Sendable, Equatable {
  /// Subtracts the mean, divides by the standard deviation (Ba, Kiros, Hinton 2016).
  case layer
  /// Divides by the root of the mean square (Zhang, Sennrich 2019).
  case rootMeanSquare
}

/// The nonlinearity of an MLP.
package enum Activation: Sendable, Equatable {
  /// x·Φ(x) with the normal distribution's Φ.
  case gelu
  /// Φ approximated by tanh (Hendrycks, Gimpel 2016).
  case geluTanh
  /// x·σ(x).
  case silu
  case relu
  /// x·σ(1.702·x).
  case quickGELU
  /// The square of what ReLU gives.
  case squaredReLU
  /// x·softmax(x) over a row (Elhage and others 2022).
  case solu

  /// Whether an element's value follows from that element alone.
  package var isElementwise: Bool { self != .solu }
}

/// Kernels on rows.
package enum Kernels {
  private static let laneCount = 8

  /// Eight neighboring elements.
  @inline(__always)
  private static func lanes(_ row: Span<Float>, _ index: Int) -> SIMD8<Float> {
    unsafe row.raw.unsafeLoadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self)
  }

  // MARK: Reductions

  /// Σ f(x) with `f` applied to eight elements at a time; the order of additions is fixed.
  @inline(__always)
  private static func reduce(
    _ row: Span<Float>, _ term: (SIMD8<Float>, SIMD8<Float>) -> SIMD8<Float>
  ) -> Float {
    var first = SIMD8<Float>(repeating: 0)
    var second = first
    let whole = row.count / (2 * laneCount) * (2 * laneCount)
    for index in stride(from: 0, to: whole, by: 2 * laneCount) {
      first = term(first, lanes(row, index))
      second = term(second, lanes(row, index + laneCount))
    }
    var rest = SIMD8<Float>(repeating: 0)
    for index in whole..<row.count {
      var single = SIMD8<Float>(repeating: 0)
      single[0] = row[index]
      rest = term(rest, single)
    }
    return sum(of: first + second) + rest[0]
  }

  @inline(__always)
  private static func sum(of lanes: SIMD8<Float>) -> Float {
    let four = lanes.lowHalf + lanes.highHalf
    let two = four.lowHalf + four.highHalf
    return two[0] + two[1]
  }

  /// Σ x.
  package static func sum(_ row: Span<Float>) -> Float { reduce(row) { $0 + $1 } }

  /// Σ x².
  package static func squareSum(_ row: Span<Float>) -> Float {
    reduce(row) { $0.addingProduct($1, $1) }
  }

  /// The largest element; minus infinity of none.
  package static func maximum(_ row: Span<Float>) -> Float {
    var best = SIMD8<Float>(repeating: -.infinity)
    let whole = row.count / laneCount * laneCount
    for index in stride(from: 0, to: whole, by: laneCount) {
      let next = lanes(row, index)
      best.replace(with: next, where: next .> best)
    }
    var result = best[0]
    for lane in 1..<laneCount where best[lane] > result { result = best[lane] }
    for index in whole..<row.count where row[index] > result { result = row[index] }
    return result
  }

  // MARK: Elementwise

  /// eˣ with a relative error below 2·10⁻⁷.
  ///
  /// x = n·ln 2 + r with |r| ≤ ln 2 / 2; eʳ by its Taylor polynomial of degree 7; 2ⁿ by its bits.
  @inline(__always)
  static func exponential(_ x: Float) -> Float {
    // Beyond these the result is 0 or near the largest Float; both keep n within the exponent.
    let low: Float = x < -87 ? -87 : x
    let bounded: Float = low > 88 ? 88 : low
    let shifted = bounded * 1.442_695_04 + 12_582_912  // 1.5·2²³ rounds to a whole number
    let n = shifted - 12_582_912
    let r = (bounded - n * 0.693_359_375) + n * 2.121_944_4e-4
    var p: Float = 1.984_127e-4
    p = p * r + 1.388_888_9e-3
    p = p * r + 8.333_333e-3
    p = p * r + 4.166_666_8e-2
    p = p * r + 0.166_666_67
    p = p * r + 0.5
    p = p * r + 1
    p = p * r + 1
    let power = Float(bitPattern: (shifted.bitPattern &+ 127) << 23)
    return x < -87 ? 0 : p * power
  }

  /// σ(x) = 1 / (1 + e⁻ˣ).
  @inline(__always)
  private static func logistic(_ x: Float) -> Float { 1 / (1 + exponential(-x)) }

  /// Φ(x) with an absolute error below 2·10⁻⁷ (Abramowitz, Stegun, formula 7.1.26 for erf).
  @inline(__always)
  private static func normalDistribution(_ x: Float) -> Float {
    let size = (x < 0 ? -x : x) * 0.707_106_77
    let t = 1 / (1 + 0.327_591_1 * size)
    var p: Float = 1.061_405_43
    p = p * t - 1.453_152_03
    p = p * t + 1.421_413_74
    p = p * t - 0.284_496_74
    p = p * t + 0.254_829_59
    let tail = 0.5 * p * t * exponential(-size * size)
    return x < 0 ? tail : 1 - tail
  }

  @inline(__always)
  private static func forEach(_ row: inout MutableSpan<Float>, _ body: (Float) -> Float) {
    for index in 0..<row.count { row[index] = body(row[index]) }
  }

  /// x ← activation(x).
  package static func activate(_ activation: Activation, _ row: inout MutableSpan<Float>) {
    switch activation {
    case .gelu: forEach(&row) { $0 * normalDistribution($0) }
    // 0.5·(1 + tanh u) = σ(2u) with u = √(2/π)·(x + 0.044715·x³).
    case .geluTanh: forEach(&row) { $0 * logistic($0 * (1.595_769_1 + 0.071_354_816 * $0 * $0)) }
    case .silu: forEach(&row) { $0 * logistic($0) }
    case .relu: forEach(&row) { $0 > 0 ? $0 : 0 }
    case .quickGELU: forEach(&row) { $0 * logistic(1.702 * $0) }
    case .squaredReLU: forEach(&row) { $0 > 0 ? $0 * $0 : 0 }
    case .solu: multiplyBySoftmax(&row)
    }
  }

  private static func multiplyBySoftmax(_ row: inout MutableSpan<Float>) {
    let top = maximum(row.span)
    var sum: Float = 0
    for index in 0..<row.count { sum += exponential(row[index] - top) }
    for index in 0..<row.count { row[index] *= exponential(row[index] - top) / sum }
  }

  /// g·σ(alpha·g)·(x + 1) of each pair (g, x), kept within the limit, in the row's first half.
  package static func gateClamped(
    _ row: inout MutableSpan<Float>, alpha: Float, limit: Float
  ) {
    for pair in 0..<row.count / 2 {
      let (g, x) = (min(row[2 * pair], limit), min(max(row[2 * pair + 1], -limit), limit))
      row[pair] = g * logistic(alpha * g) * (x + 1)
    }
  }

  /// σ(x).
  package static func logistic(of x: Float) -> Float { logistic(x) }

  /// target ← target · σ(source), element by element.
  package static func multiplyByLogistic(
    of source: Span<Float>, _ target: inout MutableSpan<Float>
  ) {
    precondition(source.count == target.count, "rows of different length")
    for index in 0..<target.count { target[index] *= logistic(source[index]) }
  }

  /// Keeps each element between −limit and limit.
  package static func clamp(_ row: inout MutableSpan<Float>, limit: Float) {
    forEach(&row) { $0 < -limit ? -limit : $0 > limit ? limit : $0 }
  }

  /// target ← target + source.
  package static func add(_ source: Span<Float>, to target: inout MutableSpan<Float>) {
    precondition(source.count == target.count, "rows of different length")
    for index in 0..<target.count { target[index] += source[index] }
  }

  /// target ← source.
  package static func copy(_ source: Span<Float>, to target: inout MutableSpan<Float>) {
    precondition(source.count == target.count, "rows of different length")
    for index in 0..<target.count { target[index] = source[index] }
  }

  /// target ← target · source, element by element.
  package static func multiply(by source: Span<Float>, _ target: inout MutableSpan<Float>) {
    precondition(source.count == target.count, "rows of different length")
    for index in 0..<target.count { target[index] *= source[index] }
  }

  // MARK: Rows

  /// Turns scores into weights that sum to one.
  ///
  /// A sink is one more score, whose weight is left out of the row.
  package static func softmax(_ row: inout MutableSpan<Float>, sink: Float = -.infinity) {
    let top = max(maximum(row.span), sink)
    for index in 0..<row.count { row[index] = exponential(row[index] - top) }
    let factor = 1 / (sum(row.span) + exponential(sink - top))
    for index in 0..<row.count { row[index] *= factor }
  }

  /// Writes (x − mean) / scale, without gain and bias.
  ///
  /// - Returns: the scale, √(variance + ε) or √(mean square + ε).
  package static func normalize(
    _ source: Span<Float>, _ kind: NormKind, epsilon: Float, into target: inout MutableSpan<Float>
  ) -> Float {
    precondition(source.count == target.count, "rows of different length")
    let mean = kind == .layer ? sum(source) / Float(source.count) : 0
    for index in 0..<target.count { target[index] = source[index] - mean }
    return divideByRootMeanSquare(&target, epsilon: epsilon)
  }

  /// x ← (x − mean) / scale, without gain and bias.
  package static func normalizeInPlace(
    _ row: inout MutableSpan<Float>, _ kind: NormKind, epsilon: Float
  ) -> Float {
    if kind == .layer { subtractMeans(&row, over: row.count) }
    return divideByRootMeanSquare(&row, epsilon: epsilon)
  }

  private static func divideByRootMeanSquare(
    _ row: inout MutableSpan<Float>, epsilon: Float
  ) -> Float {
    let scale = (squareSum(row.span) / Float(row.count) + epsilon).squareRoot()
    let factor = 1 / scale
    for index in 0..<row.count { row[index] *= factor }
    return scale
  }

  /// x ← x − mean, over each run of `size` elements.
  package static func subtractMeans(_ row: inout MutableSpan<Float>, over size: Int) {
    precondition(size > 0 && row.count % size == 0, "runs do not fill the row")
    for start in stride(from: 0, to: row.count, by: size) {
      let mean = sum(row.span.extracting(start..<start + size)) / Float(size)
      for index in start..<start + size { row[index] -= mean }
    }
  }

  /// x ← cap·tanh(x / cap).
  package static func softCap(_ row: inout MutableSpan<Float>, cap: Float) {
    let factor = 2 / cap
    forEach(&row) { x in
      let size = x < 0 ? -x : x
      let e = exponential(-factor * size)
      let capped = cap * (1 - e) / (1 + e)
      return x < 0 ? -capped : capped
    }
  }

  /// x ← x · gain + bias; an empty bias is zero.
  package static func affine(
    _ row: inout MutableSpan<Float>, gain: Span<Float>, bias: Span<Float>
  ) {
    precondition(gain.count == row.count && (bias.isEmpty || bias.count == row.count), "row length")
    if bias.isEmpty {
      for index in 0..<row.count { row[index] *= gain[index] }
    } else {
      for index in 0..<row.count { row[index] = row[index] * gain[index] + bias[index] }
    }
  }

  /// Rotates the first 2·n elements of each head of a row by n angles, as in RoFormer (2021).
  ///
  /// Element i pairs with element i + n, as in GPT-NeoX and Llama.
  package static func rotate(
    _ row: inout MutableSpan<Float>, headWidth: Int, cosines: Span<Float>, sines: Span<Float>
  ) {
    let half = cosines.count
    precondition(sines.count == half && 2 * half <= headWidth, "more angles than pairs")
    for start in stride(from: 0, to: row.count, by: headWidth) {
      for index in 0..<half {
        let (a, b) = (row[start + index], row[start + index + half])
        row[start + index] = a * cosines[index] - b * sines[index]
        row[start + index + half] = b * cosines[index] + a * sines[index]
      }
    }
  }

  /// The same where element 2i pairs with element 2i + 1, as in GPT-J.
  package static func rotateNeighbors(
    _ row: inout MutableSpan<Float>, headWidth: Int, cosines: Span<Float>, sines: Span<Float>
  ) {
    let pairs = cosines.count
    precondition(sines.count == pairs && 2 * pairs <= headWidth, "more angles than pairs")
    for start in stride(from: 0, to: row.count, by: headWidth) {
      for index in 0..<pairs {
        let place = start + 2 * index
        let (a, b) = (row[place], row[place + 1])
        row[place] = a * cosines[index] - b * sines[index]
        row[place + 1] = b * cosines[index] + a * sines[index]
      }
    }
  }
}
