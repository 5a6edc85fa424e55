// The memory of looking at all latents, worked out before it is taken. Comes in: the SAE's shape and how much is
// shown. Leaves: bytes.

import Shared

enum LatentMemory {
  /// Bytes that keeping codes takes while the SAE is measured.
  static func kept(_ configuration: SAEConfiguration, _ settings: EvaluateSettings) -> Int {
    let active = configuration.architecture.fixedL0 ?? configuration.dSae
    let entries = min(KeptCodes.entryLimit, settings.evalTokens * active)
    return entries * (MemoryLayout<Int32>.stride + MemoryLayout<Float>.stride)
      + settings.evalTokens * (MemoryLayout<CachedRow>.stride + MemoryLayout<Int>.stride)
      + configuration.dSae * (MemoryLayout<Double>.stride + MemoryLayout<Float>.stride)
  }

  /// Bytes that the look takes beside the SAE and the kept codes.
  static func byteCount(
    _ configuration: SAEConfiguration, _ settings: EvaluateSettings, vocabulary: Int = 0
  ) -> Int {
    let columns = 64 * configuration.dSae
    let product = max(
      LatentNeighbors.byteCount(latentCount: configuration.dSae), 4 * LogitLens.block * vocabulary)
    // The codes once more, by latent, and the tokens of the sequences.
    return kept(configuration, settings) + columns + product + 4 * KeptCodes.tokenLimit
  }
}
