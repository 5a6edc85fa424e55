// Values by figure: what a training step, a sampling window and the evaluation return. Leaves: the
// values in the order in which their figures are declared, whatever the order of their arrival.

/// Known values.
package struct Figures: Sendable, Equatable {
  private var values: [Figure: Double] = [:]

  package init() {}

  /// Nil where it is not known.
  package subscript(figure: Figure) -> Double? {
    get { values[figure] }
    set { values[figure] = newValue }
  }

  package var isEmpty: Bool { values.isEmpty }

  /// Takes over all values of others.
  package mutating func merge(_ others: Figures) {
    values.merge(others.values) { _, other in other }
  }

  package func merging(_ others: Figures) -> Figures {
    var result = self
    result.merge(others)
    return result
  }

  /// Nats that ablation must cost for a share of them to mean anything: less is within the sampling
  /// error of some thousand tokens.
  package static let leastLoss = 0.01

  /// The same as people should see them: without shares of what ablation hardly costs.
  package var meaningful: Figures {
    var result = self
    if let clean = self[.lossWithoutSAE], let lost = self[.lossWithAblation],
      lost - clean < Figures.leastLoss
    {
      result[.lossScore] = nil
    }
    if let lost = self[.divergenceWithAblation], lost < Figures.leastLoss {
      result[.divergenceScore] = nil
    }
    return result
  }

  /// Whether the figure has its place beside these values, if only to say that it is not known: all
  /// have but those of a sample that was not taken.
  package func expects(_ figure: Figure) -> Bool {
    guard values[figure] == nil, let sample = figure.sample else { return true }
    return values[sample.size] != nil
  }

  /// The value for people; a dash where it is not known.
  package func text(_ figure: Figure) -> String { values[figure].map(figure.text) ?? "–" }
}

extension Figures: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (Figure, Double)...) {
    values = Dictionary(uniqueKeysWithValues: elements)
  }
}

extension Figures: Sequence {
  /// In the order of declaration; what is not declared comes last, by name.
  package func makeIterator() -> some IteratorProtocol<(figure: Figure, value: Double)> {
    values.map { (figure: $0.key, value: $0.value) }
      .sorted { $0.figure.order < $1.figure.order }.makeIterator()
  }
}

extension Figure.Sample {
  /// How many there were.
  package var size: Figure {
    switch self {
    case .rows: .evaluatedRows
    case .tokens: .lossTokens
    }
  }
}

extension Figure {
  /// All that are declared, of a family the family.
  package static let all = step + window + evaluation

  private static let declared = Dictionary(
    uniqueKeysWithValues: all.enumerated().map { ($1.name, (index: $0, figure: $1)) })

  /// The figure of a name, which another version may have written.
  package static func named(_ name: String) -> Figure {
    if let entry = declared[name], !entry.figure.isFamily { return entry.figure }
    let digits = name.reversed().prefix(while: \.isNumber).count
    if let number = Int(name.suffix(digits)), let entry = declared[String(name.dropLast(digits))],
      entry.figure.isFamily
    {
      return entry.figure.member(number)
    }
    return Figure(name, name, "")
  }

  fileprivate var order: (Int, Int, String) {
    let index = Figure.declared[member?.family ?? name]?.index ?? .max
    return (index, member?.number ?? 0, name)
  }
}
