// The documents of a data set, cut into units of work. Comes in: files. Leaves: blocks of fixed
// size, each a function of the files alone, and the documents of a block.

package import Shared

/// What is read of the files of a data set, and how.
package struct ReadingRules: Sendable, Equatable {
  package let column: ColumnChoice
  package let textDocuments: TextDocuments
  /// The longest line or document.
  package let documentByteCount: Int

  package init(column: ColumnChoice, textDocuments: TextDocuments, documentByteCount: Int) {
    self.column = column
    self.textDocuments = textDocuments
    self.documentByteCount = documentByteCount
  }

  /// Settles what the settings leave to the files.
  package init(_ settings: PretokenizeSettings, _ files: [DataFile]) throws {
    let columns = try files.first.map { try Documents.columns($0) } ?? []
    self.init(
      column: ColumnChoice(columns, settings), textDocuments: settings.textDocuments,
      documentByteCount: settings.documentMegabytes << 20)
  }
}

/// A unit of tokenizing: some text files, or the lines that start in a range of a file.
package struct InputBlock: Sendable, Equatable {
  package struct Piece: Sendable, Equatable {
    package let file: DataFile
    package let range: Range<Int>

    package init(file: DataFile, range: Range<Int>) {
      self.file = file
      self.range = range
    }

    /// What its documents are rows of, in errors.
    package var place: String {
      range.lowerBound == 0
        ? file.path : "\(file.path), counted from byte \(range.lowerBound) on"
    }
  }

  package private(set) var pieces: [Piece] = []

  /// Bytes of input in a block, except that a document is never cut.
  package static let targetByteCount = 16 << 20

  package var byteCount: Int { pieces.reduce(0) { $0 + $1.range.count } }

  /// Cuts files into blocks: files of lines into several, small files together.
  package static func cut(
    _ files: [DataFile], textDocuments: TextDocuments = .file,
    targetByteCount: Int = targetByteCount
  ) -> [InputBlock] {
    var blocks: [InputBlock] = []
    var current = InputBlock()
    var size = 0
    for piece in files.lazy.flatMap({ pieces($0, textDocuments, targetByteCount) }) {
      if size + piece.range.count > targetByteCount, size > 0 {
        blocks.append(current)
        (current, size) = (InputBlock(), 0)
      }
      current.pieces.append(piece)
      size += piece.range.count
    }
    if !current.pieces.isEmpty { blocks.append(current) }
    return blocks
  }

  private static func pieces(
    _ file: DataFile, _ textDocuments: TextDocuments, _ target: Int
  ) -> [Piece] {
    guard file.kind == .jsonLines || textDocuments == .line else {
      return [Piece(file: file, range: 0..<file.byteCount)]
    }
    return stride(from: 0, to: file.byteCount, by: target).map { start in
      Piece(file: file, range: start..<min(start + target, file.byteCount))
    }
  }
}

extension InputBlock.Piece {
  /// Hands over the documents of the piece in order.
  package func read<Sink: DocumentSink>(_ rules: ReadingRules, into sink: inout Sink) throws {
    let mapped = try MappedFile.open(file.path)
    guard mapped.byteCount == file.byteCount else { throw ChangedFile(path: file.path) }
    let bytes = mapped.bytes.octets
    switch (file.kind, rules.textDocuments) {
    case (.text, .file):
      try rules.checkLength(file.byteCount, file.path, byte: 0)
      try sink.text(bytes)
    case (.text, .line):
      try forEachLine(bytes, rules) { try sink.text(bytes.extracting($0)) }
    case (.jsonLines, _):
      var lines = JSONLines(path: file.path, column: rules.column.name)
      try forEachLine(bytes, rules) { line in
        do {
          try lines.read(bytes, line.lowerBound..<line.lowerBound + 1) { try sink.text($0) }
        } catch let problem as DocumentError { try sink.invalid(problem) }
      }
      sink.replaced(lines.replacedCount)
    }
  }

  /// The lines that start in the range, without their ends.
  private func forEachLine(
    _ bytes: Span<UInt8>, _ rules: ReadingRules, _ body: (Range<Int>) throws -> Void
  ) throws {
    var start = range.lowerBound
    if start > 0 { start = Documents.lineEnd(bytes, from: start - 1) + 1 }
    while start < range.upperBound {
      let end = Documents.lineEnd(bytes, from: start)
      try rules.checkLength(end - start, file.path, byte: start)
      try body(start..<end)
      start = end + 1
    }
  }
}

extension ReadingRules {
  fileprivate func checkLength(_ count: Int, _ path: String, byte: Int) throws(DocumentTooLong) {
    guard count <= documentByteCount else {
      throw DocumentTooLong(path: path, byte: byte, limit: documentByteCount >> 20)
    }
  }
}

package enum Documents {
  /// The columns of a file, as far as its start tells them; none where they cannot be told.
  package static func columns(_ file: DataFile) throws -> [DataColumn] {
    guard file.kind == .jsonLines else { return [] }
    let mapped = try MappedFile.open(file.path)
    let bytes = mapped.bytes.octets
    var start = 0
    while start < bytes.count, bytes[start] != UInt8(ascii: "{") { start += 1 }
    guard start < bytes.count else { return [] }
    do { return try members(bytes, start) } catch { return [] }
  }

  /// The members of the object at `start`, which may be broken.
  private static func members(_ bytes: Span<UInt8>, _ start: Int) throws -> [DataColumn] {
    var scanner = JSONScanner(bytes, from: start, layout: .oneLine)
    var found: [DataColumn] = []
    var key: [UInt8] = []
    try scanner.openObject()
    while try scanner.nextMember(&key) {
      let content: ColumnContent? =
        switch scanner.next {
        case UInt8(ascii: "\""): .text
        case UInt8(ascii: "["): .tokens
        default: nil
        }
      found.append(DataColumn(name: String(decoding: key, as: UTF8.self), content: content))
      _ = try scanner.skipValue()
    }
    return found
  }

  /// Where the line ends that `start` lies in: at its newline, or at the end of the file.
  fileprivate static func lineEnd(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count, bytes[index] != 0x0A { index += 1 }
    return index
  }
}

/// A line or document above the limit of the settings.
package struct DocumentTooLong: Failure, Equatable {
  package let path: String
  package let byte: Int
  /// In MiB.
  package let limit: Int

  package init(path: String, byte: Int, limit: Int) {
    self.path = path
    self.byte = byte
    self.limit = limit
  }

  package var sentence: String {
    "\(path): the document that starts at byte \(byte) is longer than \(limit) MiB."
  }
  package var hint: String? {
    "Set pretokenize.document_megabytes to a larger number, or cut the document."
  }
}

/// A file that became another one while it was read.
package struct ChangedFile: Failure, Equatable {
  package let path: String

  package init(path: String) { self.path = path }

  package var sentence: String { "\(path) changed while it was read." }
  package var hint: String? { "Run the same command again once the file stays as it is." }
  package var exitCode: ExitCode { .failed }
}
