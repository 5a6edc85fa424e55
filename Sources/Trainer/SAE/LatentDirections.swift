// What the weights of an SAE alone say of its latents: how long the directions are that they read and write, and
// how alike the two. Comes in: parameters. Leaves: numbers by latent.

import Shared

extension Parameters {
  /// ‖row of the decoder‖.
  var decoderNorms: [Double] { Parameters.norms(decoder) }

  /// ‖w_enc‖; empty where the SAE has no encoder of its own.
  var encoderNorms: [Double] { Parameters.norms(encoder) }

  /// Between w_enc and w_dec, not a number where one of them is no direction; empty where they have other widths
  /// or there is no encoder.
  var encoderDecoderCosines: [Double] {
    guard shape.has(.encoder), shape.dIn == shape.dOut else { return [] }
    let (read, written) = (encoderNorms, decoderNorms)
    return (0..<shape.dSae).map { latent in
      Double(Vector.dot(encoder.row(latent), decoder.row(latent)))
        / (read[latent] * written[latent])
    }
  }

  private static func norms(_ matrix: borrowing Matrix) -> [Double] {
    (0..<matrix.rows).map { Vector.squaredNorm(matrix.row($0)).squareRoot() }
  }
}
