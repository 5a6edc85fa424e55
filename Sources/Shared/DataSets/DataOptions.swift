// How the files of a data set are read, where that is not told by themselves. Comes in: names of files and what a
// card says. Leaves: values for the readers, and what of them determines the rows.

/// What is known of the files of a data set besides their contents.
package struct DataOptions: Sendable, Equatable {
  /// What becomes of the ends of a text file's lines.
  package enum LineEnds: String, Sendable {
    /// A line has none; in a whole file they stay as they are.
    case usual
    /// A line keeps its own, as a line feed.
    case kept
    /// In a whole file all are line feeds.
    case unified
  }

  /// The byte between the fields of a table; nil where names of files tell it.
  package var separator: UInt8?
  /// What is one document of a text file.
  package var textDocuments: TextDocuments?
  package var lineEnds = LineEnds.usual
  /// The field of a file of JSON that holds its records; nil where the file does.
  package var field: String?
  /// The columns of a Parquet file that count; nil where all do.
  package var columns: [String]?
  /// All but the separator of how a table is read.
  var form = TableForm()

  package init(separator: UInt8? = nil, textDocuments: TextDocuments? = nil) {
    self.separator = separator
    self.textDocuments = textDocuments
  }

  /// How a table is read.
  package var table: TableForm {
    var form = form
    form.separator = separator ?? form.separator
    return form
  }

  /// What of it determines which rows files of some kinds have, and what they say.
  func identities(_ kinds: Set<DataFile.Kind>) -> [String: String] {
    var identities: [String: String] = [:]
    if table.separator != TableForm().separator { identities["separator"] = "\(table.separator)" }
    let stated = form.stated
    if kinds.contains(.table), !stated.isEmpty {
      identities["table"] = JSON.object(stated).canonical
    }
    if kinds.contains(.text), lineEnds != .usual { identities["line_ends"] = lineEnds.rawValue }
    if !kinds.isDisjoint(with: [.jsonLines, .jsonObjects, .jsonArray]), let field {
      identities["field"] = field
    }
    if kinds.contains(.parquet), let columns {
      identities["columns"] = JSON.array(columns.map { .string($0) }).canonical
    }
    return identities
  }
}
