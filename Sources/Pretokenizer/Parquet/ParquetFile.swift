// A Parquet file. Comes in: a file. Leaves: the documents of one column, row group by row group and
// page by page; other columns are not read.

import Shared

/// A Parquet file whose footer was read.
package struct ParquetFile {
  private let file: InputFile
  private let metadata: ParquetMetadata
  private let schema: [ParquetColumn]

  private static let footerLimit = 256 << 20

  package init(_ file: InputFile) throws {
    self.file = file
    let tail = try file.read(at: max(0, file.byteCount - 8), count: 8)
    let start = try file.read(at: 0, count: 4)
    let (plain, encrypted) = (Array("PAR1".utf8), Array("PARE".utf8))
    guard !start.starts(with: encrypted), !tail.suffix(4).elementsEqual(encrypted) else {
      throw ParquetError.encrypted(path: file.path)
    }
    guard file.byteCount >= 12, start == plain, tail.suffix(4).elementsEqual(plain) else {
      throw ParquetError.notParquet(path: file.path)
    }
    let size = Int(UInt32(truncatingIfNeeded: littleEndian(tail, at: 0, 4)))
    let footer = file.byteCount - 8 - size
    func malformed(_ what: String) -> ParquetError {
      .malformed(path: file.path, byte: max(0, footer), what: what)
    }
    guard footer >= 4, size <= ParquetFile.footerLimit else {
      throw malformed("a footer of \(size) bytes")
    }
    do {
      metadata = try ParquetMetadata(try file.read(at: footer, count: size))
      schema = try ParquetColumn.all(metadata.schema)
    } catch let problem as ThriftProblem {
      throw malformed("a footer that makes no sense from its byte \(problem.offset) on")
    }
    if metadata.isEncrypted { throw ParquetError.encrypted(path: file.path) }
    for group in metadata.rowGroups where group.rowCount < 0 {
      throw malformed("a row group of a negative size")
    }
  }

  package var rowGroupCount: Int { metadata.rowGroups.count }

  /// The rows of a row group.
  package func rowCount(_ rowGroup: Int) -> Int { metadata.rowGroups[rowGroup].rowCount }

  /// The columns in order, with what they can be read as.
  package var columns: [(name: String, content: ColumnContent?)] {
    schema.map { ($0.name, $0.content) }
  }

  /// Bytes of a column of a row group in the file; 0 where there is no such column.
  package func byteCount(_ rowGroup: Int, column: String) -> Int {
    guard let column = schema.first(where: { $0.name == column }) else { return 0 }
    let chunks = metadata.rowGroups[rowGroup].columns
    return column.leaf < chunks.count ? max(0, chunks[column.leaf].byteCount) : 0
  }

  /// Hands on the documents of a row group in order.
  package func read<Sink: DocumentSink>(
    column name: String, as content: ColumnContent, rowGroup: Int, into sink: inout Sink
  ) throws {
    guard let column = schema.first(where: { $0.name == name }) else {
      throw ParquetError.missingColumn(path: file.path, column: name, found: schema.map(\.name))
    }
    guard column.content == content else {
      throw ParquetError.wrongType(
        path: file.path, column: name, type: column.words, content: content)
    }
    let group = metadata.rowGroups[rowGroup]
    let expected = content == .text ? [6] : [1, 2]
    guard column.leaf < group.columns.count, !group.columns[column.leaf].isElsewhere,
      expected.contains(group.columns[column.leaf].type)
    else {
      throw ParquetError.malformed(
        path: file.path, byte: 0, what: "row group \(rowGroup) lacks the column “\(name)”")
    }
    var reader = ParquetRows(
      file, try ParquetPages(file, group.columns[column.leaf]), column, group.columns[column.leaf],
      rowGroup: rowGroup, rowCount: group.rowCount)
    switch content {
    case .text: try reader.readText(into: &sink)
    case .tokens: try reader.readTokens(into: &sink)
    }
  }
}

/// The rows of one column of one row group.
private struct ParquetRows {
  private let file: InputFile
  private var pages: ParquetPages
  private let column: ParquetColumn
  private let numberByteCount: Int
  private let rowGroup: Int
  private let rowCount: Int
  private var row = 0

  init(
    _ file: InputFile, _ pages: ParquetPages, _ column: ParquetColumn,
    _ chunk: ParquetMetadata.Chunk, rowGroup: Int, rowCount: Int
  ) {
    self.file = file
    self.pages = pages
    self.column = column
    numberByteCount = chunk.type == 1 ? 4 : 8
    self.rowGroup = rowGroup
    self.rowCount = rowCount
  }

  private var nullRow: ParquetError {
    .nullRow(path: file.path, column: column.name, rowGroup: rowGroup, row: row)
  }

  // MARK: - Text

  mutating func readText<Sink: DocumentSink>(into sink: inout Sink) throws {
    while let page = try pages.next() {
      do { try readText(page, into: &sink) } catch let problem as EncodingProblem {
        throw ParquetError.malformed(path: file.path, byte: page.offset, what: problem.what)
      }
    }
    try checkEnd()
  }

  private mutating func readText<Sink: DocumentSink>(
    _ page: ParquetPage, into sink: inout Sink
  ) throws {
    var levels = try levels(page)
    var values = try ParquetStrings(
      page.bytes, from: levels.end, try encoding(page), pages.dictionary, atMost: limit(page))
    for _ in 0..<page.header.valueCount {
      try countRow(page)
      if try levels.definition.next() == column.levels.definition {
        try values.next { try sink.text($0) }
      } else {
        row -= 1
        let null = nullRow
        row += 1
        try sink.invalid(null)
      }
    }
  }

