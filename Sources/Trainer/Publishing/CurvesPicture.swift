// Curves of a run as a picture of its own, for a model card. Comes in: a report. Leaves: one SVG file that needs
// no style sheet and follows the reader's light or dark theme.

/// Explained variance and L0 over the steps of training.
struct CurvesPicture {
  private let panels: [(title: String, note: String, chart: Chart)]

  private static let panelsShown: [ChartPanel] = [.explainedVariance, .l0]
  private static let titleHeight = 30.0
  private static let gap = 20.0

  /// nil where the run logged neither.
  init?(_ report: Report) {
    panels = CurvesPicture.panelsShown.compactMap { panel in
      let lines = report.series(panel).map(\.series)
      let chart = Chart(
        lines, includesZero: panel.baseline == .zero,
        floor: panel.baseline == .floor ? 0 : -.infinity)
      return chart.series.isEmpty ? nil : (panel.title, panel.note, chart)
    }
    if panels.isEmpty { return nil }
  }

  var svg: String {
    let width =
      Double(panels.count) * Chart.width + Double(panels.count - 1) * CurvesPicture.gap
    let height = CurvesPicture.titleHeight + Chart.height
    let bodies = panels.enumerated().map { index, panel in
      let left = Double(index) * (Chart.width + CurvesPicture.gap)
      return """
        <text class="title" x="\(Int(left + 8))" y="20">\(HTML.escaped(panel.title))</text>
        <svg x="\(Int(left))" y="\(Int(CurvesPicture.titleHeight))" width="\(Int(Chart.width))" \
        height="\(Int(Chart.height))">\(panel.chart.svg(label: "\(panel.title) over steps"))</svg>
        """
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" \
      width="\(Int(width))" height="\(Int(height))">
      <style>\(CurvesPicture.style)</style>
      \(bodies.joined(separator: "\n"))
      </svg>

      """
  }

  private static let style = """
    :root{color:#1e68c4;--ink:#1d1f23;--soft:#666c75;--line:#d5d7da;--second:#c2571a}
    @media(prefers-color-scheme:dark){:root{color:#60a5fa;--ink:#e4e6e9;--soft:#9aa1ab;--line:#3d4248;--second:#f0955a}}
    text{font:12px system-ui,sans-serif}.title{font-size:15px;font-weight:600;fill:var(--ink)}
    .tick{fill:var(--soft)}.end{text-anchor:end}.middle{text-anchor:middle}.grid{stroke:var(--line)}
    .line{fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round}
    .line.s1{stroke:var(--second);stroke-dasharray:6 4}.dot{fill:transparent}
    """
}
