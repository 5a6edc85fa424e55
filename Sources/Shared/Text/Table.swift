// Plain-text tables for stderr. Comes in: a title, column headings and rows of text. Leaves:
// aligned lines.

/// A table with a title, aligned columns and no lines that a narrow terminal would break.
package struct Table: Sendable, Equatable {
  /// On which side the text of a column ends.
  package enum Alignment: Sendable {
    case left
    case right
  }

  package struct Column: Sendable, Equatable {
    package let heading: String
    package let alignment: Alignment

    package init(_ heading: String, _ alignment: Alignment = .left) {
      self.heading = heading
      self.alignment = alignment
    }
  }

  package let title: String
  package let columns: [Column]
  package private(set) var rows: [[String]] = []

  package init(title: String, columns: [Column]) {
    self.title = title
    self.columns = columns
  }

  /// Adds a row of one text per column.
  package mutating func add(_ cells: [String]) {
    precondition(cells.count == columns.count, "a row has one cell per column")
    rows.append(cells)
  }

  /// The lines without a final newline; headings are left out where all are empty.
  package func text(bold: (String) -> String = { $0 }) -> String {
    let headings = columns.map(\.heading)
    let hasHeadings = headings.contains { !$0.isEmpty }
    let widths = columns.indices.map { column in
      max(headings[column].count, rows.map { $0[column].count }.max() ?? 0)
    }
    var lines = title.isEmpty ? [] : [bold(title)]
    for row in (hasHeadings ? [headings] : []) + rows {
      let cells = columns.indices.map { column in
        Table.padded(row[column], to: widths[column], columns[column].alignment)
      }
      let line = "  " + cells.joined(separator: "  ")
      lines.append(String(line.reversed().drop { $0 == " " }.reversed()))
    }
    return lines.joined(separator: "\n")
  }

  /// Prints the table with an empty line above it.
  package func print(to terminal: Terminal = .standardError) {
    terminal.print("\n" + text(bold: terminal.bold))
  }

  private static func padded(_ text: String, to width: Int, _ alignment: Alignment) -> String {
    let space = String(repeating: " ", count: width - text.count)
    return alignment == .left ? text + space : space + text
  }
}
