// What the tiles of the encoder leave behind, until a batch is complete. Where the number of active
// latents is fixed, each row has room of its own; else the rows of a task share room, so that a few
// rows with very many active latents do no harm.

import Shared

/// The latents that may be active, as tasks find them tile by tile.
struct Candidates: ~Copyable {
  /// How rows share the memory.
  enum Layout: Sendable {
    case perRow
    /// Entries of a task in the order of tile, row and latent.
    case perTask
  }

  let layout: Layout
  private let taskRows: Int
  private let tileCount: Int
  private let rowCapacity: Int
  /// Entries per row that there is room for.
  private(set) var room: Int
  private(set) var latents: AlignedBuffer<Int32>
  private(set) var values: AlignedBuffer<Float>
  /// Entries of each row: all of them (perRow), or of each tile (perTask).
  let counts: AlignedBuffer<Int32>
  /// Where the next entry of each row goes while rows are put together.
  private let cursors: AlignedBuffer<Int32>

  /// Memory for batches of `rows` rows, `taskRows` of which make a task.
  init(_ layout: Layout, rows: Int, taskRows: Int, tileCount: Int, room: Int) {
    self.layout = layout
    self.taskRows = taskRows
    self.tileCount = tileCount
    self.room = room
    rowCapacity = rows
    latents = AlignedBuffer(count: rows * room)
    values = AlignedBuffer(count: rows * room)
    counts = AlignedBuffer(count: rows * Self.countsPerRow(layout, tileCount: tileCount))
    cursors = AlignedBuffer(count: layout == .perTask ? rows : 0)
  }

  /// Numbers in `counts` for each row.
  static func countsPerRow(_ layout: Layout, tileCount: Int) -> Int {
    layout == .perTask ? tileCount : 1
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
    for index in 0..<rows * Self.countsPerRow(layout, tileCount: tileCount) {
      sum += Int(counts[index])
    }
    return sum
  }

  /// Fills `codes` with the entries of the first `rows` rows, in order of row and latent.
  func gather(rows: Int, into codes: inout SparseCodes) {
    let width = Self.countsPerRow(layout, tileCount: tileCount)
    let counts = counts.span
    codes.begin(rows: rows) { row in
      var sum: Int32 = 0
      for index in row * width..<(row + 1) * width { sum += counts[index] }
      return sum
    }
    let gathering = Gathering(
      latents: latents.span, values: values.span, counts: counts, offsets: codes.rowOffsets.span)
    let (targets, targetValues) = (codes.latents.disjoint, codes.values.disjoint)
    let cursors = cursors.disjoint
    let (layout, room, tileCount) = (layout, room, tileCount)
    Parallel.forBlocks(rows, blockSize: taskRows) { task in
      let part = Int(gathering.offsets[task.lowerBound])..<Int(gathering.offsets[task.upperBound])
      targets.withSlice(part) { targets in
        targetValues.withSlice(part) { targetValues in
          switch layout {
          case .perRow: gathering.copyRows(task, room: room, &targets, &targetValues)
          case .perTask:
            cursors.withSlice(task) { cursors in
              gathering.copyTiles(
                task, room: room, tileCount: tileCount, &cursors, &targets, &targetValues)
            }
          }
        }
      }
    }
  }

  /// Puts the rows of a task together.
  private struct Gathering: ~Escapable, Sendable {
    let latents: Span<Int32>
    let values: Span<Float>
    let counts: Span<Int32>
    let offsets: Span<Int32>

    @_lifetime(copy latents, copy values, copy counts, copy offsets)
    init(
      latents: Span<Int32>, values: Span<Float>, counts: Span<Int32>, offsets: Span<Int32>
    ) {
      self.latents = latents
      self.values = values
      self.counts = counts
      self.offsets = offsets
    }

    func copyRows(
      _ task: Range<Int>, room: Int, _ targets: inout MutableSpan<Int32>,
      _ targetValues: inout MutableSpan<Float>
    ) {
      var end = 0
      for row in task {
        for entry in row * room..<row * room + Int(counts[row]) {
          targets[end] = latents[entry]
          targetValues[end] = values[entry]
          end += 1
        }
      }
    }

    func copyTiles(
      _ task: Range<Int>, room: Int, tileCount: Int, _ cursors: inout MutableSpan<Int32>,
      _ targets: inout MutableSpan<Int32>, _ targetValues: inout MutableSpan<Float>
    ) {
      let first = offsets[task.lowerBound]
      for index in 0..<task.count { cursors[index] = offsets[task.lowerBound + index] - first }
      var entry = task.lowerBound * room
      for tile in 0..<tileCount {
        for index in 0..<task.count {
          let count = Int(counts[(task.lowerBound + index) * tileCount + tile])
          let place = Int(cursors[index])
          for offset in 0..<count {
            targets[place + offset] = latents[entry + offset]
            targetValues[place + offset] = values[entry + offset]
          }
          entry += count
          cursors[index] += Int32(count)
        }
      }
    }
  }
}
