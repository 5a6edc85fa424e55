// What is read of a data set. Comes in: settings and files. Leaves: the column, chosen once for
// all files.

package import Shared

/// What is read of the files of a data set, and how.
package struct ReadingRules: Sendable, Equatable {
  package let column: ColumnChoice
  package let textDocuments: TextDocuments
  /// The byte between the fields of a table.
  package let separator: UInt8
  /// The longest line or document.
  package let documentByteCount: Int

  package init(
    column: ColumnChoice, textDocuments: TextDocuments, separator: UInt8 = UInt8(ascii: ","),
    documentByteCount: Int
  ) {
    self.column = column
    self.textDocuments = textDocuments
    self.separator = separator
    self.documentByteCount = documentByteCount
  }

  /// Settles what the settings leave to the files.
  package init(_ settings: PretokenizeSettings, _ text: DataSet) throws {
    let limit = settings.documentMegabytes << 20
    let separator = text.options.separator ?? UInt8(ascii: ",")
    let columns =
      try text.files.first.map {
        try Documents.columns($0, separator: separator, limit: limit)
      } ?? []
    self.init(
      column: ColumnChoice(columns, settings),
      textDocuments: settings.textDocuments ?? text.options.textDocuments ?? .file,
      separator: separator, documentByteCount: limit)
  }
}
