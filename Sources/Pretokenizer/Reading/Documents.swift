// The start of a file of any format. Comes in: a file. Leaves: its columns, as far as they can be
// told.

package import Shared

package enum Documents {
  /// The columns of a file, as far as its start tells them; none where they cannot be told.
  package static func columns(_ file: DataFile, limit: Int) throws -> [DataColumn] {
    let input = try InputFile(file.path)
    switch file.kind {
    case .text: return []
    case .parquet:
      return try ParquetFile(input).columns.map { DataColumn(name: $0.name, content: $0.content) }
    case .arrow:
      return try ArrowFile(input, limit: limit).columns.map {
        DataColumn(name: $0.name, content: $0.content)
      }
    case .jsonLines where try !isArray(file, input):
      var lines = LineReader(ByteStream(input, file.compression), limit: limit)
      try lines.skipMark()
      while let found = try lines.next({ JSONRecord.columns($0) }) {
        if !found.isEmpty { return found }
      }
      return []
    case .jsonLines, .jsonArray:
      var array = JSONArray(input, file.compression, column: "", limit: limit)
      return try array.firstColumns()
    }
  }

  /// Whether a compressed file of JSON is one array; of others the kind tells.
  static func isArray(_ file: DataFile, _ input: InputFile) throws -> Bool {
    guard file.compression != .none else { return false }
    var stream = ByteStream(input, file.compression)
    var start: [UInt8] = []
    while try stream.read(into: &start) {
      let text = start.starts(with: [0xEF, 0xBB, 0xBF]) ? start.dropFirst(3) : start[...]
      if let first = text.first(where: { $0 > 0x20 }) { return first == UInt8(ascii: "[") }
    }
    return false
  }
}
