// The curves and the shared latents of compared runs. Comes in: the runs and pairs of a page. Leaves: sections.

import Shared

extension ComparisonPage {
  var curveSection: PageSection {
    PageSection(
      "Curves", id: "curves",
      note: "Over the steps of training. A click on a name in a legend hides its line.",
      blocks: [PageBlock.charts(curveFigures.compactMap(chart))])
  }

  /// One figure of every panel of the report, and the loss that all architectures have.
  private var curveFigures: [Figure] {
    let known = Set(runs.flatMap(\.curves).map(\.figure))
    var figures: [Figure] = []
    for panel in Figure.panels {
      let ofPanel = Figure.all.filter { $0.place(.chart(panel)) != nil && known.contains($0) }
      figures += ofPanel.prefix(1)
      if ofPanel.dropFirst().contains(.mse) { figures.append(.mse) }
    }
    return figures
  }

  private func chart(_ figure: Figure) -> PageChart? {
    let series = runs.compactMap { run -> ChartSeries? in
      let points = run.curves.first { $0.figure == figure }?.points
      return points.map { ChartSeries(run.name, $0) }
    }
    let isLoss = figure.group == "losses"
    // A single line has no legend.
    let whose = series.count == 1 && runs.count > 1 ? ", of \(series[0].name) alone" : ""
    let isShare = figure == .explainedVariance
    return PageChart.lines(
      figure.title, note: figure.note.text([:]) + whose, x: PageAxis("step", isWhole: true),
      y: PageAxis(
        figure.unit.isEmpty ? figure.words : figure.unit,
        isLoss ? .logarithmic : isShare ? .linear : .either, includesZero: !isLoss,
        floor: isShare ? 0 : nil), series)
  }
}

// MARK: - Latents

extension ComparisonPage {
  /// Latents of the first run that have a row of their own, at most.
  private static let rowLimit = 5000
  /// Pairs whose histograms are shown.
  private static let histogramLimit = 6

  var latentSection: PageSection {
    let charts = pairs.prefix(ComparisonPage.histogramLimit).flatMap(\.directions).compactMap {
      own, other, matching in
      PageChart.bars(
        "\(runs[own].name) in \(runs[other].name)",
        note: "how alike the most similar latent of the other is",
        x: PageAxis("highest cosine of decoder directions"), unit: "latents",
        Bins.equal(matching.matches.map { Double($0.cosine) }, count: 40))
    }
    return PageSection(
      "Shared latents", id: "latents",
      note: "The highest cosine of each latent's decoder direction with those of the other SAE; of "
        + "latents that were active on evaluated rows, where that is known.",
      blocks: [pairTable, PageBlock.charts(charts), matchTable])
  }

  private var pairTable: JSON? {
    let rows = pairs.flatMap(\.directions).map { own, other, matching -> [JSON] in
      func number(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
      return [
        cell(runs[own]), cell(runs[other]), .integer(matching.matches.count),
        number(matching.meanCosine),
      ] + ComparedPair.thresholds.map { number(matching.share(above: $0)) }
    }
    return PageBlock.table(
      id: "pair-table",
      [
        PageColumn("latents of"), PageColumn("found in"), PageColumn("latents", .whole),
        PageColumn("mean cosine", .figure),
      ]
        + ComparedPair.thresholds.map {
          PageColumn("above \($0)", .share, hasBar: true, better: .higher)
        }, rows: rows)
  }

  /// The matches of two runs, latent by latent.
  private var matchTable: JSON? {
    guard runs.count == 2, let pair = pairs.first else { return nil }
    let (own, other) = (runs[pair.first], runs[pair.second])
    func latent(_ number: Int, of run: ComparedRun) -> JSON {
      var members: [String: JSON] = [
        "value": .integer(number), "text": .string("#\(number)"),
      ]
      members["link"] = link(run, to: "#latent-\(number)").map { .string($0) }
      return .object(members)
    }
    let rows = pair.ofFirst.matches.prefix(ComparisonPage.rowLimit).map { match -> [JSON] in
      [
        latent(match.latent, of: own), latent(match.other, of: other),
        .number((Double(match.cosine) * 1e4).rounded() / 1e4),
      ]
    }
    return PageBlock.table(
      id: "match-table",
      [
        PageColumn("latent of \(own.name)", .whole, better: .lower),
        PageColumn("most alike in \(other.name)", .whole, better: .lower),
        PageColumn("cosine", .figure, better: .higher),
      ], rows: Array(rows), isLong: true, sortedBy: (2, true))
  }
}
