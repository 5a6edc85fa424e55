// The gated SAE: one path says which latents are active, another how strongly, with shared weights.
// Rajamanoharan et al. 2024, with SAELens's auxiliary term, whose decoder is not held constant.
//
//   z = a·W_enc      π = z + b_gate      f = 1[π > 0]·ReLU(z·exp(r_mag) + b_mag)      x̂ = f·W_dec + b_dec
//   L = MSE + λ·mean_b Σ_j ReLU(π_j)·‖W_j‖ + mean_b ‖ReLU(π)·W_dec + b_dec − x‖²
//
// An entry is a latent with π > 0; its value is π.

import Shared

enum Gated {
  /// f of an entry.
  @inline(__always) static func magnitude(
    _ objective: borrowing Objective, _ latent: Int, _ gate: Float
  ) -> Float {
    max(0, linear(objective, latent, gate))
  }

  @inline(__always) private static func linear(
    _ objective: borrowing Objective, _ latent: Int, _ gate: Float
  ) -> Float {
    (gate - objective.biases[latent]) * objective.magnitudeFactors[latent]
      + objective.magnitudeBiases[latent]
  }

  static func fillAmplitudes(
    _ objective: borrowing Objective, _ latents: Span<Int32>, _ values: Span<Float>,
    _ amplitudes: inout MutableSpan<Float>
  ) {
    for index in values.indices {
      amplitudes[index] = magnitude(objective, Int(latents[index]), values[index])
    }
  }

  static func differentiate(
    _ objective: borrowing Objective, _ row: borrowing RowEntries,
    _ slopes: inout MutableSpan<Float>, _ pressures: inout MutableSpan<Float>,
    _ extras: inout MutableSpan<Float>
  ) -> Double {
    let coefficient = Float(objective.rowCoefficient)
    var total = 0.0
    for index in row.values.indices {
      let latent = Int(row.latents[index])
      let gate = row.values[index]
      let weight = objective.weight(latent)
      let isOpen = row.amplitudes[index] > 0
      let magnitude = isOpen ? slopes[index] : 0
      total += Double(gate * weight)
      slopes[index] =
        extras[index] + coefficient * weight + magnitude * objective.magnitudeFactors[latent]
      extras[index] = magnitude
      pressures[index] =
        objective.configuration.weighsSparsityByDecoderNorm ? coefficient * gate : 0
    }
    return objective.rowCoefficient * total
  }
}
