// What the tiles of the encoder leave behind, until the rows of a batch are put together.

import Shared

/// The latents that may be active, as tasks find them tile by tile.
struct Candidates: ~Copyable {
  private let grid: EncoderGrid
  private let rowCapacity: Int
  /// Entries per row that there is room for.
  private(set) var room: Int
  private(set) var latents: AlignedBuffer<Int32>
  private(set) var values: AlignedBuffer<Float>
  /// Entries of each row: all of them (perRow), or of each tile (perTask).
  let counts: AlignedBuffer<Int32>
  /// Where the next entry of each row goes while rows are put together.
  private let cursors: AlignedBuffer<Int32>

  /// Memory for batches of `rows` rows.
  init(_ grid: EncoderGrid, rows: Int, room: Int) {
    self.grid = grid
    self.room = room
    rowCapacity = rows
    latents = AlignedBuffer(count: rows * room)
    values = AlignedBuffer(count: rows * room)
    counts = AlignedBuffer(count: rows * Self.countsPerRow(grid))
    cursors = AlignedBuffer(count: rows)
  }

  /// Numbers in `counts` for each row.
  static func countsPerRow(_ grid: EncoderGrid) -> Int {
    grid.layout == .perTask ? grid.tileCount : 1
  }

  /// Entries that there is room for in all.
  var capacity: Int { rowCapacity * room }

  /// Makes room for more; what was there is lost.
  mutating func widen(to room: Int) {
    guard room > self.room else { return }
    self.room = room
    latents = AlignedBuffer(count: capacity)
    values = AlignedBuffer(count: capacity)
  }

  /// The entries that the first `rows` rows have.
  func count(rows: Int) -> Int {
    var sum = 0
    for index in 0..<rows * Self.countsPerRow(grid) { sum += Int(counts[index]) }
    return sum
  }

  /// Fills `codes` with the entries of the first `rows` rows, in order of row and latent.
  func gather(rows: Int, into codes: inout SparseCodes) {
    let width = Self.countsPerRow(grid)
    let counts = counts.span
    codes.begin(rows: rows) { row in
      var sum: Int32 = 0
      for index in row * width..<(row + 1) * width { sum += counts[index] }
      return sum
    }
    let gathering = Gathering(
      grid: grid, rows: rows, room: room, latents: latents.span, values: values.span,
      counts: counts, offsets: codes.rowOffsets.span)
    let (targets, targetValues) = (codes.latents.disjoint, codes.values.disjoint)
    let cursors = cursors.disjoint
    Parallel.forBlocks(rows, blockSize: grid.rowsPerTask) { block in
      let part = gathering.place(block)
      targets.withSlice(part) { targets in
        targetValues.withSlice(part) { values in
          cursors.withSlice(block) { cursors in
            gathering.run(block, &cursors, &targets, &values)
          }
        }
      }
    }
  }

  /// Puts the rows of a block together.
  private struct Gathering: ~Escapable, Sendable {
    let grid: EncoderGrid
    let rows: Int
    let room: Int
    let latents: Span<Int32>
    let values: Span<Float>
    let counts: Span<Int32>
    let offsets: Span<Int32>

    @_lifetime(copy latents, copy values, copy counts, copy offsets)
    init(
      grid: EncoderGrid, rows: Int, room: Int, latents: Span<Int32>, values: Span<Float>,
      counts: Span<Int32>, offsets: Span<Int32>
    ) {
      self.grid = grid
      self.rows = rows
      self.room = room
      self.latents = latents
      self.values = values
      self.counts = counts
      self.offsets = offsets
    }

    /// Where the entries of a block of rows go.
    func place(_ block: Range<Int>) -> Range<Int> {
      Int(offsets[block.lowerBound])..<Int(offsets[block.upperBound])
    }

    func run(
      _ block: Range<Int>, _ cursors: inout MutableSpan<Int32>,
      _ targets: inout MutableSpan<Int32>, _ targetValues: inout MutableSpan<Float>
    ) {
      let first = offsets[block.lowerBound]
      for index in 0..<block.count { cursors[index] = offsets[block.lowerBound + index] - first }
      func copy(_ count: Int, from entry: Int, row index: Int) {
        let place = Int(cursors[index])
        for offset in 0..<count {
          targets[place + offset] = latents[entry + offset]
          targetValues[place + offset] = values[entry + offset]
        }
        cursors[index] += Int32(count)
      }
      switch grid.layout {
      case .perRow:
        for row in block {
          copy(Int(counts[row]), from: row * room, row: row - block.lowerBound)
        }
      case .perTask:
        for number in grid.tasks(block) {
          let task = grid.task(number, rows: rows)
          var entry = grid.region(task, room: room).lowerBound
          for tile in task.tiles {
            for row in block {
              let count = Int(counts[row * grid.tileCount + tile])
              copy(count, from: entry, row: row - block.lowerBound)
              entry += count
            }
          }
        }
      }
    }
  }
}
