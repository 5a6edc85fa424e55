// The standard SAE: ReLU with a sparsity loss weighted by the decoder's norms. Bricken et al. 2023
// with the weighting of Anthropic's April 2024 update.
//
//   f = ReLU(a·W_enc + b_enc)      x̂ = f·W_dec + b_dec
//   v_j = f_j·‖W_j‖      S_b = (Σ_j v_j^p)^(1/p)      L = MSE + λ·mean_b S_b

import Foundation
import Shared

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

/// Collects the latents above zero of a row.
enum ReLU {
  /// Appends to `latents` and `values` what is above zero in `numbers`; false where it did not fit.
  static func scan(
    _ numbers: Span<Float>, firstLatent: Int, count: inout Int,
    _ latents: inout MutableSpan<Int32>, _ values: inout MutableSpan<Float>
  ) -> Bool {
    let capacity = latents.count
    precondition(values.count == capacity, "shapes differ")
    var start = Vector.nextBlock(in: numbers, from: 0, above: 0)
    while start < numbers.count {
      let end = min(start + Vector.blockWidth, numbers.count)
      for index in start..<end where numbers[index] > 0 {
        guard count < capacity else { return false }
        latents[count] = Int32(firstLatent + index)
        values[count] = numbers[index]
        count += 1
      }
      start = end < numbers.count ? Vector.nextBlock(in: numbers, from: end, above: 0) : end
    }
    return true
  }
}
