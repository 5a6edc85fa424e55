// What the tiles of the encoder leave behind, until the rows of a batch are put together.

import Shared

/// The latents that may be active, as tasks find them tile by tile.
struct Candidates: ~Copyable {
  private let grid: EncoderGrid
  private let rowCapacity: Int
  /// Entries per row that there is room for.
  private(set) var room: Int
  private var found: FoundLatents
  /// Where the next entry of each row goes while rows are put together.
  private var cursors: AlignedBuffer<Int32>

  /// Memory for batches of `rows` rows.
  init(_ grid: EncoderGrid, rows: Int, room: Int) {
    self.grid = grid
    self.room = room
    rowCapacity = rows
    found = FoundLatents(grid, rows: rows, room: room)
    cursors = AlignedBuffer(count: rows)
  }

  /// Entries that there is room for in all.
  var capacity: Int { rowCapacity * room }

  /// Makes room for more; what was there is lost.
  mutating func widen(to room: Int) {
    guard room > self.room else { return }
    self.room = room
    found = FoundLatents(grid, rows: rowCapacity, room: room)
  }

  /// Lends the memory to tasks, each of which writes its own part.
  var writer: CandidateWriter {
    @_lifetime(&self) mutating get { CandidateWriter(&found) }
  }

  /// The entries that the first `rows` rows have.
  func count(rows: Int) -> Int {
    var sum = 0
    for row in 0..<rows { sum += Int(found.count(row: row)) }
    return sum
  }

  /// Fills `codes` with the entries of the first `rows` rows, in order of row and latent.
  mutating func gather(rows: Int, into codes: inout SparseCodes) {
    codes.begin(rows: rows) { found.count(row: $0) }
    Self.gather(GatheringSize(grid: grid, rows: rows, room: room), found, &cursors, &codes)
  }

  private static func gather(
    _ size: GatheringSize, _ found: borrowing FoundLatents,
    _ cursors: inout AlignedBuffer<Int32>, _ codes: inout SparseCodes
  ) {
    Gathering(size, found, &cursors, &codes).run()
  }
}

/// What tasks found.
private struct FoundLatents: ~Copyable {
  /// Numbers in `counts` for each row.
  let width: Int
  /// Entries of each row: all of them (perRow), or of each tile (perTask).
  var counts: AlignedBuffer<Int32>
  /// What a candidate of each row must exceed (perRow).
  var thresholds: AlignedBuffer<Float>
  var latents: AlignedBuffer<Int32>
  var values: AlignedBuffer<Float>

  init(_ grid: EncoderGrid, rows: Int, room: Int) {
    width = grid.countsPerRow
    counts = AlignedBuffer(count: rows * width)
    thresholds = AlignedBuffer(count: grid.layout == .perRow ? rows : 0)
    latents = AlignedBuffer(count: rows * room)
    values = AlignedBuffer(count: rows * room)
  }

  func count(row: Int) -> Int32 {
    var sum: Int32 = 0
    for index in row * width..<(row + 1) * width { sum += counts[index] }
    return sum
  }
}

/// The memory of candidates, for writers of disjoint parts.
struct CandidateWriter: ~Escapable, Sendable {
  let counts: Disjoint<Int32>
  let thresholds: Disjoint<Float>
  let latents: Disjoint<Int32>
  let values: Disjoint<Float>

  @_lifetime(&found)
  fileprivate init(_ found: inout FoundLatents) {
    counts = found.counts.writer
    thresholds = found.thresholds.writer
    latents = found.latents.writer
    values = found.values.writer
  }
}

/// How candidates lie.
private struct GatheringSize: Sendable {
  let grid: EncoderGrid
  let rows: Int
  let room: Int
}

/// Puts the rows of blocks together.
private struct Gathering: ~Escapable, Sendable {
  private let grid: EncoderGrid
  private let rows: Int
  private let room: Int
  private let counts: Span<Int32>
  private let latents: Span<Int32>
  private let values: Span<Float>
  private let cursors: Disjoint<Int32>
  private let codes: CodeWriter

  @_lifetime(borrow found, &cursors, &codes)
  init(
    _ size: GatheringSize, _ found: borrowing FoundLatents,
    _ cursors: inout AlignedBuffer<Int32>, _ codes: inout SparseCodes
  ) {
    grid = size.grid
    rows = size.rows
    room = size.room
    counts = found.counts.span
    latents = found.latents.span
    values = found.values.span
    self.cursors = cursors.writer
    self.codes = CodeWriter(&codes)
  }

  func run() {
    Parallel.forBlocks(rows, blockSize: grid.rowsPerTask) { block in
      switch grid.layout {
      case .perRow: gatherRows(block)
      case .perTask: gatherTasks(block)
      }
    }
  }

  /// The entries of each row lie together.
  private func gatherRows(_ block: Range<Int>) {
    for row in block {
      let target = codes.entries(row)
      copy(from: row * room, to: target)
    }
  }

  /// The entries of a row lie in the tiles of several tasks.
  private func gatherTasks(_ block: Range<Int>) {
    var cursors = cursors.slice(block)
    for row in block {
      cursors[row - block.lowerBound] = Int32(codes.entries(row).lowerBound)
    }
    for number in grid.tasks(block) {
      let task = grid.task(number, rows: rows)
      var entry = grid.region(task, room: room).lowerBound
      for tile in task.tiles {
        for row in block {
          let count = Int(counts[row * grid.tileCount + tile])
          let start = Int(cursors[row - block.lowerBound])
          copy(from: entry, to: start..<start + count)
          cursors[row - block.lowerBound] += Int32(count)
          entry += count
        }
      }
    }
  }

  private func copy(from entry: Int, to target: Range<Int>) {
    var targetLatents = codes.latents.slice(target)
    var targetValues = codes.values.slice(target)
    for offset in 0..<target.count {
      targetLatents[offset] = latents[entry + offset]
      targetValues[offset] = values[entry + offset]
    }
  }
}
