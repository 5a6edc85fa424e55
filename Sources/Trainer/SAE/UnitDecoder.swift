// Decoder rows of norm 1 (normalize_sae_decoder).

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
}
