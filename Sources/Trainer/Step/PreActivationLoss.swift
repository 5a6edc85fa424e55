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
  private var distances = Distances(capacity: 0)

  init(_ configuration: SAEConfiguration, coefficient: Double) {
    self.configuration = configuration
    self.coefficient = coefficient
    dead = DeadLatents(configuration)
  }

  /// Adds the gradients of the loss and returns it.
  mutating func addGradients(
    to latents: inout LatentWork, _ reads: borrowing StepReads, _ state: borrowing TrainingState,
    rows: Int
  ) -> Double {
    dead.gather(0..<configuration.dSae, state, reads.terms)
    guard dead.count > 0 else { return 0 }
    let weight = coefficient / Double(rows)
    if distances.capacity < dead.count { distances = Distances(capacity: dead.capacity) }
    distances.begin(dead.latents, reads.terms)
    for block in DeadLatents.blocks(rows) {
      dead.encode(block, reads)
      Self.measure(rows: block.count, weight: Float(weight), &dead, &distances)
      dead.addEncoderGradients(block, reads, &latents)
    }
    dead.scatter(into: &latents.gradient)
    return finish(weight, reads, &latents.gradient)
  }

  private static func measure(
    rows: Int, weight: Float, _ dead: inout DeadLatents, _ distances: inout Distances
  ) {
    DistancePass(&distances).measure(DeadRows(&dead, rows: rows), weight: weight)
  }

  /// Adds the gradients of thresholds and decoder norms.
  private func finish(
    _ weight: Double, _ reads: borrowing StepReads, _ gradient: inout Parameters
  ) -> Double {
    let width = configuration.dOut
    var loss = 0.0
    for (index, latent) in dead.latents.enumerated() {
      let norm = reads.terms.norms[latent]
      loss += weight * distances.sums[index] * Double(norm)
      gradient.threshold.buffer[latent] += Float(weight * Double(distances.rows[index])) * norm
      let range = latent * width..<(latent + 1) * width
      var row = gradient.decoder.writer.slice(range)
      Vector.add(
        Float(weight * distances.sums[index]) * reads.terms.inverses[latent],
        reads.decoding.decoder.extracting(range), to: &row)
    }
    return loss
  }
}

/// How far dead latents are below their thresholds, summed over rows, and in how many rows.
private struct Distances: ~Copyable {
  let capacity: Int
  var thresholds: AlignedBuffer<Float>
  var sums: AlignedBuffer<Double>
  var rows: AlignedBuffer<Int32>

  init(capacity: Int) {
    self.capacity = capacity
    thresholds = AlignedBuffer(count: capacity)
    sums = AlignedBuffer(count: capacity)
    rows = AlignedBuffer(count: capacity)
  }

  mutating func begin(_ latents: [Int], _ terms: borrowing LatentTerms) {
    for (index, latent) in latents.enumerated() {
      thresholds[index] = terms.thresholds[latent]
      sums[index] = 0
      rows[index] = 0
    }
  }
}

/// Measures a block's distances.
private struct DistancePass: ~Escapable, Sendable {
  private static let latentBlock = 64

  private let thresholds: Span<Float>
  private let sums: Disjoint<Double>
  private let rows: Disjoint<Int32>

  @_lifetime(&distances)
  init(_ distances: inout Distances) {
    sums = distances.sums.writer
    rows = distances.rows.writer
    thresholds = distances.thresholds.span
  }

  /// Adds a block's distances, and fills the gradients by its pre-activations.
  func measure(_ dead: borrowing DeadRows, weight: Float) {
    Parallel.forBlocks(dead.count, blockSize: Self.latentBlock) { latents in
      var sums = sums.slice(latents)
      var below = rows.slice(latents)
      for row in 0..<dead.rows {
        let start = row * dead.count
        let place = start + latents.lowerBound..<start + latents.upperBound
        let values = dead.activations.slice(place)
        var gradients = dead.gradients.slice(place)
        for index in values.indices {
          let latent = latents.lowerBound + index
          let distance = thresholds[latent] - values[index]
          gradients[index] = distance > 0 ? -weight * dead.norms[latent] : 0
          guard distance > 0 else { continue }
          sums[index] += Double(distance)
          below[index] += 1
        }
      }
    }
  }
}
