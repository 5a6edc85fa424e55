// What can be wrong with a Parquet file, in words. Row groups and rows count from 0.

import Shared

/// Why a Parquet file is refused.
package enum ParquetError: Failure, Equatable {
  case notParquet(path: String)
  case encrypted(path: String)
  case cutShort(path: String, byte: Int)
  case malformed(path: String, byte: Int, what: String)
  case unsupported(path: String, byte: Int, what: String)
  case missingColumn(path: String, column: String, found: [String])
  case wrongType(path: String, column: String, type: String, content: ColumnContent)
  case nullRow(path: String, column: String, rowGroup: Int, row: Int)
  case notAToken(path: String, column: String, rowGroup: Int, row: Int)

  package var sentence: String {
    switch self {
    case .notParquet(let path): "\(path) is no Parquet file: it does not start and end with PAR1."
    case .encrypted(let path): "\(path) is encrypted, which is not supported."
    case .cutShort(let path, let byte):
      "\(path) is cut short: it ends at byte \(byte), before its column does."
    case .malformed(let path, let byte, let what): "\(path) is damaged at byte \(byte): \(what)."
    case .unsupported(let path, let byte, let what):
      "\(path) has, at byte \(byte), \(what), which is not supported."
    case .missingColumn(let path, let column, let found):
      "\(path) has no column “\(column)”; it has "
        + (found.isEmpty ? "none" : found.map { "“\($0)”" }.joined(separator: ", ")) + "."
    case .wrongType(let path, let column, let type, .text):
      "\(path): the column “\(column)” holds \(type) where text is needed."
    case .wrongType(let path, let column, let type, .tokens):
      "\(path): the column “\(column)” holds \(type) where lists of token ids are needed."
    case .nullRow(let path, let column, let rowGroup, let row):
      "\(path), row group \(rowGroup), row \(row): “\(column)” is null or holds a null."
    case .notAToken(let path, let column, let rowGroup, let row):
      "\(path), row group \(rowGroup), row \(row): “\(column)” holds what is no token id."
    }
  }

  package var hint: String? {
    switch self {
    case .notParquet, .cutShort, .malformed: "Fetch or create the file again."
    case .encrypted: "Decrypt it first."
    case .unsupported: "Write it again with pyarrow, compressed with Snappy, gzip or zstd."
    case .missingColumn, .wrongType: "Set pretokenize.column_name to another column."
    case .nullRow, .notAToken: "Repair or remove the row, or set pretokenize.skip_invalid."
    }
  }
}
