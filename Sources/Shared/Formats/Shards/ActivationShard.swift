// An activation shard, `shard-NNNNN.safetensors`: rows of activations with the token, the sequence
// and the position that each belongs to. Comes in: a path. Leaves: rows as Float, from a mapping.

/// The tensors of an activation shard, once they are proven to belong together.
package struct ActivationLayout: Sendable {
  package let rows: Int
  package let dIn: Int
  package let activations: TensorEntry
  /// The factor of each row, where rows are of I8.
  package let scales: TensorEntry?
  package let tokens: TensorEntry
  package let sequence: TensorEntry
  package let position: TensorEntry

  /// Proves that a file is an activation shard.
  package static func proven(_ header: SafetensorsHeader, path: String) throws -> ActivationLayout {
    try header.checkFormat(ActivationShard.format, path: path)
    func require(
      _ name: String, _ types: [TensorType], _ shape: [Int?]
    ) throws(SafetensorsError) -> TensorEntry {
      try header.require(name, types, shape: shape, path: path)
    }
    let activations = try require(
      "activations", [.float32, .float16, .bfloat16, .int8], [nil, nil])
    let rows = activations.shape[0]
    try header.checkRows(rows, path: path)
    return ActivationLayout(
      rows: rows, dIn: activations.shape[1], activations: activations,
      scales: activations.type == .int8 ? try require("scales", [.float32], [rows]) : nil,
      tokens: try require("tokens", [.uint16, .uint32], [rows]),
      sequence: try require("sequence", [.uint32], [rows]),
      position: try require("position", [.uint16, .uint32], [rows]))
  }
}

/// A mapped activation shard.
package struct ActivationShard: ~Copyable, Sendable {
  package static let format = "activations/1"

  private let file: SafetensorsFile
  private let layout: ActivationLayout

  /// The name of shard `index`.
  package static func fileName(_ index: Int) -> String {
    "shard-\(paddedNumber(index)).safetensors"
  }

  /// Maps a shard and proves that its tensors belong together.
  package static func open(_ path: String) throws -> ActivationShard {
    let file = try SafetensorsFile.open(path)
    return ActivationShard(layout: try .proven(file.header, path: path), file: file)
  }

  private init(layout: ActivationLayout, file: consuming SafetensorsFile) {
    self.layout = layout
    self.file = file
  }

  package var rows: Int { layout.rows }
  package var dIn: Int { layout.dIn }
  package var path: String { file.path }
  /// How the activations are stored.
  package var type: TensorType { layout.activations.type }
  package var metadata: [String: String] { file.header.metadata }

  /// Fills `target` with the rows of `range`, `[range.count, dIn]`.
  ///
  /// A row of I8 that could not be stored, because it held NaN or an infinity, is NaN throughout.
  package func readRows(_ range: Range<Int>, into target: inout MutableSpan<Float>) {
    precondition(target.count == range.count * dIn, "target and rows differ in size")
    if let scales = layout.scales {
      file.readScaledRows(layout.activations, scales: scales, range, into: &target)
    } else {
      file.readFloats(layout.activations, from: range.lowerBound * dIn, into: &target)
    }
  }

  /// The tokens of some rows, or of all.
  package func tokens(_ range: Range<Int>? = nil) -> [UInt32] {
    file.integers(layout.tokens, range ?? 0..<rows)
  }

  /// The sequences of some rows, or of all, by their index in the token stage.
  package func sequences(_ range: Range<Int>? = nil) -> [UInt32] {
    file.integers(layout.sequence, range ?? 0..<rows)
  }

  /// The positions of some rows, or of all, within their sequences.
  package func positions(_ range: Range<Int>? = nil) -> [UInt32] {
    file.integers(layout.position, range ?? 0..<rows)
  }

  /// The sums over the rows that the writer noted in the header.
  package func statistics() throws(ShardError) -> ActivationStatistics {
    try ActivationStatistics(
      metadata: file.header.metadata, rows: rows, dIn: dIn, path: file.path)
  }
}
