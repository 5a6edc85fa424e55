// The rows of one column of one row group. Comes in: its pages. Leaves: documents, one by one; rows
// may go on from page to page.

import Shared

/// Reads the rows of one column of one row group.
struct ParquetRows {
  private let path: String
  private var pages: ParquetPages
  private let column: ParquetColumn
  private let type: NumberType
  private let rowGroup: Int
  private let rowCount: Int
  /// Rows that were begun.
  private var begun = 0
  // The batch that is read.
  private var repetitions = [UInt32](repeating: 0, count: ParquetBatch.size)
  private var definitions = [UInt32](repeating: 0, count: ParquetBatch.size)
  private var numbers: [Int64] = []
  private var list = TokenList()

  /// A row of more token ids than this is damage.
  private static let listLimit = 1 << 26

  init(
    _ path: String, _ pages: ParquetPages, _ column: ParquetColumn, _ type: NumberType,
    rowGroup: Int, rowCount: Int
  ) {
    self.path = path
    self.pages = pages
    self.column = column
    self.type = type
    self.rowGroup = rowGroup
    self.rowCount = rowCount
  }

  /// Reads all rows of a column of text.
  mutating func readText<Sink: DocumentSink>(into sink: inout Sink) throws {
    while let page = try pages.next() {
      do { try readText(page, into: &sink) } catch let problem as EncodingProblem {
        throw malformed(page, problem)
      }
    }
    try checkEnd()
  }

  /// Reads all rows of a column of lists.
  mutating func readTokens<Sink: DocumentSink>(into sink: inout Sink) throws {
    numbers = [Int64](repeating: 0, count: ParquetBatch.size)
    while let page = try pages.next() {
      do { try readTokens(page, into: &sink) } catch let problem as EncodingProblem {
        throw malformed(page, problem)
      }
    }
    try finishRow(into: &sink)
    try checkEnd()
  }

  private func malformed(_ page: ParquetPage, _ problem: EncodingProblem) -> ParquetError {
    .malformed(path: path, byte: page.offset, what: problem.what)
  }

  // MARK: - Text

  private mutating func readText<Sink: DocumentSink>(
    _ page: ParquetPage, into sink: inout Sink
  ) throws {
    var levels = try levels(page)
    let encoding = try encoding(page)
    var values = try ParquetStrings(
      page.values, from: levels.end, encoding, try pages.dictionary(for: encoding))
    let full = UInt32(column.levels.definition)
    var left = page.header.valueCount
    guard left <= rowCount - begun else { throw tooManyRows }
    while left > 0 {
      let count = min(left, ParquetBatch.size)
      try levels.definition.read(count, into: &definitions)
      try values.prepare(definitions.valueCount(count, full))
      var index = 0
      for row in 0..<count {
        begun += 1
        if definitions[row] == full {
          try values.next(index, into: &sink)
          index += 1
        } else {
          try sink.invalid(nullRow)
        }
      }
      left -= count
    }
  }

  // MARK: - Tokens

  /// The ids of the row that is read, which may go on in the next page.
  private struct TokenList {
    var ids: [UInt32] = []
    var isOpen = false
    var hasNull = false
    var hasOther = false
  }

  private mutating func readTokens<Sink: DocumentSink>(
    _ page: ParquetPage, into sink: inout Sink
  ) throws {
    var levels = try levels(page)
    let encoding = try encoding(page)
    var values = try ParquetNumbers(
      page.values, from: levels.end, encoding, try pages.dictionary(for: encoding), type)
    var left = page.header.valueCount
    while left > 0 {
      let count = min(left, ParquetBatch.size)
      try levels.repetition.read(count, into: &repetitions)
      try levels.definition.read(count, into: &definitions)
      let valueCount = definitions.valueCount(count, UInt32(column.levels.definition))
      try values.read(valueCount, into: &numbers)
      if valueCount == count, numbers.areTokens(count) {
        try appendWhole(count, into: &sink)
      } else {
        try appendEach(count, into: &sink)
      }
      left -= count
    }
  }

  /// Takes a batch in which every value is there and a token id: stretches of it at once.
  private mutating func appendWhole<Sink: DocumentSink>(
    _ count: Int, into sink: inout Sink
  ) throws {
    var start = 0
    while start < count {
      if repetitions[start] == 0 { try beginRow(into: &sink) }
      guard list.isOpen else { throw ParquetRows.noStart }
      var end = start + 1
      while end < count, repetitions[end] != 0 { end += 1 }
      guard list.ids.count + end - start <= ParquetRows.listLimit else { throw ParquetRows.tooLong }
      list.ids.append(tokens: numbers, start..<end)
      start = end
    }
  }

