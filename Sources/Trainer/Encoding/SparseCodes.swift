// The active latents of a batch, row by row and latent by latent.

package import Shared

/// The latents that were selected in the rows of a batch, in order of row and then latent.
package struct SparseCodes: ~Copyable, Sendable {
  /// Where each row's entries begin, `[rows + 1]`.
  package private(set) var rowOffsets: AlignedBuffer<Int32>
  package private(set) var latents: AlignedBuffer<Int32>
  /// What selection saw; the feature activations f once encoding has ended.
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

/// The entries of a batch's codes, for writers of disjoint rows.
struct CodeWriter: ~Escapable, Sendable {
  private let offsets: Span<Int32>
  let latents: Disjoint<Int32>
  let values: Disjoint<Float>

  @_lifetime(&codes)
  init(_ codes: inout SparseCodes) { self = codes.writer }

  @_lifetime(copy offsets, copy latents, copy values)
  fileprivate init(offsets: Span<Int32>, latents: Disjoint<Int32>, values: Disjoint<Float>) {
    self.offsets = offsets
    self.latents = latents
    self.values = values
  }

  /// The entries of a row.
  func entries(_ row: Int) -> Range<Int> { Int(offsets[row])..<Int(offsets[row + 1]) }
}

extension SparseCodes {
  /// Lends the entries, each row's to one writer.
  fileprivate var writer: CodeWriter {
    @_lifetime(&self) mutating get {
      CodeWriter(offsets: rowOffsets.span, latents: latents.writer, values: values.writer)
    }
  }
}

/// The entries of a batch's codes for reading.
struct CodeReader: ~Escapable, Sendable {
  let rows: Int
  private let offsets: Span<Int32>
  let latents: Span<Int32>
  let values: Span<Float>

  @_lifetime(borrow codes)
  init(_ codes: borrowing SparseCodes) {
    rows = codes.rows
    offsets = codes.rowOffsets.span
    latents = codes.latents.span
    values = codes.values.span
  }

  /// The entries of a row.
  func entries(_ row: Int) -> Range<Int> { Int(offsets[row])..<Int(offsets[row + 1]) }
}
