// The memory of measuring a finished SAE, worked out before it is taken: the SAE and its codes, one
// batch of rows, and the tables that grow with the latents.

import Shared

enum EvaluationMemory {
  /// Bytes that measuring takes once every buffer has its size.
  static func byteCount(
    _ configuration: SAEConfiguration, _ settings: EvaluateSettings, threads: Int
  ) -> Int {
    let latents = configuration.dSae
    let rows = TrainedSAE.batchRows(latents: latents)
    let categories = settings.categories.flatMap { try? CategoryWords.read($0) }?.categories.count
    return TrainedSAE.byteCount(configuration, rows: rows, threads: threads)
      + 4 * rows * (configuration.dIn + configuration.dOut)
      + EvaluationSums.byteCount(dIn: configuration.dOut, latentCount: latents)
      + CategoryCounts.byteCount(latentCount: latents, categories: categories ?? 0)
  }

  /// Bytes that an evaluation takes beside training: a copy of the SAE, a batch of rows and its sums; without
  /// the language model's.
  static func runningByteCount(_ configuration: SAEConfiguration, threads: Int) -> Int {
    let rows = TrainedSAE.batchRows(latents: configuration.dSae)
    return SAEFiles.inferenceByteCount(configuration)
      + TrainedSAE.byteCount(configuration, rows: rows, threads: threads)
      + 4 * rows * (configuration.dIn + configuration.dOut)
      + EvaluationSums.byteCount(dIn: configuration.dOut, latentCount: configuration.dSae)
  }
}
