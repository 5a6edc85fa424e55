// Which column of a data set is read, and as what. Comes in: the columns that its files have and
// the settings. Leaves: one column, chosen as SAELens chooses it.

package import Shared

/// A column of a data set as the readers find it; `content` is nil where it is neither.
package struct DataColumn: Sendable, Equatable {
  package let name: String
  package let content: ColumnContent?

  package init(name: String, content: ColumnContent?) {
    self.name = name
    self.content = content
  }
}

/// The column that is read.
package struct ColumnChoice: Sendable, Equatable {
  package let name: String
  package let content: ColumnContent

  package init(name: String, content: ColumnContent) {
    self.name = name
    self.content = content
  }

  /// The columns of token ids that SAELens looks for, in its order.
  private static let tokenColumns = ["tokens", "input_ids"]

  /// Chooses among the columns of a data set.
  ///
  /// `column_name` where it is there, else `tokens`, else `input_ids`. A choice that is not there
  /// is made as well: the reader names what it finds in its place.
  package init(_ columns: [DataColumn], _ settings: PretokenizeSettings) {
    func column(_ name: String) -> DataColumn? { columns.first { $0.name == name } }
    let named = column(settings.columnName)
    let tokens = ColumnChoice.tokenColumns.lazy.compactMap(column).first
    switch settings.isDatasetTokenized {
    case false?:
      self.init(name: settings.columnName, content: .text)
    case true?:
      let isNamed = named?.content == .tokens || tokens == nil
      self.init(name: isNamed ? settings.columnName : tokens?.name ?? "", content: .tokens)
    case nil:
      if let named {
        self.init(name: named.name, content: named.content ?? .text)
      } else if let tokens {
        self.init(name: tokens.name, content: .tokens)
      } else {
        self.init(name: settings.columnName, content: .text)
      }
    }
  }
}
