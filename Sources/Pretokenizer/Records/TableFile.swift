// CSV and its kin. Comes in: a file. Leaves: the documents of one column, as pandas reads it for Hugging
// Face's `csv`: the first line that is not blank names the columns; fields may stand in quotes, which are
// doubled within, and then hold separators and line ends; lines that are blank are no records.

package import Shared

/// What is wrong with a table.
package enum TableError: Failure, Equatable {
  case noHeader(path: String)
  case missingColumn(path: String, column: String, found: [String])
  case noTokens(path: String, column: String)
  case tooManyFields(place: String, count: Int, expected: Int)
  case openQuote(place: String)
  case missingValue(place: String, column: String)

  package var sentence: String {
    switch self {
    case .noHeader(let path):
      "\(path) is empty: a table needs a line with the names of its columns."
    case .missingColumn(let path, let column, let found):
      "\(path): there is no column “\(column)”; there is "
        + found.map { "“\($0)”" }.joined(separator: ", ") + "."
    case .noTokens(let path, let column):
      "\(path): the column “\(column)” holds text where lists of token ids are needed."
    case .tooManyFields(let place, let count, let expected):
      "\(place): there are \(count) fields; the lines before have \(expected)."
    case .openQuote(let place): "\(place): the quote of a field that starts here has no end."
    case .missingValue(let place, let column):
      "\(place): “\(column)” is empty or a word for a missing value."
    }
  }

  package var hint: String? {
    switch self {
    case .noHeader: "Fetch or create the file again."
    case .missingColumn: "Set pretokenize.column_name to the column that holds the text."
    case .noTokens: "Give rows of ids as JSON Lines, Parquet or Arrow."
    case .tooManyFields, .openQuote: "Put the fields that hold separators or quotes into quotes."
    case .missingValue: "Repair or remove the record, or set pretokenize.skip_invalid."
    }
  }
}