  private mutating func appendEach<Sink: DocumentSink>(
    _ count: Int, into sink: inout Sink
  ) throws {
    let (full, empty) = (UInt32(column.levels.definition), UInt32(column.levels.emptyList))
    var index = 0
    for place in 0..<count {
      if repetitions[place] == 0 { try beginRow(into: &sink) }
      guard list.isOpen else { throw ParquetRows.noStart }
      if definitions[place] == full {
        guard list.ids.count < ParquetRows.listLimit else { throw ParquetRows.tooLong }
        if let id = UInt32(exactly: numbers[index]) {
          list.ids.append(id)
        } else {
          list.hasOther = true
        }
        index += 1
      } else if definitions[place] != empty {
        list.hasNull = true
      }
    }
  }

  private mutating func beginRow<Sink: DocumentSink>(into sink: inout Sink) throws {
    try finishRow(into: &sink)
    guard begun < rowCount else { throw tooManyRows }
    begun += 1
    list.isOpen = true
  }

  private mutating func finishRow<Sink: DocumentSink>(into sink: inout Sink) throws {
    guard list.isOpen else { return }
    if list.hasNull {
      try sink.invalid(nullRow)
    } else if list.hasOther {
      try sink.invalid(
        ParquetError.notAToken(
          path: path, column: column.name, rowGroup: rowGroup, row: begun - 1))
    } else {
      try sink.tokens(list.ids.span)
    }
    list.ids.removeAll(keepingCapacity: true)
    (list.isOpen, list.hasNull, list.hasOther) = (false, false, false)
  }

  private static let noStart = EncodingProblem(what: "a list that goes on before it starts")
  private static let tooLong = EncodingProblem(what: "a list of more than \(listLimit) numbers")

  // MARK: - Pages

  private var nullRow: ParquetError {
    .nullRow(path: path, column: column.name, rowGroup: rowGroup, row: begun - 1)
  }

  private var tooManyRows: EncodingProblem {
    EncodingProblem(what: "more than \(rowCount) rows")
  }

  private func checkEnd() throws(ParquetError) {
    guard begun == rowCount else {
      throw .malformed(
        path: path, byte: 0, what: "row group \(rowGroup) has \(begun) of \(rowCount) rows")
    }
  }

  private func encoding(_ page: ParquetPage) throws -> ParquetEncoding {
    guard let encoding = ParquetEncoding(rawValue: page.header.encoding) else {
      throw ParquetError.unsupported(
        path: path, byte: page.offset, what: "values in the encoding \(page.header.encoding)")
    }
    return encoding
  }

  /// The levels of a page, and where its values start.
  private func levels(
    _ page: ParquetPage
  ) throws -> (repetition: HybridReader, definition: HybridReader, end: Int) {
    let header = page.header
    let widths = (
      repetition: ParquetRows.width(column.levels.repetition),
      definition: ParquetRows.width(column.levels.definition)
    )
    if header.type == 3 {
      let middle = header.repetitionByteCount
      let end = middle + header.definitionByteCount
      return (
        try HybridReader(page.levels, 0..<middle, width: widths.repetition),
        try HybridReader(page.levels, middle..<end, width: widths.definition), page.valuesStart
      )
    }
    var end = 0
    let encodings = header.levelEncodings
    let repetition = try version1(page, widths.repetition, encodings.repetition, &end)
    let definition = try version1(page, widths.definition, encodings.definition, &end)
    return (repetition, definition, end)
  }

  /// Reads levels that state their own size and steps behind them; zeros where no level is possible but 0.
  private func version1(
    _ page: ParquetPage, _ width: Int, _ encoding: Int, _ position: inout Int
  ) throws -> HybridReader {
    guard width > 0 else { return HybridReader() }
    guard encoding == ParquetEncoding.runs.rawValue else {
      throw ParquetError.unsupported(
        path: path, byte: page.offset, what: "levels in the encoding \(encoding)")
    }
    guard position <= page.levels.count - 4 else { throw EncodingProblem(what: "no levels") }
    let length = Int(page.levels.span.raw.paddedWord(at: position) & 0xFFFF_FFFF)
    let start = position + 4
    guard length <= page.levels.count - start else {
      throw EncodingProblem(what: "levels that are longer than their page")
    }
    position = start + length
    return try HybridReader(page.levels, start..<position, width: width)
  }

  /// The bits of levels up to `level`.
  private static func width(_ level: Int) -> Int { Int.bitWidth - level.leadingZeroBitCount }
}

extension [UInt32] {
  /// How many of the first levels are that of a value which is there.
  fileprivate func valueCount(_ count: Int, _ full: UInt32) -> Int {
    let span = span
    var result = 0
    for index in 0..<count { result += span[index] == full ? 1 : 0 }
    return result
  }

  /// Appends numbers that are known to be token ids.
  fileprivate mutating func append(tokens numbers: [Int64], _ range: Range<Int>) {
    append(contentsOf: numbers[range].lazy.map { UInt32(truncatingIfNeeded: $0) })
  }
}

extension [Int64] {
  /// Whether the first numbers all are token ids.
  fileprivate func areTokens(_ count: Int) -> Bool {
    let span = span
    var bits: Int64 = 0
    for index in 0..<count { bits |= span[index] }
    return UInt32(exactly: bits) != nil
  }
}
