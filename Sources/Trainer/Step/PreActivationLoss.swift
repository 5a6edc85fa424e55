// The loss that lifts the pre-activations of dead latents towards their thresholds (Anthropic's
// January 2025 update, over dead latents alone as in SAELens).
//
//   L = coefficient · mean_b Σ_{j dead} ReLU(θ_j − pre_j)·‖W_j‖

import Shared

/// The loss of dead latents' pre-activations, and its gradients.
struct PreActivationLoss: ~Copyable {
  private let configuration: SAEConfiguration
  private let coefficient: Double
  private var dead: DeadLatents

  init(_ configuration: SAEConfiguration, coefficient: Double) {
    self.configuration = configuration
    self.coefficient = coefficient
    dead = DeadLatents(configuration)
  }

  /// How far a latent is below its threshold, summed over rows, and in how many rows.
  private struct Distance {
    var sum = 0.0
    var rows = 0
  }

  /// Adds the gradients of the loss and returns it.
  mutating func addGradients(
    to latents: inout LatentWork, _ reads: borrowing StepReads, _ state: borrowing TrainingState,
    rows: Int
  ) -> Double {
    dead.gather(0..<configuration.dSae, state)
    guard dead.count > 0 else { return 0 }
    let weight = coefficient / Double(rows)
    var distances = [Distance](repeating: Distance(), count: dead.count)
    for block in DeadLatents.blocks(rows) {
      dead.encode(block, reads)
      measure(rows: block.count, reads.terms, weight, &distances)
      dead.addEncoderGradients(block, reads, &latents)
    }
    dead.scatter(into: &latents.gradient)
    return finish(distances, weight, reads, &latents.gradient)
  }

  /// Fills the gradients by pre-activations of a block.
  private mutating func measure(
    rows: Int, _ terms: borrowing LatentTerms, _ weight: Double, _ distances: inout [Distance]
  ) {
    let count = dead.count
    for (index, latent) in dead.latents.enumerated() {
      let slope = -Float(weight) * terms.norms[latent]
      for row in 0..<rows {
        let place = row * count + index
        let distance = terms.thresholds[latent] - dead.activations.buffer[place]
        dead.gradients.buffer[place] = distance > 0 ? slope : 0
        guard distance > 0 else { continue }
        distances[index].sum += Double(distance)
        distances[index].rows += 1
      }
    }
  }

  /// Adds the gradients of thresholds and decoder norms.
  private func finish(
    _ distances: [Distance], _ weight: Double, _ reads: borrowing StepReads,
    _ gradient: inout Parameters
  ) -> Double {
    let width = configuration.dOut
    var loss = 0.0
    for (index, latent) in dead.latents.enumerated() {
      let norm = reads.terms.norms[latent]
      loss += weight * distances[index].sum * Double(norm)
      gradient.threshold.buffer[latent] += Float(weight * Double(distances[index].rows)) * norm
      let range = latent * width..<(latent + 1) * width
      var row = gradient.decoder.writer.slice(range)
      Vector.add(
        Float(weight * distances[index].sum) * reads.terms.inverses[latent],
        reads.decoding.decoder.extracting(range), to: &row)
    }
    return loss
  }
}
