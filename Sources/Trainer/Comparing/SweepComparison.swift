// The runs of a sweep beside one another. Comes in: what `evaluation.json` of each says. Leaves: the
// figures that runs are compared by, and the table on the terminal.

package import Shared

/// What is shown of a sweep.
package struct SweepComparison: Sendable, Equatable {
  /// One run.
  package struct Row: Sendable, Equatable {
    /// The values of the swept options.
    package let values: [String]
    package let folder: String
    /// Nil where the run failed or has not ended.
    package let figures: Figures?
    package let hasFailed: Bool

    package init(
      values: [String], folder: String, figures: Figures?, hasFailed: Bool? = nil
    ) {
      self.values = values
      self.folder = folder
      self.figures = figures?.meaningful
      self.hasFailed = hasFailed ?? (figures == nil)
    }

    /// What stands in the place of a report; nil where there is one.
    var absence: String? { figures != nil ? nil : hasFailed ? "failed" : "not yet" }
  }

  package let name: String
  /// The swept options.
  package let options: [String]
  package let models: [String]
  package let hooks: [String]
  package let rows: [Row]

  package init(
    name: String, options: [String], models: [String], hooks: [String], rows: [Row]
  ) {
    self.name = name
    self.options = options
    self.models = models
    self.hooks = hooks
    self.rows = rows
  }

  /// The figures by which runs are compared; those of a language model where it was at hand.
  package var figures: [Figure] {
    Figure.shown(.sweep).filter { figure in
      figure.sample != .tokens || rows.contains { $0.figures?[figure] != nil }
    }
  }

  /// The figures of a row as text, one for each of `figures`.
  func texts(_ row: Row) -> [String] { figures.map { row.figures?.text($0) ?? "–" } }

  /// The runs for people on a terminal.
  package var table: Table {
    var table = Table(
      title: "Sweep of \(name)",
      columns: options.map { .init($0, .right) } + figures.map { .init($0.words, .right) }
        + [.init("folder")])
    for row in rows {
      table.add(row.values + texts(row) + [row.absence ?? row.folder])
    }
    return table
  }
}
