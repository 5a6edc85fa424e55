// One JSON array of objects. Comes in: a file. Leaves: documents, in memory of one object's size.

package import Shared

/// A reader of a file that is one array.
package struct JSONArray {
  private var stream: ByteStream
  private let limit: Int
  private let record: JSONRecord
  private var buffer: [UInt8] = []
  private var start = 0
  private var base = 0

  package init(
    _ file: InputFile, _ compression: DataFile.Compression = .none, column: String,
    content: ColumnContent = .text, limit: Int
  ) {
    stream = ByteStream(file, compression)
    self.limit = limit
    record = JSONRecord(column: column, content: content)
  }

  /// Reads every element.
  package mutating func read<Sink: DocumentSink>(into sink: inout Sink) throws {
    var record = self.record
    try skipMark()
    try expect(UInt8(ascii: "["), "“[”")
    var index = 0
    while try peek() != UInt8(ascii: "]") {
      if index > 0 { try expect(UInt8(ascii: ","), "“,” or “]”") }
      _ = try peek()
      let end = try elementEnd()
      guard end - start <= limit else {
        throw DocumentTooLong(path: stream.path, byte: base + start, limit: limit)
      }
      let path = stream.path
      let number = index
      try record.read(buffer.span.extracting(start..<end), into: &sink) {
        "\(path), element \(number)"
      }
      start = end
      index += 1
    }
    start += 1
    guard try peek() == nil else { throw malformed("expected the end of the file") }
  }

  /// The columns of the first element; none where there is no element.
  package mutating func firstColumns() throws -> [DataColumn] {
    try skipMark()
    try expect(UInt8(ascii: "["), "“[”")
    guard try peek() != UInt8(ascii: "]") else { return [] }
    let end = try elementEnd()
    return JSONRecord.columns(buffer.span.extracting(start..<end))
  }

  private func malformed(_ what: String) -> RecordError {
    .malformed(place: stream.path, byte: base + start + 1, what: what)
  }

  /// Passes over a byte order mark at the start.
  private mutating func skipMark() throws {
    while buffer.count < 3, try fill() {}
    if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
  }

  /// The next byte that is no white space; nil at the end.
  private mutating func peek() throws -> UInt8? {
    while true {
      while start < buffer.count {
        switch buffer[start] {
        case 0x20, 0x09, 0x0A, 0x0D: start += 1
        case let byte: return byte
        }
      }
      guard try fill() else { return nil }
    }
  }

  private mutating func expect(_ byte: UInt8, _ name: String) throws {
    guard try peek() == byte else { throw malformed("expected \(name)") }
    start += 1
  }

  private mutating func fill() throws -> Bool {
    buffer.removeSubrange(0..<start)
    (base, start) = (base + start, 0)
    return try stream.read(into: &buffer)
  }

  /// Where the element that starts here ends: brackets are counted outside of strings.
  private mutating func elementEnd() throws -> Int {
    var depth = 0
    var isInString = false
    var index = start
    while true {
      guard index < buffer.count else {
        guard index - start <= limit else {
          throw DocumentTooLong(path: stream.path, byte: base + start, limit: limit)
        }
        index -= start
        guard try fill() else { throw malformed("the element that starts here has no end") }
        continue
      }
      let byte = buffer[index]
      if isInString {
        if byte == UInt8(ascii: "\\") { index += 1 }
        isInString = byte != UInt8(ascii: "\"")
      } else {
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
          if depth == 0 { return index }
          depth -= 1
          if depth == 0 { return index + 1 }
        case UInt8(ascii: ",") where depth == 0: return index
        default: break
        }
      }
      index += 1
    }
  }
}
