// Charts as SVG, for pictures that have no scripts: lines over steps. Comes in: numbers. Leaves: one `<svg>` that
// takes its colors from where it stands, with ticks, and values on hover.

import Foundation
import Shared

/// A chart of one panel.
package struct Chart: Sendable {
  static let width = 520.0
  static let height = 230.0
  static let left = 52.0
  static let right = 18.0
  static let top = 10.0
  static let bottom = 28.0
  private static let pointLimit = 240
  private static let hoverLimit = 80
  /// Lines that have a color of their own, `s0` and on.
  private static let colors = 8

  package let series: [ChartSeries]
  private let xTicks: Ticks
  private let yTicks: Ticks
  private let xRange: ClosedRange<Double>
  private let floor: Double

  /// Lays out lines over a common horizontal axis of steps.
  ///
  /// - Parameters:
  ///   - series: the lines; those without points are left out.
  ///   - includesZero: whether the vertical axis starts at zero.
  ///   - floor: where lower values are drawn at, so that a bad start does not flatten the rest.
  package init(_ series: [ChartSeries], includesZero: Bool = false, floor: Double = -.infinity) {
    self.floor = floor
    self.series = series.filter { !$0.points.isEmpty }
    let points = self.series.flatMap(\.points)
    let ys = points.map { max($0.y, floor) } + (includesZero ? [0] : [])
    let low = points.map(\.x).min() ?? 0
    let high = points.map(\.x).max() ?? 1
    xRange = low...max(high, low + 1)
    xTicks = Ticks(from: xRange.lowerBound, to: xRange.upperBound, count: 5)
    yTicks = Ticks(from: ys.min() ?? 0, to: ys.max() ?? 1, count: 4)
  }

  private func x(_ value: Double) -> Double {
    Chart.left + (value - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound)
      * (Chart.width - Chart.left - Chart.right)
  }

  private func y(_ value: Double) -> Double {
    Chart.height - Chart.bottom - (max(value, floor) - yTicks.lowest)
      / (yTicks.highest - yTicks.lowest)
      * (Chart.height - Chart.top - Chart.bottom)
  }

  /// The `d` of a series' path, one decimal per coordinate.
  package func path(_ series: ChartSeries) -> String {
    series.thinned(to: Chart.pointLimit).enumerated().map { index, point in
      "\(index == 0 ? "M" : "L")\(Chart.coordinate(x(point.x))) \(Chart.coordinate(y(point.y)))"
    }.joined()
  }

  /// The whole chart; `label` is read out by screen readers.
  package func svg(label: String) -> String {
    let lines = series.enumerated().map { index, one in
      "<path class=\"line \(Chart.style(index))\" d=\"\(path(one))\"/>"
    }
    let hovers = series.enumerated().map { index, one in hoverPoints(one, index: index) }
    return Chart.frame(label: label, body: [axes] + lines + hovers)
  }

  private var axes: String {
    let end = Chart.coordinate(Chart.width - Chart.right)
    let horizontal = yTicks.values.map { value in
      Chart.rule(y: y(value), to: end, label: yTicks.label(value))
    }
    let vertical = xTicks.values.filter { xRange.contains($0) }.map { value in
      Chart.tick(x: x(value), label: xTicks.label(value))
    }
    return (horizontal + vertical).joined()
  }

  /// Invisible targets that name the value below the pointer.
  private func hoverPoints(_ series: ChartSeries, index: Int) -> String {
    series.thinned(to: Chart.hoverLimit).map { point in
      let value = "\(series.name) \(Readable.figure(point.y))"
      return "<circle class=\"dot \(Chart.style(index))\" cx=\"\(Chart.coordinate(x(point.x)))\" "
        + "cy=\"\(Chart.coordinate(y(point.y)))\" r=\"5\"><title>step "
        + "\(Readable.fixed(point.x, decimals: 0)): \(HTML.escaped(value))</title></circle>"
    }.joined()
  }
}

// MARK: - Parts that all kinds of chart share

extension Chart {
  /// The class of a line: there are as many colors in the style sheet, taken again with other dashes.
  static func style(_ index: Int) -> String {
    index < Chart.colors ? "s\(index)" : "s\(index % Chart.colors) again"
  }

  static func coordinate(_ value: Double) -> String { Readable.fixed(value, decimals: 1) }

  static func frame(label: String, body: [String]) -> String {
    "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" "
      + "aria-label=\"\(HTML.escaped(label))\">" + body.joined() + "</svg>"
  }

  static func rule(y: Double, to end: String, label: String) -> String {
    "<line class=\"grid\" x1=\"\(coordinate(left))\" x2=\"\(end)\" y1=\"\(coordinate(y))\" "
      + "y2=\"\(coordinate(y))\"/><text class=\"tick end\" x=\"\(coordinate(left - 8))\" "
      + "y=\"\(coordinate(y + 4))\">\(HTML.escaped(label))</text>"
  }

  static func tick(x: Double, label: String) -> String {
    "<text class=\"tick middle\" x=\"\(coordinate(x))\" y=\"\(coordinate(height - 9))\">"
      + "\(HTML.escaped(label))</text>"
  }
}
