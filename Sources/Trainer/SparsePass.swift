// The forward and backward pass over active latents alone. Row by row: reconstruction, error, and
// the slope of every active latent while its decoder row is still in cache. Then latent by latent:
// both weight gradients, each row of which is written once.

import Shared

/// The sparse half of a step.
struct SparsePass: ~Copyable {
  private static let rowBlock = 32
  private static let latentBlock = 32

  private let configuration: SAEConfiguration
  private let loss: SparsityLoss
  private var groups: LatentGroups
  /// dL/d(pre-activation) of each entry.
  private var slopes = AlignedBuffer<Float>(count: 0)
  /// dS/dv of each entry (standard).
  private var pressures = AlignedBuffer<Float>(count: 0)

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    loss = SparsityLoss(exponent: configuration.lpNorm)
    groups = LatentGroups(dSae: configuration.dSae, capacity: 0)
  }

  /// Rows in which a latent was active in the last run.
  func activeRows(_ latent: Int) -> Int32 { groups.offsets[latent + 1] - groups.offsets[latent] }

  /// Fills `error` with x̂ − x `[B, d]` and `gradient` with all gradients but that of b_dec.
  mutating func run(
    _ codes: borrowing SparseCodes, _ batch: Span<Float>, _ centred: borrowing Matrix,
    _ error: borrowing Matrix, _ parameters: borrowing Parameters, _ norms: borrowing DecoderNorms,
    _ gradient: borrowing Parameters, _ coefficient: Double, _ times: inout StepTimes
  ) -> StepSums {
    let start = System.uptime
    reserve(codes.capacity)
    groups.group(codes)
    let rowPass = RowPass(
      configuration: configuration, loss: loss, rows: codes.rows, coefficient: coefficient)
    let sums = runRows(rowPass, codes, batch, error, parameters, norms)
    times.rows = System.uptime - start
    runLatents(rowPass, codes, centred.span, error.span, parameters, norms, gradient)
    times.latents = System.uptime - start - times.rows
    return sums
  }

  private mutating func reserve(_ capacity: Int) {
    guard slopes.count < capacity else { return }
    slopes = AlignedBuffer(count: capacity)
    groups = LatentGroups(dSae: configuration.dSae, capacity: capacity)
    if configuration.architecture == .standard { pressures = AlignedBuffer(count: capacity) }
  }

  private mutating func runRows(
    _ pass: RowPass, _ codes: borrowing SparseCodes, _ batch: Span<Float>,
    _ error: borrowing Matrix, _ parameters: borrowing Parameters, _ norms: borrowing DecoderNorms
  ) -> StepSums {
    let dIn = configuration.dIn
    let operands = Operands(codes, parameters, norms)
    let blocks = (codes.rows + Self.rowBlock - 1) / Self.rowBlock
    var sums = [StepSums](repeating: StepSums(), count: blocks)
    var sumSpan = sums.mutableSpan
    let error = error.disjoint
    let slopes = slopes.disjoint
    let pressures = pressures.disjoint
    sumSpan.withDisjoint { sums in
      Parallel.forEach(blocks) { block in
        var total = StepSums()
        for row in block * Self.rowBlock..<min(pass.rows, (block + 1) * Self.rowBlock) {
          let range = row * dIn..<(row + 1) * dIn
          let entries = operands.entries(row)
          error.withSlice(range) { error in
            slopes.withSlice(entries) { slopes in
              pressures.withSlice(pressures.count == 0 ? 0..<0 : entries) { pressures in
                let input = batch.extracting(range)
                total = total + pass.run(entries, input, operands, &error, &slopes, &pressures)
              }
            }
          }
        }
        sums.set(block, total)
      }
    }
    return sums.reduce(StepSums(), +)
  }

  private func runLatents(
    _ pass: RowPass, _ codes: borrowing SparseCodes, _ centred: Span<Float>, _ error: Span<Float>,
    _ parameters: borrowing Parameters, _ norms: borrowing DecoderNorms,
    _ gradient: borrowing Parameters
  ) {
    let dIn = configuration.dIn
    let work = LatentPass(
      Operands(codes, parameters, norms), groups, slopes: slopes.span, pressures: pressures.span,
      centred: centred, error: error, pass: pass)
    let encoder = gradient.encoder.disjoint
    let bias = gradient.encoderBias.disjoint
    let decoder = gradient.decoder.disjoint
    Parallel.forBlocks(configuration.dSae, blockSize: Self.latentBlock) { latents in
      for latent in latents {
        let range = latent * dIn..<(latent + 1) * dIn
        encoder.withSlice(range) { encoder in
          decoder.withSlice(range) { decoder in
            bias.set(latent, work.run(latent, &encoder, &decoder))
          }
        }
      }
    }
  }

  /// Fills `target` with x̂ `[rows, d]`.
  func reconstruct(
    _ codes: borrowing SparseCodes, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, into target: borrowing Matrix
  ) {
    let dIn = configuration.dIn
    let pass = RowPass(configuration: configuration, loss: loss, rows: codes.rows, coefficient: 0)
    let operands = Operands(codes, parameters, norms)
    let target = target.disjoint
    Parallel.forBlocks(codes.rows, blockSize: Self.rowBlock) { rows in
      for row in rows {
        target.withSlice(row * dIn..<(row + 1) * dIn) { target in
          pass.reconstruct(operands.entries(row), operands, &target)
        }
      }
    }
  }
}

