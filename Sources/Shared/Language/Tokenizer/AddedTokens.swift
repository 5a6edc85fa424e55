// Added tokens: strings that are found in the text before it is cut and that always become one id.
// The rules are those of Hugging Face's AddedVocabulary.

/// A stretch of text: an added token, or text between two of them.
struct Segment: Equatable {
  let range: Range<Int>
  let token: UInt32?
}

/// Finds added tokens: the leftmost match, and of those that start there the longest.
struct AddedTokenMatcher: Sendable {
  private let tokens: [AddedToken]
  /// The tokens' contents, with indices into `tokens`.
  private let trie: ByteTrie
  /// Whether a token may start with two bytes, first << 8 | second.
  private let mayStart: [Bool]

  var isEmpty: Bool { tokens.isEmpty }

  /// Of two tokens with the same content the first counts.
  init(_ tokens: [AddedToken]) {
    let tokens = tokens.filter { !$0.content.isEmpty }
    var trie = ByteTrie()
    var mayStart = [Bool](repeating: false, count: 1 << 16)
    for (index, token) in tokens.enumerated().reversed() {
      trie.insert(token.content, id: UInt32(index))
      let first = Int(token.content[0]) << 8
      let second = token.content.count > 1 ? Int(token.content[1]) : nil
      for byte in second.map({ $0...$0 }) ?? 0...255 { mayStart[first | byte] = true }
    }
    self.tokens = tokens
    self.trie = trie
    self.mayStart = mayStart
  }

  /// Cuts a text into added tokens and what lies between; no segment is empty.
  func segments(_ text: borrowing Span<UInt8>) -> [Segment] {
    var result: [Segment] = []
    var done = 0
    var position = 0
    while let match = nextMatch(text, from: position) {
      position = match.range.upperBound
      let token = tokens[match.token]
      guard !token.description.isSingleWord || standsAlone(text, match.range) else { continue }
      var start = match.range.lowerBound
      var end = match.range.upperBound
      if token.description.stripsLeft { start = max(spaceStart(text, before: start), done) }
      if token.description.stripsRight { end = spaceEnd(text, from: end) }
      if done < start { result.append(Segment(range: done..<start, token: nil)) }
      // A token that the one before has swallowed whole is none.
      if start < end { result.append(Segment(range: start..<end, token: token.id)) }
      done = end
    }
    if done < text.count { result.append(Segment(range: done..<text.count, token: nil)) }
    return result
  }

  /// The next match at or behind `start`, as an index into `tokens`.
  private func nextMatch(
    _ text: borrowing Span<UInt8>, from start: Int
  ) -> (range: Range<Int>, token: Int)? {
    guard !tokens.isEmpty else { return nil }
    var start = start
    while start + 1 < text.count {
      if mayStart[Int(text[start]) << 8 | Int(text[start + 1])],
        let match = longestMatch(text, at: start)
      {
        return match
      }
      start += 1
    }
    return start < text.count ? longestMatch(text, at: start) : nil
  }

  private func longestMatch(
    _ text: borrowing Span<UInt8>, at start: Int
  ) -> (range: Range<Int>, token: Int)? {
    var node = ByteTrie.root
    var index = start
    var found: (range: Range<Int>, token: Int)?
    while index < text.count, let next = trie.child(of: node, text[index]) {
      node = next
      index += 1
      if trie.id(at: node) != ByteTrie.noToken { found = (start..<index, Int(trie.id(at: node))) }
    }
    return found
  }

  private func standsAlone(_ text: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
    if range.lowerBound > 0 {
      let before = Scalars.start(text, before: range.lowerBound)
      if AddedTokenMatcher.isWord(Scalars.read(text, at: before).value) { return false }
    }
    guard range.upperBound < text.count else { return true }
    return !AddedTokenMatcher.isWord(Scalars.read(text, at: range.upperBound).value)
  }

  private func spaceStart(_ text: borrowing Span<UInt8>, before end: Int) -> Int {
    var index = end
    while index > 0 {
      let before = Scalars.start(text, before: index)
      let scalar = Scalars.read(text, at: before).value
      guard CharacterClasses.shared[scalar] == CharacterClass.space else { break }
      index = before
    }
    return index
  }

  private func spaceEnd(_ text: borrowing Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < text.count {
      let scalar = Scalars.read(text, at: index)
      guard CharacterClasses.shared[scalar.value] == CharacterClass.space else { break }
      index += scalar.count
    }
    return index
  }

  /// `\w`: letters, marks, decimal digits, connectors and joiners.
  private static func isWord(_ value: UInt32) -> Bool {
    guard let properties = Unicode.Scalar(value)?.properties else { return false }
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }
}
