// The page about several SAEs: trade-offs, a table, curves over one another, latents that they share, and the
// options that differ. Comes in: the runs, and pairs of them. Leaves: one file that links to the reports.

import Shared

/// All that the page shows.
package struct ComparisonPage: Sendable {
  package static let fileName = "compare.html"

  private let kind: String
  private let name: String
  private let facts: [String]
  let runs: [ComparedRun]
  /// Options that have a column of the table.
  let columns: [String]
  let pairs: [ComparedPair]
  private let remarks: [String]
  /// The folder that the page lies in, which links start from.
  private let folder: String

  package init(
    kind: String, name: String, facts: [String], runs: [ComparedRun], columns: [String],
    pairs: [ComparedPair] = [], remarks: [String] = [], in folder: String
  ) {
    self.kind = kind
    self.name = name
    self.facts = facts
    self.runs = runs
    self.columns = columns
    self.pairs = pairs
    self.remarks = remarks
    self.folder = folder
  }

  package var html: String { page.html }

  package var page: Page {
    Page(
      title: "\(name) · \(kind)", kind: kind, name: name, facts: facts,
      sections: [tradeSection, runSection, curveSection, latentSection, optionSection])
  }

  /// The address of a run's report, or of a place in it.
  func link(_ run: ComparedRun, to place: String = "") -> String? {
    run.report.map { RelativePath.address(of: $0, from: folder) + place }
  }

  func cell(_ run: ComparedRun, isBest: Bool = false) -> JSON {
    var members: [String: JSON] = [
      "value": .string(run.name), "text": .string(run.name), "best": .bool(isBest),
    ]
    members["link"] = link(run).map { .string($0) }
    return .object(members)
  }
}

// MARK: - Trade-offs

extension ComparisonPage {
  private var tradeSection: PageSection {
    PageSection(
      "Trade-offs", id: "trade-offs",
      note:
        "Fewer active latents are to the left. A line joins the runs that no other of its group "
        + "beats in both.",
      blocks: [PageBlock.charts(Figure.shown(.plot).compactMap(chart)), PageBlock.notes(remarks)])
  }

  /// L0 against a figure; runs of different hook points are no rivals.
  private func chart(_ figure: Figure) -> PageChart? {
    let hooks = runs.map { $0.options["hook_name"] ?? "" }
    let names = Set(hooks).sorted()
    let groups = names.map { hook -> (name: String, points: [PageChart.Point]) in
      let members = runs.indices.filter { hooks[$0] == hook }.compactMap { index in
        point(runs[index], figure)
      }
      let marks = ParetoFront.marks(members.map { ($0.x, $0.y) }, better: figure.better)
      return (
        names.count > 1 ? hook : "runs",
        zip(members, marks).map { point, isFront in
          PageChart.Point(
            point.run.name, x: point.x, y: point.y, link: link(point.run), isFront: isFront)
        }
      )
    }
    let side = figure.better == .lower ? "lower" : "upper"
    return PageChart.points(
      "\(figure.title) against \(Figure.finalL0.title)", note: "\(side) left is better",
      x: PageAxis(Figure.finalL0.title, .either), y: PageAxis(figure.words, floor: 0), groups)
  }

  private func point(
    _ run: ComparedRun, _ figure: Figure
  ) -> (run: ComparedRun, x: Double, y: Double)? {
    guard let x = run.figures?[.finalL0], let y = run.figures?[figure], x.isFinite, y.isFinite
    else { return nil }
    return (run, x, y)
  }
}

// MARK: - Runs

extension ComparisonPage {
  /// Figures that any run has; those that sweeps are compared by come first and are shown.
  private var figures: [(figure: Figure, isShown: Bool)] {
    let main = Figure.shown(.sweep)
    let rest = Figure.evaluation.filter { figure in !main.contains(figure) }
    return (main.map { ($0, true) } + rest.map { ($0, false) }).filter { figure, _ in
      runs.contains { $0.figures?[figure] != nil }
    }
  }

  private var runSection: PageSection {
    let figures = figures
    let hasAbsence = runs.contains { $0.absence != nil }
    let headings =
      [PageColumn("run")] + (hasAbsence ? [PageColumn("state")] : [])
      + columns.map { PageColumn($0) }
      + figures.map { figure, isShown in
        PageColumn(
          figure.title, figure.format.column, note: figure.note.text([:]), isHidden: !isShown,
          better: figure.better)
      }
    let best = figures.map { bestValue($0.figure) }
    let front = frontNames
    let rows = runs.map { run -> [JSON] in
      let values = zip(figures, best).map { entry, best -> JSON in
        let value = run.figures?[entry.figure]
        return [
          "value": entry.figure.json(value),
          "text": value.map { .string(entry.figure.text($0)) } ?? .string("–"),
          "best": .bool(value != nil && value == best),
        ]
      }
      return [cell(run, isBest: front.contains(run.folder))]
        + (hasAbsence ? [.string(run.absence ?? "finished")] : [])
        + columns.map { .string(run.options[$0] ?? "–") } + values
    }
    return PageSection(
      "Runs", id: "runs",
      note:
        "A name leads to the run's report; bold names are on the front of explained variance, bold "
        + "figures the best of their column.",
      blocks: [PageBlock.table(id: "run-table", headings, rows: rows, isLong: true)])
  }

  private func bestValue(_ figure: Figure) -> Double? {
    let values = runs.compactMap { $0.figures?[figure] }.filter(\.isFinite)
    guard values.count > 1 else { return nil }
    switch figure.better {
    case .higher: return values.max()
    case .lower: return values.min()
    case .neither: return nil
    }
  }

  /// The folders of the runs on the front of the first plot.
  private var frontNames: Set<String> {
    guard let figure = Figure.shown(.plot).first else { return [] }
    let points = runs.compactMap { point($0, figure) }
    let marks = ParetoFront.marks(points.map { ($0.x, $0.y) }, better: figure.better)
    return Set(zip(points, marks).filter(\.1).map(\.0.run.folder))
  }
}

extension Figure.Format {
  fileprivate var column: PageColumn.Kind {
    switch self {
    case .figure: .figure
    case .whole: .whole
    case .count: .count
    case .share: .share
    }
  }
}

// MARK: - Options

extension ComparisonPage {
  private var optionSection: PageSection {
    let rows = ComparedRun.differences(runs).map { option, values in
      [JSON.string(option)] + values.map { .string($0 ?? "–") }
    }
    return PageSection(
      "Options that differ", id: "options", note: "All others are the same, as far as files say.",
      blocks: [
        PageBlock.table(
          id: "option-table", [PageColumn("option")] + runs.map { PageColumn($0.name) },
          rows: rows, isLong: rows.count > 20)
      ])
  }
}
