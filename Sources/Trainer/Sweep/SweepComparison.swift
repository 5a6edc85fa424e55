// The runs of a sweep beside one another. Comes in: what `evaluation.json` of each says. Leaves: the
// figures that runs are compared by, and the table on the terminal.

package import Shared

/// The figures by which runs are compared.
package struct SweepFigures: Sendable, Equatable {
  package let l0: Double
  package let explainedVariance: Double
  /// How much of the model's loss the SAE keeps, where that was measured.
  package let lossRecovered: Double?
  package let mse: Double
  package let deadLatents: Int

  package init(
    l0: Double, explainedVariance: Double, lossRecovered: Double? = nil, mse: Double,
    deadLatents: Int
  ) {
    self.l0 = l0
    self.explainedVariance = explainedVariance
    self.lossRecovered = lossRecovered
    self.mse = mse
    self.deadLatents = deadLatents
  }

  /// Reads them from the folder of a run.
  package static func read(run folder: String) throws -> SweepFigures {
    let evaluation = try Evaluation.read(run: folder)
    return SweepFigures(
      l0: evaluation.figures.l0, explainedVariance: evaluation.figures.explainedVariance,
      lossRecovered: evaluation.loss?.score,
      mse: evaluation.figures.mse, deadLatents: evaluation.deadInTraining)
  }
}

/// What is shown of a sweep.
package struct SweepComparison: Sendable, Equatable {
  /// One run.
  package struct Row: Sendable, Equatable {
    /// The values of the swept options.
    package let values: [String]
    package let folder: String
    /// Nil where the run failed or has not ended.
    package let figures: SweepFigures?
    package let hasFailed: Bool

    package init(
      values: [String], folder: String, figures: SweepFigures?, hasFailed: Bool? = nil
    ) {
      self.values = values
      self.folder = folder
      self.figures = figures
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

  var hasLossRecovered: Bool { rows.contains { $0.figures?.lossRecovered != nil } }

  /// The headings of the figures.
  var figureNames: [String] {
    ["L0", "explained variance"] + (hasLossRecovered ? ["loss recovered"] : [])
      + ["MSE", "dead latents"]
  }

  /// The figures of a row as text, one for each of `figureNames`.
  func figureTexts(_ row: Row) -> [String] {
    guard let figures = row.figures else { return figureNames.map { _ in "–" } }
    let recovered = figures.lossRecovered.map { Readable.figure($0) } ?? "–"
    return [Readable.figure(figures.l0), Readable.figure(figures.explainedVariance)]
      + (hasLossRecovered ? [recovered] : [])
      + [Readable.figure(figures.mse), "\(figures.deadLatents)"]
  }

  /// The runs for people on a terminal.
  package var table: Table {
    var table = Table(
      title: "Sweep of \(name)",
      columns: options.map { .init($0, .right) } + figureNames.map { .init($0, .right) }
        + [.init("folder")])
    for row in rows {
      table.add(row.values + figureTexts(row) + [row.absence ?? row.folder])
    }
    return table
  }
}
