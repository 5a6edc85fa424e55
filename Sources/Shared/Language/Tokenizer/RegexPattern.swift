// Regular expressions at work: a program of few instructions, run with backtracking over UTF-8.
// Comes in: a pattern, then texts. Leaves: where it matches.

/// A compiled regular expression that matches as Oniguruma does.
struct RegexPattern: Sendable {
  /// What the machine does next.
  fileprivate enum Instruction {
    case set(Int)
    case scalar(UInt32)
    /// As many characters of a set as possible; gives back down to `atLeast` of them, if at all.
    case run(Int, atLeast: Int, atMost: Int, givesBack: Bool)
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

  private let program: [Instruction]
  private let sets: [ScalarBits]
  /// The characters that a match can start with; nil where it can be empty.
  private let starts: ScalarBits?
  private let word: ScalarBits?

  /// Longer programs are refused rather than run.
  private static let programLimit = 100_000
  private static let setLimit = 1000

  /// Throws `RegexProblem`.
  init(_ pattern: String) throws { try self.init(try RegexReader.read(pattern)) }

  /// A pattern that matches a text as it stands.
  init(literal text: String) throws {
    try self.init(.sequence(text.unicodeScalars.map { .set(ScalarSet($0)) }))
  }

  private init(_ node: RegexNode) throws {
    var compiler = Compiler()
    try compiler.compile(node)
    compiler.program.append(.accept)
    program = compiler.program
    sets = compiler.sets.map { ScalarBits($0) }
    starts = node.starts.map { ScalarBits($0) }
    word = compiler.needsWord ? ScalarBits(RegexClasses.word) : nil
  }

  /// Turns the tree into the program.
  private struct Compiler {
    var program: [Instruction] = []
    var sets: [ScalarSet] = []
    var needsWord = false

    private mutating func number(_ set: ScalarSet) throws -> Int {
      if let known = sets.firstIndex(of: set) { return known }
      guard sets.count < RegexPattern.setLimit else {
        throw RegexProblem(what: "a pattern with so many classes")
      }
      sets.append(set)
      return sets.count - 1
    }

    mutating func compile(_ node: RegexNode) throws {
      guard program.count < RegexPattern.programLimit else {
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
      _ node: RegexNode, _ instruction: (Int) -> Instruction
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
        let start = program.count
        let isLast = index == nodes.count - 1
        if !isLast { program.append(.accept) }
        try compile(node)
        guard !isLast else { break }
        jumps.append(program.count)
        program.append(.accept)
        program[start] = .split(start + 1, program.count)
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
      func order(_ body: Int, _ rest: Int) -> Instruction {
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

  /// The memory that matching needs; keep one over many texts.
  struct Scratch {
    fileprivate var choices: [Choice] = []
  }

  /// What else could have been done.
  fileprivate struct Choice {
    let next: Int
    /// Where to go on; a run gives back one character at a time, down to `low`.
    var position: Int
    /// −1 for a choice that is no run.
    let low: Int
  }

  // MARK: - Matching

  /// The next match at or behind `start`; nil where there is none.
  func match(
    in text: borrowing Span<UInt8>, from start: Int, _ scratch: inout Scratch
  ) -> Range<Int>? {
    var position = start
    while position <= text.count {
      if let starts {
        while position < text.count {
          let next = Scalars.read(text, at: position)
          if starts.contains(next.value) { break }
          position += next.count
        }
        if position == text.count { return nil }
      }
      if let end = run(text, from: position, at: 0, &scratch) { return position..<end }
      guard position < text.count else { return nil }
      position += Scalars.read(text, at: position).count
    }
    return nil
  }

  /// Where a match that starts at `start` ends.
  private func run(
    _ text: borrowing Span<UInt8>, from start: Int, at first: Int, _ scratch: inout Scratch
  ) -> Int? {
    let base = scratch.choices.count
    var position = start
    var next = first
    while true {
      var fails = false
      switch program[next] {
      case .accept:
        scratch.choices.removeLast(scratch.choices.count - base)
        return position
      case .jump(let target): next = target
      case .split(let one, let other):
        scratch.choices.append(Choice(next: other, position: position, low: -1))
        next = one
      case .set(let number):
        if position < text.count {
          let scalar = Scalars.read(text, at: position)
          fails = !sets[number].contains(scalar.value)
          position += scalar.count
        } else {
          fails = true
        }
        next += 1
      case .scalar(let wanted):
        if position < text.count {
          let scalar = Scalars.read(text, at: position)
          fails = scalar.value != wanted
          position += scalar.count
        } else {
          fails = true
        }
        next += 1
      case .run(let number, let atLeast, let atMost, let givesBack):
        let found = runEnd(text, sets[number], from: position, atLeast: atLeast, atMost: atMost)
        fails = found == nil
        next += 1
        if let found {
          if givesBack, found.end > found.low {
            scratch.choices.append(Choice(next: next, position: found.end, low: found.low))
          }
          position = found.end
        }
      case .boundary(let boundary):
        fails = !isBoundary(text, at: position, boundary)
        next += 1
      case .look(let target, let back, let isNegative):
        let place = stepBack(text, from: position, back)
        let found = place.map { run(text, from: $0, at: next + 1, &scratch) != nil } ?? false
        fails = found == isNegative
        next = target
      case .atomic(let target):
        if let end = run(text, from: position, at: next + 1, &scratch) {
          position = end
        } else {
          fails = true
        }
        next = target
      }
      if fails {
        guard scratch.choices.count > base, var choice = scratch.choices.popLast() else {
          return nil
        }
        if choice.low >= 0 {
          choice.position = Scalars.start(text, before: choice.position)
          if choice.position > choice.low { scratch.choices.append(choice) }
        }
        position = choice.position
        next = choice.next
      }
    }
  }

  /// Where a run ends and how far it may give back; nil where it is too short.
  @inline(__always)
  private func runEnd(
    _ text: borrowing Span<UInt8>, _ set: ScalarBits, from start: Int, atLeast: Int, atMost: Int
  ) -> (low: Int, end: Int)? {
    var index = start
    var count = 0
    var low = start
    while index < text.count, count < atMost {
      let scalar = Scalars.read(text, at: index)
      if !set.contains(scalar.value) { break }
      index += scalar.count
      count += 1
      if count == atLeast { low = index }
    }
    return count < atLeast ? nil : (low, index)
  }

  private func stepBack(_ text: borrowing Span<UInt8>, from position: Int, _ count: Int) -> Int? {
    var index = position
    for _ in 0..<count {
      guard index > 0 else { return nil }
      index = Scalars.start(text, before: index)
    }
    return index
  }

  private func isBoundary(
    _ text: borrowing Span<UInt8>, at position: Int, _ boundary: RegexNode.Boundary
  ) -> Bool {
    let end = text.count
    switch boundary {
    case .textStart: return position == 0
    case .textEnd: return position == end
    case .textEndOrLine: return position == end || position == end - 1 && text[position] == 0x0A
    case .lineStart: return position == 0 || position < end && text[position - 1] == 0x0A
    case .lineEnd: return position == end || text[position] == 0x0A
    case .word, .notWord:
      let before = position > 0 && isWord(text, at: Scalars.start(text, before: position))
      let after = position < end && isWord(text, at: position)
      return (before != after) == (boundary == .word)
    }
  }

  private func isWord(_ text: borrowing Span<UInt8>, at index: Int) -> Bool {
    word?.contains(Scalars.read(text, at: index).value) ?? false
  }
}
