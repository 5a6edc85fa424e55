// The same pass as products of full matrices, a block of rows at a time: what the sparse pass is
// checked against, and what runs while many latents of an SAE are still active. Formulas are those
// of the sparse pass, applied to the entries between the products.

import Shared

/// The dense half of a step.
struct DensePass: ~Copyable {
  static let rowBlock = 256

  private let configuration: SAEConfiguration
  /// Encodes a block where the batch has too many active latents to be encoded at once.
  private var encoder: Encoder
  /// What each latent multiplies its decoder row by `[block, D]`; 0 where it is not active.
  private var amplitudes: Matrix
  /// dL/d(a·W_enc) `[block, D]`.
  private var slopes: Matrix
  /// Gated: ReLU(π), and dL/d of it `[block, D]`.
  private var gates: Matrix
  private var gateSlopes: Matrix
  /// A reconstruction of each level by its own latents, then the scaled errors `[levels · block, o]`.
  private var parts: Matrix
  private var pressures: AlignedBuffer<Float>
  private var extras: AlignedBuffer<Float>
  private var weightedExtras: AlignedBuffer<Float>

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    let (rows, latents) = (Self.rowBlock, configuration.dSae)
    let gateRows = configuration.selection == .gate ? rows : 0
    encoder = Encoder(configuration, rows: rows)
    amplitudes = Matrix(rows: rows, columns: latents)
    slopes = Matrix(rows: rows, columns: latents)
    gates = Matrix(rows: gateRows, columns: latents)
    gateSlopes = Matrix(rows: gateRows, columns: latents)
    parts = Matrix(rows: configuration.levels * rows, columns: configuration.dOut)
    pressures = AlignedBuffer(count: latents)
    extras = AlignedBuffer(count: latents)
    weightedExtras = AlignedBuffer(count: latents)
  }

  /// Entries that a batch's memory must have room for, whatever the batch's codes hold.
  var entryCapacity: Int { Self.rowBlock * configuration.dSae }

  /// As `SparsePass.run`; where `codes` are not those of the batch, every block is encoded here.
  mutating func run(
    _ codes: borrowing SparseCodes, isEncoded: Bool, _ targets: Span<Float>,
    _ centred: borrowing Matrix, _ skipped: borrowing Matrix, _ scaling: borrowing RowScaling,
    _ error: borrowing Matrix, _ parameters: borrowing Parameters, _ norms: borrowing DecoderNorms,
    _ coefficient: Double, _ work: borrowing EntryWork, _ gradient: borrowing Parameters,
    _ sums: borrowing LatentSums, rows: Int, step: Int
  ) {
    let input = PassInput(targets: targets, centred, skipped, scaling)
    let objective = Objective(
      configuration, parameters, norms, rows: rows, coefficient: coefficient)
    clear(gradient, sums)
    let dIn = configuration.dIn
    for start in stride(from: 0, to: rows, by: Self.rowBlock) {
      let rows = start..<min(start + Self.rowBlock, rows)
      if isEncoded {
        let block = Block(rows: rows, firstEntryRow: start)
        run(block, codes, input, error, parameters, objective, work, gradient, sums)
      } else {
        encoder.encodeAll(
          centred.span.extracting(rows.lowerBound * dIn..<rows.upperBound * dIn),
          rows: rows.count, parameters, norms, .training(step: step, firstRow: start))
        let block = Block(rows: rows, firstEntryRow: 0)
        run(block, encoder.codes, input, error, parameters, objective, work, gradient, sums)
      }
    }
    writeTotals(gradient, sums, parameters, objective)
  }

  /// Rows of the batch, and where their entries begin in the codes.
  private struct Block {
    let rows: Range<Int>
    let firstEntryRow: Int

    var count: Int { rows.count }
    /// The place in the codes of a row of the block.
    func place(_ row: Int) -> Int { firstEntryRow + row }
  }

  private func clear(_ gradient: borrowing Parameters, _ sums: borrowing LatentSums) {
    for kind in [ParameterKind.encoder, .decoder] {
      gradient.with(kind) { matrix in
        matrix.disjoint.withAll { values in
          for index in values.indices { values[index] = 0 }
        }
      }
    }
    for buffer in [0, 1, 2] { clear(buffer) }
    for latent in 0..<configuration.dSae {
      sums.active.disjoint.set(latent, 0)
      sums.slopes.disjoint.set(latent, 0)
    }
  }

  private func run(
    _ block: Block, _ codes: borrowing SparseCodes, _ input: borrowing PassInput,
    _ error: borrowing Matrix, _ parameters: borrowing Parameters,
    _ objective: borrowing Objective, _ work: borrowing EntryWork,
    _ gradient: borrowing Parameters, _ sums: borrowing LatentSums
  ) {
    spread(block, codes, objective, work)
    reconstruct(block, parameters)
    measure(block, input, error, parameters, work)
    differentiate(block, parameters)
    finish(block, codes, objective, work)
    addGradients(block, input, gradient)
    addTotals(block, codes, objective, work, sums)
  }
}

