// The batchtopk SAE: of a batch the k·B largest latents take part, however many of each row. Bussmann
// et al. 2024. matryoshka_batchtopk (Bussmann et al. 2025) adds the reconstructions by the first
// w₁ < w₂ < … latents alone.
//
//   h as in topk      f = ReLU(h) where it is among the ⌊k·B⌋ largest of the batch
//   L = MSE + AuxK (+ Σ_{i<m} mean_b ‖f_{:w_i}·W_{:w_i} + b_dec − x‖²)
//   t ← (1 − ρ)·t + ρ·(least f > 0 of the batch), from 0: the threshold of the finished SAE

import Shared

/// Finds the largest numbers of a batch without sorting it.
struct BatchTopK: Sendable {
  /// Numbers above zero by their upper 16 bits: exponent and seven bits of the mantissa.
  static let bins = 1 << 15

  /// The bin of a number above zero.
  @inline(__always) static func bin(_ value: Float) -> Int { Int(value.bitPattern >> 16) }

  /// A number that at least `count` of the counted numbers are above, as large as bins tell; 0 where
  /// fewer are above zero.
  static func limit(_ histogram: Span<Int32>, count: Int) -> Float {
    var above = 0
    var bin = histogram.count - 1
    while bin > 0 {
      above += Int(histogram[bin])
      if above >= count {
        // Just below the bin's least number.
        return Float(bitPattern: (UInt32(bin) << 16) - 1)
      }
      bin -= 1
    }
    return 0
  }

  /// The number at place `rank` (from 0) in descending order; reorders `values` (Hoare's selection).
  static func select(_ values: inout MutableSpan<Float>, count: Int, rank: Int) -> Float {
    var low = 0
    var high = count - 1
    while low < high {
      let pivot = values[(low + high) / 2]
      var left = low
      var right = high
      while left <= right {
        while values[left] > pivot { left += 1 }
        while values[right] < pivot { right -= 1 }
        if left <= right {
          values.swapAt(left, right)
          left += 1
          right -= 1
        }
      }
      if rank <= right {
        high = right
      } else if rank >= left {
        low = left
      } else {
        break
      }
    }
    return values[rank]
  }
}
