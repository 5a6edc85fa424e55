// Rows of token ids as a Parquet file, laid out as Hugging Face's datasets does it. Comes in: rows of
// one length. Leaves: one column `input_ids`, lists of int32, in pages compressed with zstd.

import Shared

/// Writes one Parquet file, page by page.
struct ParquetWriter: ~Copyable {
  private var file: AtomicFile
  private let contextSize: Int
  private var offset = 0
  private var groups: [Group] = []
  private var rowCount = 0

  fileprivate static let column = "input_ids"
  private static let magic = Array("PAR1".utf8)
  /// Rows of a page fill about a mebibyte, pages of a row group 64.
  private static let (pageByteCount, groupByteCount) = (1 << 20, 1 << 26)

  /// A finished row group.
  fileprivate struct Group {
    let start: Int
    var rowCount = 0
    /// Bytes of its pages in the file, headers included, and before compression.
    var byteCount = 0
    var plainByteCount = 0
  }

  /// The numbers of parquet.thrift.
  fileprivate enum Number {
    static let int32 = 1
    static let (required, optional, repeated) = (0, 1, 2)
    static let list = 3
    static let (plain, runs) = (0, 3)
    static let zstd = 6
  }

  private init(_ file: consuming AtomicFile, contextSize: Int) {
    self.file = file
    self.contextSize = contextSize
  }

  /// Starts a file of rows of `contextSize` ids.
  static func create(_ path: String, contextSize: Int) throws -> ParquetWriter {
    var writer = ParquetWriter(try AtomicFile.create(path), contextSize: contextSize)
    try writer.write(ParquetWriter.magic)
    return writer
  }

  private mutating func write(_ bytes: [UInt8]) throws {
    try file.write(bytes.span.raw)
    offset += bytes.count
  }

  /// Appends rows `[n, contextSize]`; ids must be below 2³¹.
  mutating func append(_ tokens: Span<UInt32>) throws {
    precondition(tokens.count % contextSize == 0, "tokens do not fill rows")
    let rowByteCount = 4 * contextSize
    let rowsPerPage = max(1, ParquetWriter.pageByteCount / rowByteCount)
    let rows = tokens.count / contextSize
    for start in stride(from: 0, to: rows, by: rowsPerPage) {
      let end = min(start + rowsPerPage, rows)
      if (groups.last?.plainByteCount ?? .max) >= ParquetWriter.groupByteCount {
        groups.append(Group(start: offset))
      }
      try writePage(tokens.extracting(start * contextSize..<end * contextSize))
    }
  }

  private mutating func writePage(_ tokens: Span<UInt32>) throws {
    var page: [UInt8] = []
    page.reserveCapacity(4 * tokens.count + 4096)
    ParquetWriter.append(repetitions(rows: tokens.count / contextSize), to: &page)
    ParquetWriter.append(ParquetWriter.run(of: 3, count: tokens.count), to: &page)
    for index in tokens.indices {
      let value = tokens[index]
      precondition(value < 1 << 31, "ids of int32")
      for shift in stride(from: UInt32(0), to: 32, by: 8) {
        page.append(UInt8(truncatingIfNeeded: value >> shift))
      }
    }
    let compressed = Zstandard.compress(page.span.raw)
    var header = ThriftWriter()
    header.int(1, 0)
    header.int(2, page.count)
    header.int(3, compressed.count)
    header.structure(5) {
      $0.int(1, tokens.count)
      $0.int(2, Number.plain)
      $0.int(3, Number.runs)
      $0.int(4, Number.runs)
    }
    header.end()
    try write(header.bytes)
    try write(compressed)
    let rows = tokens.count / contextSize
    groups[groups.count - 1].rowCount += rows
    groups[groups.count - 1].byteCount += header.bytes.count + compressed.count
    groups[groups.count - 1].plainByteCount += header.bytes.count + page.count
    rowCount += rows
  }

  /// Appends levels with their length before them.
  private static func append(_ levels: [UInt8], to page: inout [UInt8]) {
    for shift in stride(from: 0, to: 32, by: 8) {
      page.append(UInt8(truncatingIfNeeded: levels.count >> shift))
    }
    page += levels
  }

  /// A run of one level: its length doubled, then the level.
  private static func run(of level: UInt8, count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = count << 1
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest), level]
  }

  /// Each row starts a list, and its other ids go on with it.
  private func repetitions(rows: Int) -> [UInt8] {
    let row =
      ParquetWriter.run(of: 0, count: 1) + ParquetWriter.run(of: 1, count: contextSize - 1)
    return [UInt8](repeatElement(row, count: rows).joined())
  }

  /// Writes the footer and publishes the file.
  consuming func finish() throws {
    var footer = ThriftWriter()
    footer.int(1, 2)
    footer.list(2, .structure, count: 4, ParquetWriter.writeSchema)
    footer.long(3, rowCount)
    let (groups, contextSize) = (groups, contextSize)
    footer.list(4, .structure, count: groups.count) { list in
      for group in groups { list.element { group.write(to: &$0, contextSize: contextSize) } }
    }
    footer.text(6, "saeline version \(Product.version)")
    footer.end()
    var tail: [UInt8] = []
    for shift in stride(from: 0, to: 32, by: 8) {
      tail.append(UInt8(truncatingIfNeeded: footer.bytes.count >> shift))
    }
    try write(footer.bytes + tail + ParquetWriter.magic)
    try file.publishReplacing()
  }

  /// A column of lists: the root, the column, its list and the list's elements.
  private static func writeSchema(_ list: inout ThriftWriter) {
    list.element {
      $0.int(3, Number.required)
      $0.text(4, "schema")
      $0.int(5, 1)
    }
    list.element {
      $0.int(3, Number.optional)
      $0.text(4, column)
      $0.int(5, 1)
      $0.int(6, Number.list)
      $0.structure(10) { $0.structure(3) { _ in } }
    }
    list.element {
      $0.int(3, Number.repeated)
      $0.text(4, "list")
      $0.int(5, 1)
    }
    list.element {
      $0.int(1, Number.int32)
      $0.int(3, Number.optional)
      $0.text(4, "element")
    }
  }
}

extension ParquetWriter.Group {
  fileprivate func write(to writer: inout ThriftWriter, contextSize: Int) {
    writer.list(1, .structure, count: 1) { list in
      list.element { chunk in
        chunk.long(2, start)
        chunk.structure(3) { writeColumn(to: &$0, contextSize: contextSize) }
      }
    }
    writer.long(2, plainByteCount)
    writer.long(3, rowCount)
  }

  private func writeColumn(to writer: inout ThriftWriter, contextSize: Int) {
    writer.int(1, ParquetWriter.Number.int32)
    writer.list(2, .int, count: 2) {
      $0.element(ParquetWriter.Number.plain)
      $0.element(ParquetWriter.Number.runs)
    }
    writer.list(3, .binary, count: 3) {
      for part in [ParquetWriter.column, "list", "element"] { $0.element(part) }
    }
    writer.int(4, ParquetWriter.Number.zstd)
    writer.long(5, rowCount * contextSize)
    writer.long(6, plainByteCount)
    writer.long(7, byteCount)
    writer.long(9, start)
  }
}
