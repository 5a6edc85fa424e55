// The documents of a data set, cut into units of work. Comes in: files. Leaves: blocks of fixed
// size, each a function of the files alone, and the documents of a block.

package import Shared

/// A unit of tokenizing: some text files, or the lines that start in a range of a file.
package struct InputBlock: Sendable, Equatable {
  package struct Piece: Sendable, Equatable {
    package let file: DataFile
    /// Bytes of a file of lines, row groups of a Parquet file; all of other files.
    package let range: Range<Int>
    /// Bytes on the disk.
    package let byteCount: Int
    /// The rows that are meant of those in the range; nil where all are.
    package var rows: Range<Int>?

    package init(
      file: DataFile, range: Range<Int>, byteCount: Int, rows: Range<Int>? = nil
    ) {
      self.file = file
      self.range = range
      self.byteCount = byteCount
      self.rows = rows
    }

    /// What its documents are rows of, in errors.
    package var place: String {
      if let rows, rows.lowerBound > 0 { return inFile + ", behind \(rows.lowerBound) rows" }
      return inFile
    }

    private var inFile: String {
      if range.lowerBound == 0 { return file.path }
      let unit = file.kind == .parquet ? "row group" : "byte"
      return "\(file.path), counted from \(unit) \(range.lowerBound) on"
    }
  }

  package private(set) var pieces: [Piece] = []

  /// Bytes of input in a block, except that a document is never cut.
  package static let targetByteCount = 16 << 20

  package var byteCount: Int { pieces.reduce(0) { $0 + $1.byteCount } }

  /// Cuts files into blocks: files of lines and Parquet files into several, small files together.
  package static func cut(
    _ files: [DataFile], _ rules: ReadingRules, targetByteCount: Int = targetByteCount
  ) throws -> [InputBlock] {
    try cut(DataSet(files: files), rules, targetByteCount: targetByteCount)
  }

  /// Cuts what is meant of a text; where that is only some rows of a split, its rows are counted.
  package static func cut(
    _ text: DataSet, _ rules: ReadingRules, targetByteCount: Int = targetByteCount
  ) throws -> [InputBlock] {
    var blocks: [InputBlock] = []
    var current = InputBlock()
    var size = 0
    for piece in try pieces(text, rules, targetByteCount) {
      if size + piece.byteCount > targetByteCount, size > 0 {
        blocks.append(current)
        (current, size) = (InputBlock(), 0)
      }
      current.pieces.append(piece)
      size += piece.byteCount
    }
    if !current.pieces.isEmpty { blocks.append(current) }
    return blocks
  }

  private static func pieces(
    _ text: DataSet, _ rules: ReadingRules, _ target: Int
  ) throws -> [Piece] {
    try text.parts.flatMap { part in
      let pieces = try text.files[part.files].flatMap { try self.pieces($0, rules, target) }
      return try part.slice.map { try sliced(pieces, $0, rules) } ?? pieces
    }
  }

  private static func pieces(
    _ file: DataFile, _ rules: ReadingRules, _ target: Int
  ) throws -> [Piece] {
    if file.kind == .parquet {
      return rowGroups(file, try ParquetFile(file.open()), rules, target)
    }
    let isCut =
      file.kind == .jsonLines && rules.options.field == nil
      || file.kind == .text && rules.textDocuments == .line
    guard isCut, file.compression == .none else {
      return [Piece(file: file, range: 0..<file.byteCount, byteCount: file.byteCount)]
    }
    return stride(from: 0, to: file.byteCount, by: target).map { start in
      let range = start..<min(start + target, file.byteCount)
      return Piece(file: file, range: range, byteCount: range.count)
    }
  }
}

