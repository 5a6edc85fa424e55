// One line of `metrics.jsonl`. Comes in: figures, histograms and an evaluation of one step. Leaves: an
// object as SAELens hands it to W&B: plain figures and histograms by name, an evaluation by groups.

package import Shared

extension RunLog {
  /// One line.
  package struct Entry: Sendable, Equatable {
    package let step: Int
    /// What the step itself or a sampling window says.
    package let values: Figures
    package let histograms: [HistogramFigure: Distribution]
    /// What was measured on other rows than those of the step.
    package let evaluation: Figures

    package init(
      step: Int, values: Figures = [:], histograms: [HistogramFigure: Distribution] = [:],
      evaluation: Figures = [:]
    ) {
      self.step = step
      self.values = values
      self.histograms = histograms
      self.evaluation = evaluation
    }

    package subscript(figure: Figure) -> Double? { values[figure] }
  }
}

extension RunLog.Entry {
  private static let stepKey = "step"

  /// The line without its newline; a value that is not finite is written as null.
  var line: String {
    var members = evaluation.nested
    members[RunLog.Entry.stepKey] = .integer(step)
    for (figure, value) in values where figure.isLogged {
      members[figure.name] = value.isFinite ? .number(value) : .null
    }
    for (figure, distribution) in histograms { members[figure.name] = distribution.json }
    return JSON.object(members).canonical
  }

  /// Reads a line without its newline; nil where it is none of a run's log.
  init?(_ line: some Sequence<UInt8>) {
    guard let json = try? JSON(parsing: Array(line)) else { return nil }
    self.init(json)
  }

  init?(_ json: JSON) {
    guard let members = json.object, let step = json[RunLog.Entry.stepKey]?.integer else {
      return nil
    }
    var (values, evaluation) = (Figures(), Figures())
    var histograms: [HistogramFigure: Distribution] = [:]
    for (name, value) in members where name != RunLog.Entry.stepKey {
      if let number = value.double {
        values[.named(name)] = number
      } else if let distribution = Distribution(value) {
        histograms[.named(name)] = distribution
      } else {
        evaluation.add(group: name, value)
      }
    }
    self.init(step: step, values: values, histograms: histograms, evaluation: evaluation)
  }
}

extension Figures {
  /// The figures by SAELens's groups; null where a value is not finite.
  package var nested: [String: JSON] {
    var groups: [String: [String: JSON]] = [:]
    for (figure, value) in self {
      groups[figure.group, default: [:]][figure.key] = figure.json(value)
    }
    return groups.mapValues { .object($0) }
  }

  /// Takes over the numbers of one group.
  package mutating func add(group: String, _ json: JSON) {
    for (key, value) in json.object ?? [:] {
      if let number = value.double { self[.named("\(group)/\(key)")] = number }
    }
  }
}
