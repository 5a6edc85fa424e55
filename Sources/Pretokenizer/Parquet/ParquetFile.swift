// A Parquet file. Comes in: a file. Leaves: the documents of one column, row group by row group and
// page by page; other columns are not read.

package import Shared

/// A Parquet file whose footer was read.
package struct ParquetFile {
  private let file: any ByteSource
  private let metadata: ParquetMetadata
  private let schema: [ParquetColumn]

  private static let footerLimit = 256 << 20

  package init(_ file: any ByteSource) throws {
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
    let size = Int(UInt32(truncatingIfNeeded: tail.span.raw.paddedWord(at: 0)))
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
  }

  package var path: String { file.path }
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
    let chunk = try? metadata.chunk(rowGroup, leaf: column.leaf)
    return max(0, chunk?.byteCount ?? 0)
  }

  /// Where a column of a row group lies in the file; nil where that makes no sense.
  package func range(_ rowGroup: Int, column: String) -> Range<Int>? {
    guard let column = schema.first(where: { $0.name == column }),
      let chunk = try? metadata.chunk(rowGroup, leaf: column.leaf), chunk.byteCount >= 0,
      0...file.byteCount ~= chunk.start, chunk.byteCount <= file.byteCount - chunk.start
    else { return nil }
    return chunk.start..<chunk.start + chunk.byteCount
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
    let rowCount = rowCount(rowGroup)
    // A row group of no rows may have no pages.
    guard rowCount > 0 else { return }
    let expected = content == .text ? [6] : [1, 2]
    guard let chunk = try? metadata.chunk(rowGroup, leaf: column.leaf), !chunk.isElsewhere,
      chunk.isEncrypted || expected.contains(chunk.type)
    else {
      throw ParquetError.malformed(
        path: file.path, byte: 0, what: "row group \(rowGroup) lacks the column “\(name)”")
    }
    if chunk.isEncrypted { throw ParquetError.encrypted(path: file.path) }
    let type = NumberType(byteCount: chunk.type == 1 ? 4 : 8, isUnsigned: column.isUnsigned)
    let pages = try ParquetPages(file, chunk, content == .text ? nil : type)
    var rows = ParquetRows(
      file.path, pages, column, type, rowGroup: rowGroup, rowCount: rowCount)
    switch content {
    case .text: try rows.readText(into: &sink)
    case .tokens: try rows.readTokens(into: &sink)
    }
  }
}
