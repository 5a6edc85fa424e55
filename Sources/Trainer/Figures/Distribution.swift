// How values spread: equal bins between the least and the greatest. Comes in: values of one tensor or
// of all latents. Leaves: edges and counts as numpy.histogram makes them, in the JSON form of W&B.

package import Shared

/// A histogram: `counts[i]` values lie from `edges[i]` to below `edges[i + 1]`, in the last bin up to it.
package struct Distribution: Sendable, Equatable {
  /// Ascending, one more than bins.
  package let edges: [Double]
  package let counts: [Int]

  /// What W&B makes of values where nothing else is said.
  package static let binCount = 64

  /// - Parameters:
  ///   - edges: ascending.
  ///   - counts: one fewer than edges.
  package init(edges: [Double], counts: [Int]) {
    precondition(edges.count == counts.count + 1, "\(counts.count) bins of \(edges.count) edges")
    self.edges = edges
    self.counts = counts
  }

  /// Sorts values into equal bins, with numpy's arithmetic for values of this precision.
  ///
  /// Nil where a value is not finite. Equal values stand in the middle of a range of 1; without any
  /// value the range is from 0 to 1.
  package init?(_ values: some Collection<Float>, binCount: Int = Distribution.binCount) {
    precondition(binCount > 0, "a histogram without bins")
    guard values.allSatisfy(\.isFinite) else { return nil }
    var (least, greatest) = (values.min() ?? 0, values.max() ?? 1)
    if least == greatest { (least, greatest) = (least - 0.5, greatest + 0.5) }
    let width = greatest - least
    guard width.isFinite else { return nil }
    let step = width / Float(binCount)
    let edges = (0...binCount).map { $0 == binCount ? greatest : Float($0) * step + least }
    var counts = [Int](repeating: 0, count: binCount)
    for value in values {
      var bin = min(Int((value - least) / width * Float(binCount)), binCount - 1)
      // The division may round across an edge.
      if value < edges[bin], bin > 0 { bin -= 1 }
      if value >= edges[bin + 1], bin < binCount - 1 { bin += 1 }
      counts[bin] += 1
    }
    self.init(edges: edges.map { Double($0) }, counts: counts)
  }

  /// How many values there are.
  package var total: Int { counts.reduce(0, +) }
}

extension Distribution {
  private static let type = "histogram"

  /// The value of a histogram in W&B's history.
  package var json: JSON {
    [
      "_type": .string(Distribution.type), "bins": .array(edges.map { .number($0) }),
      "values": .array(counts.map { .integer($0) }),
    ]
  }

  /// Nil where this is something else.
  package init?(_ json: JSON) {
    guard json["_type"]?.string == Distribution.type,
      let edges = json["bins"]?.array?.compactMap(\.double), edges.count > 1,
      let counts = json["values"]?.array?.compactMap(\.integer),
      edges.count == json["bins"]?.array?.count, counts.count == json["values"]?.array?.count,
      edges.count == counts.count + 1, edges.allSatisfy(\.isFinite)
    else { return nil }
    self.init(edges: edges, counts: counts)
  }
}
