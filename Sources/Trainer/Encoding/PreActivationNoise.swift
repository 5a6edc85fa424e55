// Noise on pre-activations in training (noise_scale), a function of seed, step, row and latent.

import Shared

/// The noise of a step.
struct PreActivationNoise: Sendable {
  private let scale: Double
  private let random: Random
  /// The place in its batch of the first row.
  private let firstRow: Int

  /// What codes for `purpose` have.
  init(_ configuration: SAEConfiguration, _ purpose: EncodingPurpose) {
    switch purpose {
    case .inference:
      scale = 0
      firstRow = 0
      random = Random(seed: configuration.seed, stream: "noise")
    case .training(let step, let firstRow):
      scale = configuration.noiseScale
      self.firstRow = firstRow
      random = Random(seed: configuration.seed, stream: "noise", index: step)
    }
  }

  @inline(__always)
  func add(
    to numbers: inout MutableSpan<Float>, _ latents: Range<Int>, row: Int, dSae: Int
  ) {
    guard scale > 0 else { return }
    let start = (firstRow + row) * dSae + latents.lowerBound
    for index in 0..<numbers.count {
      numbers[index] += Float(scale * random.normal(start + index))
    }
  }
}
