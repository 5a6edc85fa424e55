// Charts as inline SVG: lines over steps, and a histogram. Comes in: numbers. Leaves: one `<svg>`
// that takes its colors from the page, with ticks, and values on hover. No scripts.

import Foundation
import Shared

/// Round numbers that divide a range.
package struct Ticks: Sendable, Equatable {
  package let values: [Double]
  /// The whole steps around the range.
  package let lowest: Double
  package let highest: Double
  private let decimals: Int

  /// Divides `low` … `high` into about `count` steps of 1, 2 or 5 times a power of ten.
  ///
  /// - Parameters:
  ///   - low: the lower end of the range.
  ///   - high: the upper end.
  ///   - count: about how many steps.
  ///   - smallestStep: 1 where only whole numbers make sense.
  package init(from low: Double, to high: Double, count: Int, smallestStep: Double = 0) {
    // A range without width, or one that is only rounding, gets some around its value.
    let spread = max(abs(low), abs(high)) * 1e-9
    let (low, high) =
      high - low > spread
      ? (low, high) : (low - max(abs(low) * 0.1, 0.1), high + max(abs(high) * 0.1, 0.1))
    let rough = (high - low) / Double(count)
    let exponent = log10(rough).rounded(.down)
    let leading = rough / pow(10, exponent)
    let digit = leading < 1.5 ? 1.0 : leading < 3.5 ? 2 : leading < 7.5 ? 5 : 10
    let step = max(digit * pow(10, exponent), smallestStep)
    let first = (low / step + 1e-9).rounded(.down)
    let last = (high / step - 1e-9).rounded(.up)
    values = (0...Int(last - first)).map { (first + Double($0)) * step }
    lowest = first * step
    highest = last * step
    decimals = max(0, -Int(log10(step * 1.000001).rounded(.down)))
  }

  /// The text beside a tick.
  package func label(_ value: Double) -> String {
    if value == 0 { return "0" }
    if highest >= 1000 || lowest <= -1000 {
      return Readable.count(value).replacing(".0 ", with: " ")
    }
    if decimals > 4 {
      // One power of ten for all ticks.
      let exponent = log10(max(abs(lowest), abs(highest)) * 1.000001).rounded(.down)
      let mantissa = Readable.fixed(value / pow(10, exponent), decimals: decimals + Int(exponent))
      return "\(mantissa)e\(Int(exponent))"
    }
    return Readable.fixed(value, decimals: decimals)
  }
}

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
        + "\(Int(point.x.rounded())): \(HTML.escaped(value))</title></circle>"
    }.joined()
  }

  /// The names of the lines beside their colors; empty for a single line.
  package var legend: String {
    guard series.count > 1 else { return "" }
    let names = series.enumerated().map { index, one in
      "<span><i class=\"\(Chart.style(index))\"></i>\(HTML.escaped(one.name))</span>"
    }
    return "<div class=\"legend\">" + names.joined() + "</div>"
  }
}

// MARK: - Parts that all kinds of chart share

extension Chart {
  /// The class of a line: there are as many colors in the style sheet, taken again with other dashes.
  static func style(_ index: Int) -> String {
    index < ReportStyle.colors ? "s\(index)" : "s\(index % ReportStyle.colors) again"
  }

  static func coordinate(_ value: Double) -> String { Readable.fixed(value, decimals: 1) }

  static func frame(
    label: String, width: Double = width, height: Double = height, body: [String]
  ) -> String {
    "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" "
      + "aria-label=\"\(HTML.escaped(label))\">" + body.joined() + "</svg>"
  }

  static func rule(y: Double, to end: String, label: String) -> String {
    "<line class=\"grid\" x1=\"\(coordinate(left))\" x2=\"\(end)\" y1=\"\(coordinate(y))\" "
      + "y2=\"\(coordinate(y))\"/><text class=\"tick end\" x=\"\(coordinate(left - 8))\" "
      + "y=\"\(coordinate(y + 4))\">\(HTML.escaped(label))</text>"
  }

  static func tick(x: Double, height: Double = height, label: String) -> String {
    "<text class=\"tick middle\" x=\"\(coordinate(x))\" y=\"\(coordinate(height - 9))\">"
      + "\(HTML.escaped(label))</text>"
  }
}

/// Bars over equal bins.
package struct Histogram: Sendable, Equatable {
  package let low: Double
  package let high: Double
  package let counts: [Int]

  /// Counts values into bins between whole numbers around them, `perUnit` bins to the unit.
  package init(_ values: [Double], perUnit: Int) {
    let finite = values.filter(\.isFinite)
    low = (finite.min() ?? 0).rounded(.down)
    high = max((finite.max() ?? 0).rounded(.up), low + 1)
    var counts = [Int](repeating: 0, count: Int(high - low) * perUnit)
    for value in finite {
      counts[min(counts.count - 1, Int((value - low) * Double(perUnit)))] += 1
    }
    self.counts = counts
  }

  /// The whole chart; a bar's hover names its bounds and its count.
  package func svg(label: String, unit: String) -> String {
    let ticks = Ticks(from: 0, to: Double(max(1, counts.max() ?? 1)), count: 4, smallestStep: 1)
    let floor = Chart.height - Chart.bottom
    let room = floor - Chart.top
    let span = Chart.width - Chart.left - Chart.right
    let width = span / Double(counts.count)
    let rules = ticks.values.map { value in
      Chart.rule(
        y: floor - value / ticks.highest * room, to: Chart.coordinate(Chart.width - Chart.right),
        label: ticks.label(value))
    }
    let bars = counts.indices.filter { counts[$0] > 0 }.map { index in
      let height = Double(counts[index]) / ticks.highest * room
      return
        "<rect class=\"bar\" x=\"\(Chart.coordinate(Chart.left + Double(index) * width + 0.5))\" "
        + "y=\"\(Chart.coordinate(floor - height))\" "
        + "width=\"\(Chart.coordinate(max(1, width - 1)))\" height=\"\(Chart.coordinate(height))\">"
        + "<title>\(bounds(index)): \(counts[index]) \(HTML.escaped(unit))</title></rect>"
    }
    let labels = (Int(low)...Int(high)).map { value in
      Chart.tick(
        x: Chart.left + (Double(value) - low) / (high - low) * span, label: "\(value)")
    }
    return Chart.frame(label: label, body: rules + bars + labels)
  }

  private func bounds(_ index: Int) -> String {
    let width = (high - low) / Double(counts.count)
    let start = low + Double(index) * width
    return "\(Readable.fixed(start, decimals: 2)) to \(Readable.fixed(start + width, decimals: 2))"
  }
}
