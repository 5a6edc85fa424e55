// All that changes from step to step; what a checkpoint must hold.

package import Shared

/// The state of a run between two steps.
package struct TrainingState: ~Copyable, Sendable {
  package var parameters: Parameters
  package var firstMoment: Parameters
  package var secondMoment: Parameters
  /// Steps taken.
  package var step = 0
  /// Steps since each latent was last active, `[D]`.
  package var passesSinceFired: AlignedBuffer<Int32>
  /// Rows of the sampling window in which each latent was active, `[D]`.
  package var activeCounts: AlignedBuffer<Int32>
  /// Rows of the sampling window.
  package var activeSamples = 0
  /// What the architecture carries from step to step besides its parameters, by name.
  package var carried: [String: [Double]]

  /// A state before the first step with all parameters zero, but factors of latents one.
  package init(_ shape: ParameterShape, carried: [String: [Double]] = [:]) {
    parameters = Parameters(shape)
    firstMoment = Parameters(shape)
    secondMoment = Parameters(shape)
    passesSinceFired = AlignedBuffer(count: shape.dSae)
    activeCounts = AlignedBuffer(count: shape.dSae)
    self.carried = carried
    for latent in 0..<parameters.latentScale.count { parameters.latentScale.buffer[latent] = 1 }
  }

  /// The state of a plain SAE.
  package init(dIn: Int, dSae: Int) {
    self.init(ParameterShape(dIn: dIn, dOut: dIn, dSae: dSae))
  }

  /// Whether every weight and every moment is a number, so that training can go on from here.
  package var isFinite: Bool {
    parameters.isFinite && firstMoment.isFinite && secondMoment.isFinite
      && carried.values.allSatisfy { $0.allSatisfy(\.isFinite) }
  }

  /// Starts a new sampling window.
  package mutating func resetActivityCounts() {
    for latent in 0..<activeCounts.count { activeCounts[latent] = 0 }
    activeSamples = 0
  }

  /// Latents that have not been active for more than `window` steps.
  package func deadLatentCount(window: Int) -> Int {
    var count = 0
    for latent in 0..<passesSinceFired.count where passesSinceFired[latent] > window { count += 1 }
    return count
  }

  /// Counts the rows of a step in which each latent was active, `[D]`.
  package mutating func count(active: Span<Int32>, rows: Int) {
    for latent in active.indices {
      activeCounts[latent] += active[latent]
      passesSinceFired[latent] = active[latent] > 0 ? 0 : passesSinceFired[latent] + 1
    }
    activeSamples += rows
  }
}