/// What a row's or a latent's computation reads, `[B, d]` and `[D, d]` row-major.
private struct Operands: ~Escapable, Sendable {
  let offsets: Span<Int32>
  let latents: Span<Int32>
  let values: Span<Float>
  let decoder: Span<Float>
  let bias: Span<Float>
  let norms: Span<Float>
  let inverses: Span<Float>

  @_lifetime(borrow codes, borrow parameters, borrow norms)
  init(
    _ codes: borrowing SparseCodes, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms
  ) {
    offsets = codes.rowOffsets.span
    latents = codes.latents.span
    values = codes.values.span
    decoder = parameters.decoder.span
    bias = parameters.decoderBias.span
    self.norms = norms.values.span
    inverses = norms.inverses.span
  }

  func entries(_ row: Int) -> Range<Int> { Int(offsets[row])..<Int(offsets[row + 1]) }

  @_lifetime(copy self)
  func decoderRow(_ latent: Int) -> Span<Float> {
    decoder.extracting(latent * bias.count..<(latent + 1) * bias.count)
  }
}

/// Adds multiples of rows to a row, four at a time.
private struct RowSum {
  private var scales = SIMD4<Float>()
  private var starts = SIMD4<Int>()
  private var count = 0

  /// Adds `scale` times the row of `matrix` that begins at `start`, now or with later ones.
  @inline(__always)
  mutating func append(
    _ scale: Float, _ start: Int, of matrix: Span<Float>, to target: inout MutableSpan<Float>
  ) {
    scales[count] = scale
    starts[count] = start
    count += 1
    guard count == 4 else { return }
    Vector.add(scales, rowsOf: matrix, from: starts, to: &target)
    count = 0
  }

  /// Adds what is left.
  func finish(of matrix: Span<Float>, to target: inout MutableSpan<Float>) {
    for index in 0..<count {
      let row = starts[index]..<starts[index] + target.count
      Vector.add(scales[index], matrix.extracting(row), to: &target)
    }
  }
}

/// What is done for one row.
private struct RowPass: Sendable {
  let configuration: SAEConfiguration
  let loss: SparsityLoss
  let rows: Int
  let coefficient: Double

  /// The gradient of the mean squared error is this times x̂ − x.
  var errorScale: Float { Float(2 / Double(rows)) }
  /// The weight of a row's sparsity.
  var pressureScale: Float { Float(coefficient / Double(rows)) }

  /// Fills `target` with x̂ `[d]`.
  func reconstruct(
    _ entries: Range<Int>, _ operands: borrowing Operands, _ target: inout MutableSpan<Float>
  ) {
    for column in 0..<target.count { target[column] = operands.bias[column] }
    let width = target.count
    var rows = RowSum()
    for entry in entries {
      let latent = Int(operands.latents[entry])
      let amplitude =
        configuration.normalizesDecoder
        ? operands.values[entry] * operands.inverses[latent] : operands.values[entry]
      rows.append(amplitude, latent * width, of: operands.decoder, to: &target)
    }
    rows.finish(of: operands.decoder, to: &target)
  }

