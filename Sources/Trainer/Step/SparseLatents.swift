// The gradients of the weights of each latent from its entries alone.

import Shared

/// The work on the latents.
struct SparseLatents: ~Escapable, Sendable {
  private static let latentBlock = 32

  private let groupOffsets: Span<Int32>
  private let groupEntries: Span<Int32>
  private let groupRows: Span<Int32>
  private let selected: Span<Float>
  private let reads: StepReads
  private let entries: EntryReads
  private let writes: LatentWrites

  @_lifetime(borrow codes, borrow groups, copy reads, copy entries, copy writes)
  init(
    _ codes: borrowing SparseCodes, _ groups: borrowing LatentGroups,
    _ reads: borrowing StepReads, _ entries: borrowing EntryReads, _ writes: borrowing LatentWrites
  ) {
    groupOffsets = groups.offsets.span
    groupEntries = groups.entries.span
    groupRows = groups.rows.span
    selected = codes.values.span
    self.reads = copy reads
    self.entries = copy entries
    self.writes = copy writes
  }

  func run() {
    Parallel.forBlocks(reads.configuration.dSae, blockSize: Self.latentBlock) { latents in
      for latent in latents { run(latent) }
    }
  }

  private func run(_ latent: Int) {
    let (width, inWidth) = (reads.configuration.dOut, reads.configuration.dIn)
    var encoder = writes.gradient.encoder.slice(latent * inWidth..<(latent + 1) * inWidth)
    var decoder = writes.gradient.decoder.slice(latent * width..<(latent + 1) * width)
    for column in 0..<encoder.count { encoder[column] = 0 }
    for column in 0..<decoder.count { decoder[column] = 0 }
    let sums = add(latent, &encoder, &decoder)
    reads.addNormGradient(sums, of: latent, to: &decoder)
    writes.write(sums, of: latent, reads)
  }

  /// Adds the entries of a latent to its rows of both gradients.
  private func add(
    _ latent: Int, _ encoder: inout MutableSpan<Float>, _ decoder: inout MutableSpan<Float>
  ) -> LatentSums {
    let configuration = reads.configuration
    let count = configuration.reconstructions.count
    let number = configuration.reconstruction(of: latent)
    let bySelected = configuration.selectedReconstruction
    let (width, inWidth) = (decoder.count, encoder.count)
    var sums = LatentSums()
    var errorRows = RowSum()
    var inputRows = RowSum()
    for place in Int(groupOffsets[latent])..<Int(groupOffsets[latent + 1]) {
      let entry = Int(groupEntries[place])
      let row = Int(groupRows[place])
      let activation = entries.activations[entry]
      let scale = reads.rowSlopes[row]
      if activation != 0 {
        sums.active += 1
        errorRows.append(
          scale * activation, (row * count + number) * width, of: entries.errors, to: &decoder)
      }
      if let bySelected {
        errorRows.append(
          scale * selected[entry], (row * count + bySelected) * width, of: entries.errors,
          to: &decoder)
      }
      inputRows.append(
        entries.preActivation[entry], row * inWidth, of: reads.centered, to: &encoder)
      entries.add(entry, selected: selected[entry], latent, reads, to: &sums)
    }
    errorRows.finish(of: entries.errors, to: &decoder)
    inputRows.finish(of: reads.centered, to: &encoder)
    return sums
  }
}

extension StepReads {
  /// Adds dL/d‖W_j‖ · W_j/‖W_j‖ to a latent's decoder row.
  func addNormGradient(
    _ sums: LatentSums, of latent: Int, to decoder: inout MutableSpan<Float>
  ) {
    guard sums.decoderNorm > 0 else { return }
    let row = decoding.decoder.extracting(latent * decoder.count..<(latent + 1) * decoder.count)
    Vector.add(sums.decoderNorm * terms.inverses[latent], row, to: &decoder)
  }
}

extension EntryReads {
  /// Adds an entry's numbers to the sums of its latent.
  @inline(__always)
  func add(
    _ entry: Int, selected: Float, _ latent: Int, _ reads: borrowing StepReads,
    to sums: inout LatentSums
  ) {
    sums.preActivation += preActivation[entry]
    if !decoderNorm.isEmpty { sums.decoderNorm += decoderNorm[entry] }
    guard !own.isEmpty else { return }
    sums.own += own[entry]
    if reads.configuration.entryGradients.contains(.ownTimesInput) {
      sums.ownTimesInput += own[entry] * (selected - reads.terms.biases[latent])
    }
  }
}