/// A reader of a table.
package struct TableFile {
  private let file: any ByteSource
  private let compression: DataFile.Compression
  private let separator: UInt8
  private let limit: Int

  package init(
    _ file: any ByteSource, _ compression: DataFile.Compression = .none,
    separator: UInt8 = UInt8(ascii: ","), limit: Int
  ) {
    self.file = file
    self.compression = compression
    self.separator = separator
    self.limit = limit
  }

  /// The names of the columns.
  package func columns() throws -> [String] {
    var records = records()
    guard let header = try records.next(keeping: nil) else {
      throw TableError.noHeader(path: file.path)
    }
    return header.map { String(decoding: $0, as: UTF8.self) }
  }

  private func records() -> TableRecords {
    TableRecords(ByteStream(file, compression), separator: separator, limit: limit)
  }

  /// Hands on the fields of a column from the first to the last record.
  package func read<Sink: DocumentSink>(
    column: String, as content: ColumnContent, into sink: inout Sink
  ) throws {
    var records = records()
    guard let header = try records.next(keeping: nil) else {
      throw TableError.noHeader(path: file.path)
    }
    let names = header.map { String(decoding: $0, as: UTF8.self) }
    guard let place = names.firstIndex(of: column) else {
      throw TableError.missingColumn(path: file.path, column: column, found: names)
    }
    guard content == .text else { throw TableError.noTokens(path: file.path, column: column) }
    // Where the first record has more fields than there are names, the first ones number the rows.
    let (start, extra) = try records.offset(names.count)
    records = start
    while let fields = try records.next(keeping: place + extra) {
      let where_ = "\(file.path), line \(records.line)"
      guard records.fieldCount <= names.count + extra else {
        let error = TableError.tooManyFields(
          place: where_, count: records.fieldCount, expected: names.count + extra)
        try sink.invalid(error)
        continue
      }
      if let text = fields.first, !TableFile.missing.contains(text) {
        try sink.text(text.span)
      } else {
        try sink.invalid(TableError.missingValue(place: where_, column: column))
      }
    }
  }

  /// What pandas takes for a missing value.
  private static let missing: Set<[UInt8]> = Set(
    [
      "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
      "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    ].map { Array($0.utf8) })
}

/// The records of a table, one after the other, in memory of one record's size.
struct TableRecords {
  private var stream: ByteStream
  private let separator: UInt8
  private let limit: Int
  private var buffer: [UInt8] = []
  private var index = 0
  /// Line ends before `index`.
  private var lineEnds = 0
  private var isAfterReturn = false
  private var isAtStart = true
  /// The line in which the last record begins, from 1.
  private(set) var line = 0
  /// The fields of the last record.
  private(set) var fieldCount = 0

  init(_ stream: ByteStream, separator: UInt8, limit: Int) {
    self.stream = stream
    self.separator = separator
    self.limit = limit
  }

  /// These records, and by how many fields the first exceeds `count`.
  func offset(_ count: Int) throws -> (TableRecords, Int) {
    var ahead = self
    _ = try ahead.next(keeping: 0)
    return (self, max(0, ahead.fieldCount - count))
  }

  /// The next byte; nil at the end.
  private mutating func peek() throws -> UInt8? {
    if index < buffer.count { return buffer[index] }
    buffer.removeAll(keepingCapacity: true)
    index = 0
    if isAtStart {
      isAtStart = false
      while buffer.count < 3, try stream.read(into: &buffer) {}
      if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
      return index < buffer.count ? buffer[index] : nil
    }
    return try stream.read(into: &buffer) ? buffer[0] : nil
  }

  /// Passes over a byte and counts the line that it may end.
  private mutating func advance(_ byte: UInt8) {
    index += 1
    if byte == 0x0D || (byte == 0x0A && !isAfterReturn) { lineEnds += 1 }
    isAfterReturn = byte == 0x0D
  }

  /// The fields of the next record, or the one field `wanted` where the record has it; nil at the end.
  mutating func next(keeping wanted: Int?) throws -> [[UInt8]]? {
    guard let first = try skipBlankLines() else { return nil }
    line = lineEnds + 1
    fieldCount = 0
    var fields: [[UInt8]] = []
    // Blanks that a line begins with belong to its first field.
    var field = first
    var byteCount = field.count
    while true {
      let isKept = wanted == nil || wanted == fieldCount
      let end = try readField(&field, isKept: isKept, &byteCount)
      if isKept { fields.append(field) }
      fieldCount += 1
      field.removeAll(keepingCapacity: true)
      if end != separator { return fields }
    }
  }

  /// Passes over lines with nothing or only blanks; returns the blanks before what follows, nil at the end.
  private mutating func skipBlankLines() throws -> [UInt8]? {
    var blanks: [UInt8] = []
    while let byte = try peek() {
      switch byte {
      case 0x0A, 0x0D:
        blanks.removeAll()
        advance(byte)
      case 0x20, 0x09:
        if byte == separator { return blanks }
        guard blanks.count < limit else { throw tooLong() }
        blanks.append(byte)
        advance(byte)
      default: return blanks
      }
    }
    return nil
  }

  private func tooLong() -> DocumentTooLong {
    DocumentTooLong(path: stream.path, byte: 0, limit: limit)
  }

  /// Reads a field and what ends it, which is passed over; 0 at the end of the file.
  private mutating func readField(
    _ field: inout [UInt8], isKept: Bool, _ byteCount: inout Int
  ) throws -> UInt8 {
    let start = lineEnds + 1
    var isQuoted = false
    if field.isEmpty, try peek() == UInt8(ascii: "\"") {
      advance(UInt8(ascii: "\""))
      isQuoted = true
    }
    while let byte = try peek() {
      advance(byte)
      if isQuoted, byte == UInt8(ascii: "\"") {
        // Doubled it stands for itself; alone it ends the quoted part of the field.
        guard try peek() == byte else {
          isQuoted = false
          continue
        }
        advance(byte)
      } else if !isQuoted, byte == separator || byte == 0x0A || byte == 0x0D {
        if byte == 0x0D, try peek() == 0x0A { advance(0x0A) }
        return byte == separator ? separator : 0x0A
      }
      byteCount += 1
      guard byteCount <= limit else { throw tooLong() }
      if isKept { field.append(byte) }
    }
    if isQuoted { throw TableError.openQuote(place: "\(stream.path), line \(start)") }
    return 0
  }
}
