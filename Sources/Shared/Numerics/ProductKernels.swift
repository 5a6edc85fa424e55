// Which of OpenBLAS's kernels run. Comes in: the kernels that OpenBLAS chose by its list of processors,
// and what the processor can do. Leaves: better ones, where OpenBLAS did not know the processor.

/// The kernels of OpenBLAS, by the processor that they were written for.
package enum ProductKernels {
  /// Kernels that use AVX2 or more.
  ///
  /// OpenBLAS chooses other ones on a processor that can run these only where the processor is newer than
  /// its list: then it takes those of 2004, at a fifth of the speed.
  private static let current = ["Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids"]

  /// The kernels to run instead of `chosen`; nil to leave them, as where the user has a `wish`, which
  /// is what `OPENBLAS_CORETYPE` says.
  package static func better(
    than chosen: String, on processor: ProcessorFeatures, wish: String?
  ) -> String? {
    let isKnown = current.contains { $0.lowercased() == chosen.lowercased() }
    if wish != nil || isKnown || processor.has("avx2", "fma") != true { return nil }
    let isWide = processor.has("avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd") == true
    return isWide ? "SkylakeX" : "Haswell"
  }
}
