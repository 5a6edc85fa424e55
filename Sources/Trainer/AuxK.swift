// AuxK: dead latents learn to reconstruct what the living ones leave over (Gao et al. 2024, as
// SAELens 6.54 does it: unnormalised, without b_dec).
//
//   r = x − x̂ (a constant)      z = the k_aux largest h among dead latents, as they are
//   ê = Σ z_j·W_j/‖W_j‖      L = coefficient · min(n_dead/k_aux, 1) · mean_b ‖ê − r‖²
//
// with k_aux = ⌊d/2⌋, or n_dead where that is less.

import Shared

/// The auxiliary loss and its gradients, computed over the dead latents alone.
struct AuxK: ~Copyable {
  /// Rows per product.
  private static let rowBlock = 256

  private let configuration: SAEConfiguration
  private var dead: [Int] = []
  private var encoder = Matrix(rows: 0, columns: 0)
  private var decoder = Matrix(rows: 0, columns: 0)
  private var encoderGradient = Matrix(rows: 0, columns: 0)
  private var decoderGradient = Matrix(rows: 0, columns: 0)
  private var amplitudes = Matrix(rows: 0, columns: 0)
  private var slopes = Matrix(rows: 0, columns: 0)
  private var difference: Matrix
  private var candidateLatents = AlignedBuffer<Int32>(count: 0)
  private var candidateValues = AlignedBuffer<Float>(count: 0)

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    difference = Matrix(rows: Self.rowBlock, columns: configuration.dIn)
    dead.reserveCapacity(configuration.dSae)
  }

  /// Adds the gradients of the loss, given x̂ − x `[rows, d]`, and returns the loss.
  mutating func addGradients(
    to gradient: borrowing Parameters, _ centred: borrowing Matrix, error: borrowing Matrix,
    rows: Int, _ state: borrowing TrainingState, _ norms: borrowing DecoderNorms
  ) -> Double {
    gather(state)
    guard !dead.isEmpty else { return 0 }
    let dIn = configuration.dIn
    let largest = max(1, dIn / 2)
    let share = min(Double(dead.count) / Double(largest), 1)
    let weight = configuration.auxLossCoefficient * share / Double(rows)
    var sum = 0.0
    for start in stride(from: 0, to: rows, by: Self.rowBlock) {
      let block = start..<min(start + Self.rowBlock, rows)
      let elements = block.lowerBound * dIn..<block.upperBound * dIn
      sum += addBlock(
        to: gradient, centred.span.extracting(elements), error.span.extracting(elements),
        rows: block.count, keep: min(largest, dead.count), weight: weight, state,
        norms.values.span)
    }
    scatter(into: gradient)
    return sum * weight
  }

  /// Copies the dead latents' weights together and clears their gradients.
  private mutating func gather(_ state: borrowing TrainingState) {
    dead.removeAll(keepingCapacity: true)
    for latent in 0..<configuration.dSae
    where state.passesSinceFired[latent] > configuration.deadFeatureWindow {
      dead.append(latent)
    }
    let count = dead.count
    guard count > 0 else { return }
    if encoder.rows < count { reserve(min(configuration.dSae, max(2 * count, 64))) }
    for (index, latent) in dead.enumerated() {
      encoder.copyRow(latent, of: state.parameters.encoder, to: index)
      decoder.copyRow(latent, of: state.parameters.decoder, to: index)
      encoderGradient.clearRow(index)
      decoderGradient.clearRow(index)
    }
  }

  private mutating func reserve(_ count: Int) {
    let dIn = configuration.dIn
    encoder = Matrix(rows: count, columns: dIn)
    decoder = Matrix(rows: count, columns: dIn)
    encoderGradient = Matrix(rows: count, columns: dIn)
    decoderGradient = Matrix(rows: count, columns: dIn)
    amplitudes = Matrix(rows: Self.rowBlock, columns: count)
    slopes = Matrix(rows: Self.rowBlock, columns: count)
    let capacity = TopK(k: count).capacity
    candidateLatents = AlignedBuffer(count: capacity)
    candidateValues = AlignedBuffer(count: capacity)
  }

  private mutating func addBlock(
    to gradient: borrowing Parameters, _ centred: Span<Float>, _ error: Span<Float>, rows: Int,
    keep: Int, weight: Double, _ state: borrowing TrainingState, _ norms: Span<Float>
  ) -> Double {
    let dIn = configuration.dIn
    encode(centred, rows: rows, keep: keep, state.parameters.encoderBias.span, norms)
    let elements = 0..<rows * dIn
    let scale = Float(2 * weight)
    let sum = difference.disjoint.withAll { difference in
      Multiply.product(
        rows: rows, columns: dIn, inner: dead.count, amplitudes.span, .plain, decoder.span, .plain,
        into: &difference)
      // ê − r with r = x − x̂ = −error.
      for index in elements { difference[index] += error[index] }
      return Vector.squaredNorm(difference.span.extracting(elements))
    }
    slopes.disjoint.withAll { slopes in
      let amplitudes = amplitudes.span
      Multiply.product(
        rows: rows, columns: dead.count, inner: dIn, difference.span, .plain, decoder.span,
        .transposed, into: &slopes, scale: scale)
      for index in 0..<rows * dead.count where amplitudes[index] == 0 { slopes[index] = 0 }
    }
    decoderGradient.disjoint.withAll { target in
      Multiply.product(
        rows: dead.count, columns: dIn, inner: rows, amplitudes.span, .transposed,
        difference.span, .plain, into: &target, scale: scale, keep: 1)
    }
    encoderGradient.disjoint.withAll { target in
      Multiply.product(
        rows: dead.count, columns: dIn, inner: rows, slopes.span, .transposed, centred, .plain,
        into: &target, keep: 1)
    }
    addBiasGradient(gradient, rows: rows)
    return sum
  }

  private func addBiasGradient(_ gradient: borrowing Parameters, rows: Int) {
    let slopes = slopes.span
    gradient.encoderBias.disjoint.withAll { bias in
      for (index, latent) in dead.enumerated() {
        var total: Float = 0
        for row in 0..<rows { total += slopes[row * dead.count + index] }
        bias[latent] += total
      }
    }
  }

  /// Fills the amplitudes `[rows, n_dead]`: pre-activations of the largest h, 0 elsewhere.
  private func encode(
    _ centred: Span<Float>, rows: Int, keep: Int, _ biases: Span<Float>, _ norms: Span<Float>
  ) {
    let count = dead.count
    amplitudes.disjoint.withAll { amplitudes in
      Multiply.product(
        rows: rows, columns: count, inner: configuration.dIn, centred, .plain, encoder.span,
        .transposed, into: &amplitudes)
      for (index, latent) in dead.enumerated() {
        for row in 0..<rows { amplitudes[row * count + index] += biases[latent] }
      }
      if keep < count { keepLargest(keep, rows: rows, &amplitudes, norms) }
    }
  }

  /// Clears all but the `keep` largest of each row, compared by h.
  private func keepLargest(
    _ keep: Int, rows: Int, _ amplitudes: inout MutableSpan<Float>, _ norms: Span<Float>
  ) {
    let count = dead.count
    let topK = TopK(k: keep)
    for row in 0..<rows {
      let start = row * count
      for index in 0..<count where configuration.normalizesDecoder {
        amplitudes[start + index] *= norms[dead[index]]
      }
      candidateLatents.disjoint.withAll { latents in
        candidateValues.disjoint.withAll { values in
          topK.clearAllButLargest(&amplitudes, start..<start + count, &latents, &values)
        }
      }
      for index in 0..<count where configuration.normalizesDecoder {
        let norm = norms[dead[index]]
        if norm > 0 { amplitudes[start + index] /= norm }
      }
    }
  }

  private func scatter(into gradient: borrowing Parameters) {
    for (index, latent) in dead.enumerated() {
      gradient.encoder.addRow(index, of: encoderGradient, to: latent)
      gradient.decoder.addRow(index, of: decoderGradient, to: latent)
    }
  }
}

extension Matrix {
  fileprivate func copyRow(_ source: Int, of other: borrowing Matrix, to row: Int) {
    clearRow(row)
    addRow(source, of: other, to: row)
  }

  fileprivate func clearRow(_ row: Int) {
    disjoint.withSlice(row * columns..<(row + 1) * columns) { target in
      for index in 0..<target.count { target[index] = 0 }
    }
  }

  fileprivate func addRow(_ source: Int, of other: borrowing Matrix, to row: Int) {
    let values = other.row(source)
    disjoint.withSlice(row * columns..<(row + 1) * columns) { target in
      for index in 0..<target.count { target[index] += values[index] }
    }
  }
}
