// The charts of a report: figures over the steps, and how latents and tokens are distributed. Comes in: the curves
// and columns of a report. Leaves: descriptions that the page draws.

import Foundation
import Shared

extension Report {
  private static let steps = PageAxis("step", isWhole: true)

  /// The lines of a panel over the steps.
  func series(_ panel: ChartPanel) -> [(figure: Figure, series: ChartSeries)] {
    curves.compactMap { curve in
      guard let title = title(of: curve.figure, in: panel) else { return nil }
      return (curve.figure, ChartSeries(title, curve.points))
    }
  }

  /// What a figure is called in a panel; nil where it does not belong there.
  private func title(of figure: Figure, in panel: ChartPanel) -> String? {
    if let place = figure.place(.chart(panel)) { return place.title ?? figure.words }
    // A loss that another version declares is a loss nevertheless.
    let isOther = panel == .loss && figure.group == "losses" && !Report.isPlaced(figure)
    return isOther ? figure.key : nil
  }

  private static func isPlaced(_ figure: Figure) -> Bool {
    Figure.panels.contains { figure.place(.chart($0)) != nil }
  }

  var trainingSection: PageSection {
    PageSection(
      "Training", id: "training",
      note:
        "Over the steps of training. Drag over a chart to look closer, click twice for the whole.",
      blocks: [PageBlock.charts(Figure.panels.compactMap(chart))])
  }

  private func chart(_ panel: ChartPanel) -> PageChart? {
    let lines = series(panel)
    let unit = lines.first.map(\.figure.unit) ?? ""
    let growth: PageAxis.Growth =
      panel == .loss ? .logarithmic : panel.baseline == .floor ? .linear : .either
    let axis = PageAxis(
      unit.isEmpty ? Figure.words(panel.title) : unit, growth,
      includesZero: panel.baseline != .values, floor: panel.baseline == .floor ? 0 : nil)
    return PageChart.lines(
      panel.title, note: panel.note, x: Report.steps, y: axis, lines.map(\.series))
  }

  /// Figures that were logged and have no panel, each in a chart of its own.
  var curveSection: PageSection {
    let charts = curves.compactMap { curve -> PageChart? in
      let figure = curve.figure
      guard !Report.isPlaced(figure), figure.group != "losses" else { return nil }
      let axis = PageAxis(figure.unit.isEmpty ? figure.words : figure.unit, .either)
      return PageChart.lines(
        figure.title, note: figure.note.text([:]), x: Report.steps, y: axis,
        [ChartSeries(figure.words, curve.points)])
    }
    return PageSection(
      "More curves", id: "curves", note: "What else was logged.", blocks: [PageBlock.charts(charts)]
    )
  }
}

// MARK: - Distributions

extension Report {
  var distributionSection: PageSection {
    let charts = [
      densityChart,
      barChart(
        "Decoder norms", "of each latent's row of the decoder", "‖decoder row‖", numbers("norm")),
      l0Chart,
      barChart(
        "Encoder and decoder", "how far each latent writes what it reads",
        "cosine of encoder column and decoder row", numbers("cosine")),
    ]
    return PageSection(
      "Distributions", id: "distributions", blocks: [PageBlock.charts(charts.compactMap(\.self))])
  }

  private func numbers(_ key: String) -> [Double] {
    latents?[key]?.array?.compactMap(\.double) ?? []
  }

  private var densityChart: PageChart? {
    let densities = evaluation.densities
    let alive = densities.filter { $0 > 0 }.map { log10($0) }
    let bins = Bins.perUnit(alive, 8)
    return PageChart.bars(
      "Latent densities", note: "the share of tokens on which a latent is active",
      x: PageAxis("log₁₀ density"), unit: "latents", bins,
      aside: (
        name: "never", note: "never active in these rows", count: densities.count - alive.count
      ))
  }

  private var l0Chart: PageChart? {
    let (values, rows) = (counts("values"), counts("rows"))
    guard let last = values.max(), let first = values.min(), values.count == rows.count else {
      return nil
    }
    let size = max(1, (last - first + 60) / 60)
    var counts = [Int](repeating: 0, count: (last - first) / size + 1)
    for (value, count) in zip(values, rows) { counts[(value - first) / size] += count }
    return PageChart.bars(
      "L0 per token", note: "how many latents are active on a token",
      x: PageAxis("active latents", isWhole: true), unit: "tokens",
      (edges: (0...counts.count).map { Double(first + $0 * size) - 0.5 }, counts: counts))
  }

  /// Counts of a list of `l0`; none where one is no count, as in a damaged file.
  private func counts(_ key: String) -> [Int] {
    let counts = latents?["l0"]?[key]?.array?.compactMap(\.integer) ?? []
    return counts.allSatisfy((0...Report.countLimit).contains) ? counts : []
  }

  /// More rows than a run has; sums of millions of such counts stay within an Int.
  private static let countLimit = 1 << 40

  private func barChart(
    _ title: String, _ note: String, _ axis: String, _ values: [Double]
  ) -> PageChart? {
    guard !values.isEmpty else { return nil }
    return PageChart.bars(
      title, note: note, x: PageAxis(axis), unit: "latents", Bins.equal(values, count: 40))
  }
}

/// Counts of values in equal bins.
package enum Bins {
  /// Bins between whole numbers around the values, so many to the unit; none without values.
  package static func perUnit(_ values: [Double], _ size: Int) -> (edges: [Double], counts: [Int]) {
    let finite = values.filter(\.isFinite)
    guard let least = finite.min(), let most = finite.max() else { return ([], []) }
    let low = least.rounded(.down)
    return count(finite, from: low, to: max(most.rounded(.up), low + 1), size)
  }

  /// About `count` bins of a round width around the values.
  package static func equal(_ values: [Double], count: Int) -> (edges: [Double], counts: [Int]) {
    let finite = values.filter(\.isFinite)
    guard let least = finite.min(), let most = finite.max() else { return ([], []) }
    let ticks = Ticks(from: least, to: most, count: count)
    let width = ticks.values.count - 1
    return self.count(finite, from: ticks.lowest, to: ticks.highest, 0, bins: max(1, width))
  }

  private static func count(
    _ values: [Double], from low: Double, to high: Double, _ perUnit: Int, bins: Int? = nil
  ) -> (edges: [Double], counts: [Int]) {
    let bins = bins ?? Int(high - low) * perUnit
    let width = (high - low) / Double(bins)
    var counts = [Int](repeating: 0, count: bins)
    // Compared before it is made whole: a value beyond the bins need not fit into an Int.
    for value in values {
      counts[Int(max(0, min(Double(bins - 1), (value - low) / width)))] += 1
    }
    return ((0...bins).map { low + Double($0) * width }, counts)
  }
}
