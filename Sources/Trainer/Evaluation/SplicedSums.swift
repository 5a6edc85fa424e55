// Sums over the rows that an SAE takes the place of in a language model. Comes in: batches of them, with
// codes and reconstructions. Leaves: the figures that are otherwise taken of cached rows, and of latents.

import Shared

/// What `Splicing` adds up besides the loss.
package struct SplicedSums: Sendable {
  private var sums: EvaluationSums
  private var sequences: SequenceCounts

  package init(_ configuration: SAEConfiguration) {
    sums = EvaluationSums(dIn: configuration.dOut, latentCount: configuration.dSae)
    sequences = SequenceCounts(latentCount: configuration.dSae)
  }

  /// Bytes that the sums of an SAE take.
  static func byteCount(_ configuration: SAEConfiguration) -> Int {
    EvaluationSums.byteCount(dIn: configuration.dOut, latentCount: configuration.dSae)
      + SequenceCounts.byteCount(latentCount: configuration.dSae)
  }

  /// The active latents of a batch: row i's are those from `offsets[i]` to `offsets[i + 1]`.
  struct Codes: ~Escapable {
    let offsets: Span<Int32>
    let latents: Span<Int32>
    let values: Span<Float>

    @_lifetime(copy offsets, copy latents, copy values)
    init(offsets: Span<Int32>, latents: Span<Int32>, values: Span<Float>) {
      self.offsets = offsets
      self.latents = latents
      self.values = values
    }
  }

  /// Adds rows of sequences that ascend, with their reconstructions, both `[rows, dOut]`.
  mutating func add(
    _ origins: [Int], _ rows: Span<Float>, _ reconstruction: Span<Float>, _ codes: Codes
  ) {
    let width = origins.isEmpty ? 0 : rows.count / origins.count
    for (index, sequence) in origins.enumerated() {
      let active = Int(codes.offsets[index])..<Int(codes.offsets[index + 1])
      let columns = index * width..<(index + 1) * width
      let latents = codes.latents.extracting(active)
      sums.add(
        row: rows.extracting(columns), reconstruction: reconstruction.extracting(columns),
        latents: latents, values: codes.values.extracting(active))
      sequences.add(sequence: sequence, latents: latents)
    }
    sums.endBatch(rows)
  }

  package var figures: Figures { sums.figures }

  /// Densities, and how often a latent is active where it is at all.
  package var features: FeatureFigures {
    var features = FeatureFigures()
    features[.density] = sums.fires.map { Double($0) / Double(max(1, sums.rows)) }
    features[.consistency] = sequences.consistency
    return features
  }
}
