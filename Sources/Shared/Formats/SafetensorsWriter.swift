// Writing safetensors files. Comes in: names, types and shapes, then the payload in that order.
// Leaves: the same bytes for the same content.

/// The layout of a safetensors file that is about to be written.
///
/// The header is padded with spaces so that the payload starts at a multiple of 4,096 bytes. The
/// tensors lie in the order of their declaration, without gaps.
package struct SafetensorsWriter: Sendable {
  /// What the start of the payload is a multiple of.
  package static let alignment = 4096

  private var metadata: [String: String]
  private var tensors: [TensorEntry] = []
  private var payloadByteCount = 0

  package init(metadata: [String: String] = [:]) {
    self.metadata = metadata
  }

  /// Adds a tensor after those declared so far.
  package mutating func declare(_ name: String, _ type: TensorType, shape: [Int]) {
    precondition(name != "__metadata__", "the name __metadata__ is taken")
    precondition(!tensors.contains { $0.name == name }, "\(name) is declared twice")
    precondition(shape.allSatisfy { $0 >= 0 }, "\(name) has a negative size")
    let end = payloadByteCount + shape.reduce(type.byteCount, *)
    tensors.append(
      TensorEntry(name: name, type: type, shape: shape, range: payloadByteCount..<end))
    payloadByteCount = end
  }

  /// The length of the whole file.
  package var byteCount: Int { header.count + payloadByteCount }

  /// The length and the text of the header; the payload follows.
  package var header: [UInt8] {
    var text = Array(headerText.utf8)
    let used = 8 + text.count
    let padded = (used + Self.alignment - 1) / Self.alignment * Self.alignment
    text += [UInt8](repeating: 0x20, count: padded - used)
    precondition(text.count <= SafetensorsHeader.byteLimit, "the header is too long")
    return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
  }

  private var headerText: String {
    var members: [String] = []
    if !metadata.isEmpty {
      let values = JSON.object(metadata.mapValues { .string($0) }).canonical
      members.append("\"__metadata__\":\(values)")
    }
    for tensor in tensors {
      let shape = JSON.array(tensor.shape.map { .integer($0) }).canonical
      members.append(
        "\(JSON.string(tensor.name).canonical):{\"dtype\":\"\(tensor.type.rawValue)\","
          + "\"shape\":\(shape),"
          + "\"data_offsets\":[\(tensor.range.lowerBound),\(tensor.range.upperBound)]}")
    }
    return "{" + members.joined(separator: ",") + "}"
  }

  /// Writes the header; the caller writes the payload after it, tensor by tensor.
  package func writeHeader(to file: inout AtomicFile) throws(SystemError) {
    try file.write(header.span.raw)
  }
}

extension SafetensorsWriter {
  /// A tensor with its bytes.
  package struct Tensor: Sendable {
    package let name: String
    package let type: TensorType
    package let shape: [Int]
    package let bytes: [UInt8]

    package init(_ name: String, _ type: TensorType, shape: [Int], bytes: [UInt8]) {
      self.name = name
      self.type = type
      self.shape = shape
      self.bytes = bytes
    }
  }

  /// A whole file in memory.
  package static func encode(_ tensors: [Tensor], metadata: [String: String] = [:]) -> [UInt8] {
    var writer = SafetensorsWriter(metadata: metadata)
    for tensor in tensors {
      writer.declare(tensor.name, tensor.type, shape: tensor.shape)
      precondition(
        tensor.bytes.count == tensor.shape.reduce(tensor.type.byteCount, *),
        "\(tensor.name): bytes and shape disagree")
    }
    return writer.header + tensors.flatMap(\.bytes)
  }
}
