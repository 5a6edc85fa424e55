// What measuring needs of a trained SAE.

/// Turns rows as they are cached into codes and reconstructions.
package protocol RowEncoder: ~Copyable {
  /// Rows that are encoded at once, at most.
  var batchRows: Int { get }

  /// Encodes `rows` rows of `batch`, `[rows, dIn]`, and lends what came out.
  ///
  /// Row i's active latents, ascending, are those from `offsets[i]` to `offsets[i + 1]`, with their values;
  /// the reconstruction is `[rows, dOut]`.
  mutating func encode(
    _ batch: Span<Float>, rows: Int,
    _ body: (
      _ offsets: Span<Int32>, _ latents: Span<Int32>, _ values: Span<Float>,
      _ reconstruction: Span<Float>
    ) throws -> Void
  ) throws
}

extension TrainedSAE: RowEncoder {}
