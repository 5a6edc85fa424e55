// GPT-2's split pattern, compiled by hand. Comes in: valid UTF-8. Leaves: where pieces end.

/// GPT-2's split pattern, also where `Digits` cuts before it.
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
package struct GPT2Pattern: CompiledPattern {
  private let scanner = CharacterScanner()
  private let numbers: Numbers

  /// Whether numbers stand with each other and a space before them, or each by itself.
  package enum Numbers: Sendable { case grouped, alone }

  package init(numbers: Numbers = .grouped) { self.numbers = numbers }

  @inline(__always)
  package func pieceEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    let first = text[start]
    if first == UInt8(ascii: "'") {
      let length = scanner.contraction(text, from: start, to: end)
      if length > 0 { return start + length }
    }
    let body = first == 0x20 && start + 1 < end ? start + 1 : start
    let next = scanner.read(text, at: body)
    if next.traits & CharacterTrait.letter != 0 {
      return scanner.lettersEnd(
        text, having: CharacterTrait.letter, from: body + next.count, to: end)
    }
    if next.traits & (CharacterTrait.number | CharacterTrait.laterNumber) != 0 {
      if numbers == .alone { return body > start ? body : body + next.count }
      if next.traits & CharacterTrait.number != 0 {
        return scanner.runEnd(
          text, having: CharacterTrait.number, from: body + next.count, to: end)
      }
    }
    if next.traits & CharacterTrait.space == 0 {
      return scanner.runEnd(text, lacking: symbolEnd, from: body + next.count, to: end)
    }
    return spaceEnd(text, from: start, to: end)
  }

  /// What ends a run of symbols.
  @inline(__always) private var symbolEnd: UInt8 {
    let common = CharacterTrait.space | CharacterTrait.letter | CharacterTrait.number
    return numbers == .alone ? common | CharacterTrait.laterNumber : common
  }

  /// White space leaves its last character to what follows, unless it is alone or nothing follows.
  private func spaceEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    let stop = scanner.runEnd(text, having: CharacterTrait.space, from: start, to: end)
    if stop == end { return stop }
    if numbers == .alone {
      let next = scanner.read(text, at: stop).traits
      if next & (CharacterTrait.number | CharacterTrait.laterNumber) != 0 { return stop }
    }
    let last = Scalars.start(text, before: stop)
    return last > start ? last : stop
  }
}
