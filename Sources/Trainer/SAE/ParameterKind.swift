// The parameters that SAEs have, by name, and their sizes. d = d_in, D = d_sae, o = d_out.

/// The parameters that an SAE may have.
package enum ParameterKind: String, CaseIterable, Sendable {
  /// W_encᵀ `[D, d]`: the weights of a latent are one row.
  case encoder
  /// b_enc `[1, D]`; the bias of the gate where there is one.
  case encoderBias = "encoder_bias"
  /// W_dec `[D, o]`.
  case decoder
  /// b_dec `[1, o]`.
  case decoderBias = "decoder_bias"
  /// θ `[1, D]`.
  case threshold
  /// b_mag `[1, D]`.
  case magnitudeBias = "magnitude_bias"
  /// r_mag `[1, D]`.
  case magnitudeScale = "magnitude_scale"
  /// W_skip `[o, d]`.
  case skip
  /// The factor of each latent that fine-tuning learns `[1, D]`.
  case latentScale = "latent_scale"
}

/// Rows and columns of a parameter.
package struct ParameterSize: Sendable, Equatable {
  package let rows: Int
  package let columns: Int

  fileprivate init(_ rows: Int, _ columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  /// The shape in files: a single row is a vector.
  package var stored: [Int] { rows == 1 ? [columns] : [rows, columns] }
}

/// Which parameters an SAE has, and how large they are.
package struct ParameterShape: Sendable, Equatable {
  package let dIn: Int
  package let dOut: Int
  package let dSae: Int
  /// In the order in which they are stored.
  package let kinds: [ParameterKind]

  /// The parameters of a plain SAE.
  package static let plainKinds: [ParameterKind] = [.encoder, .encoderBias, .decoder, .decoderBias]

  package init(dIn: Int, dOut: Int, dSae: Int, kinds: [ParameterKind] = plainKinds) {
    self.dIn = dIn
    self.dOut = dOut
    self.dSae = dSae
    self.kinds = ParameterKind.allCases.filter(kinds.contains)
  }

  /// The same SAE with a further parameter.
  package func adding(_ kind: ParameterKind) -> ParameterShape {
    ParameterShape(dIn: dIn, dOut: dOut, dSae: dSae, kinds: kinds + [kind])
  }

  package func has(_ kind: ParameterKind) -> Bool { kinds.contains(kind) }

  /// Rows and columns of a parameter; nil where the SAE lacks it.
  package func size(_ kind: ParameterKind) -> ParameterSize? {
    guard has(kind) else { return nil }
    return switch kind {
    case .encoder: ParameterSize(dSae, dIn)
    case .decoder: ParameterSize(dSae, dOut)
    case .decoderBias: ParameterSize(1, dOut)
    case .skip: ParameterSize(dOut, dIn)
    case .encoderBias, .threshold, .magnitudeBias, .magnitudeScale, .latentScale:
      ParameterSize(1, dSae)
    }
  }

  /// Numbers in all parameters together.
  package var count: Int {
    kinds.reduce(0) { sum, kind in size(kind).map { sum + $0.rows * $0.columns } ?? sum }
  }
}