// MARK: - The steps of a block

extension DensePass {
  /// The columns of a level's latents.
  private func latents(_ level: Int) -> Range<Int> {
    if configuration.selection == .gate { return 0..<configuration.dSae }
    return (level == 0 ? 0 : configuration.widths[level - 1])..<configuration.widths[level]
  }

  /// Fills the amplitudes of the entries and of the full matrix.
  private func spread(
    _ block: Block, _ codes: borrowing SparseCodes, _ objective: borrowing Objective,
    _ work: borrowing EntryWork
  ) {
    let dSae = configuration.dSae
    let isGated = configuration.selection == .gate
    let (full, gates) = (amplitudes.disjoint, gates.disjoint)
    let (latents, values, offsets) = (codes.latents.span, codes.values.span, codes.rowOffsets.span)
    let entryAmplitudes = work.amplitudes.disjoint
    Parallel.forBlocks(block.count, blockSize: 16) { rows in
      for row in rows {
        let place = block.place(row)
        let entries = Int(offsets[place])..<Int(offsets[place + 1])
        entryAmplitudes.withSlice(entries) { entry in
          objective.fillAmplitudes(latents.extracting(entries), values.extracting(entries), &entry)
          full.withSlice(row * dSae..<(row + 1) * dSae) { full in
            for index in full.indices { full[index] = 0 }
            for index in entry.indices {
              full[Int(latents[entries.lowerBound + index])] = entry[index]
            }
          }
        }
        guard isGated else { continue }
        gates.withSlice(row * dSae..<(row + 1) * dSae) { full in
          for index in full.indices { full[index] = 0 }
          for entry in entries { full[Int(latents[entry])] = values[entry] }
        }
      }
    }
  }

  /// Fills what each level's latents add.
  private func reconstruct(_ block: Block, _ parameters: borrowing Parameters) {
    let (dSae, dOut) = (configuration.dSae, configuration.dOut)
    let decoder = parameters.decoder.span
    for level in 0..<configuration.levels {
      let columns = latents(level)
      let isGate = configuration.selection == .gate && level == 1
      let source = isGate ? gates.span : amplitudes.span
      let range = level * Self.rowBlock * dOut..<(level + 1) * Self.rowBlock * dOut
      parts.disjoint.withSlice(range) { part in
        Multiply.product(
          rows: block.count, columns: dOut, inner: columns.count,
          source.extracting(columns.lowerBound..<block.count * dSae), .plain, aStride: dSae,
          decoder.extracting(columns.lowerBound * dOut..<columns.upperBound * dOut), .plain,
          into: &part)
      }
    }
  }

