// The values of a line of a run's log, by name. Comes in: the line. Leaves: numbers, and histograms in
// the form that W&B gives them; an evaluation's groups are joined to their keys by a slash.

package import Shared

/// A histogram by its edges.
package struct TrackedHistogram: Sendable, Equatable {
  /// One more than counts, ascending.
  package let edges: [Double]
  package let counts: [Double]

  /// Nil where it is none.
  package init?(_ json: JSON) {
    guard json["_type"]?.string == "histogram", let edges = json["bins"]?.array,
      let counts = json["values"]?.array, edges.count == counts.count + 1, !counts.isEmpty
    else { return nil }
    self.edges = edges.compactMap(\.double)
    self.counts = counts.compactMap(\.double)
    guard self.edges.count == edges.count, self.counts.count == counts.count,
      (self.edges + self.counts).allSatisfy(\.isFinite)
    else { return nil }
  }
}

/// What a line of a run's log says.
package struct TrackedValues: Sendable, Equatable {
  package enum Value: Sendable, Equatable {
    case number(Double)
    case histogram(TrackedHistogram)
  }

  package let step: Int
  /// In order of name; what is not finite is left out.
  package let values: [(name: String, value: Value)]

  /// Nil where it is no line of a run's log.
  package init?(_ line: some Sequence<UInt8>) {
    guard let json = try? JSON(parsing: Array(line)), let members = json.object,
      let step = json["step"]?.integer
    else { return nil }
    self.step = step
    var values: [(name: String, value: Value)] = []
    for (name, value) in members where name != "step" {
      TrackedValues.collect(name, value, into: &values)
    }
    self.values = values.sorted { $0.name < $1.name }
  }

  private static func collect(
    _ name: String, _ json: JSON, into values: inout [(name: String, value: Value)]
  ) {
    if let number = json.double {
      if number.isFinite { values.append((name, .number(number))) }
    } else if let histogram = TrackedHistogram(json) {
      values.append((name, .histogram(histogram)))
    } else if let members = json.object, members["_type"] == nil {
      for (key, value) in members { collect(name + "/" + key, value, into: &values) }
    }
  }

  package static func == (first: TrackedValues, second: TrackedValues) -> Bool {
    first.step == second.step
      && first.values.elementsEqual(second.values) { $0.name == $1.name && $0.value == $1.value }
  }
}
