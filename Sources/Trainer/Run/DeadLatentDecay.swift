// How many latents a run is expected to have dead while it goes. Comes in: settings. Leaves: a share of the
// latents for every step, for the bill: the losses that revive them take time by their number.
//
// SAEs with so many active latents a row, on activations of a small model (width 96; 768 and 4,096 latents, k 5
// to 32, lr 3e-4 and 1e-3): once the window has passed,
//
//   share = exp(−63·k/D)      falling as exp(−t/τ) with τ = 400·(dead/k_aux/11)^0.7·(lr/1e-3)^−1.4 steps
//
// Of other SAEs no such law is known: none are expected.

import Foundation
import Shared

/// The expected share of dead latents of a run.
struct DeadLatentDecay {
  private let first: Double
  private let tau: Double
  private let window: Double

  init(_ settings: TrainSettings, _ configuration: SAEConfiguration) {
    let latents = Double(configuration.dSae)
    window = Double(configuration.deadFeatureWindow)
    guard configuration.revivesLatents, let l0 = configuration.architecture.fixedL0 else {
      (first, tau) = (0, 1)
      return
    }
    first = exp(-63 * Double(l0) / latents)
    let crowd = first * latents / Double(max(1, configuration.dIn / 2)) / 11
    tau = max(50, 400 * pow(crowd, 0.7) * pow(settings.lr / 1e-3, -1.4))
  }

  /// The share of a step.
  func share(step: Int) -> Double {
    let since = Double(step) - window
    return since <= 0 ? 0 : first * exp(-since / tau)
  }
}
