import Testing

import Trainer

@Suite("Charts")
struct ChartTests {
  @Test("A path runs through the corners of the plot for a line over the whole range")
  func pathOfKnownPoints() {
    // Ticks 0…10 and 0…1: x runs from 52 to 502, y from 202 up to 10.
    let line = ChartSeries("EV", [.init(0, 0), .init(5, 0.5), .init(10, 1)])
    #expect(Chart([line]).path(line) == "M52.0 202.0L277.0 106.0L502.0 10.0")
  }

  @Test("Values that are not finite are left out of the path")
  func gaps() {
    let line = ChartSeries("EV", [.init(0, 0), .init(5, .nan), .init(10, 1)])
    #expect(Chart([line]).path(line) == "M52.0 202.0L502.0 10.0")
  }

  @Test("Values below the floor are drawn at it and named as they are")
  func floor() {
    let line = ChartSeries("EV", [.init(0, -90), .init(10, 1)])
    let chart = Chart([line], floor: 0)
    #expect(chart.path(line) == "M52.0 202.0L502.0 10.0")
    #expect(chart.svg(label: "EV").contains("step 0: EV -90.00"))
  }

  @Test("A long line is thinned to means, and keeps its last point")
  func thinning() {
    let line = ChartSeries("L0", (0..<10_001).map { .init(Double($0), Double($0 % 2)) })
    let path = Chart([line]).path(line)
    #expect(path.count { $0 == "L" } == 239)
    #expect(path.hasSuffix("L502.0 202.0"))
    // Between the ends it runs at about the mean of the two values.
    #expect(path.contains(" 106.0L") || path.contains(" 105.") || path.contains(" 106."))
  }

  @Test(
    "Ticks are round numbers around the range",
    arguments: [
      (0.0, 1.0, 4, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
      (0, 10, 5, ["0", "2", "4", "6", "8", "10"]),
      (0.913, 0.937, 4, ["0.910", "0.915", "0.920", "0.925", "0.930", "0.935", "0.940"]),
      (-3, 7, 4, ["-4", "-2", "0", "2", "4", "6", "8"]),
      (0, 48_000, 5, ["0", "10 k", "20 k", "30 k", "40 k", "50 k"]),
      (0, 3e-4, 4, ["0", "0.5e-4", "1.0e-4", "1.5e-4", "2.0e-4", "2.5e-4", "3.0e-4"]),
      (0, 4e-6, 4, ["0", "1e-6", "2e-6", "3e-6", "4e-6"]),
    ])
  func ticks(low: Double, high: Double, count: Int, labels: [String]) {
    let ticks = Ticks(from: low, to: high, count: count)
    #expect(ticks.values.map { ticks.label($0) } == labels)
    #expect(ticks.lowest <= low && ticks.highest >= high)
  }

  @Test("A constant lies in the middle of a range of its own", arguments: [0.0, 5, -0.25, 1e9])
  func constant(value: Double) {
    let ticks = Ticks(from: value, to: value, count: 4)
    #expect(ticks.lowest < value && ticks.highest > value)
    #expect(ticks.values.count < 12)
  }

  @Test(
    "Values at the ends of what a number can be have ticks too",
    arguments: [
      (-1.7e308, 1.7e308), (1.7e308, 1.7e308), (0, .leastNonzeroMagnitude),
      (.leastNonzeroMagnitude, 0x1p-1073), (1e308, 1.1e308), (-.leastNonzeroMagnitude, 1.7e308),
    ])
  func extremes(low: Double, high: Double) {
    let ticks = Ticks(from: low, to: high, count: 5)
    #expect(ticks.values.count < 20 && ticks.values.allSatisfy(\.isFinite))
    #expect(ticks.values.allSatisfy { !ticks.label($0).isEmpty })
    let svg = Chart([ChartSeries("a", [.init(low, high), .init(high, low)])]).svg(label: "a")
    #expect(svg.contains("<title>step "))
  }

  @Test("Hovering names step and value, with the series' name made safe")
  func hover() {
    let svg = Chart([ChartSeries("<b>", [.init(100, 0.93), .init(200, 0.95)])]).svg(label: "a & b")
    #expect(svg.contains("<title>step 100: &lt;b&gt; 0.9300</title>"))
    #expect(svg.contains("aria-label=\"a &amp; b\""))
    #expect(!svg.contains("<b>"))
  }

  @Test("There is a color for eight lines; more take them again, drawn otherwise")
  func manyLines() {
    let chart = Chart(
      (0..<10).map { ChartSeries("line \($0)", [.init(0, Double($0)), .init(1, 1)]) })
    let svg = chart.svg(label: "l")
    #expect(svg.contains("<path class=\"line s7\""))
    #expect(svg.contains("<path class=\"line s0 again\""))
  }

  @Test("Bins count every finite value once")
  func bins() {
    let unit = Bins.perUnit([-2.9, -2.6, -1.2, -1, .infinity], 2)
    #expect(unit.edges == [-3, -2.5, -2, -1.5, -1])
    #expect(unit.counts == [2, 0, 0, 2])
    let equal = Bins.equal([0, 0.5, 1, 1, .nan], count: 4)
    #expect(zip(equal.edges, [0, 0.2, 0.4, 0.6, 0.8, 1]).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(equal.edges.count == 6)
    #expect(equal.counts == [1, 0, 1, 0, 2])
    #expect(Bins.equal([-1.7e308, 0, 1.7e308], count: 4).counts == [1, 0, 1, 1])
    #expect(Bins.perUnit([], 4).counts.isEmpty)
    #expect(Bins.equal([3], count: 4).counts.reduce(0, +) == 1)
  }
}
