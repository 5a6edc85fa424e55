// The bytes of a pickle, read from the first on. Comes in: the part of a file that may be the pickle. Leaves:
// numbers, texts and lines, none beyond the end.

/// A place in a pickle.
struct PickleBytes: ~Escapable {
  let path: String
  private(set) var place = 0
  private let bytes: Span<UInt8>
  /// Where the pickle begins in the file, as errors count.
  private let base: Int

  /// Reads at most `TorchPickle.byteLimit` of the bytes from `start` on.
  @_lifetime(copy bytes)
  init(_ bytes: RawSpan, from start: Int, path: String) {
    self.path = path
    base = start
    self.bytes = bytes.extracting(start..<bytes.byteCount).octets
  }

  var offset: Int { base + place }

  var malformed: PickleError { .malformed(path: path, offset: offset) }

  /// Steps over `count` bytes that must be there.
  mutating func take(_ count: Int) throws(PickleError) -> Range<Int> {
    guard count <= bytes.count - place else { throw malformed }
    guard place + count <= TorchPickle.byteLimit else {
      throw .tooLarge(path: path, byteCount: bytes.count)
    }
    defer { place += count }
    return place..<place + count
  }

  /// A number of `count` bytes, at most eight, lowest first.
  mutating func number(_ count: Int) throws(PickleError) -> Int {
    var value: UInt64 = 0
    for index in try take(count).reversed() { value = value << 8 | UInt64(bytes[index]) }
    return Int(truncatingIfNeeded: value)
  }

  /// A number with a sign, of as many bytes as the first one says; nil of more than eight.
  mutating func longNumber() throws(PickleError) -> Int? {
    let count = try number(1)
    guard count <= 8 else {
      _ = try take(count)
      return nil
    }
    let value = try number(count)
    let unused = 64 - 8 * count
    return count == 0 ? 0 : (value << unused) >> unused
  }

  mutating func line() throws(PickleError) -> Range<Int> {
    let start = place
    while try number(1) != 0x0A {}
    return start..<place - 1
  }

  func text(_ range: Range<Int>) -> String {
    String(decoding: Array(copying: bytes.extracting(range)), as: UTF8.self)
  }
}
