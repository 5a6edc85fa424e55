// JSON Lines: an object per line. Comes in: a file, and the range of a work unit. Leaves: documents.

package import Shared

/// A reader of JSON Lines.
package struct JSONLines {
  private let file: any ByteSource
  private let compression: DataFile.Compression
  private let limit: Int
  private var record: JSONRecord

  package init(
    _ file: any ByteSource, _ compression: DataFile.Compression = .none, column: String,
    content: ColumnContent = .text, limit: Int
  ) {
    self.file = file
    self.compression = compression
    self.limit = limit
    record = JSONRecord(column: column, content: content)
  }

  /// Reads the lines that start inside `range`, to their ends even where those lie behind it.
  ///
  /// The range counts decompressed bytes; that of a compressed file is its whole.
  package mutating func read<Sink: DocumentSink>(
    _ range: Range<Int>, into sink: inout Sink
  ) throws {
    // A line starts where the byte before is a line feed.
    let first = max(0, range.lowerBound - 1)
    var lines = LineReader(ByteStream(file, compression, from: first), at: first, limit: limit)
    let startsFile = range.lowerBound == 0
    if startsFile { try lines.skipMark() } else { try lines.skipLine(before: range.upperBound) }
    var number = 0
    // The first line starts at 0, also where a mark stands before it.
    var isFirst = range.lowerBound == 0 && !range.isEmpty
    while isFirst || lines.offset < range.upperBound {
      isFirst = false
      let offset = lines.offset
      number += 1
      do {
        guard
          try next(
            &lines, into: &sink, startsFile ? "line \(number)" : "the line at byte \(offset)")
        else { return }
      } catch let error as RecordError where !startsFile {
        // Lines before the range are counted only for an error that ends the reading.
        let line = try JSONLines.lineNumber(file, compression, offset)
        throw error.named("\(file.path), line \(line)")
      }
    }
  }

  /// Reads one line; false where there is none.
  private mutating func next<Sink: DocumentSink>(
    _ lines: inout LineReader, into sink: inout Sink, _ place: @autoclosure () -> String
  ) throws -> Bool {
    let path = file.path
    let found: Void? = try lines.next { line in
      guard !JSONLines.isBlank(line) else { return }
      try record.read(line, into: &sink) { "\(path), \(place())" }
    }
    return found != nil
  }

  private static func isBlank(_ line: Span<UInt8>) -> Bool {
    for index in line.indices where line[index] != 0x20 && line[index] != 0x09 {
      return line[index] == 0x0D && index == line.count - 1
    }
    return true
  }

  /// The number of the line at an offset, from 1.
  private static func lineNumber(
    _ file: any ByteSource, _ compression: DataFile.Compression, _ offset: Int
  ) throws -> Int {
    var lines = LineReader(ByteStream(file, compression), limit: .max / 2)
    var count = 1
    while lines.offset < offset, try lines.next({ _ in }) != nil { count += 1 }
    return count
  }
}
