// The page about a sweep: `sweep.html`, which compares its runs and links to their reports. Comes in: the
// comparison of the runs. Leaves: HTML.

import Shared

/// All that the page shows.
package struct SweepPage: Sendable {
  package static let fileName = "sweep.html"

  /// Whether the page shows the curves of the runs, which have to be read.
  package enum Extent: Sendable { case figures, curves }

  private let comparison: SweepComparison
  private let folder: String
  private let extent: Extent

  /// The page in `folder`, which stands beside those of the runs.
  package init(_ comparison: SweepComparison, in folder: String, _ extent: Extent = .curves) {
    self.comparison = comparison
    self.folder = folder
    self.extent = extent
  }

  package var html: String { page.html }

  package var page: Page {
    let count = comparison.rows.count
    return ComparisonPage(
      kind: "SAE sweep", name: comparison.name,
      facts: comparison.models + comparison.hooks
        + [count == 1 ? "1 run" : "\(count) runs"] + comparison.options,
      runs: comparison.rows.map(run), columns: comparison.options, in: folder
    ).page
  }

  private func run(_ row: SweepComparison.Row) -> ComparedRun {
    ComparedRun(
      name: row.values.joined(separator: " · "), folder: row.folder, figures: row.figures,
      absence: row.absence,
      options: Dictionary(zip(comparison.options, row.values)) { first, _ in first },
      curves: extent == .curves ? ComparedRun.curves(row.folder) : [],
      report: row.figures == nil ? nil : row.folder + "/" + Report.fileName)
  }
}
