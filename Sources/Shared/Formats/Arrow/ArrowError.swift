// What can be wrong with an Arrow file, and the sentences for it.

/// Why an Arrow file is refused.
package enum ArrowError: Failure, Equatable {
  case notArrow(path: String)
  case cutShort(path: String, byte: Int)
  case malformed(path: String, byte: Int, what: String)
  case missingColumn(path: String, column: String, found: [String])
  case wrongType(path: String, column: String, type: String, needed: ArrowContent)
  case unsupported(path: String, what: String)
  case nullRow(path: String, column: String, row: Int)
  case notAToken(path: String, column: String, row: Int)
  case wrongShape(path: String, column: String, row: Int, count: Int, expected: Int)
  case explodes(path: String, byte: Int, limit: Int)

  package var sentence: String {
    switch self {
    case .notArrow(let path): "\(path) is no Arrow stream."
    case .cutShort(let path, let byte): "\(path) is cut short: it ends at byte \(byte)."
    case .malformed(let path, let byte, let what): "\(path) is damaged at byte \(byte): \(what)."
    case .missingColumn(let path, let column, let found):
      "\(path) has no column “\(column)”; it has "
        + (found.isEmpty ? "none" : found.map { "“\($0)”" }.joined(separator: ", ")) + "."
    case .wrongType(let path, let column, let type, let needed):
      "\(path): the column “\(column)” holds \(type) where \(needed.words) needed."
    case .unsupported(let path, let what): "\(path) has \(what), which is not supported."
    case .nullRow(let path, let column, let row):
      "\(path), row \(row): “\(column)” is null or holds a null."
    case .notAToken(let path, let column, let row):
      "\(path), row \(row): “\(column)” holds what is no token id."
    case .wrongShape(let path, let column, let row, let count, let expected):
      "\(path), row \(row): “\(column)” holds a list of \(count) where \(expected) are needed."
    case .explodes(let path, let byte, let limit):
      "\(path) is refused at byte \(byte): it grows to more than \(limit) times its size."
    }
  }

  package var hint: String? {
    switch self {
    case .notArrow, .cutShort, .malformed, .explodes: "Fetch or create the file again."
    case .missingColumn, .wrongType: "Set pretokenize.column_name to another column."
    case .unsupported: "Write it again with save_to_disk of Hugging Face's datasets."
    case .wrongShape: "All rows of the column must have the same shape."
    case .nullRow, .notAToken: "Repair or remove the row, or set pretokenize.skip_invalid."
    }
  }
}

/// What a column is wanted for, or can be read as.
package enum ArrowContent: Sendable {
  case text
  /// Lists of whole numbers.
  case tokens
  /// Lists of lists of floating-point numbers.
  case matrices

  fileprivate var words: String {
    switch self {
    case .text: "text is"
    case .tokens: "lists of token ids are"
    case .matrices: "lists of lists of floating-point numbers are"
    }
  }
}
