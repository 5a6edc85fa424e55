// Rows of the cache beside what a finished SAE makes of them, as a safetensors file: for anyone who
// wants to compare the SAE with another implementation, or to look at its errors.

package import Shared

/// The reconstruction of the first rows of a cache.
package enum Reconstruction {
  package static let fileName = "reconstruction.safetensors"
  package static let rows = 1000

  /// Writes `rows` `[rows, dIn]` and `reconstruction` `[rows, dOut]` in float32, and a transcoder's
  /// `targets`, into the folder of a run.
  ///
  /// - Returns: what `--json` prints.
  package static func write(_ run: Run) throws -> JSON {
    try run.requireFinished()
    guard let first = run.plan.source.shards.first else {
      throw TrainingSourceError.nothingToTrainOn(folder: run.plan.source.folder)
    }
    let shard = try ActivationShard.open(first.path)
    let count = min(rows, shard.rows)
    let values = readRows(shard, count)
    let reconstruction = try reconstruct(values.span, count, folder: run.folder.path)
    let path = run.folder.path + "/" + fileName
    let dOut = run.plan.configuration.dOut
    var tensors: [TensorFile.Tensor] = [
      .init("rows", .float32, [count, shard.dIn]),
      .init("reconstruction", .float32, [count, dOut]),
    ]
    let targets = run.plan.targets?.shards.first
    if targets != nil { tensors.append(.init("targets", .float32, [count, dOut])) }
    var file = try TensorFile.create(path, tensors: tensors)
    try file.write(values.span.raw)
    try file.write(reconstruction.span.raw)
    if let targets {
      let rows = readRows(try ActivationShard.open(targets.path), count)
      try file.write(rows.span.raw)
    }
    try file.finish()
    return [
      "folder": .string(run.folder.path), "file": .string(path), "shard": .string(first.path),
      "rows": .integer(count),
    ]
  }

  private static func readRows(
    _ shard: borrowing ActivationShard, _ count: Int
  ) -> AlignedBuffer<Float> {
    var values = AlignedBuffer<Float>(count: count * shard.dIn)
    var target = values.mutableSpan
    shard.readRows(0..<count, into: &target)
    return values
  }

  private static func reconstruct(
    _ values: Span<Float>, _ count: Int, folder: String
  ) throws -> [Float] {
    var sae = try TrainedSAE.open(folder)
    let (width, outWidth) = (sae.configuration.dIn, sae.configuration.dOut)
    var result: [Float] = []
    for start in stride(from: 0, to: count, by: sae.batchRows) {
      let rows = min(sae.batchRows, count - start)
      let batch = values.extracting(start * width..<(start + rows) * width)
      try sae.encode(batch, rows: rows) { _, _, _, reconstruction in
        for index in 0..<rows * outWidth { result.append(reconstruction[index]) }
      }
    }
    return result
  }
}
