// An activation shard, `shard-NNNNN.safetensors`: rows of activations with the token, the sequence
// and the position that each belongs to. Comes in: a path. Leaves: rows as Float, from a mapping.

/// A mapped activation shard.
package struct ActivationShard: ~Copyable, Sendable {
  package static let format = "activations/1"

  package let rows: Int
  package let dIn: Int
  private let file: SafetensorsFile
  private let activations: TensorEntry
  /// The factor of each row, where rows are of I8.
  private let scales: TensorEntry?
  private let tokenEntry: TensorEntry
  private let sequenceEntry: TensorEntry
  private let positionEntry: TensorEntry

  /// The name of shard `index`.
  package static func fileName(_ index: Int) -> String {
    "shard-\(paddedNumber(index)).safetensors"
  }

  /// Maps a shard and proves that its tensors belong together.
  package static func open(_ path: String) throws -> ActivationShard {
    let file = try SafetensorsFile.open(path)
    try file.header.checkFormat(format, path: path)
    let activations = try file.require(
      "activations", [.float32, .float16, .bfloat16, .int8], shape: [nil, nil])
    let rows = activations.shape[0]
    try file.header.checkRows(rows, path: path)
    return ActivationShard(
      rows: rows, dIn: activations.shape[1], activations: activations,
      scales: activations.type == .int8
        ? try file.require("scales", [.float32], shape: [rows]) : nil,
      tokenEntry: try file.require("tokens", [.uint16, .uint32], shape: [rows]),
      sequenceEntry: try file.require("sequence", [.uint32], shape: [rows]),
      positionEntry: try file.require("position", [.uint16, .uint32], shape: [rows]),
      file: file)
  }

  private init(
    rows: Int, dIn: Int, activations: TensorEntry, scales: TensorEntry?, tokenEntry: TensorEntry,
    sequenceEntry: TensorEntry, positionEntry: TensorEntry, file: consuming SafetensorsFile
  ) {
    self.rows = rows
    self.dIn = dIn
    self.activations = activations
    self.scales = scales
    self.tokenEntry = tokenEntry
    self.sequenceEntry = sequenceEntry
    self.positionEntry = positionEntry
    self.file = file
  }

  package var path: String { file.path }
  /// How the activations are stored.
  package var type: TensorType { activations.type }
  package var metadata: [String: String] { file.header.metadata }

  /// Fills `target` with the rows of `range`, `[range.count, dIn]`.
  ///
  /// A row of I8 that could not be stored, because it held NaN or an infinity, is NaN throughout.
  package func readRows(_ range: Range<Int>, into target: inout MutableSpan<Float>) {
    precondition(target.count == range.count * dIn, "target and rows differ in size")
    if let scales {
      file.readScaledRows(activations, scales: scales, range, into: &target)
    } else {
      file.readFloats(activations, from: range.lowerBound * dIn, into: &target)
    }
  }

  /// The tokens of some rows, or of all.
  package func tokens(_ range: Range<Int>? = nil) -> [UInt32] {
    file.integers(tokenEntry, range ?? 0..<rows)
  }

  /// The sequences of some rows, or of all, by their index in the token stage.
  package func sequences(_ range: Range<Int>? = nil) -> [UInt32] {
    file.integers(sequenceEntry, range ?? 0..<rows)
  }

  /// The positions of some rows, or of all, within their sequences.
  package func positions(_ range: Range<Int>? = nil) -> [UInt32] {
    file.integers(positionEntry, range ?? 0..<rows)
  }

  /// The sums over the rows that the writer noted in the header.
  package func statistics() throws(ShardError) -> ActivationStatistics {
    try ActivationStatistics(
      metadata: file.header.metadata, rows: rows, dIn: dIn, path: file.path)
  }
}
