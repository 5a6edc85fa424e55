// Ghost gradients: dead latents, as if they fired exponentially, learn the direction of what the
// living ones leave over (Jermyn and Templeton 2024, as SAELens up to 5 does it).
//
//   ρ = x − x̂      g = exp(pre)·W_dec over dead latents      g ← g·‖ρ‖/(1e-6 + 2‖g‖), the factor a constant
//   L = mean over all elements of (g − ρ)² · (E²/((g − ρ)² + 1e-6)), the second factor a constant
//
// with E² the elements of the squared error, ρ a constant.

import Foundation
import Shared

/// The ghost loss and its gradients.
struct GhostGradients: ~Copyable {
  private let configuration: SAEConfiguration
  private var dead: DeadLatents

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    dead = DeadLatents(configuration)
  }

  /// Adds the gradients of the loss and returns it; without dead latents it is the mean error.
  ///
  /// `weights` are those of the rows' errors.
  mutating func addGradients(
    to latents: inout LatentWork, _ reads: borrowing StepReads, _ entries: borrowing EntryReads,
    _ state: borrowing TrainingState, weights: Span<Float>
  ) -> Double {
    dead.gather(0..<configuration.dSae, state, reads.terms)
    let share = 1 / Double(weights.count * configuration.dOut)
    var sum = 0.0
    for block in DeadLatents.blocks(weights.count) {
      if dead.count > 0 {
        dead.encode(block, reads)
        DeadRows(&dead, rows: block.count).exponentiate()
        dead.decode(rows: block.count)
      }
      sum += measure(block, entries, weights)
      guard dead.count > 0 else { continue }
      dead.addReconstructionGradients(block, reads, scale: Float(2 * share), &latents) {
        $0.multiplyGradients()
      }
    }
    if dead.count > 0 { dead.scatter(into: &latents.gradient) }
    return sum * share
  }

  /// The sum of the elements of a block's loss; turns g into what products go on with.
  private mutating func measure(
    _ block: Range<Int>, _ entries: borrowing EntryReads, _ weights: Span<Float>
  ) -> Double {
    let width = configuration.dOut
    let isDead = dead.count > 0
    var ghosts = dead.difference.mutableSpan
    var total = 0.0
    for (index, row) in block.enumerated() {
      total += ghosts.withSlice(index * width..<(index + 1) * width) { ghost in
        Self.measure(
          &ghost, entries.errors.extracting(row * width..<(row + 1) * width), isDead: isDead,
          weight: Double(weights[row]))
      }
    }
    return total
  }

  /// The sum of a row's elements of the loss; turns g into half the derivative by the g that the
  /// latents make.
  private static func measure(
    _ ghost: inout MutableSpan<Float>, _ error: Span<Float>, isDead: Bool, weight: Double
  ) -> Double {
    if !isDead { for index in ghost.indices { ghost[index] = 0 } }
    let norm = Vector.squaredNorm(ghost.span).squareRoot()
    let factor = Vector.squaredNorm(error).squareRoot() / (1e-6 + 2 * norm)
    var total = 0.0
    for index in ghost.indices {
      // g − ρ with ρ = −E.
      let difference = Double(ghost[index]) * factor + Double(error[index])
      let square = Double(error[index]) * Double(error[index]) * weight
      let own = difference * difference * weight
      let scale = square / (own + 1e-6)
      total += own * scale
      ghost[index] = Float(difference * weight * scale * factor)
    }
    return total
  }
}

extension DeadRows {
  /// Activations ← exp(activations).
  fileprivate func exponentiate() {
    forEachRow { row in
      var values = activations.slice(elements(row))
      for index in values.indices { values[index] = exp(values[index]) }
    }
  }

  /// Gradients ← gradients · activations, the derivative of exp.
  fileprivate func multiplyGradients() {
    forEachRow { row in
      var target = gradients.slice(elements(row))
      let values = activations.slice(elements(row))
      Kernels.multiply(by: values.span, &target)
    }
  }
}
