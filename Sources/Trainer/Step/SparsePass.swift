// The forward and backward pass over active latents alone. Row by row: reconstruction, error, and
// the slope of every active latent while its decoder row is still in cache. Then latent by latent:
// both weight gradients, each row of which is written once.

import Shared

/// The batch that a pass works on.
struct PassInput: ~Escapable, Sendable {
  /// What is encoded `[B, d]`: the input, scaled and without b_dec.
  let centred: Span<Float>
  /// What is to be reconstructed `[B, o]`.
  let targets: Span<Float>
  /// What the skip connection adds `[B, o]`; empty where there is none.
  let skipped: Span<Float>
  let targetScale: Span<Float>
  let targetShift: Span<Float>
  /// See `RowScaling`.
  let rowSlopes: Span<Float>

  @_lifetime(copy targets, borrow centred, borrow skipped, borrow scaling)
  init(
    targets: Span<Float>, _ centred: borrowing Matrix, _ skipped: borrowing Matrix,
    _ scaling: borrowing RowScaling
  ) {
    self.targets = targets
    self.centred = centred.span
    self.skipped = skipped.span
    targetScale = scaling.targetScale.span
    targetShift = scaling.targetShift.span
    rowSlopes = scaling.slope.span
  }
}

/// The sparse half of a step.
struct SparsePass: ~Copyable {
  private static let rowBlock = 32
  private static let latentBlock = 32

