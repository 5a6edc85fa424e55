// The lines of a file. Comes in: bytes, in pieces. Leaves: whole lines with their places.

import Shared

/// Lends the lines of a stream one by one, in memory of one line's size.
package struct LineReader {
  private var stream: ByteStream
  private let limit: Int
  private var buffer: [UInt8] = []
  /// Where the next line starts in `buffer`.
  private var start = 0
  /// Where the buffer starts in the file.
  private var base: Int
  private var isAtEnd = false
  /// Whether a line feed ended the line that was lent last.
  package private(set) var endedInNewline = true

  package var path: String { stream.path }
  /// Where the next line starts in the file.
  package var offset: Int { base + start }

  /// Reads from the place `offset` of a file on; `limit` bounds a line.
  package init(_ stream: ByteStream, at offset: Int = 0, limit: Int) {
    self.stream = stream
    self.limit = limit
    base = offset
  }

  /// Passes over a byte order mark, which only the start of a file has.
  package mutating func skipMark() throws {
    while buffer.count < 3, try fill() {}
    if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
  }

  /// Passes over the rest of a line, of any length, unless it goes on to the byte `end`.
  package mutating func skipLine(before end: Int) throws {
    while offset < end {
      if let newline = LineReader.newline(buffer.span, from: start) {
        start = newline + 1
        return
      }
      start = buffer.count
      guard try fill() else { return }
    }
  }

  /// Lends the next line without its end; nil where there is none.
  package mutating func next<Result>(_ body: (Span<UInt8>) throws -> Result) throws -> Result? {
    var searched = start
    while true {
      let end = LineReader.newline(buffer.span, from: searched)
      searched = buffer.count
      guard (end ?? searched) - start <= limit else {
        throw DocumentTooLong(path: path, byte: offset, limit: limit)
      }
      if let end {
        let line = start..<end
        start = end + 1
        endedInNewline = true
        return try body(buffer.span.extracting(line))
      }
      if isAtEnd {
        guard start < buffer.count else { return nil }
        let line = start..<buffer.count
        start = buffer.count
        endedInNewline = false
        return try body(buffer.span.extracting(line))
      }
      searched -= start
      _ = try fill()
    }
  }

  /// Drops what was lent and reads on; false at the end.
  private mutating func fill() throws -> Bool {
    if start > 0 {
      buffer.removeSubrange(0..<start)
      (base, start) = (base + start, 0)
    }
    isAtEnd = try !stream.read(into: &buffer)
    return !isAtEnd
  }

  /// Where the next line feed is.
  private static func newline(_ bytes: Span<UInt8>, from start: Int) -> Int? {
    let (ones, highs): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
    let raw = bytes.raw
    var index = start
    while index + 8 <= bytes.count {
      let word = raw.word(at: index) ^ (ones &* 0x0A)
      let zeros = (word &- ones) & ~word & highs
      if zeros != 0 { return index + zeros.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < bytes.count {
      if bytes[index] == 0x0A { return index }
      index += 1
    }
    return nil
  }
}
