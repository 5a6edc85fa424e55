// AuxK: dead latents learn to reconstruct what the living ones leave over (Gao et al. 2024, as
// SAELens 6.54 does it: unnormalized, without b_dec).
//
//   r = x − x̂ (a constant)      z = the k_aux largest h among dead latents, as they are
//   ê = Σ z_j·W_j/‖W_j‖      L = coefficient · min(n_dead/k_aux, 1) · mean_b ‖ê − r‖²
//
// with k_aux = ⌊d/2⌋, or n_dead where that is less. With use_matryoshka_aux_loss every range of
// latents has a loss of its own, over the error of the latents up to its end. sparsify compares ReLU(h),
// lets the decoder alone learn, and divides by the batch's variance as it does the error.

import Shared

/// The auxiliary loss and its gradients, computed over the dead latents alone.
struct AuxK: ~Copyable {
  private let configuration: SAEConfiguration
  private let loss: AuxiliaryLoss
  private var dead: DeadLatents
  private var compared = AlignedBuffer<Float>(count: 0)
  private var candidateLatents = AlignedBuffer<Int32>(count: 0)
  private var candidateValues = AlignedBuffer<Float>(count: 0)

  init(_ configuration: SAEConfiguration, _ loss: AuxiliaryLoss) {
    self.configuration = configuration
    self.loss = loss
    dead = DeadLatents(configuration)
  }

  /// Adds the gradients of the loss and returns it.
  mutating func addGradients(
    to latents: inout LatentWork, _ reads: borrowing StepReads, _ entries: borrowing EntryReads,
    _ state: borrowing TrainingState, rows: AuxiliaryRows
  ) -> Double {
    guard loss.isPerReconstruction else {
      dead.gather(0..<configuration.dSae, state)
      return add(
        to: &latents, reads, entries, of: configuration.finalReconstruction, rows: rows)
    }
    var sum = 0.0
    for (number, reconstruction) in configuration.reconstructions.enumerated() {
      dead.gather(reconstruction.latents, state)
      sum += add(to: &latents, reads, entries, of: number, rows: rows)
    }
    return sum
  }

  private mutating func add(
    to latents: inout LatentWork, _ reads: borrowing StepReads, _ entries: borrowing EntryReads,
    of reconstruction: Int, rows: AuxiliaryRows
  ) -> Double {
    guard dead.count > 0 else { return 0 }
    reserve()
    let width = configuration.dOut
    let largest = max(1, configuration.dIn / 2)
    let share = min(Double(dead.count) / Double(largest), 1)
    let weight = loss.coefficient * share * rows.weight / Double(rows.count)
    let residuals = Residuals(entries, configuration)
    var sum = 0.0
    for block in DeadLatents.blocks(rows.count) {
      dead.encode(block, reads)
      if loss.trainsDecoderOnly { dead.clearBelowZero(rows: block.count) }
      let keep = min(largest, dead.count)
      if keep < dead.count {
        let comparison = Comparison(configuration, loss, dead.latents, reads.terms.norms)
        comparison.keepLargest(
          keep, rows: block.count, of: &dead.activations, compared: &compared,
          &candidateLatents, &candidateValues)
      }
      dead.decode(rows: block.count)
      var difference = dead.difference.mutableSpan
      for (index, row) in block.enumerated() {
        difference.withSlice(index * width..<(index + 1) * width) { target in
          residuals.add(row: row, reconstruction, to: &target)
        }
      }
      sum += Vector.squaredNorm(dead.difference.span.extracting(0..<block.count * width))
      guard !loss.trainsDecoderOnly else {
        dead.addDecoderGradients(rows: block.count, scale: Float(2 * weight))
        continue
      }
      dead.addReconstructionGradients(block, reads, scale: Float(2 * weight), &latents) {
        derivative, activation in activation == 0 ? 0 : derivative
      }
    }
    dead.scatter(into: &latents.gradient)
    return sum * weight
  }

  private mutating func reserve() {
    guard candidateLatents.count < TopK(k: dead.count).capacity else { return }
    let capacity = TopK(k: dead.capacity).capacity
    compared = AlignedBuffer(count: dead.capacity)
    candidateLatents = AlignedBuffer(count: capacity)
    candidateValues = AlignedBuffer(count: capacity)
  }
}

/// The rows of a batch, and the weight of their errors where all have one.
struct AuxiliaryRows: Sendable {
  let count: Int
  let weight: Double
}

/// By what dead latents are compared.
private struct Comparison: ~Escapable {
  private let latents: [Int]
  /// ‖W_j‖ of all latents; empty where they are compared without.
  private let norms: Span<Float>
  private let comparesMagnitudes: Bool

  @_lifetime(copy norms)
  init(
    _ configuration: SAEConfiguration, _ loss: AuxiliaryLoss, _ latents: [Int],
    _ norms: Span<Float>
  ) {
    self.latents = latents
    self.norms = configuration.comparesByDecoderNorm ? norms : norms.extracting(0..<0)
    comparesMagnitudes = loss.comparesMagnitudes
  }

  /// Clears all but the `keep` largest pre-activations of each row, compared by h or its magnitude;
  /// the rest is working memory.
  func keepLargest(
    _ keep: Int, rows: Int, of activations: inout Matrix,
    compared: inout AlignedBuffer<Float>, _ candidateLatents: inout AlignedBuffer<Int32>,
    _ candidateValues: inout AlignedBuffer<Float>
  ) {
    let topK = TopK(k: keep)
    var values = activations.mutableSpan
    var compared = compared.mutableSpan
    var candidates = RowCandidates(
      latents: candidateLatents.mutableSpan, values: candidateValues.mutableSpan)
    for row in 0..<rows {
      let start = row * latents.count
      for (index, latent) in latents.enumerated() {
        let weight = norms.isEmpty ? 1 : norms[latent]
        let value = values[start + index] * weight
        compared[index] = comparesMagnitudes ? abs(value) : value
      }
      topK.clearAllButLargest(&compared, 0..<latents.count, &candidates)
      for index in latents.indices where compared[index] == 0 { values[start + index] = 0 }
    }
  }
}
