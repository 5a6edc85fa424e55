// The JumpReLU SAE: every latent has a threshold of its own, which learns from a band around it by
// straight-through estimates. Rajamanoharan et al. 2024; tanh after Anthropic's January 2025 update;
// quadratic after Gemma Scope 2.
//
//   f = pre·1[pre > θ]      r = 1[|pre − θ| < ε/2]
//   dL/dpre = 1[pre > θ]·g (+ (θ/ε)·r·g)      dL/dθ = −(θ/ε)·r·g      with g = dL/df
//   step:      λ·mean_b Σ_j 1[pre_j > θ_j]            dL/dθ −= (λ/ε)·r      (dL/dpre += (λ/ε)·r)
//   tanh:      λ·mean_b Σ_j tanh(c·f_j·‖W_j‖)
//   quadratic: λ·mean_b (2/target)·(L0_b − target)²   as step, with its derivative by L0_b
//
// What is in parentheses applies with jumprelu_ste_to_input. An entry is a latent above θ or within
// the band; its value is pre.

import Foundation
import Shared

enum JumpReLU {
  static func fillAmplitudes(
    _ objective: borrowing Objective, _ latents: Span<Int32>, _ values: Span<Float>,
    _ amplitudes: inout MutableSpan<Float>
  ) {
    for index in values.indices {
      let isActive = values[index] > objective.thresholds[Int(latents[index])]
      amplitudes[index] = isActive ? values[index] : 0
    }
  }

  /// As `ReLU.scan`, with a limit for each number.
  static func scan(
    _ numbers: Span<Float>, above limits: Span<Float>, firstLatent: Int, count: inout Int,
    _ latents: inout MutableSpan<Int32>, _ values: inout MutableSpan<Float>
  ) -> Bool {
    let capacity = latents.count
    precondition(values.count == capacity && limits.count == numbers.count, "shapes differ")
    var start = Vector.nextBlock(in: numbers, from: 0, above: limits)
    while start < numbers.count {
      let end = min(start + Vector.blockWidth, numbers.count)
      for index in start..<end where numbers[index] > limits[index] {
        guard count < capacity else { return false }
        latents[count] = Int32(firstLatent + index)
        values[count] = numbers[index]
        count += 1
      }
      start = end < numbers.count ? Vector.nextBlock(in: numbers, from: end, above: limits) : end
    }
    return true
  }

  static func differentiate(
    _ objective: borrowing Objective, _ row: borrowing RowEntries,
    _ slopes: inout MutableSpan<Float>, _ pressures: inout MutableSpan<Float>,
    _ extras: inout MutableSpan<Float>
  ) -> Double {
    let configuration = objective.configuration
    var active = 0.0
    for index in row.values.indices where row.amplitudes[index] != 0 { active += 1 }
    var loss = 0.0
    var stepSlope = 0.0
    switch configuration.sparsityLossMode {
    case .step:
      loss = active
      stepSlope = objective.rowCoefficient
    case .quadratic:
      let excess = active - configuration.targetL0
      loss = 2 / configuration.targetL0 * excess * excess
      stepSlope = objective.rowCoefficient * 4 / configuration.targetL0 * excess
    case .tanh: loss = pressTanh(objective, row, &slopes, &pressures)
    }
    passThrough(objective, row, &slopes, &extras, stepSlope: stepSlope)
    return objective.rowCoefficient * loss
  }

  /// Adds the tanh loss to the slopes and returns Σ tanh.
  private static func pressTanh(
    _ objective: borrowing Objective, _ row: borrowing RowEntries,
    _ slopes: inout MutableSpan<Float>, _ pressures: inout MutableSpan<Float>
  ) -> Double {
    let scale = objective.configuration.tanhScale
    var total = 0.0
    for index in row.values.indices {
      let weight = Double(objective.weight(Int(row.latents[index])))
      let activation = Double(row.amplitudes[index])
      let value = tanh(scale * activation * weight)
      let slope = objective.rowCoefficient * scale * (1 - value * value)
      total += value
      slopes[index] += Float(slope * weight)
      pressures[index] = Float(slope * activation)
    }
    return total
  }

  /// From derivatives by activations to those by pre-activations and thresholds.
  private static func passThrough(
    _ objective: borrowing Objective, _ row: borrowing RowEntries,
    _ slopes: inout MutableSpan<Float>, _ extras: inout MutableSpan<Float>, stepSlope: Double
  ) {
    let width = Float(objective.configuration.bandwidth)
    let reachesInput = objective.configuration.passesBandToInput
    let step = Float(stepSlope) / width
    for index in row.values.indices {
      let value = row.values[index]
      let threshold = objective.thresholds[Int(row.latents[index])]
      let place = (value - threshold) / width
      let isInBand = place > -0.5 && place < 0.5
      let band = isInBand ? threshold / width * slopes[index] + step : 0
      extras[index] = -band
      let direct = value > threshold ? slopes[index] : 0
      slopes[index] = reachesInput ? direct + band : direct
    }
  }
}
