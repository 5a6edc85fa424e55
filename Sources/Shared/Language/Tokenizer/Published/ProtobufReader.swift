// Protocol Buffers' wire format, read without a schema. Comes in: bytes of any origin. Leaves: fields
// one after the other, or what is wrong and where.

/// What is wrong with a message, and at which byte.
struct ProtobufProblem: Error, Equatable {
  let offset: Int
  let what: String
}

/// A cursor over the fields of one message.
struct ProtobufReader {
  private let bytes: [UInt8]
  private var position: Int
  private let end: Int

  enum Value: Equatable {
    case varint(UInt64)
    case fixed32(UInt32)
    case fixed64(UInt64)
    /// Where a text, a byte string or another message lies.
    case range(Range<Int>)
  }

  struct Field: Equatable {
    let number: Int
    let value: Value
    let offset: Int
  }

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field; nil behind the last one.
  mutating func next() throws(ProtobufProblem) -> Field? {
    guard position < end else { return nil }
    let offset = position
    let tag = try varint()
    guard tag >> 3 > 0, tag >> 3 < 1 << 29 else {
      throw ProtobufProblem(offset: offset, what: "a field without a number")
    }
    let value: Value
    switch tag & 7 {
    case 0: value = .varint(try varint())
    case 1: value = .fixed64(try fixed(8))
    case 2: value = .range(try range())
    case 5: value = .fixed32(UInt32(truncatingIfNeeded: try fixed(4)))
    default: throw ProtobufProblem(offset: offset, what: "a field of an unknown kind")
    }
    return Field(number: Int(tag >> 3), value: value, offset: offset)
  }

  private mutating func varint() throws(ProtobufProblem) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < end else { break }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw ProtobufProblem(offset: start, what: "a number without end")
  }

  private mutating func fixed(_ count: Int) throws(ProtobufProblem) -> UInt64 {
    guard end - position >= count else {
      throw ProtobufProblem(offset: position, what: "the message ends in a number")
    }
    defer { position += count }
    return (0..<count).reduce(0) { $0 | UInt64(bytes[position + $1]) << UInt64(8 * $1) }
  }

  private mutating func range() throws(ProtobufProblem) -> Range<Int> {
    let start = position
    let count = try varint()
    guard count <= UInt64(end - position) else {
      throw ProtobufProblem(offset: start, what: "a field that is longer than its message")
    }
    defer { position += Int(count) }
    return position..<position + Int(count)
  }
}
