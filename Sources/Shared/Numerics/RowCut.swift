// How a product whose right factor comes in tiles is shared among threads. Comes in: its shape.
// Leaves: blocks of rows, the same whoever takes them.

/// How the rows of a product are cut for every tile of its columns; a function of the shape alone.
///
/// Blocks are as large as leaves enough of them to share. Those of the last tile halve towards the
/// end, so that threads that were held up do not keep the others waiting for a whole block.
struct RowCut {
  private static let least = 256
  private let count: Int
  private let block: Int
  private let perTile: Int
  private let lastTile: Int
  let tasks: Int

  init(rows: Int, tiles: Int) {
    var block = 2048
    while block > 128, (rows + block - 1) / block * tiles < 8 { block /= 2 }
    count = rows
    self.block = block
    perTile = (rows + block - 1) / block
    lastTile = tiles - 1
    var (start, tapered) = (0, 0)
    while start < rows {
      start += RowCut.taper(rows - start, block: block)
      tapered += 1
    }
    tasks = perTile * lastTile + tapered
  }

  func tile(of task: Int) -> Int { min(task / perTile, lastTile) }

  func rows(of task: Int) -> Range<Int> {
    let first = perTile * lastTile
    guard task >= first else {
      let start = task % perTile * block
      return start..<min(start + block, count)
    }
    var start = 0
    for _ in first..<task { start += RowCut.taper(count - start, block: block) }
    return start..<start + RowCut.taper(count - start, block: block)
  }

  /// Rows of the next block of the last tile.
  private static func taper(_ left: Int, block: Int) -> Int {
    let half = (left + 2 * least - 1) / (2 * least) * least
    return min(left, block, half)
  }
}

/// The blocks of rows that one worker takes, one after the other; several share a counter.
struct RowTasks {
  private let cut: RowCut
  private let next: Counter
  private var task: Int

  init(_ cut: RowCut, _ next: Counter) {
    self.cut = cut
    self.next = next
    task = next.take()
  }

  /// The tile of the task in hand; nil where none is left.
  var tile: Int? { task < cut.tasks ? cut.tile(of: task) : nil }

  /// The rows of the task in hand, where it is one of `tile`.
  func rows(in tile: Int) -> Range<Int>? { self.tile == tile ? cut.rows(of: task) : nil }

  /// Takes the next task, once the one in hand is done.
  mutating func advance() { task = next.take() }
}
