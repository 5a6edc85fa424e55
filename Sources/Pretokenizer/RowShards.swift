// The rows of a token stage, cut anew into equal runs. Comes in: the stage's shards in their order. Leaves: one
// Parquet file a run, the same bytes whenever it is asked for.

import Shared

/// Runs of rows, as `Dataset.shard(contiguous=True)` cuts them: the first ones have a row more.
struct RowShards {
  let count: Int
  private let folder: String
  private let shards: [Manifest.Shard]
  private let rowCount: Int
  /// The shard that was read last.
  private var held: (index: Int, shard: TokenShard)?

  /// - Parameters:
  ///   - folder: the stage's.
  ///   - manifest: of the finished stage.
  ///   - count: the wanted runs; there are as many as rows at most.
  init(folder: String, _ manifest: Manifest, count: Int) {
    self.folder = folder
    shards = manifest.shards
    rowCount = manifest.rows
    self.count = max(1, min(count, manifest.rows))
  }

  func rows(_ index: Int) -> Range<Int> {
    func start(_ index: Int) -> Int {
      index * (rowCount / count) + min(index, rowCount % count)
    }
    return start(index)..<start(index + 1)
  }

  /// Writes the run `index` to `path`.
  mutating func write(_ index: Int, contextSize: Int, to path: String) throws {
    let wanted = rows(index)
    var writer = try ParquetWriter.create(path, contextSize: contextSize)
    var first = 0
    for shard in shards.indices {
      let part = wanted.clamped(to: first..<first + shards[shard].rows)
      if !part.isEmpty {
        let tokens = try tokens(shard)
        try writer.append(
          tokens.span.extracting(
            (part.lowerBound - first) * contextSize..<(part.upperBound - first) * contextSize))
      }
      first += shards[shard].rows
    }
    try writer.finish()
  }

  private mutating func tokens(_ index: Int) throws -> [UInt32] {
    if let held, held.index == index { return held.shard.tokens }
    held = nil
    let shard = try TokenShard.read(folder + "/" + shards[index].file)
    held = (index, shard)
    return shard.tokens
  }
}
