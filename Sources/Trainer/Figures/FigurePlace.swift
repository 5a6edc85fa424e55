// Where a figure is shown, and in which words if not in its own. Comes in: what a figure's declaration
// names. Leaves: the figures of a place in their order.

/// Lines that are drawn in one chart of the report.
package struct ChartPanel: Sendable {
  package enum Baseline: Sendable {
    /// The vertical axis covers the values.
    case values
    /// It also covers zero.
    case zero
    /// Values below zero are drawn at it.
    case floor
  }

  package let title: String
  package let note: String
  package let baseline: Baseline

  package init(_ title: String, _ note: String, _ baseline: Baseline) {
    self.title = title
    self.note = note
    self.baseline = baseline
  }
}

extension ChartPanel: Hashable {
  package static func == (first: ChartPanel, second: ChartPanel) -> Bool {
    first.title == second.title
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(title) }
}

/// One place of a figure.
package struct FigurePlace: Sendable {
  package enum Kind: Hashable, Sendable {
    /// The table at the end of a run.
    case table
    /// The top of the report.
    case card
    case chart(ChartPanel)
    /// The columns that compare the runs of a sweep.
    case sweep
    /// L0 against the figure, on the page about a sweep.
    case plot
    /// The details of a run's manifest.
    case manifest
    /// What `--json` prints.
    case result
  }

  package let kind: Kind
  /// The words, or the key in a file, where they are not the figure's own.
  package let title: String?
  package let note: FigureNote?
  /// Those without one follow in the order of declaration.
  let position: Int

  private init(_ kind: Kind, _ title: String?, _ note: FigureNote?, at position: Int) {
    self.kind = kind
    self.title = title
    self.note = note
    self.position = position
  }

  package static func table(note: FigureNote? = nil, at position: Int = .max) -> FigurePlace {
    FigurePlace(.table, nil, note, at: position)
  }

  package static func card(
    _ title: String? = nil, note: FigureNote? = nil, at position: Int = .max
  ) -> FigurePlace {
    FigurePlace(.card, title, note, at: position)
  }

  package static func chart(_ panel: ChartPanel, _ title: String? = nil) -> FigurePlace {
    FigurePlace(.chart(panel), title, nil, at: .max)
  }

  package static func sweep(at position: Int = .max) -> FigurePlace {
    FigurePlace(.sweep, nil, nil, at: position)
  }

  package static func plot(at position: Int = .max) -> FigurePlace {
    FigurePlace(.plot, nil, nil, at: position)
  }

  package static func manifest(_ key: String? = nil) -> FigurePlace {
    FigurePlace(.manifest, key, nil, at: .max)
  }

  package static func result(_ key: String? = nil) -> FigurePlace {
    FigurePlace(.result, key, nil, at: .max)
  }

  /// The place of a family's member.
  func numbered(_ number: Int) -> FigurePlace {
    FigurePlace(kind, title.map { $0 + " \(number)" }, note, at: position)
  }
}

extension Figure {
  package func place(_ kind: FigurePlace.Kind) -> FigurePlace? {
    places.first { $0.kind == kind }
  }

  /// The declared figures of a place, in its order.
  package static func shown(_ kind: FigurePlace.Kind) -> [Figure] {
    all.enumerated().compactMap { index, figure in
      figure.place(kind).map { (position: $0.position, index: index, figure: figure) }
    }.sorted { ($0.position, $0.index) < ($1.position, $1.index) }.map(\.figure)
  }

  /// The panels of the report's charts, in the order in which figures name them.
  package static var panels: [ChartPanel] {
    all.flatMap(\.places).reduce(into: []) { panels, place in
      if case .chart(let panel) = place.kind, !panels.contains(panel) { panels.append(panel) }
    }
  }
}
