// Decoder rows of norm 1 (normalize_sae_decoder): before Adam the part of a row's gradient that would
// only change its norm is taken out, after it the row is scaled back.

import Shared

enum UnitDecoder {
  /// Scales every row to norm 1; a row of zeros stays.
  static func normalize(_ decoder: inout Matrix) {
    MatrixRows(decoder.columns, decoder.writer).run { normalize(&$1) }
  }

  /// Scales a row to norm 1; one of zeros stays.
  static func normalize(_ row: inout MutableSpan<Float>) {
    let norm = Vector.squaredNorm(row.span).squareRoot()
    guard norm > 0 else { return }
    for column in row.indices { row[column] = Float(Double(row[column]) / norm) }
  }

  /// Takes from each row of `gradient` its component along the row of the decoder; `inverses` are
  /// those of the norms.
  static func project(
    _ gradient: inout Matrix, _ decoder: borrowing Matrix, inverses: Span<Float>
  ) {
    let width = decoder.columns
    let weights = decoder.span
    MatrixRows(width, gradient.writer).run { latent, slope in
      let row = weights.extracting(latent * width..<(latent + 1) * width)
      let along = Vector.dot(slope.span, row) * inverses[latent] * inverses[latent]
      Vector.add(-along, row, to: &slope)
    }
  }
}
