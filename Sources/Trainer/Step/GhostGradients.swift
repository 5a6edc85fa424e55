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
  mutating func addGradients(
    to gradient: borrowing Parameters, _ sums: borrowing LatentSums, _ centred: borrowing Matrix,
    error: borrowing Matrix, rows: Int, _ state: borrowing TrainingState,
    _ scaling: borrowing RowScaling
  ) -> Double {
    dead.gather(0..<configuration.dSae, state)
    let (dIn, dOut) = (configuration.dIn, configuration.dOut)
    let share = 1 / Double(rows * dOut)
    let errors = error.span
    var sum = 0.0
    for start in stride(from: 0, to: rows, by: DeadLatents.rowBlock) {
      let block = start..<min(start + DeadLatents.rowBlock, rows)
      let inputs = centred.span.extracting(block.lowerBound * dIn..<block.upperBound * dIn)
      if dead.count > 0 {
        dead.encode(inputs, rows: block.count, state.parameters.encoderBias.span)
        dead.amplitudes.disjoint.withAll { amplitudes in
          for index in 0..<block.count * dead.count { amplitudes[index] = exp(amplitudes[index]) }
        }
        dead.decode(rows: block.count)
      }
      sum += dead.difference.disjoint.withAll { ghosts in
        var total = 0.0
        for (index, row) in block.enumerated() {
          total += ghosts.withSlice(index * dOut..<(index + 1) * dOut) { ghost in
            Self.measure(
              &ghost, errors.extracting(row * dOut..<(row + 1) * dOut), isDead: dead.count > 0,
              weight: Double(scaling.weight[row]))
          }
        }
        return total
      }
      guard dead.count > 0 else { continue }
      dead.addReconstructionGradients(
        inputs, rows: block.count, scale: Float(2 * share), gradient, sums
      ) { derivative, amplitude in derivative * amplitude }
    }
    if dead.count > 0 { dead.scatter(into: gradient) }
    return sum * share
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
