// The memory of training, worked out before it is taken: what the parts of a step allocate, in the
// order of Engine. What is read ahead, a MiB of each open shard, comes on top of it.

import Shared

enum StepMemory {
  /// Bytes that training with batches of `rows` rows takes once every buffer has its size.
  static func byteCount(_ configuration: SAEConfiguration, rows: Int, threads: Int) -> Int {
    let numbers =
      state(configuration) + batches(configuration, rows) + encoder(configuration, rows, threads)
      + entries(configuration, rows) + dense(configuration)
    return 4 * numbers
  }

  /// Weights, two moments, a gradient, and counters of latents.
  private static func state(_ configuration: SAEConfiguration) -> Int {
    4 * configuration.shape.count + 8 * configuration.dSae
  }

  /// Two batches that are gathered, one centred, and the errors of every level.
  private static func batches(_ configuration: SAEConfiguration, _ rows: Int) -> Int {
    let (dIn, dOut) = (configuration.dIn, configuration.dOut)
    let targets = configuration.architecture.isTranscoder ? 2 * dOut : 0
    let skipped = configuration.shape.hasSkip ? dOut : 0
    let pursuit = configuration.selection == .pursuit ? 2 * dIn + 96 : 0
    return rows * (3 * dIn + targets + skipped + configuration.levels * dOut + pursuit)
  }

  /// Tiles of the encoder's product, and the codes.
  private static func encoder(
    _ configuration: SAEConfiguration, _ rows: Int, _ threads: Int
  ) -> Int {
    let grid = EncoderGrid(configuration, rows: rows)
    let tiles = threads * grid.rowsPerTask * grid.tileWidth
    let entries =
      2 * Encoder.entriesPerRow(configuration) + 2 * Encoder.codesPerRow(configuration)
    let bins = configuration.selection == .batchTopK ? threads * BatchTopK.bins : 0
    return rows * (entries + Candidates.countsPerRow(grid) + 1) + tiles + bins
  }

  /// What is known of the entries: amplitude, slope, two places in the groups, and what else there is.
  private static func entries(_ configuration: SAEConfiguration, _ rows: Int) -> Int {
    let perEntry = 4 + (configuration.hasPressures ? 1 : 0) + (configuration.hasExtras ? 1 : 0)
    let capacity: Int =
      switch configuration.selection {
      case .batchTopK: 2 * configuration.keptLatents(rows: rows)
      case .pursuit: 0
      default: rows * Encoder.codesPerRow(configuration)
      }
    return perEntry * capacity
  }

  /// The dense pass, which early batches of some SAEs take.
  private static func dense(_ configuration: SAEConfiguration) -> Int {
    switch configuration.selection {
    case .relu, .jumpReLU: return 4 * DensePass.rowBlock * configuration.dSae
    case .gate: return 6 * DensePass.rowBlock * configuration.dSae
    case .pursuit: return MatchingPursuit.rowBlock * configuration.dSae
    case .topk, .absTopK, .batchTopK: return 0
    }
  }
}
