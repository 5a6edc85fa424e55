// The active latents of a batch, row by row and latent by latent.

package import Shared

/// The active latents of the rows of a batch, in order of row and then latent.
package struct SparseCodes: ~Copyable, Sendable {
  /// Where each row's entries begin, `[rows + 1]`.
  package private(set) var rowOffsets: AlignedBuffer<Int32>
  package private(set) var latents: AlignedBuffer<Int32>
  /// The feature activations f.
  package private(set) var values: AlignedBuffer<Float>
  /// Rows encoded.
  package private(set) var rows = 0

  package init(rows: Int, capacity: Int) {
    rowOffsets = AlignedBuffer(count: rows + 1)
    latents = AlignedBuffer(count: capacity)
    values = AlignedBuffer(count: capacity)
  }

  package var count: Int { rows == 0 ? 0 : Int(rowOffsets[rows]) }
  package var capacity: Int { latents.count }

  /// The entries of a row.
  package func entries(_ row: Int) -> Range<Int> {
    Int(rowOffsets[row])..<Int(rowOffsets[row + 1])
  }

  /// Makes room; entries are lost.
  mutating func reserve(_ capacity: Int) {
    guard capacity > self.capacity else { return }
    latents = AlignedBuffer(count: capacity)
    values = AlignedBuffer(count: capacity)
  }

  /// Starts a batch whose rows have so many entries each; latents and values are to be filled.
  mutating func begin(rows: Int, count: (_ row: Int) -> Int32) {
    self.rows = rows
    var end: Int32 = 0
    for row in 0..<rows {
      rowOffsets[row] = end
      end += count(row)
    }
    rowOffsets[rows] = end
    precondition(Int(end) <= capacity, "more entries than there is room for")
  }

  /// Forgets all rows.
  mutating func begin() {
    rows = 0
    rowOffsets[0] = 0
  }

  /// Adds a row with its entries in order of latent; there must be room.
  mutating func append(row entries: [(latent: Int32, value: Float)]) {
    var end = count
    for entry in entries {
      latents[end] = entry.latent
      values[end] = entry.value
      end += 1
    }
    rows += 1
    rowOffsets[rows] = Int32(end)
  }

  /// Changes every value, and leaves out the entries that become 0.
  mutating func transform(_ change: (_ latent: Int, _ value: Float) -> Float) {
    var end = 0
    var start = 0
    for row in 0..<rows {
      let next = Int(rowOffsets[row + 1])
      rowOffsets[row] = Int32(end)
      for entry in start..<next {
        let value = change(Int(latents[entry]), values[entry])
        guard value != 0 else { continue }
        latents[end] = latents[entry]
        values[end] = value
        end += 1
      }
      start = next
    }
    rowOffsets[rows] = Int32(end)
  }
}

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
    let latents = codes.latents.span
    offsets.disjoint.withAll { offsets in
      entries.disjoint.withAll { entries in
        rows.disjoint.withAll { rows in
          for latent in 0..<offsets.count { offsets[latent] = 0 }
          for entry in 0..<codes.count { offsets[Int(latents[entry]) + 1] += 1 }
          for latent in 1..<offsets.count { offsets[latent] += offsets[latent - 1] }
          // Each offset runs to the end of its latent while entries are placed; then it goes back.
          for row in 0..<codes.rows {
            for entry in codes.entries(row) {
              let latent = Int(latents[entry])
              let place = Int(offsets[latent])
              entries[place] = Int32(entry)
              rows[place] = Int32(row)
              offsets[latent] += 1
            }
          }
          for latent in stride(from: offsets.count - 1, to: 0, by: -1) {
            offsets[latent] = offsets[latent - 1]
          }
          offsets[0] = 0
        }
      }
    }
  }
}
