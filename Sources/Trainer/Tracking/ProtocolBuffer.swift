// Messages in the wire format of Protocol Buffers, as far as event files and W&B's logs need it. Comes in: fields
// by number. Leaves: bytes. A field with the default value of its type is not written, as in proto3.

/// A message that is being written, field by field in the order of their numbers.
struct ProtocolBuffer {
  private enum Wire: UInt64 {
    case varint = 0
    case eightBytes = 1
    case delimited = 2
    case fourBytes = 5
  }

  private(set) var bytes: [UInt8] = []

  mutating func put(_ field: Int, _ value: Int) {
    if value == 0 { return }
    key(field, .varint)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func put(_ field: Int, _ value: Double) {
    // Told by its bits: -0 is not the default.
    if value.bitPattern == 0 { return }
    key(field, .eightBytes)
    fixed(value.bitPattern)
  }

  /// A member of a oneof, which is written whatever its value.
  mutating func put(_ field: Int, chosen value: Float) {
    key(field, .fourBytes)
    fixed(value.bitPattern)
  }

  mutating func put(_ field: Int, _ text: String) {
    if !text.isEmpty { put(field, Array(text.utf8)) }
  }

  /// Packed, as proto3 does it.
  mutating func put(_ field: Int, _ values: [Double]) {
    if values.isEmpty { return }
    key(field, .delimited)
    varint(UInt64(8 * values.count))
    for value in values { fixed(value.bitPattern) }
  }

  mutating func put(_ field: Int, _ message: ProtocolBuffer) { put(field, message.bytes) }

  /// A message that `fill` fills.
  mutating func put(_ field: Int, _ fill: (inout ProtocolBuffer) -> Void) {
    var message = ProtocolBuffer()
    fill(&message)
    put(field, message)
  }

  private mutating func put(_ field: Int, _ content: [UInt8]) {
    key(field, .delimited)
    varint(UInt64(content.count))
    bytes += content
  }

  private mutating func key(_ field: Int, _ wire: Wire) {
    varint(UInt64(field) << 3 | wire.rawValue)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func fixed(_ value: some FixedWidthInteger) {
    bytes += (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
