// How the encoder's product is cut: into tiles of latents that stay in cache, and into tasks of rows
// and tiles. The cut depends on sizes alone, never on the number of threads.

import Shared

/// The cut of a product `[rows, D]`.
struct EncoderGrid: Sendable {
  /// How what tasks find is laid out.
  enum Layout: Sendable {
    /// Each row has room of its own, as where the number of active latents is fixed; a task takes all
    /// tiles of its rows, since what a tile is to add depends on those before.
    case perRow
    /// The rows of a task share their room, so that a few with very many active latents do no harm.
    case perTask
  }

  /// One task: some rows, and some of the tiles.
  struct Task: Sendable {
    let rows: Range<Int>
    let tiles: Range<Int>
  }

  /// Latents per tile: with the rows of a task, one or two megabytes of products.
  static let tileWidth = 512

  let layout: Layout
  let dSae: Int
  let tileCount: Int
  /// The packing of weights inside a product costs the less the more rows there are.
  let rowsPerTask: Int
  private let tilesPerTask: Int

  init(_ configuration: SAEConfiguration, rows: Int) {
    dSae = configuration.dSae
    tileCount = (dSae + Self.tileWidth - 1) / Self.tileWidth
    switch configuration.selection {
    case .rows:
      layout = .perRow
      // Eight tasks where there are enough rows.
      rowsPerTask = min(512, max(64, (rows / 8 + 63) / 64 * 64))
      tilesPerTask = tileCount
    case .above, .batch, .search:
      layout = .perTask
      rowsPerTask = min(1024, max(1, rows))
      tilesPerTask = 4
    }
  }

  var tileWidth: Int { min(Self.tileWidth, dSae) }

  /// Numbers between the rows of a tile in memory, and rows that there is memory for.
  var tileStride: Int { ScreeningOperands.padded(tileWidth) }
  var tileRows: Int { rowsPerTask + ScreeningOperands.rowPadding }

  /// Counts of candidates that are kept of each row: one, or one of each tile.
  var countsPerRow: Int { layout == .perTask ? tileCount : 1 }

  /// Tasks that share rows.
  private var tasksPerBlock: Int { (tileCount + tilesPerTask - 1) / tilesPerTask }

  func taskCount(rows: Int) -> Int { (rows + rowsPerTask - 1) / rowsPerTask * tasksPerBlock }

  /// A task of `taskCount`, in the order of rows and then tiles.
  func task(_ index: Int, rows: Int) -> Task {
    let (block, part) = index.quotientAndRemainder(dividingBy: tasksPerBlock)
    let first = part * tilesPerTask
    return Task(
      rows: block * rowsPerTask..<min(rows, (block + 1) * rowsPerTask),
      tiles: first..<min(tileCount, first + tilesPerTask))
  }

  /// The tasks of a block of rows.
  func tasks(_ block: Range<Int>) -> Range<Int> {
    let first = block.lowerBound / rowsPerTask * tasksPerBlock
    return first..<first + tasksPerBlock
  }

  func latents(_ tile: Int) -> Range<Int> {
    tile * tileWidth..<min(dSae, (tile + 1) * tileWidth)
  }

  /// Where the entries of a task lie, if there is room for `room` of each row: its share of latents.
  func region(_ task: Task, room: Int) -> Range<Int> {
    let start = task.rows.lowerBound * room
    let first = room * latents(task.tiles.lowerBound).lowerBound / dSae
    let end = room * latents(task.tiles.upperBound - 1).upperBound / dSae
    return start + task.rows.count * first..<start + task.rows.count * end
  }
}