  // MARK: - Tokens

  mutating func readTokens<Sink: DocumentSink>(into sink: inout Sink) throws {
    var list = TokenList()
    while let page = try pages.next() {
      do { try readTokens(page, &list, into: &sink) } catch let problem as EncodingProblem {
        throw ParquetError.malformed(path: file.path, byte: page.offset, what: problem.what)
      }
    }
    try finish(&list, into: &sink)
    try checkEnd()
  }

  /// The ids of the row that is read, which may go on in the next page.
  private struct TokenList {
    var ids: [UInt32] = []
    var isOpen = false
    var hasNull = false
    var hasOther = false
  }

  private mutating func readTokens<Sink: DocumentSink>(
    _ page: ParquetPage, _ list: inout TokenList, into sink: inout Sink
  ) throws {
    var levels = try levels(page)
    var values = try ParquetNumbers(
      page.bytes, from: levels.end, try encoding(page), pages.dictionary,
      byteCount: numberByteCount, atMost: limit(page))
    let (full, empty) = (column.levels.definition, column.levels.emptyList)
    for _ in 0..<page.header.valueCount {
      if try levels.repetition.next() == 0 {
        try finish(&list, into: &sink)
        try countRow(page)
        list.isOpen = true
      } else if !list.isOpen {
        throw EncodingProblem(what: "a list that goes on before it starts")
      }
      let definition = try levels.definition.next()
      if definition == full {
        let value = try values.next()
        if let id = token(value) { list.ids.append(id) } else { list.hasOther = true }
      } else if definition != empty {
        list.hasNull = true
      }
    }
  }

  private func token(_ value: Int64) -> UInt32? {
    column.isUnsigned && numberByteCount == 4
      ? UInt32(truncatingIfNeeded: value) : UInt32(exactly: value)
  }

  private mutating func finish<Sink: DocumentSink>(
    _ list: inout TokenList, into sink: inout Sink
  ) throws {
    guard list.isOpen else { return }
    row -= 1
    let (null, number) = (nullRow, row)
    row += 1
    if list.hasNull {
      try sink.invalid(null)
    } else if list.hasOther {
      try sink.invalid(
        ParquetError.notAToken(
          path: file.path, column: column.name, rowGroup: rowGroup, row: number))
    } else {
      try sink.tokens(list.ids.span)
    }
    list.ids.removeAll(keepingCapacity: true)
    (list.isOpen, list.hasNull, list.hasOther) = (false, false, false)
  }

  // MARK: - Pages

  private mutating func countRow(_ page: ParquetPage) throws(EncodingProblem) {
    guard row < rowCount else { throw EncodingProblem(what: "more than \(rowCount) rows") }
    row += 1
  }

  private func checkEnd() throws(ParquetError) {
    guard row == rowCount else {
      throw .malformed(
        path: file.path, byte: 0, what: "row group \(rowGroup) has \(row) of \(rowCount) rows")
    }
  }

  /// The most values that a page can be believed to hold.
  private func limit(_ page: ParquetPage) -> Int { max(1 << 20, 8 * page.bytes.count) }

  private func encoding(_ page: ParquetPage) throws -> ParquetEncoding {
    guard let encoding = ParquetEncoding(rawValue: page.header.encoding) else {
      throw ParquetError.unsupported(
        path: file.path, byte: page.offset, what: "values in the encoding \(page.header.encoding)")
    }
    return encoding
  }

  /// The levels of a page, and where its values start.
  private func levels(
    _ page: ParquetPage
  ) throws -> (repetition: HybridReader, definition: HybridReader, end: Int) {
    let widths = (
      repetition: ParquetRows.width(column.levels.repetition),
      definition: ParquetRows.width(column.levels.definition)
    )
    guard page.header.valueCount <= limit(page) else {
      throw EncodingProblem(what: "a page of \(page.header.valueCount) values")
    }
    if page.header.type == 3 {
      let middle = page.header.repetitionByteCount
      let end = middle + page.header.definitionByteCount
      return (
        try HybridReader(page.bytes, 0..<middle, width: widths.repetition),
        try HybridReader(page.bytes, middle..<end, width: widths.definition), end
      )
    }
    var position = 0
    func levels(_ width: Int, _ encoding: Int) throws -> HybridReader {
      guard width > 0 else { return HybridReader() }
      guard encoding == 3 else {
        throw ParquetError.unsupported(
          path: file.path, byte: page.offset, what: "levels in the encoding \(encoding)")
      }
      guard position <= page.bytes.count - 4 else { throw EncodingProblem(what: "no levels") }
      let length = Int(UInt32(truncatingIfNeeded: littleEndian(page.bytes, at: position, 4)))
      position += 4
      guard length <= page.bytes.count - position else {
        throw EncodingProblem(what: "levels that are longer than their page")
      }
      position += length
      return try HybridReader(page.bytes, position - length..<position, width: width)
    }
    let repetition = try levels(widths.repetition, page.header.levelEncodings.repetition)
    let definition = try levels(widths.definition, page.header.levelEncodings.definition)
    return (repetition, definition, position)
  }

  /// The bits of levels up to `level`.
  private static func width(_ level: Int) -> Int { Int.bitWidth - level.leadingZeroBitCount }
}
