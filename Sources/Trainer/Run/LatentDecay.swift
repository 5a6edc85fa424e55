// How many latents a run is expected to have active while it goes: what its selection fixes, or how fast the
// sparsity loss thins a drawn SAE out. Comes in: settings. Leaves: an L0 for every step, for the bill.
//
// An SAE by ReLU starts with half of its latents. Measured on the activations of small models (widths 96 and
// 384, lr 3e-4 and 1e-3, l1_coefficient 1 and 5), L0 falls as 1 / (1 + t/τ) with
//
//   τ = 60 · (lr/1e-3)^-0.85 · l1_coefficient^-0.85 steps, and 1.6 times as much for gated
//
// JumpReLU has to move its thresholds first: L0 = 0.7·D / (1 + (t/τ)^4) with τ = 0.4/lr.

import Foundation
import Shared

/// The expected L0 of a run.
struct LatentDecay {
  private enum Law {
    case fixed(Double)
    /// start / (1 + (t/τ)^power).
    case falling(start: Double, tau: Double, power: Double)
  }

  private let law: Law
  private let latents: Int
  /// Steps that warm-ups cost: within one a rate is about half of what it will be.
  private let delay: Double

  /// An SAE is hardly sparser than this.
  private static let least = 8.0

  init(_ settings: TrainSettings, _ configuration: SAEConfiguration) {
    latents = configuration.dSae
    var warmUps = settings.lrWarmUpSteps
    let rate = settings.lr / 1e-3
    if let fixed = configuration.architecture.fixedL0 {
      law = .fixed(Double(fixed))
    } else if case .above = configuration.selection, let loss = configuration.architecture.sparsity
    {
      warmUps += loss.warmUpSteps
      if loss.coefficient <= 0 {
        law = .fixed(0.5 * Double(latents))
      } else if configuration.shape.has(.threshold) {
        law = .falling(start: 0.7 * Double(latents), tau: 400 / rate, power: 4)
      } else {
        let slowness = configuration.shape.has(.magnitudeBias) ? 1.6 : 1
        law = .falling(
          start: 0.5 * Double(latents),
          tau: 60 * slowness * pow(rate, -0.85) * pow(loss.coefficient, -0.85), power: 1)
      }
    } else {
      law = .fixed(64)
    }
    delay = 0.46 * Double(warmUps)
  }

  /// The L0 of a step.
  func l0(step: Int) -> Double {
    let value: Double
    switch law {
    case .fixed(let l0): value = l0
    case .falling(let start, let tau, let power):
      value = max(LatentDecay.least, start / (1 + pow(max(0, Double(step) - delay) / tau, power)))
    }
    return min(Double(latents), value)
  }

  /// The share of the latents above which a step takes dense products.
  static let denseShare = 0.125
}
