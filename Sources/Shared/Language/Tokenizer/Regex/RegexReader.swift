// Reads regular expressions in Oniguruma's Ruby dialect, which tokenizer files are written in. Comes
// in: a pattern. Leaves: a tree, or what of the pattern is not supported.

/// Reads a regular expression.
struct RegexReader {
  private let pattern: [Unicode.Scalar]
  private var index = 0
  private var depth = 0
  private var options = Options()

  private struct Options {
    var ignoresCase = false
    var pointTakesLines = false
    var ignoresSpace = false
  }

  /// Deeper nesting is refused rather than followed.
  private static let depthLimit = 100
  private static let repetitionLimit = 1000
  private static let tooDeep = RegexProblem(what: "a pattern that is nested so deeply")

  private init(_ pattern: String) { self.pattern = Array(pattern.unicodeScalars) }

  /// Throws `RegexProblem`.
  static func read(_ pattern: String) throws -> RegexNode {
    var reader = RegexReader(pattern)
    let node = try reader.choice()
    guard reader.index == reader.pattern.count else {
      throw RegexProblem(what: "a closing parenthesis without its opening one in the pattern")
    }
    return node
  }

  private var next: Unicode.Scalar? { index < pattern.count ? pattern[index] : nil }

  private func nextIs(_ text: String) -> Bool {
    pattern[index...].starts(with: text.unicodeScalars)
  }

  private mutating func take(_ text: String) -> Bool {
    guard nextIs(text) else { return false }
    index += text.unicodeScalars.count
    return true
  }

  // MARK: - Structure

