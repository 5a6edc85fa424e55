// The standard SAE: ReLU with a sparsity loss weighted by the decoder's norms. Bricken et al. 2023
// with the weighting of Anthropic's April 2024 update. Transcoders have the same formulas with a
// target of their own.
//
//   f = ReLU(a·W_enc + b_enc)      x̂ = (f∘s)·W_dec + b_dec      s = 1 but in fine-tuning
//   v_j = f_j·‖W_j‖      S_b = (Σ_j v_j^p)^(1/p)      L = MSE + λ·mean_b S_b

import Foundation
import Shared

enum Standard {
  static func fillAmplitudes(
    _ objective: borrowing Objective, _ latents: Span<Int32>, _ values: Span<Float>,
    _ amplitudes: inout MutableSpan<Float>
  ) {
    let isScaled = objective.latentScales.count > 0
    for index in values.indices {
      let scale = isScaled ? objective.latentScales[Int(latents[index])] : 1
      amplitudes[index] = values[index] * scale
    }
  }

  static func differentiate(
    _ objective: borrowing Objective, _ row: borrowing RowEntries,
    _ slopes: inout MutableSpan<Float>, _ pressures: inout MutableSpan<Float>,
    _ extras: inout MutableSpan<Float>
  ) -> Double {
    if objective.latentScales.count > 0 {
      for index in row.values.indices {
        extras[index] = row.values[index] * slopes[index]
        slopes[index] *= objective.latentScales[Int(row.latents[index])]
      }
    }
    return press(objective, row, &slopes, &pressures)
  }

  /// Adds the sparsity loss, (λ/B) · dS/dv · ‖W_j‖, to the slopes and returns λ·S.
  private static func press(
    _ objective: borrowing Objective, _ row: borrowing RowEntries,
    _ slopes: inout MutableSpan<Float>, _ pressures: inout MutableSpan<Float>
  ) -> Double {
    let loss = SparsityLoss(exponent: objective.configuration.lpNorm)
    let isWeighted = objective.configuration.weighsSparsityByDecoderNorm
    let coefficient = Float(objective.rowCoefficient)
    var powers = 0.0
    for index in row.values.indices {
      powers += loss.power(row.values[index] * objective.weight(Int(row.latents[index])))
    }
    let total = loss.total(powers: powers)
    for index in row.values.indices {
      let weight = objective.weight(Int(row.latents[index]))
      let weighted = row.values[index] * weight
      let slope = weighted > 0 ? coefficient * loss.slope(weighted, total: total) : 0
      pressures[index] = isWeighted ? slope * row.values[index] : 0
      slopes[index] += slope * weight
    }
    return objective.rowCoefficient * total
  }
}

/// The sparsity loss of a row.
struct SparsityLoss: Sendable {
  /// The exponent p.
  let exponent: Double

  /// S of a row with Σ v^p = `powers`.
  func total(powers: Double) -> Double {
    exponent == 1 ? powers : pow(powers, 1 / exponent)
  }

  /// v^p.
  func power(_ weighted: Float) -> Double {
    exponent == 1 ? Double(weighted) : pow(Double(weighted), exponent)
  }

  /// dS/dv = v^(p−1) · S^(1−p), for v above zero.
  func slope(_ weighted: Float, total: Double) -> Float {
    exponent == 1
      ? 1 : Float(pow(Double(weighted), exponent - 1) * pow(total, 1 - exponent))
  }
}

/// Collects the latents above a limit of a row.
enum ReLU {
  /// Appends to `latents` and `values` what is above `limit` in `numbers`; false where it did not
  /// fit.
  static func scan(
    _ numbers: Span<Float>, above limit: Float = 0, firstLatent: Int, count: inout Int,
    _ latents: inout MutableSpan<Int32>, _ values: inout MutableSpan<Float>
  ) -> Bool {
    let capacity = latents.count
    precondition(values.count == capacity, "shapes differ")
    var start = Vector.nextBlock(in: numbers, from: 0, above: limit)
    while start < numbers.count {
      let end = min(start + Vector.blockWidth, numbers.count)
      for index in start..<end where numbers[index] > limit {
        guard count < capacity else { return false }
        latents[count] = Int32(firstLatent + index)
        values[count] = numbers[index]
        count += 1
      }
      start = end < numbers.count ? Vector.nextBlock(in: numbers, from: end, above: limit) : end
    }
    return true
  }
}
