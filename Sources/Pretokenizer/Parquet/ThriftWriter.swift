// Thrift's compact protocol, written. Comes in: fields in ascending order. Leaves: bytes.

/// Writes structures of compact Thrift.
struct ThriftWriter {
  private(set) var bytes: [UInt8] = []
  /// The last field's number of every structure that is open.
  private var last = [0]

  private mutating func unsigned(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func zigzag(_ value: Int) {
    unsigned(UInt64(bitPattern: Int64((value << 1) ^ (value >> 63))))
  }

  private mutating func head(_ number: Int, _ kind: ThriftReader.Kind) {
    let step = number - (last.last ?? 0)
    precondition((1...15).contains(step), "fields ascend by 15 at most")
    bytes.append(UInt8(step) << 4 | kind.rawValue)
    last[last.count - 1] = number
  }

  mutating func int(_ number: Int, _ value: Int) {
    head(number, .int)
    zigzag(value)
  }

  mutating func long(_ number: Int, _ value: Int) {
    head(number, .long)
    zigzag(value)
  }

  mutating func text(_ number: Int, _ value: String) {
    head(number, .binary)
    element(value)
  }

  mutating func structure(_ number: Int, _ body: (inout ThriftWriter) -> Void) {
    head(number, .structure)
    element(body)
  }

  /// A list whose elements `body` writes.
  mutating func list(
    _ number: Int, _ kind: ThriftReader.Kind, count: Int, _ body: (inout ThriftWriter) -> Void
  ) {
    head(number, .list)
    if count < 15 {
      bytes.append(UInt8(count) << 4 | kind.rawValue)
    } else {
      bytes.append(0xF0 | kind.rawValue)
      unsigned(UInt64(count))
    }
    body(&self)
  }

  mutating func element(_ value: Int) { zigzag(value) }

  mutating func element(_ value: String) {
    unsigned(UInt64(value.utf8.count))
    bytes += Array(value.utf8)
  }

  /// A structure, also as the element of a list.
  mutating func element(_ body: (inout ThriftWriter) -> Void) {
    last.append(0)
    body(&self)
    last.removeLast()
    end()
  }

  /// Ends the outermost structure.
  mutating func end() { bytes.append(0) }
}
