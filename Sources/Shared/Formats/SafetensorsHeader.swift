// The header of a safetensors file. Comes in: the bytes of a whole file. Leaves: its tensors and
// metadata, once everything about them is proven; nothing is lent from a file that fails.

/// The tensors and the metadata of a safetensors file.
package struct SafetensorsHeader: Sendable, Equatable {
  package let tensors: [String: TensorEntry]
  package let metadata: [String: String]

  /// The longest header that is read, the limit of the reference implementation.
  package static let byteLimit = 100_000_000

  /// Reads the header of a whole file and proves that sizes, order and length all agree.
  package static func parse(
    _ bytes: RawSpan, path: String
  ) throws(SafetensorsError) -> SafetensorsHeader {
    try parse(bytes, byteCount: bytes.byteCount, path: path)
  }

  /// Reads the header of an open file, and no more of it.
  package static func read(_ file: InputFile) throws -> SafetensorsHeader {
    let length = try file.read(at: 0, count: 10)
    let start = try payloadStart(length.span.raw, byteCount: file.byteCount, path: file.path)
    let header = try file.read(at: 0, count: start)
    return try parse(header.span.raw, byteCount: file.byteCount, path: file.path)
  }

  /// Reads the header from the beginning of a file of `byteCount` bytes.
  private static func parse(
    _ bytes: RawSpan, byteCount: Int, path: String
  ) throws(SafetensorsError) -> SafetensorsHeader {
    let start = try payloadStart(bytes, byteCount: byteCount, path: path)
    guard start <= bytes.byteCount else {
      throw .headerCutShort(path: path, promised: start, byteCount: bytes.byteCount)
    }
    let text = try HeaderText(bytes.extracting(8..<start).octets, offset: 8, path: path)
    var tensors: [String: TensorEntry] = [:]
    for declaration in text.tensors {
      let entry = try declaration.entry(payloadStart: start, path: path)
      guard tensors.updateValue(entry, forKey: entry.name) == nil else {
        throw .duplicateTensor(path: path, tensor: entry.name)
      }
    }
    try prove(tensors, payloadStart: start, byteCount: byteCount, path: path)
    return SafetensorsHeader(tensors: tensors, metadata: text.metadata)
  }

  /// Reads the length in the first eight bytes.
  private static func payloadStart(
    _ bytes: RawSpan, byteCount: Int, path: String
  ) throws(SafetensorsError) -> Int {
    guard bytes.byteCount >= 10 else { throw .noHeader(path: path, byteCount: bytes.byteCount) }
    let stated = bytes.copied(0..<8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard stated <= byteLimit else {
      throw .headerTooLong(path: path, byteCount: Int(clamping: stated))
    }
    let start = 8 + Int(stated)
    guard start <= byteCount else {
      throw .headerCutShort(path: path, promised: start, byteCount: byteCount)
    }
    return start
  }

  /// Proves that the tensors fill the file from the payload's start to its end without a gap.
  private static func prove(
    _ tensors: [String: TensorEntry], payloadStart: Int, byteCount: Int, path: String
  ) throws(SafetensorsError) {
    // Where an empty tensor and another begin together, the empty one comes first; names make
    // the order, and so the error, the same every time.
    let ordered = tensors.values.sorted {
      ($0.range.lowerBound, $0.range.upperBound, $0.name)
        < ($1.range.lowerBound, $1.range.upperBound, $1.name)
    }
    var end = payloadStart
    for entry in ordered {
      guard entry.range.lowerBound == end else {
        throw .notContiguous(
          path: path, tensor: entry.name, begin: entry.range.lowerBound - payloadStart,
          expected: end - payloadStart)
      }
      end = entry.range.upperBound
    }
    guard byteCount >= end else {
      throw .cutShort(path: path, promised: end, byteCount: byteCount)
    }
    guard byteCount == end else {
      throw .trailingBytes(path: path, promised: end, byteCount: byteCount)
    }
  }

  /// The entry of a tensor that must be there, with one of some types and a shape.
  ///
  /// A nil in `shape` stands for any size of that dimension.
  package func require(
    _ name: String, _ types: [TensorType], shape: [Int?], path: String
  ) throws(SafetensorsError) -> TensorEntry {
    guard let entry = tensors[name] else { throw .missingTensor(path: path, tensor: name) }
    guard types.contains(entry.type) else {
      throw .unexpectedType(path: path, tensor: name, type: entry.type, allowed: types)
    }
    let agrees =
      entry.shape.count == shape.count
      && zip(entry.shape, shape).allSatisfy { $1 == nil || $0 == $1 }
    guard agrees else {
      throw .unexpectedShape(path: path, tensor: name, shape: entry.shape, expected: shape)
    }
    return entry
  }
}
