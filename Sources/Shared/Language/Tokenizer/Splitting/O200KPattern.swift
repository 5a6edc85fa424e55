// The split patterns of GPT-4o and its kin, compiled by hand. Comes in: valid UTF-8. Leaves: where
// pieces end.

/// GPT-4o's split pattern, and Mistral's of the same build.
///
/// With U for `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` and W for `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`:
///
///     [^\r\n\p{L}\p{N}]?U*W+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?U+W*(?i:…)?
///     |\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
package struct O200KPattern: CompiledPattern {
  private let scanner = CharacterScanner()
  private let numberLimit: Int
  private let contractions: Contractions

  private static let symbolEnd =
    CharacterTrait.letter | CharacterTrait.number | CharacterTrait.space

  /// Whether `'s` and its like stay with the word before them.
  package enum Contractions: Sendable { case kept, cut }

  /// Up to `numberLimit` numbers stand together.
  package init(numberLimit: Int, contractions: Contractions) {
    self.numberLimit = numberLimit
    self.contractions = contractions
  }

  @inline(__always)
  package func pieceEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    let byte = text[start]
    let first = scanner.read(text, at: start)
    let next = start + first.count
    if first.traits & CharacterTrait.letter != 0 {
      return withContraction(text, from: wordEnd(text, from: start, to: end), to: end)
    }
    if first.traits & CharacterTrait.number != 0 {
      return scanner.numbersEnd(text, atMost: numberLimit, from: start, to: end)
    }
    if byte != 0x0A, byte != 0x0D {
      let isMark = first.traits & CharacterTrait.mark != 0
      if next < end || isMark {
        let word = prefixedWordEnd(text, from: start, body: next, isMark: isMark, to: end)
        if word > start { return withContraction(text, from: word, to: end) }
      }
      if byte == 0x20, next < end {
        let second = scanner.read(text, at: next)
        if second.traits & O200KPattern.symbolEnd == 0 {
          return symbolsEnd(text, from: next + second.count, to: end)
        }
      }
    }
    if first.traits & CharacterTrait.space == 0 { return symbolsEnd(text, from: next, to: end) }
    return scanner.spaceOrLinesEnd(text, from: start, to: end)
  }

  /// Where a word with one character before it ends; `start` where there is none.
  @inline(__always)
  private func prefixedWordEnd(
    _ text: borrowing Span<UInt8>, from start: Int, body: Int, isMark: Bool, to end: Int
  ) -> Int {
    guard body < end else { return body }  // a mark at the end
    let traits = scanner.read(text, at: body).traits
    guard traits & (CharacterTrait.upper | CharacterTrait.lower) != 0 else {
      return isMark ? body : start
    }
    // Before capitals alone, a mark is rather a word of its own than their first character.
    if isMark, !endsLow(text, from: body, to: end) { return body }
    return wordEnd(text, from: body, to: end)
  }

  /// Where `U*W+` ends, or else `U+W*`, from a character of either.
  @inline(__always)
  private func wordEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    var index = start
    var lowEnd = start
    while index < end {
      let next = scanner.read(text, at: index)
      if next.traits & CharacterTrait.upper == 0 {
        if next.traits & CharacterTrait.lower == 0 { break }
        return scanner.lowerEnd(
          text, having: CharacterTrait.lower, from: index + next.count, to: end)
      }
      index += next.count
      if next.traits & CharacterTrait.lower != 0 { lowEnd = index }
    }
    return lowEnd > start ? lowEnd : index
  }

  /// Whether `U*W+` matches.
  private func endsLow(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Bool {
    var index = start
    while index < end {
      let next = scanner.read(text, at: index)
      if next.traits & CharacterTrait.lower != 0 { return true }
      if next.traits & CharacterTrait.upper == 0 { return false }
      index += next.count
    }
    return false
  }

  @inline(__always)
  private func withContraction(
    _ text: borrowing Span<UInt8>, from start: Int, to end: Int
  ) -> Int {
    guard contractions == .kept, start < end, text[start] == UInt8(ascii: "'") else { return start }
    return start + scanner.foldedContraction(text, from: start, to: end)
  }

  /// Where symbols and the ends of lines and slashes behind them end.
  @inline(__always)
  private func symbolsEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    var index = scanner.runEnd(text, lacking: O200KPattern.symbolEnd, from: start, to: end)
    while index < end,
      text[index] == 0x0A || text[index] == 0x0D || text[index] == UInt8(ascii: "/")
    {
      index += 1
    }
    return index
  }
}