extension InputBlock {
  /// Row groups of a Parquet file, small ones together.
  private static func rowGroups(
    _ file: DataFile, _ parquet: ParquetFile, _ rules: ReadingRules, _ target: Int
  ) -> [Piece] {
    var pieces: [Piece] = []
    var start = 0
    var size = 0
    for rowGroup in 0..<parquet.rowGroupCount {
      size += parquet.byteCount(rowGroup, column: rules.column.name)
      guard size >= target || rowGroup == parquet.rowGroupCount - 1 else { continue }
      pieces.append(Piece(file: file, range: start..<rowGroup + 1, byteCount: size))
      (start, size) = (rowGroup + 1, 0)
    }
    return pieces
  }
}

extension InputBlock.Piece {
  /// How far a piece will be read, for files of which no more should be fetched.
  package enum Extent: Sendable {
    case all
    /// Until the sink has enough.
    case beginning
  }

  /// Hands over the documents of the piece in order.
  package func read<Sink: DocumentSink>(
    _ rules: ReadingRules, _ extent: Extent = .all, into sink: inout Sink
  ) throws {
    guard let rows else { return try readAll(rules, extent, into: &sink) }
    var window = RowWindow(sink, rows)
    do { try readAll(rules, extent, into: &window) } catch is RowWindowEnd {}
    sink = window.sink
  }

  /// Bytes behind a range that its last line may go on to.
  private static let overrunByteCount = 64 << 10

  /// Hands over all documents of the range, whichever rows are meant.
  func readAll<Sink: DocumentSink>(
    _ rules: ReadingRules, _ extent: Extent = .all, into sink: inout Sink
  ) throws {
    let input = try file.open()
    guard input.byteCount == file.byteCount else { throw ChangedFile(path: file.path) }
    if extent == .all, file.kind != .parquet, file.kind != .arrow {
      let end = range.upperBound.addingReportingOverflow(Self.overrunByteCount).partialValue
      input.expect([max(0, range.lowerBound - 1)..<max(end, range.upperBound)])
    }
    let (column, limit) = (rules.column, rules.documentByteCount)
    // A compressed file has no places, so it is read whole.
    let range = file.compression == .none ? range : 0..<Int.max
    switch file.kind {
    case .text:
      let text = TextFile(
        input, file.compression, lineEnds: rules.options.lineEnds, limit: limit)
      switch rules.textDocuments {
      case .file: try text.readWhole(into: &sink)
      case .line: try text.readLines(range, into: &sink)
      case .paragraph: try text.readParagraphs(into: &sink)
      }
    case .table:
      let table = TableFile(input, file.compression, form: rules.options.table, limit: limit)
      try table.read(column: column.name, as: column.content, into: &sink)
    case .jsonLines, .jsonArray, .jsonObjects:
      try readJSON(input, range, rules, into: &sink)
    case .arrow:
      try ArrowFile(input, limit: limit).read(column: column.name, as: column.content, into: &sink)
    case .parquet:
      let parquet = try ParquetFile(input)
      let columns = try Documents.chosen(parquet, rules.options).map(\.name)
      guard rules.options.columns == nil || columns.contains(column.name) else {
        throw ParquetError.missingColumn(path: file.path, column: column.name, found: columns)
      }
      if extent == .all {
        input.expect(range.compactMap { parquet.range($0, column: column.name) })
      }
      for rowGroup in range {
        try parquet.read(
          column: column.name, as: column.content, rowGroup: rowGroup, into: &sink)
      }
    }
  }

  private func readJSON<Sink: DocumentSink>(
    _ input: any ByteSource, _ range: Range<Int>, _ rules: ReadingRules, into sink: inout Sink
  ) throws {
    let (column, limit) = (rules.column, rules.documentByteCount)
    if let name = rules.options.field {
      let field = JSONField(input, file.compression, name: name, limit: limit)
      try field.read(column: column.name, as: column.content, into: &sink)
    } else if let layout = try Documents.layout(file, input) {
      var values = JSONValues(
        input, file.compression, layout: layout, column: column.name, content: column.content,
        limit: limit)
      try values.read(into: &sink)
    } else {
      var lines = JSONLines(
        input, file.compression, column: column.name, content: column.content, limit: limit)
      try lines.read(range, into: &sink)
    }
  }
}