  /// Fills the block's errors, and leaves in `parts` what amplitudes learn from.
  private func measure(
    _ block: Block, _ input: borrowing PassInput, _ error: borrowing Matrix,
    _ parameters: borrowing Parameters, _ work: borrowing EntryWork
  ) {
    let (levels, dOut) = (configuration.levels, configuration.dOut)
    let bias = parameters.decoderBias.span
    let parts = parts.disjoint
    let (errors, figures) = (error.disjoint, work.errors.disjoint)
    let isGated = configuration.selection == .gate
    Parallel.forBlocks(block.count, blockSize: 16) { rows in
      for index in rows {
        let row = block.rows.lowerBound + index
        errors.withSlice(row * levels * dOut..<(row + 1) * levels * dOut) { error in
          RowErrors.fill(configuration, &error) { level, target in
            if level == 0 || isGated {
              for column in 0..<dOut { target[column] = bias[column] }
              if !input.skipped.isEmpty {
                for column in 0..<dOut { target[column] += input.skipped[row * dOut + column] }
              }
            }
            let place = (level * Self.rowBlock + index) * dOut
            parts.withSlice(place..<place + dOut) { part in
              for column in 0..<dOut { target[column] += part[column] }
            }
          }
          figures.withSlice(row * levels..<(row + 1) * levels) { figures in
            RowErrors.subtractTarget(row, configuration, input, &error, &figures)
          }
          for level in 0..<levels {
            let place = (level * Self.rowBlock + index) * dOut
            parts.withSlice(place..<place + dOut) { part in
              for column in 0..<dOut {
                part[column] = input.rowSlopes[row] * error[level * dOut + column]
              }
            }
          }
        }
      }
    }
  }

  /// Fills dL/d(amplitude) of every latent, active or not.
  private func differentiate(_ block: Block, _ parameters: borrowing Parameters) {
    let (dSae, dOut) = (configuration.dSae, configuration.dOut)
    let decoder = parameters.decoder.span
    let parts = parts.span
    for level in 0..<configuration.levels {
      let columns = latents(level)
      let isGate = configuration.selection == .gate && level == 1
      let target = isGate ? gateSlopes.disjoint : slopes.disjoint
      let rows = level * Self.rowBlock..<level * Self.rowBlock + block.count
      target.withSlice(columns.lowerBound..<block.count * dSae) { target in
        Multiply.product(
          rows: block.count, columns: columns.count, inner: dOut,
          parts.extracting(rows.lowerBound * dOut..<rows.upperBound * dOut), .plain,
          decoder.extracting(columns.lowerBound * dOut..<columns.upperBound * dOut), .transposed,
          into: &target, cStride: dSae)
      }
    }
  }

  /// Applies the formulas to the entries, and leaves the slopes of other latents at 0.
  private func finish(
    _ block: Block, _ codes: borrowing SparseCodes, _ objective: borrowing Objective,
    _ work: borrowing EntryWork
  ) {
    let dSae = configuration.dSae
    let (latents, values, offsets) = (codes.latents.span, codes.values.span, codes.rowOffsets.span)
    let (entrySlopes, pressures, extras) = (
      work.slopes.disjoint, work.pressures.disjoint, work.extras.disjoint
    )
    let entryAmplitudes = work.amplitudes.span
    let (sparsity, active) = (work.sparsity.disjoint, work.active.disjoint)
    let full = slopes.disjoint
    let gateSlopes = gateSlopes.span
    Parallel.forBlocks(block.count, blockSize: 16) { rows in
      for row in rows {
        let place = block.place(row)
        let entries = Int(offsets[place])..<Int(offsets[place + 1])
        let none = 0..<0
        full.withSlice(row * dSae..<(row + 1) * dSae) { full in
          entrySlopes.withSlice(entries) { slopes in
            pressures.withSlice(pressures.count == 0 ? none : entries) { pressures in
              extras.withSlice(extras.count == 0 ? none : entries) { extras in
                var count: Int32 = 0
                for index in 0..<entries.count {
                  let latent = Int(latents[entries.lowerBound + index])
                  slopes[index] = full[latent]
                  if !gateSlopes.isEmpty { extras[index] = gateSlopes[row * dSae + latent] }
                  if entryAmplitudes[entries.lowerBound + index] != 0 { count += 1 }
                }
                let rowEntries = RowEntries(
                  latents: latents.extracting(entries), values: values.extracting(entries),
                  amplitudes: entryAmplitudes.extracting(entries))
                sparsity.set(
                  block.rows.lowerBound + row,
                  objective.differentiate(rowEntries, &slopes, &pressures, &extras))
                active.set(block.rows.lowerBound + row, count)
              }
            }
            for index in full.indices { full[index] = 0 }
            for index in 0..<entries.count {
              full[Int(latents[entries.lowerBound + index])] = slopes[index]
            }
          }
        }
      }
    }
  }

