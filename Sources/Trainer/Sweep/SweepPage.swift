// The page about a sweep: `sweep.html`, one file that needs nothing else, and that links to the
// reports of the runs beside it. Comes in: the comparison of the runs. Leaves: HTML.

import Shared

/// All that the page shows.
package struct SweepPage: Sendable {
  package static let fileName = "sweep.html"

  private let comparison: SweepComparison

  package init(_ comparison: SweepComparison) {
    self.comparison = comparison
  }

  package var html: String {
    HTML.page(
      title: "\(comparison.name) · SAE sweep",
      body: [header, "<section>" + plots.joined(separator: "\n") + "</section>", table])
  }

  private var header: String {
    let count = comparison.rows.count
    return HTML.header(
      kind: "Sweep of sparse autoencoders", name: comparison.name,
      facts: comparison.models + comparison.hooks
        + [count == 1 ? "1 run" : "\(count) runs"] + comparison.options)
  }

  private var plots: [String] { Figure.shown(.plot).map(plot).filter { !$0.isEmpty } }

  /// L0 against a figure; empty where no run has it.
  private func plot(_ figure: Figure) -> String {
    let chart = chart(figure)
    guard !chart.points.isEmpty else { return "" }
    let (x, title) = (Figure.finalL0.title, "\(figure.title) against \(Figure.finalL0.title)")
    let labels = comparison.options.joined(separator: " · ")
    let side = figure.better == .lower ? "lower" : "upper"
    let floor = chart.hasValuesBelowFloor ? "; values below 0 are drawn at 0" : ""
    return HTML.figure(
      title, "\(side) left is better; points are \(labels)\(floor)",
      "<div class=\"plot\">" + chart.svg(label: title, x: x, y: figure.words) + "</div>"
        + "<p class=\"note\">The line joins the runs that no other run beats in both.</p>")
  }

  private func chart(_ figure: Figure) -> ParetoChart {
    let points = comparison.rows.compactMap { row -> ParetoChart.Point? in
      guard let x = row.figures?[.finalL0], let y = row.figures?[figure] else { return nil }
      return ParetoChart.Point(name: row.values.joined(separator: " · "), x: x, y: y)
    }
    return ParetoChart(points, better: figure.better)
  }

  private var table: String {
    let front = Set(chart(.finalExplainedVariance).front.map(\.name))
    let rows = comparison.rows.map { row in
      let name = row.values.joined(separator: " · ")
      let values = row.values.map { value in
        let text = HTML.escaped(value)
        return "<th>\(front.contains(name) ? "<span class=\"label\">\(text)</span>" : text)</th>"
      }
      let figures = comparison.texts(row).map { "<td class=\"n\">\(HTML.escaped($0))</td>" }
      return "<tr>" + (values + figures).joined() + "<td>\(SweepPage.link(row))</td></tr>"
    }
    let headings =
      comparison.options.map { "<th>\(HTML.escaped($0))</th>" }
      + comparison.figures.map { "<th class=\"n\">\(HTML.escaped($0.words))</th>" } + [
        "<th>report</th>"
      ]
    return "<section><h2>Runs</h2><div class=\"scroll\"><table><thead><tr>" + headings.joined()
      + "</tr></thead><tbody>" + rows.joined() + "</tbody></table></div></section>"
  }

  /// Relative, so that the store can be moved.
  private static func link(_ row: SweepComparison.Row) -> String {
    let folder = row.folder.split(separator: "/").last.map(String.init) ?? row.folder
    if let absence = row.absence { return absence }
    let name = HTML.escaped(folder)
    return "<a href=\"../\(name)/\(Report.fileName)\">\(name)</a>"
  }
}
