// Points of which some are beaten by others: L0 against a figure of quality, as inline SVG. Comes in:
// named points. Leaves: one `<svg>` in which a line joins those that nothing beats.

import Shared

/// A chart of points where lower x is better, and y as the figure says.
package struct ParetoChart: Sendable {
  package struct Point: Sendable, Equatable {
    package let name: String
    package let x: Double
    package let y: Double

    package init(name: String, x: Double, y: Double) {
      self.name = name
      self.x = x
      self.y = y
    }
  }

  private static let width = 1000.0
  private static let height = 420.0
  /// Where values below it are drawn at, so that one bad run does not flatten the others.
  private static let floor = 0.0
  /// About how wide a letter of a label is, and how high a line.
  private static let letterWidth = 6.8
  private static let lineHeight = 13.0

  /// The points that can be drawn.
  package let points: [Point]
  /// Those that no other beats in both, from left to right.
  package let front: [Point]
  private let xTicks: Ticks
  private let yTicks: Ticks
  private let better: Figure.Better

  package init(_ points: [Point], better: Figure.Better = .higher) {
    let points = points.filter { $0.x.isFinite && $0.y.isFinite }
    self.points = points
    self.better = better
    front = ParetoChart.front(points, sign: better == .lower ? -1 : 1)
    let xs = points.map(\.x)
    let ys = points.map { max($0.y, ParetoChart.floor) }
    xTicks = Ticks(from: xs.min() ?? 0, to: xs.max() ?? 1, count: 8)
    yTicks = Ticks(from: ys.min() ?? 0, to: ys.max() ?? 1, count: 6)
  }

  var hasValuesBelowFloor: Bool { points.contains { $0.y < ParetoChart.floor } }

  private static func front(_ points: [Point], sign: Double) -> [Point] {
    var result: [Point] = []
    for point in points.sorted(by: { ($0.x, -sign * $0.y) < ($1.x, -sign * $1.y) }) {
      guard let last = result.last else {
        result.append(point)
        continue
      }
      let isBetter = sign * point.y > sign * last.y
      if isBetter || (point.x == last.x && point.y == last.y) { result.append(point) }
    }
    return result
  }

  private func x(_ value: Double) -> Double {
    Chart.left + (value - xTicks.lowest) / (xTicks.highest - xTicks.lowest)
      * (ParetoChart.width - Chart.left - Chart.right)
  }

  private func y(_ value: Double) -> Double {
    ParetoChart.height - Chart.bottom - (max(value, ParetoChart.floor) - yTicks.lowest)
      / (yTicks.highest - yTicks.lowest) * (ParetoChart.height - Chart.top - Chart.bottom)
  }
}

extension ParetoChart {
  /// The whole chart; `label` is read out by screen readers, `x` and `y` name the axes.
  package func svg(label: String, x xName: String, y yName: String) -> String {
    Chart.frame(
      label: label, width: ParetoChart.width, height: ParetoChart.height,
      body: [axes, line] + marks + points.map { circle($0, xName, yName) })
  }

  private var axes: String {
    let end = Chart.coordinate(ParetoChart.width - Chart.right)
    let rules = yTicks.values.map { Chart.rule(y: y($0), to: end, label: yTicks.label($0)) }
    let ticks = xTicks.values.map {
      Chart.tick(x: x($0), height: ParetoChart.height, label: xTicks.label($0))
    }
    return (rules + ticks).joined()
  }

  private var line: String {
    guard front.count > 1 else { return "" }
    let corners = front.map { "\(Chart.coordinate(x($0.x))) \(Chart.coordinate(y($0.y)))" }
    return "<path class=\"line s0\" d=\"M\(corners.joined(separator: "L"))\"/>"
  }

  private func circle(_ point: Point, _ xName: String, _ yName: String) -> String {
    let value = "\(xName) \(Readable.figure(point.x)), \(yName) \(Readable.figure(point.y))"
    return "<circle class=\"point\(suffix(point))\" cx=\"\(Chart.coordinate(x(point.x)))\" "
      + "cy=\"\(Chart.coordinate(y(point.y)))\" r=\"5\"><title>"
      + "\(HTML.escaped("\(point.name): \(value)"))</title></circle>"
  }

  private func suffix(_ point: Point) -> String { front.contains(point) ? " front" : "" }
}

extension ParetoChart {
  private struct Box {
    let left: Double
    let top: Double
    let right: Double
    let bottom: Double

    func overlaps(_ other: Box) -> Bool {
      left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }

    /// How far a place is from the box, squared.
    func distance(_ x: Double, _ y: Double) -> Double {
      let dx = max(left - x, 0, x - right)
      let dy = max(top - y, 0, y - bottom)
      return dx * dx + dy * dy
    }
  }

  /// The name of every point that has room for it, those of the front first.
  private var marks: [String] {
    var taken = points.map { point in
      Box(left: x(point.x) - 6, top: y(point.y) - 6, right: x(point.x) + 6, bottom: y(point.y) + 6)
    }
    let others = points.filter { !front.contains($0) }
    return (front + others).compactMap { point in
      for place in places(of: point) where !taken.contains(where: place.box.overlaps) {
        taken.append(place.box)
        return "<text class=\"mark\(suffix(point))\(place.anchor)\" "
          + "x=\"\(Chart.coordinate(place.x))\" y=\"\(Chart.coordinate(place.y))\">"
          + "\(HTML.escaped(point.name))</text>"
      }
      return nil
    }
  }

  /// Where a point's name may stand inside the chart, nearer to it than to any other point: those of
  /// the front on its free side, the better one, the others on the other.
  private func places(
    of point: Point
  ) -> [(x: Double, y: Double, anchor: String, box: Box)] {
    let (px, py) = (x(point.x), y(point.y))
    let size = Double(point.name.count) * ParetoChart.letterWidth
    let above: [(Double, Double, String, Double)] = [
      (px - 8, py - 8, " end", size), (px - 9, py + 4, " end", size),
      (px, py - 10, " middle", size / 2), (px + 8, py - 8, "", 0),
    ]
    let below: [(Double, Double, String, Double)] = [
      (px + 8, py + 15, "", 0), (px + 9, py + 4, "", 0), (px, py + 20, " middle", size / 2),
      (px - 8, py + 15, " end", size),
    ]
    let isAbove = front.contains(point) == (better != .lower)
    let candidates = isAbove ? above + below : below + above
    return candidates.compactMap { x, y, anchor, shift in
      let box = Box(
        left: x - shift, top: y - ParetoChart.lineHeight + 3, right: x - shift + size,
        bottom: y + 3)
      let fits =
        box.left >= Chart.left && box.right <= ParetoChart.width && box.top >= 0
        && box.bottom <= ParetoChart.height - Chart.bottom + 6
        && !points.contains { box.distance(self.x($0.x), self.y($0.y)) < box.distance(px, py) }
      return fits ? (x, y, anchor, box) : nil
    }
  }
}
