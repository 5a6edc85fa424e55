// A clock for the parts of a step, for benchmarks.

/// Where the time of a step went, in seconds.
package struct StepTimes: Sendable {
  /// Norms, centering, the encoder's product and the selection of latents.
  package var encode = 0.0
  /// RowReconstruction, error and the gradients of entries, row by row.
  package var rows = 0.0
  /// Gradients, latent by latent.
  package var latents = 0.0
  /// The dense pass where it took over.
  package var dense = 0.0
  /// The losses that revive dead latents.
  package var auxiliary = 0.0
  /// The decoder bias, the figures and the counters.
  package var rest = 0.0
  /// Clipping and Adam.
  package var update = 0.0

  package init() {}
}
