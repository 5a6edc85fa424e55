// The split patterns of GPT-4 and GPT-4o and their kin, compiled by hand. Comes in: valid UTF-8.
// Leaves: where pieces end.

/// GPT-4's split pattern, and those that differ from it in how many numbers stand together.
///
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*
///     |\s*[\r\n]+|\s+(?!\S)|\s+
package struct CL100KPattern: CompiledPattern {
  private let scanner = CharacterScanner()
  private let numberLimit: Int
  /// What words are made of.
  private let letters: UInt8
  /// What ends a run of symbols.
  private let symbolEnd: UInt8

  /// Whether marks belong to words, `[\p{L}\p{M}]`, or to symbols.
  package enum Marks: Sendable { case inWords, inSymbols }

  /// Up to `numberLimit` numbers stand together: 3 in Llama 3's pattern, 1 in Qwen 2's.
  package init(numberLimit: Int, marks: Marks = .inSymbols) {
    self.numberLimit = numberLimit
    letters = CharacterTrait.letter | (marks == .inWords ? CharacterTrait.mark : 0)
    symbolEnd = letters | CharacterTrait.number | CharacterTrait.space
  }

  @inline(__always)
  package func pieceEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    let byte = text[start]
    if byte == UInt8(ascii: "'") {
      let length = scanner.foldedContraction(text, from: start, to: end)
      if length > 0 { return start + length }
    }
    let first = scanner.read(text, at: start)
    let next = start + first.count
    if first.traits & letters != 0 {
      return scanner.lettersEnd(text, having: letters, from: next, to: end)
    }
    if first.traits & CharacterTrait.number != 0 {
      return scanner.numbersEnd(text, atMost: numberLimit, from: start, to: end)
    }
    if next < end, byte != 0x0A, byte != 0x0D {
      let second = scanner.read(text, at: next)
      if second.traits & letters != 0 {
        return scanner.lettersEnd(text, having: letters, from: next + second.count, to: end)
      }
      if byte == 0x20, second.traits & symbolEnd == 0 {
        return symbolsEnd(text, from: next + second.count, to: end)
      }
    }
    if first.traits & CharacterTrait.space == 0 { return symbolsEnd(text, from: next, to: end) }
    return scanner.spaceOrLinesEnd(text, from: start, to: end)
  }

  /// Where symbols and the ends of lines behind them end.
  @inline(__always)
  private func symbolsEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    var index = scanner.runEnd(text, lacking: symbolEnd, from: start, to: end)
    while index < end, text[index] == 0x0A || text[index] == 0x0D { index += 1 }
    return index
  }
}
