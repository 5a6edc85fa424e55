// What is read of a data set. Comes in: settings and files. Leaves: the column, chosen once for
// all files.

package import Shared

/// What is read of the files of a data set, and how.
package struct ReadingRules: Sendable, Equatable {
  package let column: ColumnChoice
  package let textDocuments: TextDocuments
  /// How the files are read, where they do not tell it.
  package let options: DataOptions
  /// The longest line or document.
  package let documentByteCount: Int

  package init(
    column: ColumnChoice, textDocuments: TextDocuments, options: DataOptions = DataOptions(),
    documentByteCount: Int
  ) {
    self.column = column
    self.textDocuments = textDocuments
    self.options = options
    self.documentByteCount = documentByteCount
  }

  /// Settles what the settings leave to the files.
  package init(_ settings: PretokenizeSettings, _ text: DataSet) throws {
    let limit = settings.documentMegabytes << 20
    let columns =
      try text.files.first.map { try Documents.columns($0, text.options, limit: limit) } ?? []
    self.init(
      column: ColumnChoice(columns, settings),
      textDocuments: settings.textDocuments ?? text.options.textDocuments ?? .file,
      options: text.options, documentByteCount: limit)
  }
}
