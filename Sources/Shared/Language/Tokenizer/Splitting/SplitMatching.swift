// What the steps of cutting look for in one piece. Comes in: a piece. Leaves: its parts, matched or not.

extension SplitWork {
  /// Lists the next match and what lies before it.
  private mutating func append(_ start: Int, _ end: Int) {
    let done = parts.last?.end ?? 0
    if done < start { parts.append(Part(start: done, end: start, isMatch: false)) }
    parts.append(Part(start: start, end: end, isMatch: true))
  }

  /// Lists what lies behind the last match.
  private mutating func finish(_ end: Int) {
    let done = parts.last?.end ?? 0
    if done < end { parts.append(Part(start: done, end: end, isMatch: false)) }
  }

  /// Each character of a set.
  mutating func match(_ text: borrowing Span<UInt8>, _ set: ScalarBits) {
    var index = 0
    while index < text.count {
      let scalar = Scalars.read(text, at: index)
      if set.contains(scalar.value) { append(index, index + scalar.count) }
      index += scalar.count
    }
    finish(index)
  }

  /// Each place of a string, which is a character.
  mutating func match(_ text: borrowing Span<UInt8>, _ character: [UInt8]) {
    var index = 0
    while index < text.count {
      let count = Scalars.read(text, at: index).count
      if count == character.count,
        character.indices.allSatisfy({ text[index + $0] == character[$0] })
      {
        append(index, index + count)
      }
      index += count
    }
    finish(index)
  }

  mutating func match(_ text: borrowing Span<UInt8>, length: Int) {
    var start = 0
    var count = 0
    var index = 0
    while index < text.count {
      index += Scalars.read(text, at: index).count
      count += 1
      if count == length {
        append(start, index)
        (start, count) = (index, 0)
      }
    }
    finish(index)
  }

  /// Each run of a script; what stands before the first and belongs to none is no match.
  mutating func matchScripts(_ text: borrowing Span<UInt8>) {
    var start: Int?
    var script: UInt8 = 0
    var index = 0
    while index < text.count {
      let scalar = Scalars.read(text, at: index)
      let next = UnicodeScripts.shared[scalar.value]
      if next != 0, next != script {
        if let start { append(start, index) }
        start = index
        script = next
      }
      index += scalar.count
    }
    if let start { append(start, index) }
    finish(index)
  }

  mutating func match(_ text: borrowing Span<UInt8>, _ pattern: RegexPattern) {
    var scratch = RegexPattern.Scratch()
    swap(&scratch, &regex)
    pattern.forEachMatch(in: text, &scratch) { append($0.lowerBound, $0.upperBound) }
    swap(&scratch, &regex)
    finish(text.count)
  }

  mutating func matchTiles(
    _ text: borrowing Span<UInt8>, _ pattern: some CompiledPattern
  ) {
    var start = 0
    while start < text.count {
      let end = pattern.pieceEnd(text, from: start, to: text.count)
      append(start, end)
      start = end
    }
  }

  mutating func matchWords(
    _ text: borrowing Span<UInt8>, word: ScalarBits, space: ScalarBits
  ) {
    enum Kind { case word, space, other }
    var (index, start) = (0, 0)
    var kind = Kind.space
    while index < text.count {
      let scalar = Scalars.read(text, at: index)
      let next: Kind =
        word.contains(scalar.value) ? .word : space.contains(scalar.value) ? .space : .other
      if next != kind {
        if kind != .space { append(start, index) }
        (start, kind) = (index, next)
      }
      index += scalar.count
    }
    if kind != .space { append(start, index) }
    finish(index)
  }
}

extension SplitMatcher {
  func match(_ text: borrowing Span<UInt8>, _ work: inout SplitWork) {
    switch self {
    case .compiled(let pattern): work.matchTiles(text, pattern)
    case .regex(let pattern): work.match(text, pattern)
    case .words(let word, let space): work.matchWords(text, word: word, space: space)
    }
  }
}
