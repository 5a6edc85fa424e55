// The matching-pursuit SAE: latents are found one after another, each the one that explains most of
// what is left. Costa et al. 2025, as SAELens 6.54 does it. There is no encoder.
//
//   r₀ = x − b_dec      i_t = argmax_j r_t·W_j      v_t = ReLU(r_t·W_{i_t})      r_{t+1} = r_t − v_t·W_{i_t}
//   f_i = Σ_{t: i_t = i} v_t      x̂ = f·W_dec + b_dec      L = mean_b ‖x̂ − x‖² = mean_b ‖r_T‖²
//
// A row ends when its set of latents no longer grows, when ‖r‖ < residual_threshold, or after
// max_iterations. Backwards, with g_T = (2/B)·r_T: dv_t = −g_{t+1}·W_{i_t}, dW_{i_t} += dv_t·r_t −
// v_t·g_{t+1}, g_t = g_{t+1} + dv_t·W_{i_t}; db_dec = −Σ_b g_0.

import Shared

struct MatchingPursuitSAE: SAEArchitecture {
  private let dSae: Int
  private let limits: PursuitLimits
  private let givenIterations: Int?

  init(_ settings: TrainSettings, dIn: Int, dSae: Int) {
    self.dSae = dSae
    givenIterations = settings.maxIterations
    limits = PursuitLimits(
      residualThreshold: settings.residualThreshold, iterations: settings.maxIterations ?? dIn,
      stopsOnDuplicateSupport: settings.stopOnDuplicateSupport)
  }

  var parameters: [ParameterKind] { [] }

  var selection: Selection { .search(limits) }

  var reconstructions: [RowReconstruction] { .single(dSae) }

  func write(
    _ sums: LatentSums, of latent: Int, _ terms: borrowing LatentTerms,
    to gradient: borrowing ParameterWriter
  ) {}

  func exported(_ folding: Folding) -> [String: JSON] {
    [
      // Residuals have the scale of the data.
      "residual_threshold": .number(limits.residualThreshold / folding.factor),
      "max_iterations": givenIterations.json,
      "stop_on_duplicate_support": .bool(limits.stopsOnDuplicateSupport),
    ]
  }

  var formulaOptions: [String] { Self.options }

  static let options = ["residual_threshold", "max_iterations", "stop_on_duplicate_support"]
}

/// When a search ends.
package struct PursuitLimits: Sendable {
  /// ‖r‖ below which it does.
  let residualThreshold: Double
  let iterations: Int
  /// Whether it does where the set of latents no longer grows.
  let stopsOnDuplicateSupport: Bool
}
