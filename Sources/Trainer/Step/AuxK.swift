// AuxK: dead latents learn to reconstruct what the living ones leave over (Gao et al. 2024, as
// SAELens 6.54 does it: unnormalised, without b_dec).
//
//   r = x − x̂ (a constant)      z = the k_aux largest h among dead latents, as they are
//   ê = Σ z_j·W_j/‖W_j‖      L = coefficient · min(n_dead/k_aux, 1) · mean_b ‖ê − r‖²
//
// with k_aux = ⌊d/2⌋, or n_dead where that is less. With use_matryoshka_aux_loss every range of
// latents has a loss of its own, over the error of the latents up to its end.

import Shared

/// The auxiliary loss and its gradients, computed over the dead latents alone.
struct AuxK: ~Copyable {
  private let configuration: SAEConfiguration
  private var dead: DeadLatents
  private var magnitudes = AlignedBuffer<Float>(count: 0)
  private var candidateLatents = AlignedBuffer<Int32>(count: 0)
  private var candidateValues = AlignedBuffer<Float>(count: 0)

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    dead = DeadLatents(configuration)
  }

  /// Adds the gradients of the loss and returns it.
  mutating func addGradients(
    to gradient: borrowing Parameters, _ sums: borrowing LatentSums, _ centred: borrowing Matrix,
    error: borrowing Matrix, rows: Int, _ state: borrowing TrainingState,
    _ norms: borrowing DecoderNorms
  ) -> Double {
    let last = configuration.levels - 1
    guard configuration.usesMatryoshkaAuxLoss else {
      return add(
        0..<configuration.dSae, level: last, gradient, sums, centred, error, rows, state, norms)
    }
    var loss = 0.0
    for level in 0...last {
      let first = level == 0 ? 0 : configuration.widths[level - 1]
      loss += add(
        first..<configuration.widths[level], level: level, gradient, sums, centred, error, rows,
        state, norms)
    }
    return loss
  }

  private mutating func add(
    _ range: Range<Int>, level: Int, _ gradient: borrowing Parameters,
    _ sums: borrowing LatentSums, _ centred: borrowing Matrix, _ error: borrowing Matrix,
    _ rows: Int,
    _ state: borrowing TrainingState, _ norms: borrowing DecoderNorms
  ) -> Double {
    dead.gather(range, state)
    guard dead.count > 0 else { return 0 }
    reserve()
    let dIn = configuration.dIn
    let largest = max(1, dIn / 2)
    let share = min(Double(dead.count) / Double(largest), 1)
    let weight = configuration.auxLossCoefficient * share / Double(rows)
    let residuals = Residuals(error, configuration)
    var sum = 0.0
    for start in stride(from: 0, to: rows, by: DeadLatents.rowBlock) {
      let block = start..<min(start + DeadLatents.rowBlock, rows)
      let inputs = centred.span.extracting(block.lowerBound * dIn..<block.upperBound * dIn)
      dead.encode(inputs, rows: block.count, state.parameters.encoderBias.span)
      let keep = min(largest, dead.count)
      if keep < dead.count { keepLargest(keep, rows: block.count, norms.values.span) }
      dead.decode(rows: block.count)
      sum += dead.difference.disjoint.withAll { difference in
        for (index, row) in block.enumerated() {
          difference.withSlice(index * dIn..<(index + 1) * dIn) { target in
            residuals.add(row: row, level: level, to: &target)
          }
        }
        return Vector.squaredNorm(difference.span.extracting(0..<block.count * dIn))
      }
      dead.addReconstructionGradients(
        inputs, rows: block.count, scale: Float(2 * weight), gradient, sums
      ) { derivative, amplitude in amplitude == 0 ? 0 : derivative }
    }
    dead.scatter(into: gradient)
    return sum * weight
  }

  private mutating func reserve() {
    guard candidateLatents.count < TopK(k: dead.count).capacity else { return }
    let capacity = TopK(k: dead.encoder.rows).capacity
    magnitudes = AlignedBuffer(count: dead.encoder.rows)
    candidateLatents = AlignedBuffer(count: capacity)
    candidateValues = AlignedBuffer(count: capacity)
  }

  /// Clears all but the `keep` largest pre-activations of each row, compared by h, or by its
  /// magnitude in abstopk.
  private func keepLargest(_ keep: Int, rows: Int, _ norms: Span<Float>) {
    let count = dead.count
    let topK = TopK(k: keep)
    let isWeighted = configuration.normalizesDecoder
    let isAbsolute = configuration.selection == .absTopK
    dead.amplitudes.disjoint.withAll { amplitudes in
      magnitudes.disjoint.withAll { compared in
        candidateLatents.disjoint.withAll { latents in
          candidateValues.disjoint.withAll { values in
            for row in 0..<rows {
              let start = row * count
              for index in 0..<count {
                let weight = isWeighted ? norms[dead.latents[index]] : 1
                let value = amplitudes[start + index] * weight
                compared[index] = isAbsolute ? abs(value) : value
              }
              topK.clearAllButLargest(&compared, 0..<count, &latents, &values)
              for index in 0..<count where compared[index] == 0 { amplitudes[start + index] = 0 }
            }
          }
        }
      }
    }
  }
}
