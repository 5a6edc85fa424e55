// CSV and its kin. Comes in: a file. Leaves: the documents of one column, as pandas reads it for Hugging
// Face's `csv`: where nothing else is said, the first record names the columns.

package import Shared

/// What is wrong with a table.
package enum TableError: Failure, Equatable {
  case noHeader(path: String)
  case missingColumn(path: String, column: String, found: [String])
  case noTokens(path: String, column: String)
  case tooManyNames(path: String, count: Int, expected: Int)
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
    case .tooManyNames(let path, let count, let expected):
      "\(path): \(count) columns are named, and a record has \(expected) fields."
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
    case .tooManyNames: "Repair the names in the README.md beside the file."
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
  private let form: TableForm
  private let limit: Int

  package init(
    _ file: any ByteSource, _ compression: DataFile.Compression = .none,
    form: TableForm = TableForm(), limit: Int
  ) {
    self.file = file
    self.compression = compression
    self.form = form
    self.limit = limit
  }

  /// The names of the columns.
  package func columns() throws -> [String] {
    var records = records()
    return try header(&records).names
  }

  private func records() -> TableRecords {
    TableRecords(ByteStream(file, compression), form, limit: limit)
  }

  /// Reads what stands before the data: the names of the columns, and the fields that a record has at least.
  private func header(_ records: inout TableRecords) throws -> (names: [String], width: Int) {
    let number: Int
    switch (form.header, form.names) {
    case (.record(let given), _): number = given
    case (.told, nil): number = 0
    case (_, let names?): return (names, names.count)
    case (.none, nil):
      var ahead = self.records()
      let width = try ahead.skip()
      guard width > 0 else { throw TableError.noHeader(path: file.path) }
      return ((0..<width).map { String($0) }, width)
    }
    // A card may state any number.
    for _ in 0..<number {
      guard try records.skip() > 0 else { throw TableError.noHeader(path: file.path) }
    }
    guard let header = try records.next(keeping: nil) else {
      throw TableError.noHeader(path: file.path)
    }
    return (form.names ?? header.map { String(decoding: $0, as: UTF8.self) }, header.count)
  }

  /// Hands on the fields of a column from the first to the last record.
  package func read<Sink: DocumentSink>(
    column: String, as content: ColumnContent, into sink: inout Sink
  ) throws {
    var records = records()
    let (names, width) = try header(&records)
    guard let place = names.firstIndex(of: column) else {
      throw TableError.missingColumn(path: file.path, column: column, found: names)
    }
    guard content == .text else { throw TableError.noTokens(path: file.path, column: column) }
    var ahead = self.records()
    _ = try header(&ahead)
    let count = try ahead.skip()
    guard count > 0 else { return }
    let first = max(width, count)
    guard names.count <= first else {
      throw TableError.tooManyNames(path: file.path, count: names.count, expected: first)
    }
    // Where the first record has more fields than there are names, the first ones number the rows.
    let extra = first - names.count
    let missing = missing
    while let fields = try records.next(keeping: place + extra) {
      let where_ = "\(file.path), line \(records.line)"
      guard records.fieldCount <= first else {
        if form.skipsLongRecords { continue }
        let error = TableError.tooManyFields(
          place: where_, count: records.fieldCount, expected: first)
        try sink.invalid(error)
        continue
      }
      let text = fields.first ?? []
      if missing.contains(text) {
        try sink.invalid(TableError.missingValue(place: where_, column: column))
      } else {
        try sink.text(text.span)
      }
    }
  }

  /// What stands for a missing value.
  private var missing: Set<[UInt8]> {
    let further = Set(form.missingValues.map { Array($0.utf8) })
    return form.hasUsualMissingValues ? further.union(TableFile.missing) : further
  }

  /// What pandas takes for a missing value.
  private static let missing: Set<[UInt8]> = Set(
    [
      "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
      "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    ].map { Array($0.utf8) })
}
