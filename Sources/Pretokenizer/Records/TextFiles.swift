// Plain text. Comes in: a file. Leaves: its documents: the whole file, or every line.

package import Shared

/// A reader of plain text.
package struct TextFile {
  private let file: InputFile
  private let compression: DataFile.Compression
  private let limit: Int

  package init(_ file: InputFile, _ compression: DataFile.Compression = .none, limit: Int) {
    self.file = file
    self.compression = compression
    self.limit = limit
  }

  /// Reads the whole file as one document.
  package func readWhole<Sink: DocumentSink>(into sink: inout Sink) throws {
    var stream = ByteStream(file, compression)
    var text: [UInt8] = []
    while try stream.read(into: &text) {
      guard text.count <= limit else {
        throw DocumentTooLong(path: file.path, byte: 0, limit: limit)
      }
    }
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { text.removeFirst(3) }
    try sink.text(text.span)
  }

  /// Reads the lines that start inside `range` as documents, without their ends.
  ///
  /// As for Hugging Face's `text`, lines end in a line feed, a carriage return, or both.
  package func readLines<Sink: DocumentSink>(
    _ range: Range<Int>, into sink: inout Sink
  ) throws {
    let first = max(0, range.lowerBound - 1)
    var lines = LineReader(ByteStream(file, compression, from: first), at: first, limit: limit)
    if range.lowerBound == 0 {
      try lines.skipMark()
    } else {
      try lines.skipLine(before: range.upperBound)
    }
    // The first line starts at 0, also where a mark stands before it.
    var isFirst = range.lowerBound == 0 && !range.isEmpty
    while isFirst || lines.offset < range.upperBound {
      isFirst = false
      let found: Void? = try lines.next { try TextFile.cut($0, into: &sink) }
      guard found != nil else { return }
    }
  }

  /// Hands on what lies between carriage returns; one at the end belongs to the line feed.
  private static func cut<Sink: DocumentSink>(
    _ line: Span<UInt8>, into sink: inout Sink
  ) throws {
    let hasReturn = line.count > 0 && line[line.count - 1] == 0x0D
    let end = line.count - (hasReturn ? 1 : 0)
    var start = 0
    for index in 0..<end where line[index] == 0x0D {
      try sink.text(line.extracting(start..<index))
      start = index + 1
    }
    try sink.text(line.extracting(start..<end))
  }
}
