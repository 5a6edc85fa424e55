// Plain text. Comes in: a file. Leaves: its documents: the whole file, every line, or every paragraph.

package import Shared

/// A reader of plain text.
package struct TextFile {
  private let file: any ByteSource
  private let compression: DataFile.Compression
  private let lineEnds: DataOptions.LineEnds
  private let limit: Int

  package init(
    _ file: any ByteSource, _ compression: DataFile.Compression = .none,
    lineEnds: DataOptions.LineEnds = .usual, limit: Int
  ) {
    self.file = file
    self.compression = compression
    self.lineEnds = lineEnds
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
    if lineEnds == .unified { TextFile.unify(&text) }
    try sink.text(text.span)
  }

  /// Puts a line feed in the place of every line end.
  private static func unify(_ text: inout [UInt8]) {
    guard text.contains(0x0D) else { return }
    var count = 0
    for index in text.indices {
      let isSecond = text[index] == 0x0A && index > 0 && text[index - 1] == 0x0D
      guard !isSecond else { continue }
      text[count] = text[index]
      count += 1
    }
    text.removeLast(text.count - count)
    for index in text.indices where text[index] == 0x0D { text[index] = 0x0A }
  }

  /// Reads the lines that start inside `range` as documents, with or without their ends.
  ///
  /// As for Hugging Face's `text`, lines end in a line feed, a carriage return, or both.
  package func readLines<Sink: DocumentSink>(
    _ range: Range<Int>, into sink: inout Sink
  ) throws {
    guard lineEnds == .kept else {
      _ = try readLines(range) { try TextFile.cut($0, into: &sink) }
      return
    }
    var kept = KeptLines(sink)
    let isLastOpen = try readLines(range) { line in
      try TextFile.cut(line, into: &kept)
      kept.endsInReturn = line.count > 0 && line[line.count - 1] == 0x0D
    }
    try kept.end(isLineOpen: isLastOpen)
    sink = kept.sink
  }

  /// Lends the lines that start inside `range`; returns whether the last one has no line feed.
  private func readLines(_ range: Range<Int>, _ body: (Span<UInt8>) throws -> Void) throws -> Bool {
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
      guard try lines.next(body) != nil else { break }
    }
    return !lines.endedInNewline
  }

  /// Reads what stands between empty lines as documents, with line feeds where its lines end.
  ///
  /// As for Hugging Face's `text` with `sample_by: paragraph`.
  package func readParagraphs<Sink: DocumentSink>(into sink: inout Sink) throws {
    var lines = LineReader(ByteStream(file, compression), limit: limit)
    try lines.skipMark()
    var paragraphs = Paragraphs(sink, path: file.path, limit: limit)
    while try lines.next({ try TextFile.cut($0, into: &paragraphs) }) != nil {}
    try paragraphs.end(isLineOpen: !lines.endedInNewline)
    sink = paragraphs.sink
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

/// Gives lines back the line feeds that ended them.
private struct KeptLines<Sink: DocumentSink>: DocumentSink {
  private(set) var sink: Sink
  /// The last line, whose end is not known yet; nil before the first.
  private var line: [UInt8]?
  /// Whether the last line ended in a carriage return.
  var endsInReturn = false

  init(_ sink: Sink) { self.sink = sink }

  mutating func text(_ text: Span<UInt8>) throws {
    try end(isLineOpen: false)
    line = [UInt8](copying: text)
  }

  /// Hands on the last line; one that is open has no end but a carriage return.
  mutating func end(isLineOpen: Bool) throws {
    guard var line else { return }
    if !isLineOpen || endsInReturn { line.append(0x0A) }
    try sink.text(line.span)
    self.line = nil
  }

  mutating func tokens(_ ids: Span<UInt32>) throws {}
  mutating func invalid(_ problem: any Failure) throws { try sink.invalid(problem) }
  mutating func replaced(_ count: Int) { sink.replaced(count) }
}

/// Puts lines together to paragraphs.
private struct Paragraphs<Sink: DocumentSink>: DocumentSink {
  var sink: Sink
  private let path: String
  private let limit: Int
  private var lines: [UInt8] = []
  /// Whether a line of the paragraph was read, be it empty.
  private var isBegun = false

  init(_ sink: Sink, path: String, limit: Int) {
    self.sink = sink
    self.path = path
    self.limit = limit
  }

  mutating func text(_ line: Span<UInt8>) throws {
    if isBegun, line.isEmpty {
      // The line feed before it belongs to the border.
      lines.removeLast()
      return try hand()
    }
    isBegun = true
    lines.append(copying: line)
    lines.append(0x0A)
    guard lines.count <= limit else { throw DocumentTooLong(path: path, byte: 0, limit: limit) }
  }

  private mutating func hand() throws {
    let text = lines
    if !text.isEmpty { try sink.text(text.span) }
    lines.removeAll(keepingCapacity: true)
    isBegun = false
  }

  /// Hands on the last paragraph, which keeps the end of its last line where it has one.
  mutating func end(isLineOpen: Bool) throws {
    guard isBegun else { return }
    if isLineOpen { lines.removeLast() }
    try hand()
  }

  mutating func tokens(_ ids: Span<UInt32>) throws {}
  mutating func invalid(_ problem: any Failure) throws { try sink.invalid(problem) }
  mutating func replaced(_ count: Int) { sink.replaced(count) }
}