  /// Fills the row's error, slopes and pressures; `slopes` and `pressures` hold its entries alone.
  func run(
    _ entries: Range<Int>, _ input: Span<Float>, _ operands: borrowing Operands,
    _ error: inout MutableSpan<Float>, _ slopes: inout MutableSpan<Float>,
    _ pressures: inout MutableSpan<Float>
  ) -> StepSums {
    reconstruct(entries, operands, &error)
    for column in 0..<error.count { error[column] -= input[column] }
    var sums = StepSums()
    sums.squaredError = Vector.squaredNorm(error.span)
    sums.active = Double(entries.count)
    for (index, entry) in entries.enumerated() {
      let row = operands.decoderRow(Int(operands.latents[entry]))
      slopes[index] = errorScale * Vector.dot(error.span, row)
    }
    if configuration.architecture == .standard {
      sums.sparsity = press(entries, operands, &slopes, &pressures)
    }
    return sums
  }

  /// Adds the sparsity loss, (λ/B) · dS/dv · ‖W_j‖, to the slopes and returns S.
  private func press(
    _ entries: Range<Int>, _ operands: borrowing Operands, _ slopes: inout MutableSpan<Float>,
    _ pressures: inout MutableSpan<Float>
  ) -> Double {
    var powers = 0.0
    for entry in entries {
      powers += loss.power(operands.values[entry] * operands.norms[Int(operands.latents[entry])])
    }
    let total = loss.total(powers: powers)
    for (index, entry) in entries.enumerated() {
      let norm = operands.norms[Int(operands.latents[entry])]
      let weighted = operands.values[entry] * norm
      pressures[index] = weighted > 0 ? loss.slope(weighted, total: total) : 0
      slopes[index] += pressureScale * pressures[index] * norm
    }
    return total
  }
}

/// What is done for one latent.
private struct LatentPass: ~Escapable, Sendable {
  let operands: Operands
  let groupOffsets: Span<Int32>
  let entries: Span<Int32>
  let rows: Span<Int32>
  let slopes: Span<Float>
  let pressures: Span<Float>
  let centred: Span<Float>
  let error: Span<Float>
  let pass: RowPass

  @_lifetime(copy operands, borrow groups, copy slopes, copy pressures, copy centred, copy error)
  init(
    _ operands: consuming Operands, _ groups: borrowing LatentGroups, slopes: Span<Float>,
    pressures: Span<Float>, centred: Span<Float>, error: Span<Float>, pass: RowPass
  ) {
    groupOffsets = groups.offsets.span
    entries = groups.entries.span
    rows = groups.rows.span
    self.operands = operands
    self.slopes = slopes
    self.pressures = pressures
    self.centred = centred
    self.error = error
    self.pass = pass
  }

  /// Fills the latent's rows of both gradients; returns the gradient of its bias.
  func run(
    _ latent: Int, _ encoder: inout MutableSpan<Float>, _ decoder: inout MutableSpan<Float>
  ) -> Float {
    let width = operands.bias.count
    for column in 0..<width {
      encoder[column] = 0
      decoder[column] = 0
    }
    let inverse = operands.inverses[latent]
    let scale = pass.configuration.normalizesDecoder ? inverse : 1
    var bias: Float = 0
    var pressure: Float = 0
    var errorRows = RowSum()
    var inputRows = RowSum()
    for place in Int(groupOffsets[latent])..<Int(groupOffsets[latent + 1]) {
      let entry = Int(entries[place])
      let start = Int(rows[place]) * width
      let value = operands.values[entry]
      errorRows.append(pass.errorScale * value * scale, start, of: error, to: &decoder)
      inputRows.append(slopes[entry], start, of: centred, to: &encoder)
      bias += slopes[entry]
      if pressures.count > 0 { pressure += pressures[entry] * value }
    }
    errorRows.finish(of: error, to: &decoder)
    inputRows.finish(of: centred, to: &encoder)
    if pressure > 0 {
      // d‖W_j‖/dW_j = W_j/‖W_j‖.
      Vector.add(
        pass.pressureScale * pressure * inverse, operands.decoderRow(latent), to: &decoder)
    }
    return bias
  }
}
