// Which latents of one SAE another SAE has as well: the highest cosine of each decoder direction with those of
// the other. Comes in: two decoders. Leaves: for each latent its match, both ways, from one pass over blocks.

package import Shared

/// Why the latents of two SAEs cannot be compared.
package enum LatentMatchingError: Failure, Equatable {
  case otherWidth(first: Int, second: Int)

  package var sentence: String {
    switch self {
    case .otherWidth(let first, let second):
      "The decoders write into spaces of \(first) and \(second) dimensions."
    }
  }

  package var hint: String? { "Only SAEs of the same width have latents in common." }
}

/// The matches of the latents of one SAE among those of another.
package struct LatentMatching: Sendable, Equatable {
  /// The latent of the other SAE that is most alike.
  package struct Match: Sendable, Equatable {
    package let latent: Int
    package let other: Int
    package let cosine: Float

    package init(latent: Int, other: Int, cosine: Float) {
      self.latent = latent
      self.other = other
      self.cosine = cosine
    }
  }

  /// In the order of the latents; those that were left out have none.
  package let matches: [Match]

  /// Latents that are compared with all others at once.
  private static let block = 128

  /// The share of the latents whose match has at least that cosine; nil without latents.
  package func share(above cosine: Float) -> Double? {
    if matches.isEmpty { return nil }
    return Double(matches.count { $0.cosine >= cosine }) / Double(matches.count)
  }

  package var meanCosine: Double? {
    if matches.isEmpty { return nil }
    return matches.reduce(0) { $0 + Double($1.cosine) } / Double(matches.count)
  }

  /// Matches two decoders `[D, o]`, each with the latents that count; a direction of length zero has none.
  package static func both(
    _ first: borrowing Matrix, _ second: borrowing Matrix,
    firstCounts: (Int) -> Bool = { _ in true }, secondCounts: (Int) -> Bool = { _ in true }
  ) throws(LatentMatchingError) -> (first: LatentMatching, second: LatentMatching) {
    guard first.columns == second.columns else {
      throw .otherWidth(first: first.columns, second: second.columns)
    }
    let width = first.columns
    let scales = (
      inverseNorms(first, counted: firstCounts), inverseNorms(second, counted: secondCounts)
    )
    var ofFirst = [Best](repeating: Best(), count: first.rows)
    var ofSecond = [Best](repeating: Best(), count: second.rows)
    let rowLimit = min(block, first.rows)
    var cosines = Matrix(rows: rowLimit, columns: second.rows)
    for start in stride(from: 0, to: first.rows, by: block) {
      let rows = start..<min(start + block, first.rows)
      var target = cosines.mutableSpan
      Multiply.product(
        rows: rows.count, columns: second.rows, inner: width,
        first.span.extracting(start * width..<rows.upperBound * width), .plain, second.span,
        .transposed, into: &target)
      let block = Block(rows: rows, columns: second.rows, scales: scales)
      let values = cosines.span
      for (row, best) in zip(rows, Parallel.map(rows.count) { block.best(ofRow: $0, values) }) {
        ofFirst[row] = best
      }
      let pieces = block.columnPieces
      let found = Parallel.map(pieces.count) { block.best(ofColumns: pieces[$0], values) }
      for (column, best) in zip(0..<second.rows, found.joined()) {
        ofSecond[column].take(best)
      }
    }
    return (LatentMatching(ofFirst), LatentMatching(ofSecond))
  }

  private init(_ best: [Best]) {
    matches = best.enumerated().compactMap { latent, best in
      best.index < 0 ? nil : Match(latent: latent, other: best.index, cosine: best.cosine)
    }
  }

  /// 1 / ‖row‖; zero for those that do not count.
  private static func inverseNorms(
    _ matrix: borrowing Matrix, counted: (Int) -> Bool
  ) -> [Float] {
    let width = matrix.columns
    let values = matrix.span
    return (0..<matrix.rows).map { row in
      guard counted(row) else { return 0 }
      let squares = Vector.squaredNorm(values.extracting(row * width..<(row + 1) * width))
      return squares > 0 && squares.isFinite ? Float(1 / squares.squareRoot()) : 0
    }
  }
}

/// The highest cosine that has been seen; the first of equal ones.
private struct Best: Sendable {
  var index = -1
  var cosine = -Float.infinity

  mutating func take(_ other: Best) {
    if other.index >= 0, other.cosine > cosine { self = other }
  }

  mutating func take(_ index: Int, _ cosine: Float) {
    if cosine > self.cosine { (self.index, self.cosine) = (index, cosine) }
  }
}

/// Products of some rows of the first decoder with all of the second.
private struct Block: Sendable {
  let rows: Range<Int>
  let columns: Int
  let scales: ([Float], [Float])

  /// Columns that one thread looks at.
  private static let pieceWidth = 4096

  var columnPieces: [Range<Int>] {
    stride(from: 0, to: columns, by: Block.pieceWidth).map {
      $0..<min($0 + Block.pieceWidth, columns)
    }
  }

  func best(ofRow row: Int, _ products: Span<Float>) -> Best {
    var best = Best()
    let scale = scales.0[rows.lowerBound + row]
    if scale == 0 { return best }
    for column in 0..<columns where scales.1[column] > 0 {
      best.take(column, products[row * columns + column] * scale * scales.1[column])
    }
    return best
  }

  func best(ofColumns piece: Range<Int>, _ products: Span<Float>) -> [Best] {
    var best = [Best](repeating: Best(), count: piece.count)
    for row in 0..<rows.count {
      let scale = scales.0[rows.lowerBound + row]
      if scale == 0 { continue }
      for column in piece where scales.1[column] > 0 {
        best[column - piece.lowerBound].take(
          rows.lowerBound + row, products[row * columns + column] * scale * scales.1[column])
      }
    }
    return best
  }
}
