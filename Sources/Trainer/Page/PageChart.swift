// The description of a chart that the script draws. Comes in: series of numbers and what the axes are. Leaves:
// JSON of {title, note, kind, x, y, series}, thinned to what a screen can show.

package import Shared

/// An axis of a chart.
package struct PageAxis: Sendable, Equatable {
  /// Whether an axis grows by factors.
  package enum Growth: Sendable {
    case linear
    /// Linear, with a button that makes it logarithmic.
    case either
    /// Logarithmic, with a button that makes it linear; values that are not positive are left out.
    case logarithmic
  }

  package let name: String
  package let growth: Growth
  package let isWhole: Bool
  package let includesZero: Bool
  /// Where lower values are drawn at, so that a bad start does not flatten the rest.
  package let floor: Double?

  package init(
    _ name: String, _ growth: Growth = .linear, isWhole: Bool = false, includesZero: Bool = false,
    floor: Double? = nil
  ) {
    self.name = name
    self.growth = growth
    self.isWhole = isWhole
    self.includesZero = includesZero
    self.floor = floor
  }

  fileprivate var json: JSON {
    var members: [String: JSON] = [
      "name": .string(name), "whole": .bool(isWhole), "zero": .bool(includesZero),
    ]
    if growth != .linear { members["log"] = .bool(growth == .logarithmic) }
    if let floor { members["floor"] = .number(floor) }
    return .object(members)
  }
}

/// A chart.
package struct PageChart: Sendable, Equatable {
  /// A named point; it may lead to another page.
  package struct Point: Sendable, Equatable {
    package let name: String
    package let x: Double
    package let y: Double
    package let link: String?
    /// Whether no other point beats it in both.
    package let isFront: Bool

    package init(_ name: String, x: Double, y: Double, link: String? = nil, isFront: Bool = false) {
      self.name = name
      self.x = x
      self.y = y
      self.link = link
      self.isFront = isFront
    }
  }

  /// Points of a line at most: more than a screen has columns, so that there is something to zoom into.
  static let pointLimit = 3000

  package let json: JSON

  private init(
    _ title: String, _ note: String, _ kind: JSON, x: PageAxis, y: PageAxis, id: String?,
    _ members: [String: JSON]
  ) {
    var all: [String: JSON] = [
      "title": .string(title), "note": .string(note), "kind": kind, "x": x.json, "y": y.json,
    ]
    all["id"] = id.map { .string($0) }
    json = .object(all.merging(members) { first, _ in first })
  }

  /// Lines over a common horizontal axis; nil where none has a point.
  package static func lines(
    _ title: String, note: String = "", x: PageAxis, y: PageAxis, id: String? = nil,
    _ series: [ChartSeries]
  ) -> PageChart? {
    let series = series.filter { !$0.points.isEmpty }
    guard !series.isEmpty else { return nil }
    let lines = series.map { one -> JSON in
      let points = one.thinned(to: pointLimit)
      return [
        "name": .string(one.name), "x": .array(points.map { .number($0.x) }),
        "y": .array(points.map { .number(short($0.y)) }),
      ]
    }
    return PageChart(title, note, "lines", x: x, y: y, id: id, ["series": .array(lines)])
  }

  /// Bars between edges, which are one more than the counts of a unit, such as "latents"; nil without counts.
  ///
  /// What is in no bin may have a bar of its own: its name, what it says in full, and its count.
  package static func bars(
    _ title: String, note: String = "", x: PageAxis, unit: String, id: String? = nil,
    _ bins: (edges: [Double], counts: [Int]),
    aside: (name: String, note: String, count: Int)? = nil
  ) -> PageChart? {
    guard !bins.counts.isEmpty, bins.edges.count == bins.counts.count + 1 else { return nil }
    var members: [String: JSON] = [
      "unit": .string(unit),
      "series": .array([
        [
          "name": .string(title), "edges": .array(bins.edges.map { .number(short($0)) }),
          "values": .array(bins.counts.map { .integer($0) }),
        ]
      ]),
    ]
    if let aside, aside.count > 0 {
      members["aside"] = [
        "name": .string(aside.name), "note": .string(aside.note), "value": .integer(aside.count),
      ]
    }
    return PageChart(title, note, "bars", x: x, y: PageAxis(unit, .either), id: id, members)
  }

  /// Named points in groups; those that nothing beats are joined.
  package static func points(
    _ title: String, note: String = "", x: PageAxis, y: PageAxis, id: String? = nil,
    _ groups: [(name: String, points: [Point])]
  ) -> PageChart? {
    let groups = groups.filter { !$0.points.isEmpty }
    guard !groups.isEmpty else { return nil }
    let series = groups.map { group -> JSON in
      [
        "name": .string(group.name), "x": .array(group.points.map { .number($0.x) }),
        "y": .array(group.points.map { .number($0.y) }),
        "labels": .array(group.points.map { .string($0.name) }),
        "links": .array(group.points.map { point in point.link.map { .string($0) } ?? .null }),
        "front": .array(group.points.map { .bool($0.isFront) }),
      ]
    }
    return PageChart(
      title, note, "points", x: x, y: y, id: id, ["series": .array(series), "wide": .bool(true)])
  }

  /// Six significant digits: what a chart shows, in half the bytes.
  static func short(_ value: Double) -> Double {
    guard value.isFinite, value != 0 else { return value }
    return Double(Float(value).description) ?? value
  }
}
