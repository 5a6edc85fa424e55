// What is said about a figure, in which other figures may stand: "of \(.latentCount) latents". Comes
// in: a literal with figures in it. Leaves: text with their values.

/// Text with figures in it.
package struct FigureNote: Sendable, ExpressibleByStringInterpolation {
  fileprivate enum Part: Sendable {
    case text(Substring)
    case figure(Figure)
  }

  /// What stands between two commas.
  private let clauses: [[Part]]

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var clauses: [[Part]] = [[]]

    package init(literalCapacity: Int, interpolationCount: Int) {}

    package mutating func appendLiteral(_ literal: String) {
      let pieces = literal.split(separator: ", ", omittingEmptySubsequences: false)
      for (index, piece) in pieces.enumerated() {
        if index > 0 { clauses.append([]) }
        if !piece.isEmpty { append(.text(piece)) }
      }
    }

    package mutating func appendInterpolation(_ figure: Figure) { append(.figure(figure)) }

    private mutating func append(_ part: Part) { clauses[clauses.count - 1].append(part) }
  }

  package init(stringInterpolation: StringInterpolation) {
    clauses = stringInterpolation.clauses.filter { !$0.isEmpty }
  }

  package init(stringLiteral value: String) {
    var interpolation = StringInterpolation(literalCapacity: value.count, interpolationCount: 0)
    interpolation.appendLiteral(value)
    self.init(stringInterpolation: interpolation)
  }

  /// The text with the values; a clause is left out where one of its figures is not known.
  package func text(_ figures: Figures) -> String {
    clauses.compactMap { FigureNote.text($0, figures) }.joined(separator: ", ")
  }

  private static func text(_ clause: [Part], _ figures: Figures) -> String? {
    var text = ""
    for part in clause {
      switch part {
      case .text(let piece): text += piece
      case .figure(let figure):
        guard let value = figures[figure] else { return nil }
        text += figure.text(value)
      }
    }
    return text
  }
}
