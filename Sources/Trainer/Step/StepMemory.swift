// The memory of training, worked out before it is taken: what the parts of a step allocate, in the
// order of Engine. What is read ahead, a MiB of each open shard, comes on top of it.

import Shared

enum StepMemory {
  /// Bytes that training with batches of `rows` rows takes once every buffer has its size.
  static func byteCount(_ configuration: SAEConfiguration, rows: Int, threads: Int) -> Int {
    let numbers =
      state(configuration) + batches(configuration, rows)
      + EncoderRoom.count(configuration, rows: rows, threads: threads)
      + entries(configuration, rows) + dense(configuration) + revivals(configuration, threads)
    return 4 * numbers
  }

  /// Weights, two moments, a gradient, and counters of latents.
  private static func state(_ configuration: SAEConfiguration) -> Int {
    4 * configuration.shape.count + 8 * configuration.dSae
  }

  /// Two batches that are gathered, one that is encoded, and the errors of every reconstruction.
  private static func batches(_ configuration: SAEConfiguration, _ rows: Int) -> Int {
    let (dIn, dOut) = (configuration.dIn, configuration.dOut)
    let targets = configuration.name.isTranscoder ? 2 * dOut : 0
    let skipped = configuration.shape.has(.skip) ? dOut : 0
    var search = 0
    if case .search = configuration.selection { search = 2 * dIn + 96 }
    return rows
      * (3 * dIn + targets + skipped + configuration.reconstructions.count * dOut + search)
  }

  /// What is known of the entries, and their two places in the groups.
  private static func entries(_ configuration: SAEConfiguration, _ rows: Int) -> Int {
    let capacity: Int =
      switch configuration.selection {
      case .batch(let k):
        2 * SAEConfiguration.keptLatents(k: k, rows: rows, dSae: configuration.dSae)
      case .search: 0
      case .above, .rows: rows * EncoderRoom.codesPerRow(configuration)
      }
    return (2 + RowWork.numbersPerEntry(configuration.entryGradients)) * capacity
  }

  /// The dense pass, which early batches of some SAEs take.
  private static func dense(_ configuration: SAEConfiguration) -> Int {
    switch configuration.selection {
    case .above:
      // Entries of a block, which may hold every latent, come on top of its matrices.
      (DenseWork.matrixCount(configuration) + 2) * DensePass.rowBlock * configuration.dSae
    case .search: PursuitSearch.rowBlock * configuration.dSae
    case .rows, .batch: 0
    }
  }

  /// The losses of dead latents, while every latent is one.
  private static func revivals(_ configuration: SAEConfiguration, _ threads: Int) -> Int {
    configuration.architecture.revivals.lazy.filter(\.isActive).reduce(0) { sum, revival in
      switch revival {
      case .auxiliary:
        sum + DeadLatents.numberCount(configuration)
          + AuxK.numberCount(configuration, threads: threads)
      case .ghostGradients, .preActivations: sum + DeadLatents.numberCount(configuration)
      }
    }
  }
}
