// Regular expressions at work: a program of few instructions, run with backtracking over UTF-8.
// Comes in: a pattern, then texts. Leaves: where it matches.

/// A compiled regular expression that matches as Oniguruma does.
struct RegexPattern: Sendable {
  private let program: [RegexInstruction]
  private let sets: [ScalarBits]
  /// The characters that a match can start with; nil where it can be empty.
  private let starts: ScalarBits?
  private let word: ScalarBits?

  /// Throws `RegexProblem`.
  init(_ pattern: String) throws { try self.init(try RegexReader.read(pattern)) }

  /// A pattern that matches a text as it stands.
  init(literal text: String) throws {
    try self.init(.sequence(text.unicodeScalars.map { .set(ScalarSet($0)) }))
  }

  private init(_ node: RegexNode) throws {
    var compiler = RegexCompiler()
    try compiler.compile(node)
    compiler.program.append(.accept)
    program = compiler.program
    sets = compiler.sets.map { ScalarBits($0) }
    starts = node.starts.map { ScalarBits($0) }
    word = compiler.needsWord ? ScalarBits(RegexClasses.word) : nil
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

  /// Ways back in one try to match, after which it is noted which ones there were.
  private static let patience = 10_000

  // MARK: - Matching

  /// Calls `body` with every match, from the left; an empty one right behind a match is none.
  func forEachMatch(
    in text: borrowing Span<UInt8>, _ scratch: inout Scratch, _ body: (Range<Int>) -> Void
  ) {
    var lastEnd: Int?
    var index = 0
    while let found = match(in: text, from: index, &scratch) {
      if found.isEmpty, found.lowerBound == lastEnd {
        guard index < text.count else { break }
        index += Scalars.read(text, at: index).count
        continue
      }
      body(found)
      (lastEnd, index) = (found.upperBound, found.upperBound)
    }
  }

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
    var returns = 0
    var tried: Set<Int> = []
    while true {
      var fails = false
      switch program[next] {
      case .accept:
        scratch.choices.removeLast(scratch.choices.count - base)
        return position
      case .jump(let target): next = target
      case .unless(let number, let target):
        let isNext =
          position < text.count
          && sets[number].contains(Scalars.read(text, at: position).value)
        next = isNext ? next + 1 : target
      case .split(let one, let other):
        scratch.choices.append(Choice(next: other, position: position, low: -1))
        next = one
      case .set(let number):
        fails = !take(text, &position) { sets[number].contains($0) }
        next += 1
      case .scalar(let wanted):
        fails = !take(text, &position) { $0 == wanted }
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
        repeat {
          guard let choice = goBack(text, to: base, &scratch) else { return nil }
          (position, next) = (choice.position, choice.next)
          returns += 1
          // What failed from a place fails from there again; without this some patterns take for ever.
        } while returns > RegexPattern.patience
          && !tried.insert(position * program.count + next).inserted
      }
    }
  }

  /// Passes over the next character; false where there is none or it does not fit.
  @inline(__always)
  private func take(
    _ text: borrowing Span<UInt8>, _ position: inout Int, where fits: (UInt32) -> Bool
  ) -> Bool {
    guard position < text.count else { return false }
    let scalar = Scalars.read(text, at: position)
    position += scalar.count
    return fits(scalar.value)
  }

  /// The last choice that is left; nil where none is beyond the first `base`.
  @inline(__always)
  private func goBack(
    _ text: borrowing Span<UInt8>, to base: Int, _ scratch: inout Scratch
  ) -> Choice? {
    guard scratch.choices.count > base, var choice = scratch.choices.popLast() else { return nil }
    if choice.low >= 0 {
      choice.position = Scalars.start(text, before: choice.position)
      if choice.position > choice.low { scratch.choices.append(choice) }
    }
    return choice
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
