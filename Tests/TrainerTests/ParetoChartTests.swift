import Foundation
import Testing

import Trainer

private func chart(_ points: [(String, Double, Double)]) -> ParetoChart {
  ParetoChart(points.map { ParetoChart.Point(name: $0.0, x: $0.1, y: $0.2) })
}

@Suite("A Pareto chart")
struct ParetoChartTests {
  @Test(
    "The front holds the points that no other beats, from left to right",
    arguments: [
      ([("a", 2.0, 0.9), ("b", 1, 0.5), ("c", 3, 0.8)], ["b", "a"]),
      ([("a", 1, 0.5), ("b", 1, 0.6), ("c", 2, 0.6)], ["b"]),
      ([("a", 1, 0.5), ("b", 1, 0.5)], ["a", "b"]),
      ([("a", 1, .nan), ("b", .infinity, 1)], []),
      ([], []),
    ] as [([(String, Double, Double)], [String])])
  func front(_ points: [(String, Double, Double)], _ names: [String]) {
    #expect(chart(points).front.map(\.name) == names)
  }

  @Test("Where lower is better, the front is that of the lowest")
  func lower() {
    let points = [("a", 1.0, 0.9), ("b", 2.0, 0.5), ("c", 3.0, 0.8)]
      .map { ParetoChart.Point(name: $0.0, x: $0.1, y: $0.2) }
    #expect(ParetoChart(points, better: .lower).front.map(\.name) == ["a", "b"])
    #expect(ParetoChart(points, better: .higher).front.map(\.name) == ["a"])
  }

  @Test("The line runs through the front, and hovering names the figures")
  func drawing() {
    let svg = chart([("a", 20, 1), ("b", 10, 0.5), ("c", 20, 0.75)])
      .svg(label: "Figures", x: "L0", y: "quality")
    #expect(svg.hasPrefix("<svg viewBox=\"0 0 1000 420\" role=\"img\" aria-label=\"Figures\">"))
    #expect(svg.contains("<path class=\"line s0\" d=\"M52.0 392.0L982.0 10.0\"/>"))
    #expect(
      svg.contains(
        "<circle class=\"point\" cx=\"982.0\" cy=\"201.0\" r=\"5\"><title>"
          + "c: L0 20.00, quality 0.7500</title></circle>"))
    #expect(svg.contains("<text class=\"mark front\" x=\"60.0\""))
  }

  @Test("One point, points in one place, and names without room are drawn")
  func crowds() {
    #expect(chart([("a", 5, 0.5)]).svg(label: "l", x: "x", y: "y").contains(">a</text>"))
    let crowd = chart((0..<200).map { ("name \($0)", 5, 0.5) })
      .svg(label: "l", x: "x", y: "y")
    #expect(crowd.components(separatedBy: "<circle").count == 201)
    #expect((2..<20).contains(crowd.components(separatedBy: "class=\"mark").count))
  }
}
