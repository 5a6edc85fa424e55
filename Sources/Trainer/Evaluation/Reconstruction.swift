// Rows of the cache beside what a finished SAE makes of them, as a safetensors file: for anyone who
// wants to compare the SAE with another implementation, or to look at its errors.

import Shared

/// The reconstruction of the first rows of a cache, whatever a filter makes of them.
package enum Reconstruction {
  package static let fileName = "reconstruction.safetensors"
  package static let rows = 1000

  /// Writes `rows` `[rows, dIn]` and `reconstruction` `[rows, dOut]` in float32, and a transcoder's
  /// `targets`, into the folder of a run.
  ///
  /// - Returns: what `--json` prints.
  static func write(_ places: PairedShards, run folder: String) throws -> JSON {
    let first = places.shards[0]
    let count = min(rows, first.rows)
    var sae = try TrainedSAE.open(folder)
    let dOut = sae.configuration.dOut
    var tensors: [TensorFile.Tensor] = [
      .init("rows", .float32, [count, places.dIn]),
      .init("reconstruction", .float32, [count, dOut]),
    ]
    if places.isPaired { tensors.append(.init("targets", .float32, [count, dOut])) }
    let values = AlignedBuffer<Float>(count: count * places.dIn)
    let targets = AlignedBuffer<Float>(count: count * places.dOut)
    try read(places, count, into: values, targets)
    let reconstruction = try reconstruct(values.span, count, &sae)
    let path = folder + "/" + fileName
    var file = try TensorFile.create(path, tensors: tensors)
    try file.write(values.span.raw)
    try file.write(reconstruction.span.raw)
    if places.isPaired { try file.write(targets.span.raw) }
    try file.finish()
    return [
      "folder": .string(folder), "file": .string(path), "shard": .string(first.path),
      "rows": .integer(count),
    ]
  }

  private static func read(
    _ places: PairedShards, _ count: Int, into values: borrowing AlignedBuffer<Float>,
    _ targets: borrowing AlignedBuffer<Float>
  ) throws {
    var seen: [String: UInt64] = [:]
    let shard = try PairedShard(places, 0, &seen)
    let (dIn, dOut) = (places.dIn, places.dOut)
    for row in 0..<count {
      try values.disjoint.withSlice(row * dIn..<(row + 1) * dIn) { value in
        try targets.disjoint.withSlice(row * dOut..<(row + 1) * dOut) { target in
          try shard.read(row, into: &value, &target)
        }
      }
    }
  }

  private static func reconstruct(
    _ values: Span<Float>, _ count: Int, _ sae: inout TrainedSAE
  ) throws -> [Float] {
    let (width, outWidth) = (sae.configuration.dIn, sae.configuration.dOut)
    var result: [Float] = []
    let limit = sae.batchRows
    for start in stride(from: 0, to: count, by: limit) {
      let rows = min(limit, count - start)
      let batch = values.extracting(start * width..<(start + rows) * width)
      try sae.encode(batch, rows: rows) { _, _, _, reconstruction in
        for index in 0..<rows * outWidth { result.append(reconstruction[index]) }
      }
    }
    return result
  }
}
