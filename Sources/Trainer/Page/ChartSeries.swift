// The lines of charts. Comes in: numbers by step. Leaves: points that can be drawn, no more than fit a screen.

/// A point of a line.
package struct ChartPoint: Sendable, Equatable {
  package let x: Double
  package let y: Double

  package init(_ x: Double, _ y: Double) {
    self.x = x
    self.y = y
  }
}

/// One line of a chart.
package struct ChartSeries: Sendable, Equatable {
  package let name: String
  package let points: [ChartPoint]

  package init(_ name: String, _ points: [ChartPoint]) {
    self.name = name
    self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
  }

  /// At most `count` points: means over equal runs of neighbors.
  ///
  /// The last point stays as it is, since it is the one that people read off.
  package func thinned(to count: Int) -> [ChartPoint] {
    guard points.count > count, let last = points.last else { return points }
    let body = points.dropLast()
    let means = (0..<count - 1).map { index in
      let run = body[body.count * index / (count - 1)..<body.count * (index + 1) / (count - 1)]
      return ChartPoint(
        run.reduce(0) { $0 + $1.x } / Double(run.count),
        run.reduce(0) { $0 + $1.y } / Double(run.count))
    }
    return means + [last]
  }
}
