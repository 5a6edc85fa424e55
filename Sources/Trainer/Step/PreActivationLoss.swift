// The loss that lifts the pre-activations of dead latents towards their thresholds (Anthropic's
// January 2025 update, over dead latents alone as in SAELens).
//
//   L = coefficient · mean_b Σ_{j dead} ReLU(θ_j − pre_j)·‖W_j‖

import Shared

/// The loss of dead latents' pre-activations, and its gradients.
struct PreActivationLoss: ~Copyable {
  private let configuration: SAEConfiguration
  private var dead: DeadLatents

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    dead = DeadLatents(configuration)
  }

  /// Adds the gradients of the loss and returns it.
  mutating func addGradients(
    to gradient: borrowing Parameters, _ sums: borrowing LatentSums, _ centred: borrowing Matrix,
    rows: Int, _ state: borrowing TrainingState, _ norms: borrowing DecoderNorms
  ) -> Double {
    dead.gather(0..<configuration.dSae, state)
    let count = dead.count
    guard count > 0 else { return 0 }
    let dIn = configuration.dIn
    let weight = configuration.preActLossCoefficient / Double(rows)
    var distances = [Double](repeating: 0, count: count)
    var below = [Int](repeating: 0, count: count)
    for start in stride(from: 0, to: rows, by: DeadLatents.rowBlock) {
      let block = start..<min(start + DeadLatents.rowBlock, rows)
      let inputs = centred.span.extracting(block.lowerBound * dIn..<block.upperBound * dIn)
      dead.encode(inputs, rows: block.count, state.parameters.encoderBias.span)
      let values = dead.amplitudes.span
      dead.slopes.disjoint.withAll { slopes in
        for (index, latent) in dead.latents.enumerated() {
          let threshold = state.parameters.threshold.buffer[latent]
          let slope = -Float(weight) * norms.values[latent]
          for row in 0..<block.count {
            let distance = threshold - values[row * count + index]
            slopes[row * count + index] = distance > 0 ? slope : 0
            guard distance > 0 else { continue }
            distances[index] += Double(distance)
            below[index] += 1
          }
        }
      }
      dead.addEncoderGradients(inputs, rows: block.count, gradient, sums)
    }
    dead.scatter(into: gradient)
    return finish(distances, below, weight, gradient, state, norms)
  }

  /// Adds the gradients of thresholds and decoder norms.
  private func finish(
    _ distances: [Double], _ below: [Int], _ weight: Double, _ gradient: borrowing Parameters,
    _ state: borrowing TrainingState, _ norms: borrowing DecoderNorms
  ) -> Double {
    let dOut = configuration.dOut
    var loss = 0.0
    for (index, latent) in dead.latents.enumerated() {
      loss += weight * distances[index] * Double(norms.values[latent])
      let slope = Float(weight * Double(below[index])) * norms.values[latent]
      gradient.threshold.disjoint.withSlice(latent..<latent + 1) { $0[0] += slope }
      let range = latent * dOut..<(latent + 1) * dOut
      gradient.decoder.disjoint.withSlice(range) { row in
        Vector.add(
          Float(weight * distances[index]) * norms.inverses[latent],
          state.parameters.decoder.span.extracting(range), to: &row)
      }
    }
    return loss
  }
}
