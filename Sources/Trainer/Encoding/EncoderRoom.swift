// How much room the encoder makes for a row's latents, and what that comes to in memory.

import Shared

/// The room for a row's latents.
enum EncoderRoom {
  /// Candidates that a row may have while it is encoded, on average where rows share their room.
  ///
  /// Where more than about an eighth of the latents are active, dense products are faster.
  static func candidatesPerRow(_ configuration: SAEConfiguration) -> Int {
    switch configuration.selection {
    case .rows(let selection): selection.capacity
    case .batch(let k): min(configuration.dSae, max(64, 8 * Int(k)))
    case .above: max(min(configuration.dSae, 64), configuration.dSae / 8)
    case .search: 0
    }
  }

  /// Entries that a row's codes may need, on average where rows share their room.
  static func codesPerRow(_ configuration: SAEConfiguration) -> Int {
    guard case .rows(let selection) = configuration.selection else {
      return candidatesPerRow(configuration)
    }
    return selection.most
  }

  /// Numbers of four bytes that encoding batches of `rows` rows takes.
  static func count(_ configuration: SAEConfiguration, rows: Int, threads: Int) -> Int {
    let grid = EncoderGrid(configuration, rows: rows)
    let tiles = threads * grid.tileRows * grid.tileStride
    let screening = ScreenSize(configuration, grid, rows: rows)?.count(threads: threads) ?? 0
    let entries = 2 * candidatesPerRow(configuration) + 2 * codesPerRow(configuration)
    var bins = 0
    if case .batch = configuration.selection { bins = threads * LargestOfBatch.bins }
    return rows * (entries + grid.countsPerRow + 1) + tiles + bins + screening
  }
}
