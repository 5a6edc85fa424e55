// JSON Lines: an object per line. Comes in: a file, and the range of a work unit. Leaves: documents.

package import Shared

/// A reader of JSON Lines.
package struct JSONLines {
  private let file: InputFile
  private let compression: DataFile.Compression
  private let limit: Int
  private var record: JSONRecord

  package init(
    _ file: InputFile, _ compression: DataFile.Compression = .none, column: String,
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
    if range.lowerBound == 0 { try lines.skipMark() } else { _ = try lines.next { _ in } }
    var number = 0
    let (file, compression) = (file, compression)
    // The first line starts at 0, also where a mark stands before it.
    var isFirst = range.lowerBound == 0 && !range.isEmpty
    while isFirst || lines.offset < range.upperBound {
      isFirst = false
      let offset = lines.offset
      number += 1
      let found: Void? = try lines.next { line in
        guard !JSONLines.isBlank(line) else { return }
        try record.read(line, into: &sink) {
          // Lines before the range are counted only for an error.
          let before = range.lowerBound == 0
          let line = try before ? number : JSONLines.lineNumber(file, compression, offset)
          return "\(file.path), line \(line)"
        }
      }
      guard found != nil else { return }
    }
  }

  private static func isBlank(_ line: Span<UInt8>) -> Bool {
    for index in line.indices where line[index] != 0x20 && line[index] != 0x09 {
      return line[index] == 0x0D && index == line.count - 1
    }
    return true
  }

  /// The number of the line at an offset, from 1.
  private static func lineNumber(
    _ file: InputFile, _ compression: DataFile.Compression, _ offset: Int
  ) throws -> Int {
    var lines = LineReader(ByteStream(file, compression), limit: .max / 2)
    var count = 1
    while lines.offset < offset, try lines.next({ _ in }) != nil { count += 1 }
    return count
  }
}
