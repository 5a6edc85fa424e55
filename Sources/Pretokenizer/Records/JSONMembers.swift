// Where the members of an object lie in a file. Comes in: bytes, in pieces. Leaves: names and places; of values only
// brackets and strings are followed, and nothing is kept.

import Shared

/// A reader of the names in one object.
struct JSONMembers {
  struct Member {
    let name: String
    /// The place of its value in the file, once decompressed.
    let start: Int
    /// The value's first byte.
    let first: UInt8
  }

  private var stream: ByteStream
  private let limit: Int
  private var buffer: [UInt8] = []
  private var index = 0
  private var base: Int

  /// Objects of more members are refused.
  private static let countLimit = 100_000

  init(
    _ file: any ByteSource, _ compression: DataFile.Compression, from start: Int, limit: Int
  ) {
    let isPlain = compression == .none
    stream = ByteStream(file, compression, from: isPlain ? start : 0)
    self.limit = limit
    base = isPlain ? start : 0
    unread = isPlain ? 0 : start
  }

  /// Bytes that are to be passed over before the object.
  private var unread: Int

  /// The members in order, of which several may have one name.
  mutating func all() throws -> [Member] {
    while unread > 0, try next() != nil {
      let count = min(unread, buffer.count - index)
      (index, unread) = (index + count, unread - count)
    }
    if base == 0, index == 0 { try skipMark() }
    try expect(UInt8(ascii: "{"), "“{”")
    var members: [Member] = []
    while let byte = try peek() {
      if byte == UInt8(ascii: "}"), members.isEmpty { break }
      members.append(try member())
      guard members.count <= JSONMembers.countLimit else {
        throw malformed("more than \(JSONMembers.countLimit) fields")
      }
      guard try peek() == UInt8(ascii: ",") else { break }
      index += 1
    }
    try expect(UInt8(ascii: "}"), "“,” or “}”")
    return members
  }

  /// Refuses what follows the object.
  mutating func expectEnd() throws {
    guard try peek() == nil else { throw malformed("expected the end of the file") }
  }

  private mutating func member() throws -> Member {
    var quoted: [UInt8] = []
    guard try peek() == UInt8(ascii: "\"") else { throw malformed("expected a name") }
    try skipString { quoted.append($0) }
    var scanner = JSONScanner(quoted.span, grammar: .python)
    var name: [UInt8] = []
    do { try scanner.string(into: &name) } catch { throw malformed("a name is no text") }
    try expect(UInt8(ascii: ":"), "“:”")
    guard let first = try peek() else { throw malformed("a value is missing") }
    let start = base + index
    try skipValue()
    return Member(name: String(decoding: name, as: UTF8.self), start: start, first: first)
  }

  /// Passes over a value, to the comma or bracket behind it.
  private mutating func skipValue() throws {
    var depth = 0
    while let byte = try next() {
      switch byte {
      case UInt8(ascii: "\""):
        try skipString { _ in }
        if depth == 0 { return }
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return }
        depth -= 1
        if depth == 0 {
          index += 1
          return
        }
      case UInt8(ascii: ",") where depth == 0: return
      default: break
      }
      index += 1
    }
    throw malformed("a value has no end")
  }

  /// Passes over a string and lends its bytes, with the quotes.
  private mutating func skipString(_ body: (UInt8) -> Void) throws {
    var (count, isEscaped) = (0, false)
    while let byte = try next() {
      index += 1
      body(byte)
      count += 1
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\""), count > 1 {
        return
      }
      guard count <= limit else {
        throw DocumentTooLong(path: stream.path, byte: base + index - count, limit: limit)
      }
    }
    throw malformed("a text has no end")
  }

  // MARK: - Bytes

  private func malformed(_ what: String) -> RecordError {
    .malformed(place: stream.path, byte: base + index + 1, what: what)
  }

  /// The next byte; nil at the end.
  private mutating func next() throws -> UInt8? {
    if index < buffer.count { return buffer[index] }
    base += buffer.count
    index = 0
    buffer.removeAll(keepingCapacity: true)
    return try stream.read(into: &buffer) ? buffer[0] : nil
  }

  /// The next byte that is no white space; nil at the end.
  private mutating func peek() throws -> UInt8? {
    while let byte = try next() {
      guard [0x20, 0x09, 0x0A, 0x0D].contains(byte) else { return byte }
      index += 1
    }
    return nil
  }

  private mutating func skipMark() throws {
    while buffer.count < 3, try stream.read(into: &buffer) {}
    if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
  }

  private mutating func expect(_ byte: UInt8, _ name: String) throws {
    guard try peek() == byte else { throw malformed("expected \(name)") }
    index += 1
  }
}
