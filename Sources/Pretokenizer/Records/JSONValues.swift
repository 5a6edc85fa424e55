// JSON values one after the other: the elements of one array, or objects that may go on over several
// lines. Comes in: a file. Leaves: documents, in memory of one value's size.

package import Shared

/// A reader of a file that is one array, or objects behind each other.
package struct JSONValues {
  /// What stands between the values of a file.
  package enum Layout: Sendable {
    /// Brackets around all and commas between them.
    case array
    /// White space or nothing.
    case objects

    fileprivate var noun: String { self == .array ? "element" : "object" }
  }

  private var stream: ByteStream
  private let layout: Layout
  /// Whether other bytes than white space may follow.
  private let isWithin: Bool
  private let limit: Int
  private let record: JSONRecord
  private var buffer: [UInt8] = []
  private var start = 0
  private var base = 0
  /// Bytes that are to be passed over before the first value.
  private var unread = 0

  package init(
    _ file: any ByteSource, _ compression: DataFile.Compression = .none, layout: Layout = .array,
    column: String, content: ColumnContent = .text, limit: Int
  ) {
    stream = ByteStream(file, compression)
    self.layout = layout
    isWithin = false
    self.limit = limit
    record = JSONRecord(column: column, content: content)
  }

  /// Reads the array that begins at a place of a file, once decompressed.
  init(
    _ file: any ByteSource, _ compression: DataFile.Compression, from place: Int, column: String,
    content: ColumnContent, limit: Int
  ) {
    let isPlain = compression == .none
    stream = ByteStream(file, compression, from: isPlain ? place : 0)
    base = isPlain ? place : 0
    unread = isPlain ? 0 : place
    layout = .array
    isWithin = true
    self.limit = limit
    record = JSONRecord(column: column, content: content)
  }

  /// Reads every value.
  package mutating func read<Sink: DocumentSink>(into sink: inout Sink) throws {
    var record = self.record
    try skipMark()
    if layout == .array { try expect(UInt8(ascii: "["), "“[”") }
    var index = 0
    // Where the first element is no object, none is.
    var form = JSONRecord.Form.object
    while let next = try peek(), layout == .objects || next != UInt8(ascii: "]") {
      if index > 0, layout == .array {
        try expect(UInt8(ascii: ","), "“,” or “]”")
        _ = try peek()
      } else if index == 0, layout == .array, next != UInt8(ascii: "{") {
        form = .bare
      }
      let end = try valueEnd()
      guard end - start <= limit else {
        throw DocumentTooLong(path: stream.path, byte: base + start, limit: limit)
      }
      let (path, number, noun) = (stream.path, index, layout.noun)
      try record.read(buffer.span.extracting(start..<end), as: form, into: &sink) {
        "\(path), \(noun) \(number)"
      }
      start = end
      index += 1
    }
    if layout == .array {
      try expect(UInt8(ascii: "]"), "“,” or “]”")
      guard try isWithin || peek() == nil else { throw malformed("expected the end of the file") }
    }
  }

  /// The columns of the first value; none where there is no value.
  package mutating func firstColumns() throws -> [DataColumn] {
    try skipMark()
    if layout == .array { try expect(UInt8(ascii: "["), "“[”") }
    guard let next = try peek(), next != UInt8(ascii: "]") else { return [] }
    let end = try valueEnd()
    let isBare = layout == .array && next != UInt8(ascii: "{")
    return JSONRecord.columns(
      buffer.span.extracting(start..<end), as: isBare ? .bare : .object)
  }

  private func malformed(_ what: String) -> RecordError {
    .malformed(place: stream.path, byte: base + start + 1, what: what)
  }

  /// Passes over a byte order mark at the start, or over what stands before the array.
  private mutating func skipMark() throws {
    while unread > 0, try start < buffer.count || fill() {
      let count = min(unread, buffer.count - start)
      (start, unread) = (start + count, unread - count)
    }
    if isWithin { return }
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

  /// Where the value that starts here ends: brackets are counted outside of strings.
  private mutating func valueEnd() throws -> Int {
    var depth = 0
    var isInString = false
    var index = start
    while true {
      guard index < buffer.count else {
        guard index - start <= limit else {
          throw DocumentTooLong(path: stream.path, byte: base + start, limit: limit)
        }
        index -= start
        guard try fill() else { throw malformed("the \(layout.noun) that starts here has no end") }
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
          // Between objects a bracket that closes nothing is a value that is none.
          if depth == 0 { return layout == .array ? index : max(index, start + 1) }
          depth -= 1
          if depth == 0 { return index + 1 }
        case UInt8(ascii: ",") where depth == 0 && layout == .array: return index
        // What is no object ends with its line.
        case 0x0A where depth == 0 && layout == .objects: return index
        default: break
        }
      }
      index += 1
    }
  }
}
