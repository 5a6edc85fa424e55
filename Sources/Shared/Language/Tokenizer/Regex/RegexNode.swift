// A regular expression as a tree, and what can be said of its parts without running it.

/// A part of a regular expression that has no exact equivalent here.
struct RegexProblem: Error, Equatable {
  /// Such as `the group (?~ of the pattern`.
  let what: String
}

/// A regular expression as a tree.
indirect enum RegexNode: Equatable {
  case empty
  case set(ScalarSet)
  case sequence([RegexNode])
  /// The first that matches wins.
  case choice([RegexNode])
  case repetition(RegexNode, atLeast: Int, atMost: Int?, Eagerness)
  case look(RegexNode, Direction, isNegative: Bool)
  /// What it matched first stays.
  case atomic(RegexNode)
  case boundary(Boundary)

  enum Eagerness { case greedy, lazy, possessive }
  enum Direction { case ahead, behind }
  enum Boundary { case textStart, textEnd, textEndOrLine, lineStart, lineEnd, word, notWord }

  /// Whether it can match the empty text.
  var canBeEmpty: Bool {
    switch self {
    case .empty, .look, .boundary: true
    case .set: false
    case .sequence(let nodes): nodes.allSatisfy(\.canBeEmpty)
    case .choice(let nodes): nodes.contains(where: \.canBeEmpty)
    case .repetition(let node, let atLeast, _, _): atLeast == 0 || node.canBeEmpty
    case .atomic(let node): node.canBeEmpty
    }
  }

  /// The number of characters it matches, where that is always the same.
  var length: Int? {
    switch self {
    case .empty, .look, .boundary: return 0
    case .set: return 1
    case .sequence(let nodes):
      var sum = 0
      for node in nodes {
        guard let length = node.length else { return nil }
        let total = sum.addingReportingOverflow(length)
        if total.overflow { return nil }
        sum = total.partialValue
      }
      return sum
    case .choice(let nodes):
      guard let length = nodes.first?.length else { return nil }
      return nodes.allSatisfy { $0.length == length } ? length : nil
    case .repetition(let node, let atLeast, let atMost, _):
      guard atLeast == atMost, let length = node.length else { return nil }
      let product = length.multipliedReportingOverflow(by: atLeast)
      return product.overflow ? nil : product.partialValue
    case .atomic(let node): return node.length
    }
  }

  /// The characters that a match can start with; nil where it can be empty.
  var starts: ScalarSet? {
    switch self {
    case .empty, .look, .boundary: return nil
    case .set(let set): return set
    case .sequence(let nodes):
      var sum = ScalarSet.empty
      for node in nodes {
        sum = sum.union(node.possibleStarts)
        if !node.canBeEmpty { return sum }
      }
      return nil
    case .choice, .repetition: return canBeEmpty ? nil : possibleStarts
    case .atomic(let node): return node.starts
    }
  }

  private var possibleStarts: ScalarSet {
    switch self {
    case .empty, .look, .boundary: return .empty
    case .set(let set): return set
    case .sequence(let nodes):
      var sum = ScalarSet.empty
      for node in nodes {
        sum = sum.union(node.possibleStarts)
        if !node.canBeEmpty { break }
      }
      return sum
    case .choice(let nodes): return ScalarSet(nodes.flatMap { $0.possibleStarts.ranges })
    case .repetition(let node, _, _, _), .atomic(let node): return node.possibleStarts
    }
  }
}
