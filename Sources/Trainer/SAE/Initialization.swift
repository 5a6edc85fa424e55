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
    var result = Parameters(shape)
    result.draw(draw)
    return result
  }

  private mutating func draw(_ draw: InitialDraw) {
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
    if shape.has(.encoder) { drawEncoder(draw) }
    for latent in 0..<threshold.count { threshold.buffer[latent] = Float(draw.threshold) }
  }

  private mutating func drawEncoder(_ draw: InitialDraw) {
    if draw.isTied, shape.dIn == shape.dOut {
      encoder = decoder.copy()
      return
    }
    let random = Random(seed: draw.seed, stream: "W_enc")
    let bound = (6 / Double(shape.dSae)).squareRoot()
    encoder.drawRows { (2 * random.uniform($0) - 1) * bound }
  }
}

extension Matrix {
  /// Fills every element from its index.
  fileprivate mutating func drawRows(_ value: @Sendable (Int) -> Double) {
    MatrixRows(columns, writer).run { row, target in
      for column in target.indices {
        target[column] = Float(value(row * target.count + column))
      }
    }
  }

  /// Scales every row to a norm; rows of zeros stay.
  mutating func scaleRows(to norm: Double) {
    MatrixRows(columns, writer).run { _, row in
      let length = Vector.squaredNorm(row.span).squareRoot()
      let factor = Float(length > 0 ? norm / length : 0)
      for column in row.indices { row[column] *= factor }
    }
  }

  /// Replaces the matrix by one with orthonormal columns, or rows where there are fewer of them, from
  /// normal numbers by Gram and Schmidt.
  fileprivate mutating func makeOrthogonal(_ random: Random) {
    let isTall = rows >= columns
    let (count, length) = isTall ? (columns, rows) : (rows, columns)
    var vectors = Matrix(rows: count, columns: length)
    vectors.drawRows { random.normal($0) }
    for vector in 0..<count {
      var row = vectors.writer.slice(vector * length..<(vector + 1) * length)
      let norm = Float(1 / Vector.squaredNorm(row.span).squareRoot())
      for index in row.indices { row[index] *= norm }
      vectors.orthogonalise(after: vector)
    }
    for row in 0..<rows {
      for column in 0..<columns {
        self[row, column] = isTall ? vectors[column, row] : vectors[row, column]
      }
    }
  }

  /// Takes from every later row its component along a row of norm 1.
  private mutating func orthogonalise(after vector: Int) {
    let unit = (0..<columns).map { self[vector, $0] }
    MatrixRows(columns, writer, from: vector + 1).run { _, row in
      Vector.add(-Vector.dot(row.span, unit.span), unit.span, to: &row)
    }
  }
}

/// The rows of a matrix for changes, in fixed blocks.
struct MatrixRows: ~Escapable, Sendable {
  private static let block = 64
  private let width: Int
  private let first: Int
  private let memory: Disjoint<Float>

  @_lifetime(copy memory)
  init(_ width: Int, _ memory: Disjoint<Float>, from first: Int = 0) {
    self.width = width
    self.first = first
    self.memory = memory
  }

  func run(_ change: @Sendable (_ row: Int, _ values: inout MutableSpan<Float>) -> Void) {
    let count = memory.count / max(1, width) - first
    Parallel.forBlocks(count, blockSize: Self.block) { rows in
      for row in rows {
        let place = (first + row) * width
        var values = memory.slice(place..<place + width)
        change(first + row, &values)
      }
    }
  }
}
