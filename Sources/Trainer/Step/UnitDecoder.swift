// Decoder rows of norm 1 (normalize_sae_decoder): before Adam the part of a row's gradient that would
// only change its norm is taken out, after it the row is scaled back.

import Shared

enum UnitDecoder {
  private static let block = 64

  /// Scales every row to norm 1; a row of zeros stays.
  static func normalize(_ decoder: borrowing Matrix) {
    let width = decoder.columns
    let weights = decoder.disjoint
    Parallel.forBlocks(decoder.rows, blockSize: block) { latents in
      for latent in latents {
        weights.withSlice(latent * width..<(latent + 1) * width) { normalize(&$0) }
      }
    }
  }

  /// Scales a row to norm 1; one of zeros stays.
  static func normalize(_ row: inout MutableSpan<Float>) {
    let norm = Vector.squaredNorm(row.span).squareRoot()
    guard norm > 0 else { return }
    for column in row.indices { row[column] = Float(Double(row[column]) / norm) }
  }

  /// Takes from each row of `gradient` its component along the row of the decoder.
  static func project(
    _ gradient: borrowing Matrix, _ decoder: borrowing Matrix, _ norms: borrowing DecoderNorms
  ) {
    let width = decoder.columns
    let weights = decoder.span
    let inverses = norms.inverses.span
    let target = gradient.disjoint
    Parallel.forBlocks(decoder.rows, blockSize: block) { latents in
      for latent in latents {
        let range = latent * width..<(latent + 1) * width
        let row = weights.extracting(range)
        target.withSlice(range) { slope in
          let along = Vector.dot(slope.span, row) * inverses[latent] * inverses[latent]
          Vector.add(-along, row, to: &slope)
        }
      }
    }
  }
}
