// The memory of looking at all latents, worked out before it is taken. Comes in: the SAE's shape and how much is
// shown. Leaves: bytes.

import Shared

package enum LatentMemory {
  /// Bytes that keeping the codes of so many rows takes while the SAE is measured.
  package static func kept(_ configuration: SAEConfiguration, rows: Int) -> Int {
    let active = configuration.architecture.fixedL0 ?? configuration.dSae
    let entries = min(KeptCodes.entryLimit, rows * active)
    return entries * (MemoryLayout<Int32>.stride + MemoryLayout<Float>.stride)
      + rows * (MemoryLayout<CachedRow>.stride + MemoryLayout<Int>.stride)
      + configuration.dSae * (MemoryLayout<Double>.stride + MemoryLayout<Float>.stride)
  }

  /// Bytes that the look takes beside the SAE and the kept codes.
  static func byteCount(
    _ configuration: SAEConfiguration, rows: Int, vocabulary: Int = 0
  ) -> Int {
    let columns = 64 * configuration.dSae
    let product = max(
      LatentNeighbors.byteCount(latentCount: configuration.dSae), 4 * LogitLens.block * vocabulary)
    // The codes once more, by latent, and the tokens of the sequences.
    return kept(configuration, rows: rows) + columns + product + 4 * KeptCodes.tokenLimit
  }
}
