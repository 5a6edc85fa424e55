// Turns the tree of a regular expression into a program. Comes in: a tree. Leaves: instructions and
// the sets of characters that they name.

/// What the machine does next.
enum RegexInstruction: Sendable {
  case set(Int)
  case scalar(UInt32)
  /// As many characters of a set as possible; gives back down to `atLeast` of them, if at all.
  case run(Int, atLeast: Int, atMost: Int, givesBack: Bool)
  /// Goes elsewhere unless a character of a set comes next.
  case unless(Int, goTo: Int)
  /// Tries one place, then the other.
  case split(Int, Int)
  case jump(Int)
  /// Runs the part behind it, which ends with `accept`, where it stands or some characters before.
  case look(next: Int, back: Int, isNegative: Bool)
  /// Runs the part behind it, which ends with `accept`, and keeps what it took.
  case atomic(next: Int)
  case boundary(RegexNode.Boundary)
  case accept
}

/// Turns the tree into the program.
struct RegexCompiler {
  var program: [RegexInstruction] = []
  private(set) var sets: [ScalarSet] = []
  private(set) var needsWord = false

  /// Longer programs are refused rather than run.
  private static let programLimit = 100_000
  private static let setLimit = 1000

  private mutating func number(_ set: ScalarSet) throws -> Int {
    if let known = sets.firstIndex(of: set) { return known }
    guard sets.count < RegexCompiler.setLimit else {
      throw RegexProblem(what: "a pattern with so many classes")
    }
    sets.append(set)
    return sets.count - 1
  }

  /// Appends what a part of the tree comes to; throws `RegexProblem`.
  mutating func compile(_ node: RegexNode) throws {
    guard program.count < RegexCompiler.programLimit else {
      throw RegexProblem(what: "a pattern with so many repetitions")
    }
    switch node {
    case .empty: break
    case .set(let set):
      program.append(try set.only.map { .scalar($0) } ?? .set(number(set)))
    case .sequence(let nodes): for node in nodes { try compile(node) }
    case .choice(let nodes): try choice(nodes)
    case .repetition(let node, let atLeast, let atMost, let eagerness):
      try repetition(node, atLeast, atMost, eagerness)
    case .look(let inner, let direction, let isNegative):
      let back = direction == .behind ? inner.length ?? 0 : 0
      try part(inner) { .look(next: $0, back: back, isNegative: isNegative) }
    case .atomic(let inner): try part(inner) { .atomic(next: $0) }
    case .boundary(let boundary):
      if boundary == .word || boundary == .notWord { needsWord = true }
      program.append(.boundary(boundary))
    }
  }

  /// A part that runs by itself.
  private mutating func part(
    _ node: RegexNode, _ instruction: (Int) -> RegexInstruction
  ) throws {
    let start = program.count
    program.append(.accept)
    try compile(node)
    program.append(.accept)
    program[start] = instruction(program.count)
  }

  private mutating func choice(_ nodes: [RegexNode]) throws {
    var jumps: [Int] = []
    for (index, node) in nodes.enumerated() {
      guard index < nodes.count - 1 else {
        try compile(node)
        break
      }
      // What cannot start here needs no way back.
      let guarded = program.count
      let starts = sets.count < RegexCompiler.setLimit / 2 ? node.starts : nil
      if starts != nil { program.append(.accept) }
      let start = program.count
      program.append(.accept)
      try compile(node)
      jumps.append(program.count)
      program.append(.accept)
      program[start] = .split(start + 1, program.count)
      if let starts { program[guarded] = .unless(try number(starts), goTo: program.count) }
    }
    for jump in jumps { program[jump] = .jump(program.count) }
  }

  private mutating func repetition(
    _ node: RegexNode, _ atLeast: Int, _ atMost: Int?, _ eagerness: RegexNode.Eagerness
  ) throws {
    if case .set(let set) = node, eagerness != .lazy {
      program.append(
        .run(
          try number(set), atLeast: atLeast, atMost: atMost ?? .max,
          givesBack: eagerness == .greedy))
      return
    }
    if eagerness == .possessive {
      return try compile(
        .atomic(.repetition(node, atLeast: atLeast, atMost: atMost, .greedy)))
    }
    func order(_ body: Int, _ rest: Int) -> RegexInstruction {
      eagerness == .lazy ? .split(rest, body) : .split(body, rest)
    }
    for _ in 0..<atLeast { try compile(node) }
    guard let atMost else {
      let start = program.count
      program.append(.accept)
      try compile(node)
      program.append(.jump(start))
      program[start] = order(start + 1, program.count)
      return
    }
    var splits: [Int] = []
    for _ in atLeast..<atMost {
      splits.append(program.count)
      program.append(.accept)
      try compile(node)
    }
    for split in splits { program[split] = order(split + 1, program.count) }
  }
}
