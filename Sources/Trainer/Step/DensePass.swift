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
  private var work: DenseWork
  private var sums: DenseSums

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    encoder = Encoder(configuration, rows: Self.rowBlock, screening: nil)
    work = DenseWork(configuration)
    sums = DenseSums(configuration)
  }

  /// Entries that a batch's memory must have room for, whatever the batch's codes hold.
  var entryCapacity: Int { Self.rowBlock * configuration.dSae }

  /// As `SparsePass.run`; where there are no `codes` of the batch, every block is encoded here.
  mutating func run(
    _ codes: borrowing SparseCodes, isEncoded: Bool, _ input: borrowing EncodingInput,
    _ reads: borrowing StepReads, rows: inout RowWork, latents: inout LatentWork
  ) {
    latents.gradient.encoder.clear()
    latents.gradient.decoder.clear()
    sums.clear()
    let count = input.centered.count / configuration.dIn
    for start in stride(from: 0, to: count, by: Self.rowBlock) {
      let block = start..<min(start + Self.rowBlock, count)
      if isEncoded {
        let block = DenseBlock(rows: block, firstEntryRow: start)
        work.run(block, codes, reads, &rows, &latents.gradient)
        sums.add(block, codes, reads, EntryReads(rows))
      } else {
        encoder.encodeAll(
          input.rows(block, width: configuration.dIn), rows: block.count,
          .training(step: reads.terms.step, firstRow: start))
        let block = DenseBlock(rows: block, firstEntryRow: 0)
        work.run(block, encoder.codes, reads, &rows, &latents.gradient)
        sums.add(block, encoder.codes, reads, EntryReads(rows))
      }
    }
    sums.write(reads, LatentWrites(&latents))
  }
}

/// Rows of the batch, and where their entries begin in the codes.
struct DenseBlock: Sendable {
  let rows: Range<Int>
  let firstEntryRow: Int

  var count: Int { rows.count }
  /// The place in the codes of a row of the block.
  func place(_ row: Int) -> Int { firstEntryRow + row }
}

extension Matrix {
  /// Fills the matrix with zeros.
  mutating func clear() {
    var values = mutableSpan
    for index in values.indices { values[index] = 0 }
  }
}
