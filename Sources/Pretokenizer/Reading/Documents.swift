// The start of a file of any format. Comes in: a file. Leaves: its columns, as far as they can be
// told.

package import Shared

package enum Documents {
  /// The columns of a file, as far as its start tells them; none where they cannot be told.
  package static func columns(
    _ file: DataFile, _ options: DataOptions = DataOptions(), limit: Int
  ) throws -> [DataColumn] {
    let input = try file.open()
    switch file.kind {
    case .text: return []
    case .parquet:
      return try chosen(ParquetFile(input), options).map {
        DataColumn(name: $0.name, content: $0.content)
      }
    case .arrow:
      return try ArrowFile(input, limit: limit).columns.map {
        DataColumn(name: $0.name, content: $0.content)
      }
    case .table:
      let table = TableFile(input, file.compression, form: options.table, limit: limit)
      return try table.columns().map { DataColumn(name: $0, content: .text) }
    case .jsonLines, .jsonArray, .jsonObjects:
      if let field = options.field {
        return try JSONField(input, file.compression, name: field, limit: limit).columns()
      }
      return try jsonColumns(file, input, limit)
    }
  }

  /// The columns of a file that count: those that are listed, which must be there.
  static func chosen(
    _ file: ParquetFile, _ options: DataOptions
  ) throws -> [(name: String, content: ColumnContent?)] {
    guard let wanted = options.columns else { return file.columns }
    let names = file.columns.map(\.name)
    if let absent = wanted.first(where: { !names.contains($0) }) {
      throw ParquetError.missingColumn(path: file.path, column: absent, found: names)
    }
    return file.columns.filter { wanted.contains($0.name) }
  }

  private static func jsonColumns(
    _ file: DataFile, _ input: any ByteSource, _ limit: Int
  ) throws -> [DataColumn] {
    guard let layout = try layout(file, input) else {
      var lines = LineReader(ByteStream(input, file.compression), limit: limit)
      try lines.skipMark()
      while let found = try lines.next({ JSONRecord.columns($0) }) {
        if !found.isEmpty { return found }
      }
      return []
    }
    var values = JSONValues(input, file.compression, layout: layout, column: "", limit: limit)
    return try values.firstColumns()
  }

  /// How the values of a file of JSON lie in it; nil where each is within a line.
  ///
  /// A compressed file tells it only once it is unpacked.
  static func layout(_ file: DataFile, _ input: any ByteSource) throws -> JSONValues.Layout? {
    var kind = file.kind
    if file.compression != .none {
      var stream = ByteStream(input, file.compression)
      var start: [UInt8] = []
      while start.allSatisfy({ $0 <= 0x20 }) || start.count < 4096, try stream.read(into: &start) {}
      kind = DataFile.jsonKind(start)
    }
    switch kind {
    case .jsonArray: return .array
    case .jsonObjects: return .objects
    default: return nil
    }
  }
}