  private func addGradients(
    _ block: Block, _ input: borrowing PassInput, _ gradient: borrowing Parameters
  ) {
    let (dSae, dIn, dOut) = (configuration.dSae, configuration.dIn, configuration.dOut)
    let parts = parts.span
    for level in 0..<configuration.levels {
      let columns = latents(level)
      let isGate = configuration.selection == .gate && level == 1
      let source = isGate ? gates.span : amplitudes.span
      let rows = level * Self.rowBlock..<level * Self.rowBlock + block.count
      let range = columns.lowerBound * dOut..<columns.upperBound * dOut
      gradient.decoder.disjoint.withSlice(range) { decoder in
        Multiply.product(
          rows: columns.count, columns: dOut, inner: block.count,
          source.extracting(columns.lowerBound..<block.count * dSae), .transposed, aStride: dSae,
          parts.extracting(rows.lowerBound * dOut..<rows.upperBound * dOut), .plain,
          into: &decoder, keep: 1)
      }
    }
    let inputs = block.rows.lowerBound * dIn..<block.rows.upperBound * dIn
    gradient.encoder.disjoint.withAll { encoder in
      Multiply.product(
        rows: dSae, columns: dIn, inner: block.count, slopes.span, .transposed,
        input.centred.extracting(inputs), .plain, into: &encoder, keep: 1)
    }
  }
}

// MARK: - The numbers of latents

extension DensePass {
  private func clear(_ buffer: Int) {
    let memory =
      buffer == 0 ? pressures.disjoint : buffer == 1 ? extras.disjoint : weightedExtras.disjoint
    memory.withAll { values in
      for index in values.indices { values[index] = 0 }
    }
  }

  private func addTotals(
    _ block: Block, _ codes: borrowing SparseCodes, _ objective: borrowing Objective,
    _ work: borrowing EntryWork, _ sums: borrowing LatentSums
  ) {
    let isGated = configuration.selection == .gate
    let (latents, values) = (codes.latents.span, codes.values.span)
    let entries =
      Int(codes.rowOffsets[block.place(0)])..<Int(codes.rowOffsets[block.place(block.count)])
    let (amplitudes, slopes) = (work.amplitudes.span, work.slopes.span)
    let (entryPressures, entryExtras) = (work.pressures.span, work.extras.span)
    sums.active.disjoint.withAll { active in
      sums.slopes.disjoint.withAll { slopeSums in
        pressures.disjoint.withAll { pressures in
          extras.disjoint.withAll { extras in
            weightedExtras.disjoint.withAll { weighted in
              for entry in entries {
                let latent = Int(latents[entry])
                if amplitudes[entry] != 0 { active[latent] += 1 }
                slopeSums[latent] += slopes[entry]
                if !entryPressures.isEmpty { pressures[latent] += entryPressures[entry] }
                guard !entryExtras.isEmpty else { continue }
                extras[latent] += entryExtras[entry]
                if isGated {
                  weighted[latent] +=
                    entryExtras[entry] * (values[entry] - objective.biases[latent])
                }
              }
            }
          }
        }
      }
    }
  }

  private func writeTotals(
    _ gradient: borrowing Parameters, _ sums: borrowing LatentSums,
    _ parameters: borrowing Parameters, _ objective: borrowing Objective
  ) {
    let dOut = configuration.dOut
    let weights = parameters.decoder.span
    let decoder = gradient.decoder.disjoint
    for latent in 0..<configuration.dSae {
      let totals = LatentTotals(
        active: sums.active[latent], slope: sums.slopes[latent], pressure: pressures[latent],
        extra: extras[latent], weightedExtra: weightedExtras[latent])
      totals.write(latent, gradient, sums, objective)
      guard totals.pressure > 0 else { continue }
      let range = latent * dOut..<(latent + 1) * dOut
      decoder.withSlice(range) { row in
        Vector.add(
          totals.pressure * objective.inverses[latent], weights.extracting(range), to: &row)
      }
    }
  }
}
