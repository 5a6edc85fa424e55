// The parameters before the first step. SAELens 6 draws a decoder with rows of equal norm, takes the
// encoder as its transpose and leaves biases zero; options give what older versions did. Torch's
// random stream is not reproduced.

package import Shared

/// How initial parameters are drawn.
package struct InitialDraw: Sendable {
  /// Norm of decoder rows; nil keeps them as drawn.
  package var rowNorm: Double? = 0.1
  package var draw = DecoderDraw.kaimingUniform
  package var isOrthogonal = false
  package var isTied = true
  package var threshold = 0.01
  package var seed = 42

  package init() {}

  /// What a run's settings ask for.
  package init(_ settings: TrainSettings) {
    draw = settings.decoderInitDraw
    isOrthogonal = settings.decoderOrthogonalInit
    isTied = settings.initEncoderAsDecoderTranspose && !settings.architecture.isTranscoder
    threshold = settings.jumpreluInitThreshold
    seed = settings.seed
    rowNorm = settings.decoderHeuristicInit && !isOrthogonal ? settings.decoderInitNorm : nil
    // Matching pursuit and a decoder that is kept normal have no other norm to start with.
    if settings.normalizeSaeDecoder || settings.architecture == .matchingPursuit { rowNorm = 1 }
  }
}

extension Parameters {
  /// Draws initial parameters.
  ///
  /// Unless it is drawn otherwise the decoder is uniform on ±√(6/o) (He et al. 2015, fan-in o, slope
  /// 0). An encoder that is not the decoder's transpose, as in transcoders, is uniform on ±√(6/D).
  package static func initial(_ shape: ParameterShape, _ draw: InitialDraw) -> Parameters {
    let result = Parameters(shape)
    result.draw(draw)
    return result
  }

  private func draw(_ draw: InitialDraw) {
    let random = Random(seed: draw.seed, stream: "W_dec")
    let bound = (6 / Double(shape.dOut)).squareRoot()
    decoder.drawRows { index in
      switch draw.draw {
      case .kaimingUniform: (2 * random.uniform(index) - 1) * bound
      case .uniform: random.uniform(index)
      case .normal: random.normal(index)
      }
    }
    if draw.isOrthogonal { decoder.makeOrthogonal(random) }
    if let norm = draw.rowNorm { decoder.scaleRows(to: norm) }
    if shape.hasEncoder { drawEncoder(draw) }
    threshold.disjoint.withAll { values in
      for index in values.indices { values[index] = Float(draw.threshold) }
    }
  }

  private func drawEncoder(_ draw: InitialDraw) {
    if draw.isTied, shape.dIn == shape.dOut {
      let source = decoder.span
      encoder.disjoint.withAll { target in
        for index in target.indices { target[index] = source[index] }
      }
      return
    }
    let random = Random(seed: draw.seed, stream: "W_enc")
    let bound = (6 / Double(shape.dSae)).squareRoot()
    encoder.drawRows { (2 * random.uniform($0) - 1) * bound }
  }
}

extension Matrix {
  private static var rowBlock: Int { 64 }

  /// Fills every element from its index.
  fileprivate func drawRows(_ value: @Sendable (Int) -> Double) {
    let memory = disjoint
    let width = columns
    Parallel.forBlocks(rows, blockSize: Self.rowBlock) { rows in
      for row in rows {
        memory.withSlice(row * width..<(row + 1) * width) { target in
          for column in 0..<width { target[column] = Float(value(row * width + column)) }
        }
      }
    }
  }

  /// Scales every row to a norm; rows of zeros stay.
  func scaleRows(to norm: Double) {
    let memory = disjoint
    let width = columns
    Parallel.forBlocks(rows, blockSize: Self.rowBlock) { rows in
      for row in rows {
        memory.withSlice(row * width..<(row + 1) * width) { target in
          let length = Vector.squaredNorm(target.span).squareRoot()
          let factor = Float(length > 0 ? norm / length : 0)
          for column in 0..<width { target[column] *= factor }
        }
      }
    }
  }

  /// Replaces the matrix by one with orthonormal columns, or rows where there are fewer of them, from
  /// normal numbers by Gram and Schmidt.
  fileprivate func makeOrthogonal(_ random: Random) {
    let isTall = rows >= columns
    let (count, length) = isTall ? (columns, rows) : (rows, columns)
    let vectors = Matrix(rows: count, columns: length)
    vectors.drawRows { random.normal($0) }
    let memory = vectors.disjoint
    for vector in 0..<count {
      memory.withSlice(vector * length..<(vector + 1) * length) { row in
        let norm = Float(1 / Vector.squaredNorm(row.span).squareRoot())
        for index in row.indices { row[index] *= norm }
      }
      let unit = vectors.row(vector)
      Parallel.forBlocks(count - vector - 1, blockSize: 8) { others in
        for other in others {
          let start = (vector + 1 + other) * length
          memory.withSlice(start..<start + length) { row in
            Vector.add(-Vector.dot(row.span, unit), unit, to: &row)
          }
        }
      }
    }
    let source = vectors.span
    let (rows, columns) = (rows, columns)
    disjoint.withAll { target in
      for row in 0..<rows {
        for column in 0..<columns {
          target[row * columns + column] =
            source[isTall ? column * length + row : row * length + column]
        }
      }
    }
  }
}

/// Centres of a set of rows, for the initial decoder bias.
package enum Centre {
  /// The mean of rows `[rows, d]`, summed in float64.
  package static func mean(_ values: Span<Float>, columns: Int) -> [Float] {
    var sums = [Double](repeating: 0, count: columns)
    let rows = values.count / max(1, columns)
    for row in 0..<rows {
      for column in 0..<columns { sums[column] += Double(values[row * columns + column]) }
    }
    return sums.map { Float($0 / Double(max(1, rows))) }
  }

  /// The point with the smallest sum of distances to rows `[rows, d]`.
  ///
  /// Weiszfeld's iteration from the mean, at most 100 times, until the sum stops falling; weights
  /// are 1 / max(distance, 1e-6).
  package static func geometricMedian(_ values: Span<Float>, columns: Int) -> [Float] {
    let rows = values.count / max(1, columns)
    var centre = mean(values, columns: columns).map(Double.init)
    var lastSum = Double.infinity
    for _ in 0..<100 {
      var weighted = [Double](repeating: 0, count: columns)
      var total = 0.0
      var sum = 0.0
      for row in 0..<rows {
        var square = 0.0
        for column in 0..<columns {
          let difference = Double(values[row * columns + column]) - centre[column]
          square += difference * difference
        }
        let distance = square.squareRoot()
        let weight = 1 / max(distance, 1e-6)
        sum += distance
        total += weight
        for column in 0..<columns {
          weighted[column] += weight * Double(values[row * columns + column])
        }
      }
      guard total > 0, abs(lastSum - sum) > 1e-20 * sum else { break }
      lastSum = sum
      centre = weighted.map { $0 / total }
    }
    return centre.map { Float($0) }
  }
}
