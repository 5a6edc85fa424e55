// A token shard: packed sequences of tokens, `shard-NNNNN.safetensors.zst`. Comes in: tokens
// [sequences, context]. Leaves: a zstd frame around a safetensors file, and the tokens again.

/// The sequences of one token shard.
package struct TokenShard: Sendable, Equatable {
  package static let format = "tokens/1"
  /// The most that a shard may hold once decompressed, 4 GiB.
  package static let byteLimit = 1 << 32

  package let sequenceCount: Int
  package let contextSize: Int
  /// `[sequences, context]`, row after row.
  package let tokens: [UInt32]
  /// What the writer noted in the header.
  package let metadata: [String: String]

  /// The name of shard `index`.
  package static func fileName(_ index: Int) -> String {
    "shard-\(paddedNumber(index)).safetensors.zst"
  }

  /// Writes `tokens` `[sequences, contextSize]` in the narrower type that holds the vocabulary.
  package static func write(
    _ tokens: [UInt32], contextSize: Int, vocabularySize: Int, metadata: [String: String] = [:],
    to file: inout AtomicFile
  ) throws(SystemError) {
    let bytes = encoded(tokens, TensorType.unsigned(below: vocabularySize))
    try write(
      encoded: bytes, contextSize: contextSize, vocabularySize: vocabularySize,
      metadata: metadata, to: &file)
  }

  /// Writes tokens that already are the little-endian bytes of the shard's type.
  ///
  /// Compresses while it writes, so that little memory is needed beside `bytes`.
  package static func write(
    encoded bytes: [UInt8], contextSize: Int, vocabularySize: Int,
    metadata: [String: String] = [:], to file: inout AtomicFile
  ) throws(SystemError) {
    let header = header(
      byteCount: bytes.count, contextSize: contextSize, vocabularySize: vocabularySize,
      metadata: metadata)
    var writer = ZstandardWriter(contentByteCount: header.count + bytes.count)
    try writer.write(header.span.raw, to: &file)
    try writer.write(bytes.span.raw, to: &file)
    try writer.finish(to: &file)
  }

  /// The bytes of a shard.
  package static func encode(
    _ tokens: [UInt32], contextSize: Int, vocabularySize: Int, metadata: [String: String] = [:]
  ) -> [UInt8] {
    let bytes = encoded(tokens, TensorType.unsigned(below: vocabularySize))
    let header = header(
      byteCount: bytes.count, contextSize: contextSize, vocabularySize: vocabularySize,
      metadata: metadata)
    let content = header + bytes
    return Zstandard.compress(content.span.raw)
  }

  /// The safetensors header before `byteCount` bytes of tokens.
  private static func header(
    byteCount: Int, contextSize: Int, vocabularySize: Int, metadata: [String: String]
  ) -> [UInt8] {
    let type = TensorType.unsigned(below: vocabularySize)
    let rowByteCount = contextSize * type.byteCount
    precondition(contextSize > 0 && byteCount % rowByteCount == 0, "tokens do not fill rows")
    let sequences = byteCount / rowByteCount
    var metadata = metadata
    metadata[ShardKey.format] = format
    metadata[ShardKey.rows] = String(sequences)
    var writer = SafetensorsWriter(metadata: metadata)
    writer.declare("tokens", type, shape: [sequences, contextSize])
    return writer.header
  }

  /// Reads a whole shard.
  package static func read(_ path: String) throws -> TokenShard {
    let file = try MappedFile.open(path)
    let content = try Zstandard.decompress(file.bytes, path: path, limit: byteLimit)
    let header = try SafetensorsHeader.parse(content.span.raw, path: path)
    try header.checkFormat(format, path: path)
    let entry = try header.require(
      "tokens", [.uint16, .uint32], shape: [nil, nil], path: path)
    try header.checkRows(entry.shape[0], path: path)
    return TokenShard(
      sequenceCount: entry.shape[0], contextSize: entry.shape[1],
      tokens: entry.integers(in: content.span.raw, 0..<entry.count), metadata: header.metadata)
  }
}

/// A shard's number as it stands in its name.
package func paddedNumber(_ index: Int) -> String {
  let digits = String(index)
  return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
}

/// Integers as the little-endian bytes of U16 or U32; those of U16 must fit.
func encoded(_ values: [UInt32], _ type: TensorType) -> [UInt8] {
  guard type == .uint16 else { return values.span.raw.copied() }
  let narrow = values.map { UInt16($0) }
  return narrow.span.raw.copied()
}
