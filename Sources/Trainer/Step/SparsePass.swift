// The forward and backward pass over active latents alone. Row by row: reconstruction, error, and
// the gradient of every entry while its decoder row is still in cache. Then latent by latent: both
// weight gradients, each row of which is written once.

import Shared

/// The sparse half of a step.
struct SparsePass: ~Copyable {
  private let dSae: Int
  private var groups: LatentGroups

  init(_ configuration: SAEConfiguration) {
    dSae = configuration.dSae
    groups = LatentGroups(dSae: configuration.dSae, capacity: 0)
  }

  /// Fills the errors, from which weights learn, and all gradients but those of b_dec and W_skip.
  mutating func run(
    _ codes: borrowing SparseCodes, _ reads: borrowing StepReads, rows: inout RowWork,
    latents: inout LatentWork, _ times: inout StepTimes
  ) {
    let start = System.uptime
    if groups.capacity < codes.count {
      groups = LatentGroups(dSae: dSae, capacity: max(codes.count, rows.capacity))
    }
    groups.group(codes)
    SparseRows(codes, reads, RowWrites(&rows)).run()
    times.rows = System.uptime - start
    SparseLatents(codes, groups, reads, EntryReads(rows), LatentWrites(&latents)).run()
    times.latents = System.uptime - start - times.rows
  }
}

/// The work on the rows of a batch.
private struct SparseRows: ~Escapable, Sendable {
  private static let rowBlock = 32

  private let codes: CodeReader
  private let reads: StepReads
  private let writes: RowWrites

  @_lifetime(borrow codes, copy reads, copy writes)
  init(
    _ codes: borrowing SparseCodes, _ reads: borrowing StepReads, _ writes: borrowing RowWrites
  ) {
    self.codes = CodeReader(codes)
    self.reads = copy reads
    self.writes = copy writes
  }

  func run() {
    Parallel.forBlocks(codes.rows, blockSize: Self.rowBlock) { rows in
      for row in rows { run(row) }
    }
  }

  private func run(_ row: Int) {
    let configuration = reads.configuration
    let entries = codes.entries(row)
    let count = configuration.reconstructions.count
    let width = configuration.dOut
    let latents = codes.latents.extracting(entries)
    let selected = codes.values.extracting(entries)
    var activations = writes.activations.slice(entries)
    configuration.architecture.activate(
      RowEntries(latents: latents, selected: selected), reads.terms, &activations)
    for (number, reconstruction) in configuration.reconstructions.enumerated() {
      var target = reads.begin(row, number, in: writes.errors)
      switch reconstruction.source {
      case .activation:
        reads.decoding.add(latents, activations.span, in: reconstruction.latents, to: &target)
      case .selected:
        reads.decoding.add(latents, selected, in: reconstruction.latents, to: &target)
      }
    }
    var errors = writes.errors.slice(row * count * width..<(row + 1) * count * width)
    var squared = writes.squaredErrors.slice(row * count..<(row + 1) * count)
    reads.subtractTarget(row, &errors, &squared)
    differentiate(
      row, ActiveEntries(latents: latents, selected: selected, activations: activations.span),
      errors.span)
  }

  /// Fills the gradients of a row's entries and counts the active ones.
  private func differentiate(
    _ row: Int, _ entries: borrowing ActiveEntries, _ errors: Span<Float>
  ) {
    var gradients = writes.gradients(codes.entries(row))
    let active = fill(entries, &gradients, errors, scale: reads.rowSlopes[row])
    let sparsity = reads.configuration.architecture.differentiate(
      entries, reads.terms, &gradients)
    writes.finish(row, sparsity, active: active)
  }

  /// Fills the gradients by activations, and by selected values where there is a reconstruction by
  /// them; returns the number of active latents.
  private func fill(
    _ entries: borrowing ActiveEntries, _ gradients: inout EntryGradients, _ errors: Span<Float>,
    scale: Float
  ) -> Int32 {
    let configuration = reads.configuration
    let width = configuration.dOut
    let reconstructions = configuration.reconstructions
    let selected = configuration.selectedReconstruction
    let decoder = reads.decoding.decoder
    var active: Int32 = 0
    var number = 0
    for index in entries.latents.indices {
      let latent = Int(entries.latents[index])
      while latent >= reconstructions[number].latents.upperBound { number += 1 }
      let row = decoder.extracting(latent * width..<(latent + 1) * width)
      gradients.preActivation[index] =
        scale * Vector.dot(errors.extracting(number * width..<(number + 1) * width), row)
      if let selected {
        gradients.own[index] =
          scale * Vector.dot(errors.extracting(selected * width..<(selected + 1) * width), row)
      }
      if entries.activations[index] != 0 { active += 1 }
    }
    return active
  }
}
