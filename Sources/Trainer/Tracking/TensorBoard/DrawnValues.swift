// What TensorBoard draws of a line of a run's log. Comes in: the line. Leaves: numbers and histograms by name; an
// evaluation's groups are joined to their keys by a slash.

extension RunLog.Entry {
  enum Drawn {
    case number(Double)
    case histogram(Distribution)
  }

  /// In order of name; what is not finite is left out.
  var drawn: [(name: String, value: Drawn)] {
    let numbers = [values, evaluation].joined().compactMap { figure, value in
      value.isFinite ? (name: figure.name, value: Drawn.number(value)) : nil
    }
    let others = histograms.map { (name: $0.name, value: Drawn.histogram($1)) }
    return (numbers + others).sorted { $0.name < $1.name }
  }
}
