// Before Adam, the part of a decoder row's gradient that would only change its norm is taken out, where
// rows are kept at norm 1.

import Shared

extension UnitDecoder {
  /// Takes from each row of `gradient` its component along the row of the decoder.
  static func project(
    _ gradient: inout Matrix, _ decoder: borrowing Matrix, _ norms: borrowing LatentNorms
  ) {
    let projection = DecoderProjection(decoder, norms)
    MatrixRows(decoder.columns, gradient.writer).run { projection.apply(to: &$1, of: $0) }
  }
}

private struct DecoderProjection: ~Escapable, Sendable {
  private let weights: Span<Float>
  private let inverses: Span<Float>

  @_lifetime(borrow decoder, borrow norms)
  init(_ decoder: borrowing Matrix, _ norms: borrowing LatentNorms) {
    weights = decoder.span
    inverses = norms.inverses.span
  }

  func apply(to slope: inout MutableSpan<Float>, of latent: Int) {
    let row = weights.extracting(latent * slope.count..<(latent + 1) * slope.count)
    let along = Vector.dot(slope.span, row) * inverses[latent] * inverses[latent]
    Vector.add(-along, row, to: &slope)
  }
}