  private mutating func choice() throws -> RegexNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= RegexReader.depthLimit else { throw RegexReader.tooDeep }
    let outer = options
    var nodes = [try sequence()]
    while take("|") { nodes.append(try sequence()) }
    options = outer
    return nodes.count == 1 ? nodes[0] : .choice(nodes)
  }

  private mutating func sequence() throws -> RegexNode {
    var nodes: [RegexNode] = []
    var folded: [Unicode.Scalar] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      if options.ignoresSpace, skipSpaceOrComment() { continue }
      if take("(?#") {
        while let scalar = next, scalar != ")" {
          index = min(index + (scalar == "\\" ? 2 : 1), pattern.count)
        }
        guard take(")") else { throw RegexProblem(what: "a comment without end in the pattern") }
        continue
      }
      let start = index
      if let rest = try inlineOptions() {
        nodes.append(rest)
        break
      }
      var node = try atom()
      folded = try folding(after: folded, node, isPlain: index == start + 1 ? pattern[start] : nil)
      var repetitions = 0
      while let repeated = try repetition(of: node) {
        node = repeated
        repetitions += 1
        guard repetitions <= RegexReader.depthLimit else { throw RegexReader.tooDeep }
      }
      nodes.append(node)
    }
    return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
  }

  private mutating func skipSpaceOrComment() -> Bool {
    guard let scalar = next else { return false }
    if scalar == "#" {
      while let scalar = next, scalar != "\n" { index += 1 }
      return true
    }
    guard " \t\n\r\u{B}\u{C}".unicodeScalars.contains(scalar) else { return false }
    index += 1
    return true
  }

  /// `(?i)`, which holds to the end of the group, alternatives included.
  private mutating func inlineOptions() throws -> RegexNode? {
    guard nextIs("(?") else { return nil }
    let start = index
    index += 2
    let outer = options
    if readOptions(), take(")") {
      let node = try choice()
      options = outer
      return node
    }
    (index, options) = (start, outer)
    return nil
  }

  /// Reads letters such as `i-m`; false where there are none.
  private mutating func readOptions() -> Bool {
    let start = index
    var value = true
    while let scalar = next {
      switch scalar {
      case "-": value = false
      case "i": options.ignoresCase = value
      case "m": options.pointTakesLines = value
      case "x": options.ignoresSpace = value
      default: return index > start
      }
      index += 1
    }
    return false
  }

  private mutating func group() throws -> RegexNode {
    let outer = options
    defer { options = outer }
    func closed(_ node: RegexNode) throws -> RegexNode {
      guard take(")") else {
        throw RegexProblem(what: "an opening parenthesis without its closing one in the pattern")
      }
      return node
    }
    if take("(?:") { return try closed(try choice()) }
    if take("(?=") { return try closed(.look(try choice(), .ahead, isNegative: false)) }
    if take("(?!") { return try closed(.look(try choice(), .ahead, isNegative: true)) }
    if take("(?<=") { return try closed(try behind(isNegative: false)) }
    if take("(?<!") { return try closed(try behind(isNegative: true)) }
    if take("(?>") { return try closed(.atomic(try choice())) }
    if take("(?") {
      if readOptions(), take(":") { return try closed(try choice()) }
      throw RegexProblem(what: "a group such as (?\(next.map { String($0) } ?? "") in the pattern")
    }
    index += 1
    return try closed(try choice())
  }

  private mutating func behind(isNegative: Bool) throws -> RegexNode {
    let node = try choice()
    guard node.length != nil else {
      throw RegexProblem(what: "a look behind of varying length in the pattern")
    }
    return .look(node, .behind, isNegative: isNegative)
  }

  // MARK: - Repetition

  private mutating func repetition(of node: RegexNode) throws -> RegexNode? {
    if options.ignoresSpace { while skipSpaceOrComment() {} }
    let start = index
    var bounds: (Int, Int?)
    var isInterval = false
    switch next {
    case "*": bounds = (0, nil)
    case "+": bounds = (1, nil)
    case "?": bounds = (0, 1)
    case "{":
      guard let found = interval() else {
        index = start
        return nil
      }
      bounds = found
      isInterval = true
    default: return nil
    }
    if !isInterval { index += 1 }
    guard bounds.0 <= RegexReader.repetitionLimit,
      bounds.1.map({ $0 >= bounds.0 && $0 <= RegexReader.repetitionLimit }) ?? true
    else { throw RegexProblem(what: "the bounds of a repetition in the pattern") }
    var eagerness = RegexNode.Eagerness.greedy
    if next == "?" {
      guard bounds.0 != bounds.1 else {
        throw RegexProblem(what: "a fixed number of repetitions with ? in the pattern")
      }
      index += 1
      eagerness = .lazy
    } else if next == "+", !isInterval {
      index += 1
      eagerness = .possessive
    }
    if bounds.1 == nil, node.canBeEmpty {
      throw RegexProblem(what: "the unbounded repetition of what may be empty in the pattern")
    }
    return .repetition(node, atLeast: bounds.0, atMost: bounds.1, eagerness)
  }

  /// `{2}`, `{2,}`, `{,3}` or `{2,3}`; nil for a brace that is a character.
  private mutating func interval() -> (Int, Int?)? {
    index += 1
    let least = number()
    if take("}") { return least.map { ($0, $0) } }
    guard take(",") else { return nil }
    let most = number()
    guard take("}"), least != nil || most != nil else { return nil }
    return (least ?? 0, most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = next, ("0"..."9").contains(scalar) {
      value = min((value ?? 0) * 10 + Int(scalar.value - 48), RegexReader.repetitionLimit + 1)
      index += 1
    }
    return value
  }

  // MARK: - Atoms

  private mutating func atom() throws -> RegexNode {
    guard let scalar = next else { return .empty }
    switch scalar {
    case "(": return try group()
    case "*", "+", "?": throw RegexProblem(what: "a repetition of nothing in the pattern")
    case "[":
      var reader = RegexClassReader(pattern, from: index)
      let set = try reader.read(options.ignoresCase ? .ignored : .kept)
      index = reader.index
      return .set(set)
    case ".":
      index += 1
      return .set(options.pointTakesLines ? .all : RegexClasses.notLine)
    case "^":
      index += 1
      return .boundary(.lineStart)
    case "$":
      index += 1
      return .boundary(.lineEnd)
    case "\\": return try escape()
    default:
      index += 1
      return .set(try literal(scalar))
    }
  }

  private func literal(_ scalar: Unicode.Scalar) throws -> ScalarSet {
    options.ignoresCase ? try CaseFolding.closed(ScalarSet(scalar)) : ScalarSet(scalar)
  }

  private mutating func escape() throws -> RegexNode {
    switch index + 1 < pattern.count ? pattern[index + 1] : nil {
    case "A": return boundary(.textStart)
    case "z": return boundary(.textEnd)
    case "Z": return boundary(.textEndOrLine)
    case "b": return boundary(.word)
    case "B": return boundary(.notWord)
    default:
      var reader = RegexClassReader(pattern, from: index)
      let item = try reader.escape()
      index = reader.index
      switch item {
      case .set(let set): return .set(set)
      case .scalar(let scalar): return .set(try literal(scalar))
      }
    }
  }

  private mutating func boundary(_ kind: RegexNode.Boundary) -> RegexNode {
    index += 2
    return .boundary(kind)
  }

  /// Refuses neighbors that, case aside, also match one character, such as ss and ß.
  private func folding(
    after earlier: [Unicode.Scalar], _ node: RegexNode, isPlain scalar: Unicode.Scalar?
  ) throws -> [Unicode.Scalar] {
    guard options.ignoresCase, case .set = node, let scalar else { return [] }
    let lower = Unicode.Scalar(scalar.value | 0x20) ?? scalar
    if let before = earlier.last, ["ss", "ff", "fi", "fl", "st"].contains("\(before)\(lower)") {
      throw RegexProblem(what: "“\(before)\(lower)” where case is ignored in the pattern")
    }
    return [scalar.isASCII ? lower : scalar]
  }
}
