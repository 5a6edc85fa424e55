// What is done between the products of a dense block, row by row: from entries to full matrices, from
// reconstructions to errors, and from full gradients to those of entries.

import Shared

/// One or two matrices of a block that rows are written to.
struct DenseTargets: ~Escapable, Sendable {
  let first: Disjoint<Float>
  /// Without elements where there is no reconstruction by selected values.
  let second: Disjoint<Float>

  @_lifetime(&first, &second)
  init(_ first: inout Matrix, _ second: inout Matrix) {
    self.first = first.writer
    self.second = second.writer
  }

  @_lifetime(&first)
  init(_ first: inout Matrix) {
    self.first = first.writer
    second = self.first
  }
}

/// The work on the rows of a block.
struct DenseRows: ~Escapable, Sendable {
  private static let rowBlock = 16

  private let block: DenseBlock
  private let codes: CodeReader
  private let reads: StepReads
  private let writes: RowWrites

  @_lifetime(borrow codes, copy reads, copy writes)
  init(
    _ block: DenseBlock, _ codes: borrowing SparseCodes, _ reads: borrowing StepReads,
    _ writes: borrowing RowWrites
  ) {
    self.block = block
    self.codes = CodeReader(codes)
    self.reads = copy reads
    self.writes = copy writes
  }

  private func forEachRow(_ body: @Sendable (_ row: Int) -> Void) {
    Parallel.forBlocks(block.count, blockSize: Self.rowBlock) { rows in
      for row in rows { body(row) }
    }
  }

  private func elements(_ row: Int) -> Range<Int> {
    let dSae = reads.configuration.dSae
    return row * dSae..<(row + 1) * dSae
  }

  /// Fills the activations of entries, and full rows of them and of what was selected.
  func scatter(to activations: inout Matrix, _ selected: inout Matrix) {
    scatter(DenseTargets(&activations, &selected))
  }

  /// Fills the errors from what latents add, and leaves there what activations learn from.
  func measure(_ parts: inout Matrix) { measure(DenseTargets(&parts)) }

  /// Applies the formulas to the entries, and leaves the gradients of other latents at 0.
  func finish(_ gradients: inout Matrix, _ selected: inout Matrix) {
    finish(DenseTargets(&gradients, &selected))
  }

  private func scatter(_ targets: borrowing DenseTargets) {
    forEachRow { row in
      let entries = codes.entries(block.place(row))
      let latents = codes.latents.extracting(entries)
      let selected = codes.values.extracting(entries)
      var activations = writes.activations.slice(entries)
      reads.configuration.architecture.activate(
        RowEntries(latents: latents, selected: selected), reads.terms, &activations)
      var full = targets.first.slice(elements(row))
      Self.scatter(activations.span, latents, to: &full)
      guard targets.second.count > 0 else { return }
      var fullSelected = targets.second.slice(elements(row))
      Self.scatter(selected, latents, to: &fullSelected)
    }
  }

  private static func scatter(
    _ values: Span<Float>, _ latents: Span<Int32>, to full: inout MutableSpan<Float>
  ) {
    for index in full.indices { full[index] = 0 }
    for index in values.indices { full[Int(latents[index])] = values[index] }
  }

  private func measure(_ targets: borrowing DenseTargets) {
    let (count, width) = (reads.configuration.reconstructions.count, reads.configuration.dOut)
    forEachRow { index in
      let row = block.rows.lowerBound + index
      for number in 0..<count {
        let place = (number * DensePass.rowBlock + index) * width
        let part = targets.first.slice(place..<place + width)
        var target = reads.begin(row, number, in: writes.errors)
        for column in 0..<width { target[column] += part[column] }
      }
      var errors = writes.errors.slice(row * count * width..<(row + 1) * count * width)
      var squared = writes.squaredErrors.slice(row * count..<(row + 1) * count)
      reads.subtractTarget(row, &errors, &squared)
      for number in 0..<count {
        let place = (number * DensePass.rowBlock + index) * width
        var part = targets.first.slice(place..<place + width)
        for column in 0..<width {
          part[column] = reads.rowSlopes[row] * errors[number * width + column]
        }
      }
    }
  }

  private func finish(_ targets: borrowing DenseTargets) {
    forEachRow { row in finish(row, targets) }
  }

  private func finish(_ row: Int, _ targets: borrowing DenseTargets) {
    let place = codes.entries(block.place(row))
    let latents = codes.latents.extracting(place)
    let activations = writes.activations.slice(place)
    var gradients = writes.gradients(place)
    var full = targets.first.slice(elements(row))
    var active: Int32 = 0
    for index in latents.indices {
      gradients.preActivation[index] = full[Int(latents[index])]
      if activations[index] != 0 { active += 1 }
    }
    if targets.second.count > 0 {
      let selected = targets.second.slice(elements(row))
      for index in latents.indices { gradients.own[index] = selected[Int(latents[index])] }
    }
    let sparsity = reads.configuration.architecture.differentiate(
      ActiveEntries(
        latents: latents, selected: codes.values.extracting(place), activations: activations.span),
      reads.terms, &gradients)
    writes.finish(block.rows.lowerBound + row, sparsity, active: active)
    Self.scatter(gradients.preActivation.span, latents, to: &full)
  }
}
