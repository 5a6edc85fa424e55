// The same pass as products of full matrices, a block of rows at a time: what the sparse pass is
// checked against, and what runs while most latents of a ReLU SAE are still active.

import Shared

/// The dense half of a step.
struct DensePass: ~Copyable {
  private static let rowBlock = 256

  private let configuration: SAEConfiguration
  private let loss: SparsityLoss
  private let topK: TopK
  /// What each latent multiplies its decoder row by `[block, D]`; 0 where it is not active.
  private var amplitudes: Matrix
  /// dL/d(pre-activation) `[block, D]`.
  private var slopes: Matrix
  /// Σ_b dS_b/dv · f of each latent.
  private var pressures: AlignedBuffer<Float>
  private var active: AlignedBuffer<Int32>
  private var candidateLatents: AlignedBuffer<Int32>
  private var candidateValues: AlignedBuffer<Float>

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    loss = SparsityLoss(exponent: configuration.lpNorm)
    topK = TopK(k: min(configuration.k, configuration.dSae))
    amplitudes = Matrix(rows: Self.rowBlock, columns: configuration.dSae)
    slopes = Matrix(rows: Self.rowBlock, columns: configuration.dSae)
    pressures = AlignedBuffer(count: configuration.dSae)
    active = AlignedBuffer(count: configuration.dSae)
    candidateLatents = AlignedBuffer(count: topK.capacity)
    candidateValues = AlignedBuffer(count: topK.capacity)
  }

  /// Rows in which a latent was active in the last run.
  func activeRows(_ latent: Int) -> Int32 { active[latent] }

  /// As `SparsePass.run`.
  mutating func run(
    _ batch: Span<Float>, _ centred: borrowing Matrix, _ error: borrowing Matrix,
    _ parameters: borrowing Parameters, _ norms: borrowing DecoderNorms,
    _ gradient: borrowing Parameters, _ coefficient: Double
  ) -> StepSums {
    let dIn = configuration.dIn
    let rows = batch.count / dIn
    for latent in 0..<configuration.dSae {
      pressures[latent] = 0
      active[latent] = 0
      gradient.encoderBias.disjoint.set(latent, 0)
    }
    var sums = StepSums()
    for start in stride(from: 0, to: rows, by: Self.rowBlock) {
      let block = start..<min(start + Self.rowBlock, rows)
      let elements = block.lowerBound * dIn..<block.upperBound * dIn
      let centred = centred.span.extracting(elements)
      encode(centred, rows: block.count, parameters, norms)
      sums.active += countActive(rows: block.count)
      sums.squaredError += reconstruct(
        batch.extracting(elements), into: error, at: start, rows: block.count, parameters)
      sums.sparsity += differentiate(
        error.span.extracting(elements), rows: block.count, totalRows: rows, parameters, norms,
        coefficient)
      addGradients(
        gradient, centred, error.span.extracting(elements), rows: block.count, totalRows: rows,
        isFirst: start == 0)
    }
    addDecoderPressure(gradient, parameters, norms, Float(coefficient / Double(rows)))
    return sums
  }

  private func encode(
    _ centred: Span<Float>, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms
  ) {
    let dSae = configuration.dSae
    let bias = parameters.encoderBias.span
    let weights = norms.values.span
    let inverses = norms.inverses.span
    let isWeighted = configuration.normalizesDecoder
    amplitudes.disjoint.withAll { amplitudes in
      Multiply.product(
        rows: rows, columns: dSae, inner: configuration.dIn, centred, .plain,
        parameters.encoder.span, .transposed, into: &amplitudes)
      for row in 0..<rows {
        let range = row * dSae..<(row + 1) * dSae
        for (latent, index) in range.enumerated() { amplitudes[index] += bias[latent] }
        if configuration.architecture == .topk {
          if isWeighted {
            for (latent, index) in range.enumerated() { amplitudes[index] *= weights[latent] }
          }
          candidateLatents.disjoint.withAll { latents in
            candidateValues.disjoint.withAll { values in
              topK.clearAllButLargest(&amplitudes, range, &latents, &values)
            }
          }
          if isWeighted {
            for (latent, index) in range.enumerated() { amplitudes[index] *= inverses[latent] }
          }
        }
        for index in range { amplitudes[index] = max(amplitudes[index], 0) }
      }
    }
  }

  private func countActive(rows: Int) -> Double {
    let dSae = configuration.dSae
    let amplitudes = amplitudes.span
    return active.disjoint.withAll { active in
      var total = 0
      for row in 0..<rows {
        for latent in 0..<dSae where amplitudes[row * dSae + latent] > 0 {
          active[latent] += 1
          total += 1
        }
      }
      return Double(total)
    }
  }

  private func reconstruct(
    _ batch: Span<Float>, into error: borrowing Matrix, at firstRow: Int, rows: Int,
    _ parameters: borrowing Parameters
  ) -> Double {
    let dIn = configuration.dIn
    let range = firstRow * dIn..<(firstRow + rows) * dIn
    let bias = parameters.decoderBias.span
    let amplitudes = amplitudes.span
    let decoder = parameters.decoder.span
    return error.disjoint.withSlice(range) { error in
      Multiply.product(
        rows: rows, columns: dIn, inner: configuration.dSae, amplitudes, .plain, decoder, .plain,
        into: &error)
      for row in 0..<rows {
        for column in 0..<dIn {
          error[row * dIn + column] += bias[column] - batch[row * dIn + column]
        }
      }
      return Vector.squaredNorm(error.span)
    }
  }

  /// Fills the slopes; returns the block's Σ_b S_b.
  private func differentiate(
    _ error: Span<Float>, rows: Int, totalRows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, _ coefficient: Double
  ) -> Double {
    let dSae = configuration.dSae
    let amplitudes = amplitudes.span
    return slopes.disjoint.withAll { slopes in
      Multiply.product(
        rows: rows, columns: dSae, inner: configuration.dIn, error, .plain,
        parameters.decoder.span, .transposed, into: &slopes, scale: Float(2 / Double(totalRows)))
      for index in 0..<rows * dSae where !(amplitudes[index] > 0) { slopes[index] = 0 }
      guard configuration.architecture == .standard else { return 0 }
      return pressures.disjoint.withAll { pressures in
        press(
          &slopes, &pressures, rows: rows, norms.values.span, Float(coefficient / Double(totalRows))
        )
      }
    }
  }

  /// Adds the sparsity loss, (λ/B) · dS/dv · ‖W_j‖, to the slopes and returns Σ_b S_b.
  private func press(
    _ slopes: inout MutableSpan<Float>, _ pressures: inout MutableSpan<Float>, rows: Int,
    _ weights: Span<Float>, _ scale: Float
  ) -> Double {
    let dSae = configuration.dSae
    let amplitudes = amplitudes.span
    var sum = 0.0
    for row in 0..<rows {
      let start = row * dSae
      var powers = 0.0
      for latent in 0..<dSae where amplitudes[start + latent] > 0 {
        powers += loss.power(amplitudes[start + latent] * weights[latent])
      }
      let total = loss.total(powers: powers)
      sum += total
      for latent in 0..<dSae where amplitudes[start + latent] > 0 {
        let weighted = amplitudes[start + latent] * weights[latent]
        let slope = weighted > 0 ? loss.slope(weighted, total: total) : 0
        slopes[start + latent] += scale * slope * weights[latent]
        pressures[latent] += slope * amplitudes[start + latent]
      }
    }
    return sum
  }

  private func addGradients(
    _ gradient: borrowing Parameters, _ centred: Span<Float>, _ error: Span<Float>, rows: Int,
    totalRows: Int, isFirst: Bool
  ) {
    let dSae = configuration.dSae
    let keep: Float = isFirst ? 0 : 1
    gradient.decoder.disjoint.withAll { decoder in
      Multiply.product(
        rows: dSae, columns: configuration.dIn, inner: rows, amplitudes.span, .transposed, error,
        .plain, into: &decoder, scale: Float(2 / Double(totalRows)), keep: keep)
    }
    gradient.encoder.disjoint.withAll { encoder in
      Multiply.product(
        rows: dSae, columns: configuration.dIn, inner: rows, slopes.span, .transposed, centred,
        .plain, into: &encoder, keep: keep)
    }
    let values = slopes.span
    gradient.encoderBias.disjoint.withAll { bias in
      for row in 0..<rows {
        for latent in 0..<dSae { bias[latent] += values[row * dSae + latent] }
      }
    }
  }

  /// dW_j += (λ/B) · Σ_b (dS_b/dv_j · f_bj) · W_j/‖W_j‖.
  private func addDecoderPressure(
    _ gradient: borrowing Parameters, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, _ scale: Float
  ) {
    guard configuration.architecture == .standard else { return }
    let dIn = configuration.dIn
    let weights = parameters.decoder.span
    let pressures = pressures.span
    let inverses = norms.inverses.span
    let decoder = gradient.decoder.disjoint
    Parallel.forBlocks(configuration.dSae, blockSize: 64) { latents in
      for latent in latents where pressures[latent] > 0 {
        let range = latent * dIn..<(latent + 1) * dIn
        decoder.withSlice(range) { row in
          Vector.add(
            scale * pressures[latent] * inverses[latent], weights.extracting(range), to: &row)
        }
      }
    }
  }
}
