// The entries of a batch latent by latent, as both weight gradients need them.

import Shared

/// The entries of a batch's codes grouped by latent.
struct LatentGroups: ~Copyable {
  /// Where each latent's entries begin, `[D + 1]`.
  private(set) var offsets: AlignedBuffer<Int32>
  /// The entries, as indices into the codes.
  private(set) var entries: AlignedBuffer<Int32>
  /// The row of each of these entries.
  private(set) var rows: AlignedBuffer<Int32>

  var capacity: Int { entries.count }

  init(dSae: Int, capacity: Int) {
    offsets = AlignedBuffer(count: dSae + 1)
    entries = AlignedBuffer(count: capacity)
    rows = AlignedBuffer(count: capacity)
  }

  /// Groups the entries of `codes` by counting; rows stay in order within a latent.
  mutating func group(_ codes: borrowing SparseCodes) {
    for latent in 0..<offsets.count { offsets[latent] = 0 }
    for entry in 0..<codes.count { offsets[Int(codes.latents[entry]) + 1] += 1 }
    for latent in 1..<offsets.count { offsets[latent] += offsets[latent - 1] }
    Self.place(codes, &offsets, &entries, &rows)
    for latent in stride(from: offsets.count - 1, to: 0, by: -1) {
      offsets[latent] = offsets[latent - 1]
    }
    offsets[0] = 0
  }

  /// Places entries; each offset runs to the end of its latent meanwhile.
  private static func place(
    _ codes: borrowing SparseCodes, _ offsets: inout AlignedBuffer<Int32>,
    _ entries: inout AlignedBuffer<Int32>, _ rows: inout AlignedBuffer<Int32>
  ) {
    let latents = codes.latents.span
    var offsets = offsets.mutableSpan
    var entries = entries.mutableSpan
    var rows = rows.mutableSpan
    for row in 0..<codes.rows {
      for entry in codes.entries(row) {
        let latent = Int(latents[entry])
        let place = Int(offsets[latent])
        entries[place] = Int32(entry)
        rows[place] = Int32(row)
        offsets[latent] += 1
      }
    }
  }
}
