// The sums of latents over the entries of dense blocks, in the order of entries.

import Shared

struct DenseSums: ~Copyable {
  private let kinds: EntryGradientKinds
  private var sums: [LatentSums]

  init(_ configuration: SAEConfiguration) {
    kinds = configuration.entryGradients
    sums = Array(repeating: LatentSums(), count: configuration.dSae)
  }

  mutating func clear() {
    for latent in sums.indices { sums[latent] = LatentSums() }
  }

  /// Adds the entries of a block.
  mutating func add(
    _ block: DenseBlock, _ codes: borrowing SparseCodes, _ reads: borrowing StepReads,
    _ entries: borrowing EntryReads
  ) {
    let codes = CodeReader(codes)
    for row in 0..<block.count {
      for entry in codes.entries(block.place(row)) {
        let latent = Int(codes.latents[entry])
        if entries.activations[entry] != 0 { sums[latent].active += 1 }
        entries.add(
          entry, selected: codes.values[entry], latent, reads, to: &sums[latent])
      }
    }
  }

  /// Writes the gradients that come of the sums.
  func write(_ reads: borrowing StepReads, _ writes: borrowing LatentWrites) {
    let width = reads.configuration.dOut
    for latent in sums.indices {
      writes.write(sums[latent], of: latent, reads)
      var decoder = writes.gradient.decoder.slice(latent * width..<(latent + 1) * width)
      reads.addNormGradient(sums[latent], of: latent, to: &decoder)
    }
  }
}