  private let configuration: SAEConfiguration
  private var groups: LatentGroups

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    groups = LatentGroups(dSae: configuration.dSae, capacity: 0)
  }

  /// Fills `error` `[B · levels, o]`, from which weights learn, and `gradient` with all gradients but
  /// those of b_dec and W_skip.
  mutating func run(
    _ codes: borrowing SparseCodes, _ targets: Span<Float>, _ centred: borrowing Matrix,
    _ skipped: borrowing Matrix, _ scaling: borrowing RowScaling, _ error: borrowing Matrix,
    _ parameters: borrowing Parameters, _ norms: borrowing DecoderNorms, _ coefficient: Double,
    _ work: borrowing EntryWork, _ gradient: borrowing Parameters, _ sums: borrowing LatentSums,
    _ times: inout StepTimes
  ) {
    let start = System.uptime
    let input = PassInput(targets: targets, centred, skipped, scaling)
    let objective = Objective(
      configuration, parameters, norms, rows: codes.rows, coefficient: coefficient)
    if groups.capacity < codes.count {
      groups = LatentGroups(
        dSae: configuration.dSae, capacity: max(codes.count, work.amplitudes.count))
    }
    groups.group(codes)
    runRows(codes, input, error, parameters, objective, work)
    times.rows = System.uptime - start
    runLatents(codes, input, error.span, parameters, objective, work, gradient, sums)
    times.latents = System.uptime - start - times.rows
  }

  private func runRows(
    _ codes: borrowing SparseCodes, _ input: borrowing PassInput, _ error: borrowing Matrix,
    _ parameters: borrowing Parameters, _ objective: borrowing Objective,
    _ work: borrowing EntryWork
  ) {
    let pass = RowPass(configuration, codes, parameters)
    let length = configuration.levels * configuration.dOut
    let levels = configuration.levels
    let error = error.disjoint
    let (amplitudes, slopes) = (work.amplitudes.disjoint, work.slopes.disjoint)
    let (pressures, extras) = (work.pressures.disjoint, work.extras.disjoint)
    let (errors, sparsity, active) = (
      work.errors.disjoint, work.sparsity.disjoint, work.active.disjoint
    )
    Parallel.forBlocks(codes.rows, blockSize: Self.rowBlock) { rows in
      for row in rows {
        let entries = pass.entries(row)
        let none = 0..<0
        error.withSlice(row * length..<(row + 1) * length) { error in
          amplitudes.withSlice(entries) { amplitudes in
            slopes.withSlice(entries) { slopes in
              pressures.withSlice(pressures.count == 0 ? none : entries) { pressures in
                extras.withSlice(extras.count == 0 ? none : entries) { extras in
                  errors.withSlice(row * levels..<(row + 1) * levels) { errors in
                    let result = pass.run(
                      row, input, objective, &error, &amplitudes, &slopes, &pressures, &extras,
                      &errors)
                    sparsity.set(row, result.sparsity)
                    active.set(row, result.active)
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  private func runLatents(
    _ codes: borrowing SparseCodes, _ input: borrowing PassInput, _ error: Span<Float>,
    _ parameters: borrowing Parameters, _ objective: borrowing Objective,
    _ work: borrowing EntryWork, _ gradient: borrowing Parameters, _ sums: borrowing LatentSums
  ) {
    let (dIn, dOut) = (configuration.dIn, configuration.dOut)
    let pass = LatentPass(configuration, codes, groups, work, input, error, parameters.decoder)
    let encoder = gradient.encoder.disjoint
    let decoder = gradient.decoder.disjoint
    Parallel.forBlocks(configuration.dSae, blockSize: Self.latentBlock) { latents in
      for latent in latents {
        encoder.withSlice(latent * dIn..<(latent + 1) * dIn) { encoder in
          decoder.withSlice(latent * dOut..<(latent + 1) * dOut) { decoder in
            let totals = pass.run(latent, objective, &encoder, &decoder)
            totals.write(latent, gradient, sums, objective)
          }
        }
      }
    }
  }

  /// Fills `target` with the SAE's output `[rows, o]`, in its units; `work` has room for the entries.
  func reconstruct(
    _ codes: borrowing SparseCodes, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, _ skipped: borrowing Matrix, _ work: borrowing EntryWork,
    into target: borrowing Matrix
  ) {
    let dOut = configuration.dOut
    let skipped = skipped.span
    let objective = Objective(
      configuration, parameters, norms, rows: codes.rows, coefficient: 0)
    let pass = RowPass(configuration, codes, parameters)
    let target = target.disjoint
    let amplitudes = work.amplitudes.disjoint
    Parallel.forBlocks(codes.rows, blockSize: Self.rowBlock) { rows in
      for row in rows {
        amplitudes.withSlice(pass.entries(row)) { amplitudes in
          target.withSlice(row * dOut..<(row + 1) * dOut) { target in
            pass.fillAmplitudes(row, objective, &amplitudes)
            pass.start(row, skipped, &target)
            pass.add(row, amplitudes.span, to: &target)
          }
        }
      }
    }
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
  mutating func finish(of matrix: Span<Float>, to target: inout MutableSpan<Float>) {
    for index in 0..<count {
      let row = starts[index]..<starts[index] + target.count
      Vector.add(scales[index], matrix.extracting(row), to: &target)
    }
    count = 0
  }
}

/// What is done for one row.
private struct RowPass: ~Escapable, Sendable {
  let configuration: SAEConfiguration
  let offsets: Span<Int32>
  let latents: Span<Int32>
  let values: Span<Float>
  let decoder: Span<Float>
  let bias: Span<Float>

  @_lifetime(borrow codes, borrow parameters)
  init(
    _ configuration: SAEConfiguration, _ codes: borrowing SparseCodes,
    _ parameters: borrowing Parameters
  ) {
    self.configuration = configuration
    offsets = codes.rowOffsets.span
    latents = codes.latents.span
    values = codes.values.span
    decoder = parameters.decoder.span
    bias = parameters.decoderBias.span
  }

  func entries(_ row: Int) -> Range<Int> { Int(offsets[row])..<Int(offsets[row + 1]) }

  func fillAmplitudes(
    _ row: Int, _ objective: borrowing Objective, _ amplitudes: inout MutableSpan<Float>
  ) {
    let entries = entries(row)
    objective.fillAmplitudes(
      latents.extracting(entries), values.extracting(entries), &amplitudes)
  }

  /// Fills `target` with what no latent adds: b_dec and the skip connection.
  func start(_ row: Int, _ skipped: Span<Float>, _ target: inout MutableSpan<Float>) {
    for column in 0..<target.count { target[column] = bias[column] }
    guard !skipped.isEmpty else { return }
    let start = row * target.count
    for column in 0..<target.count { target[column] += skipped[start + column] }
  }

  /// Adds the decoder rows of a row's entries.
  func add(_ row: Int, _ amplitudes: Span<Float>, to target: inout MutableSpan<Float>) {
    var rows = RowSum()
    let first = entries(row).lowerBound
    for index in amplitudes.indices {
      rows.append(
        amplitudes[index], Int(latents[first + index]) * target.count, of: decoder, to: &target)
    }
    rows.finish(of: decoder, to: &target)
  }

  /// Fills the row's error, amplitudes, slopes and the rest, which hold its entries alone.
  func run(
    _ row: Int, _ input: borrowing PassInput, _ objective: borrowing Objective,
    _ error: inout MutableSpan<Float>, _ amplitudes: inout MutableSpan<Float>,
    _ slopes: inout MutableSpan<Float>, _ pressures: inout MutableSpan<Float>,
    _ extras: inout MutableSpan<Float>, _ errors: inout MutableSpan<Double>
  ) -> (sparsity: Double, active: Int32) {
    let entries = entries(row)
    let width = configuration.dOut
    fillAmplitudes(row, objective, &amplitudes)
    RowErrors.fill(configuration, &error) { level, target in
      addLevel(level, row, amplitudes.span, input, &target)
    }
    RowErrors.subtractTarget(row, configuration, input, &error, &errors)
    let scale = input.rowSlopes[row]
    var active: Int32 = 0
    var level = 0
    let isGated = configuration.selection == .gate
    for index in amplitudes.indices {
      let latent = Int(latents[entries.lowerBound + index])
      if !isGated { while latent >= configuration.widths[level] { level += 1 } }
      let decoderRow = decoder.extracting(latent * width..<(latent + 1) * width)
      let span = error.span
      slopes[index] =
        scale * Vector.dot(span.extracting(level * width..<(level + 1) * width), decoderRow)
      if isGated {
        extras[index] = scale * Vector.dot(span.extracting(width..<2 * width), decoderRow)
      }
      if amplitudes[index] != 0 { active += 1 }
    }
    let rowEntries = RowEntries(
      latents: latents.extracting(entries), values: values.extracting(entries),
      amplitudes: amplitudes.span)
    return (objective.differentiate(rowEntries, &slopes, &pressures, &extras), active)
  }

  /// Adds to `target` what a level has beyond the level before.
  private func addLevel(
    _ level: Int, _ row: Int, _ amplitudes: Span<Float>, _ input: borrowing PassInput,
    _ target: inout MutableSpan<Float>
  ) {
    let entries = entries(row)
    let width = configuration.dOut
    if level == 0 || configuration.selection == .gate { start(row, input.skipped, &target) }
    var rows = RowSum()
    if configuration.selection == .gate, level == 1 {
      for entry in entries {
        rows.append(values[entry], Int(latents[entry]) * width, of: decoder, to: &target)
      }
    } else {
      let isAll = configuration.levels == 1 || configuration.selection == .gate
      let first = level == 0 ? 0 : configuration.widths[level - 1]
      let end = isAll ? configuration.dSae : configuration.widths[level]
      for index in amplitudes.indices {
        let latent = Int(latents[entries.lowerBound + index])
        guard latent >= first, latent < end else { continue }
        rows.append(amplitudes[index], latent * width, of: decoder, to: &target)
      }
    }
    rows.finish(of: decoder, to: &target)
  }
}

/// The errors of a row's levels; both passes go through here.
enum RowErrors {
  /// Fills the reconstructions of all levels `[levels, o]`: each of a matryoshka SAE starts from the
  /// one before.
  static func fill(
    _ configuration: SAEConfiguration, _ error: inout MutableSpan<Float>,
    _ add: (Int, inout MutableSpan<Float>) -> Void
  ) {
    let width = configuration.dOut
    for level in 0..<configuration.levels {
      if level > 0, configuration.selection != .gate {
        for column in 0..<width {
          error[level * width + column] = error[(level - 1) * width + column]
        }
      }
      error.withSlice(level * width..<(level + 1) * width) { add(level, &$0) }
    }
  }

  /// Turns the reconstructions of a row into errors and their squared norms; then, in a matryoshka
  /// SAE, each level's error into the sum of its own and those of the levels above, which is what its
  /// latents learn from.
  static func subtractTarget(
    _ row: Int, _ configuration: SAEConfiguration, _ input: borrowing PassInput,
    _ error: inout MutableSpan<Float>, _ errors: inout MutableSpan<Double>
  ) {
    let width = configuration.dOut
    let scale = input.targetScale[row]
    let shift = input.targetShift[row]
    let target = input.targets.extracting(row * width..<(row + 1) * width)
    for level in 0..<configuration.levels {
      errors[level] = error.withSlice(level * width..<(level + 1) * width) { part in
        if scale == 1, shift == 0 {
          for column in 0..<width { part[column] -= target[column] }
        } else {
          for column in 0..<width { part[column] -= target[column] * scale + shift }
        }
        return Vector.squaredNorm(part.span)
      }
    }
    guard configuration.selection != .gate else { return }
    for level in stride(from: configuration.levels - 2, through: 0, by: -1) {
      for column in 0..<width {
        error[level * width + column] += error[(level + 1) * width + column]
      }
    }
  }
}

/// What is done for one latent.
private struct LatentPass: ~Escapable, Sendable {
  let configuration: SAEConfiguration
  let groupOffsets: Span<Int32>
  let entries: Span<Int32>
  let rows: Span<Int32>
  let values: Span<Float>
  let amplitudes: Span<Float>
  let slopes: Span<Float>
  let pressures: Span<Float>
  let extras: Span<Float>
  let rowSlopes: Span<Float>
  let centred: Span<Float>
  let error: Span<Float>
  let decoder: Span<Float>

  @_lifetime(
    borrow codes, borrow groups, borrow work, copy input, copy error, borrow decoder)
  init(
    _ configuration: SAEConfiguration, _ codes: borrowing SparseCodes,
    _ groups: borrowing LatentGroups, _ work: borrowing EntryWork, _ input: borrowing PassInput,
    _ error: Span<Float>, _ decoder: borrowing Matrix
  ) {
    self.configuration = configuration
    groupOffsets = groups.offsets.span
    entries = groups.entries.span
    rows = groups.rows.span
    values = codes.values.span
    amplitudes = work.amplitudes.span
    slopes = work.slopes.span
    pressures = work.pressures.span
    extras = work.extras.span
    rowSlopes = input.rowSlopes
    centred = input.centred
    self.error = error
    self.decoder = decoder.span
  }

  /// Fills the latent's rows of both gradients; returns the sums of its numbers.
  func run(
    _ latent: Int, _ objective: borrowing Objective, _ encoder: inout MutableSpan<Float>,
    _ decoder: inout MutableSpan<Float>
  ) -> LatentTotals {
    for column in 0..<encoder.count { encoder[column] = 0 }
    for column in 0..<decoder.count { decoder[column] = 0 }
    let isGated = configuration.selection == .gate
    let levels = configuration.levels
    let level = isGated ? 0 : configuration.level(of: latent)
    let (width, inWidth) = (decoder.count, encoder.count)
    var totals = LatentTotals()
    var errorRows = RowSum()
    var inputRows = RowSum()
    for place in Int(groupOffsets[latent])..<Int(groupOffsets[latent + 1]) {
      let entry = Int(entries[place])
      let row = Int(rows[place])
      let amplitude = amplitudes[entry]
      let scale = rowSlopes[row]
      let start = (row * levels + level) * width
      if amplitude != 0 {
        totals.active += 1
        errorRows.append(scale * amplitude, start, of: error, to: &decoder)
      }
      if isGated {
        errorRows.append(scale * values[entry], start + width, of: error, to: &decoder)
      }
      inputRows.append(slopes[entry], row * inWidth, of: centred, to: &encoder)
      totals.slope += slopes[entry]
      if pressures.count > 0 { totals.pressure += pressures[entry] }
      if extras.count > 0 {
        totals.extra += extras[entry]
        if isGated {
          totals.weightedExtra += extras[entry] * (values[entry] - objective.biases[latent])
        }
      }
    }
    errorRows.finish(of: error, to: &decoder)
    inputRows.finish(of: centred, to: &encoder)
    if totals.pressure > 0 {
      // d‖W_j‖/dW_j = W_j/‖W_j‖.
      let row = self.decoder.extracting(latent * width..<(latent + 1) * width)
      Vector.add(totals.pressure * objective.inverses[latent], row, to: &decoder)
    }
    return totals
  }
}
