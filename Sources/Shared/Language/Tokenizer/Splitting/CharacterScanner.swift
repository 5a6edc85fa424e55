// The runs of characters that all hand-compiled split patterns are made of, with quick ways through
// ASCII.

/// Finds where runs of characters end.
struct CharacterScanner: Sendable {
  private let classes = CharacterClasses.shared

  private static let highBits: UInt64 = 0x8080_8080_8080_8080

  /// The traits of the character at `index` and the number of its bytes.
  @inline(__always)
  func read(_ text: borrowing Span<UInt8>, at index: Int) -> (traits: UInt8, count: Int) {
    let byte = text[index]
    if byte < 0x80 { return (classes.traits(UInt32(byte)), 1) }
    let scalar = Scalars.read(text, at: index)
    return (classes.traits(scalar.value), scalar.count)
  }

  /// Where a run of characters that have one of the traits ends.
  @inline(__always)
  func runEnd(
    _ text: borrowing Span<UInt8>, having traits: UInt8, from start: Int, to end: Int
  ) -> Int {
    var index = start
    while index < end {
      let next = read(text, at: index)
      if next.traits & traits == 0 { break }
      index += next.count
    }
    return index
  }

  /// Where a run of characters that have none of the traits ends.
  @inline(__always)
  func runEnd(
    _ text: borrowing Span<UInt8>, lacking traits: UInt8, from start: Int, to end: Int
  ) -> Int {
    var index = start
    while index < end {
      let next = read(text, at: index)
      if next.traits & traits != 0 { break }
      index += next.count
    }
    return index
  }

  /// Where a run of characters that have one of the traits, letters among them, ends.
  @inline(__always)
  func lettersEnd(
    _ text: borrowing Span<UInt8>, having traits: UInt8, from start: Int, to end: Int
  ) -> Int {
    lettersEnd(text, traits, caseBits: 0x2020_2020_2020_2020, from: start, to: end)
  }

  /// Where a run of characters that have one of the traits, lower case letters among them but none
  /// of upper case, ends.
  @inline(__always)
  func lowerEnd(
    _ text: borrowing Span<UInt8>, having traits: UInt8, from start: Int, to end: Int
  ) -> Int {
    lettersEnd(text, traits, caseBits: 0, from: start, to: end)
  }

  @inline(__always)
  private func lettersEnd(
    _ text: borrowing Span<UInt8>, _ traits: UInt8, caseBits: UInt64, from start: Int, to end: Int
  ) -> Int {
    var index = start
    let raw = text.raw
    while index + 8 <= end {
      let others =
        ~CharacterScanner.letters(raw.word(at: index) | caseBits) & CharacterScanner.highBits
      index += others.trailingZeroBitCount / 8
      if others == 0 { continue }
      if text[index] < 0x80 { return index }
      while index < end, text[index] >= 0x80 {
        let next = read(text, at: index)
        if next.traits & traits == 0 { return index }
        index += next.count
      }
    }
    return runEnd(text, having: traits, from: index, to: end)
  }

  /// The highest bit of each byte that is a lower case letter of ASCII.
  @inline(__always) private static func letters(_ word: UInt64) -> UInt64 {
    let low = word & ~highBits
    let fromA = low &+ 0x1F1F_1F1F_1F1F_1F1F
    let afterZ = low &+ 0x0505_0505_0505_0505
    return fromA & ~afterZ & ~word & highBits
  }

  /// Where up to `limit` numbers end.
  @inline(__always)
  func numbersEnd(
    _ text: borrowing Span<UInt8>, atMost limit: Int, from start: Int, to end: Int
  ) -> Int {
    var index = start
    var count = 0
    while index < end, count < limit {
      let next = read(text, at: index)
      if next.traits & CharacterTrait.number == 0 { break }
      index += next.count
      count += 1
    }
    return index
  }

  /// White space as `\s*[\r\n]+|\s+(?!\S)|\s+` takes it.
  func spaceOrLinesEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    var index = start
    var linesEnd = start
    var last = start
    while index < end {
      let next = read(text, at: index)
      if next.traits & CharacterTrait.space == 0 { break }
      last = index
      let byte = text[index]
      index += next.count
      if byte == 0x0A || byte == 0x0D { linesEnd = index }
    }
    if linesEnd > start { return linesEnd }
    return index == end || last == start ? index : last
  }

  /// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at an apostrophe, in lower case; 0
  /// where there is none.
  @inline(__always)
  func contraction(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    guard start + 1 < end else { return 0 }
    return contraction(text[start + 1], start + 2 < end ? text[start + 2] : 0)
  }

  /// The same in whatever case, where a long s (U+017F) counts as an s.
  @inline(__always)
  func foldedContraction(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    guard start + 1 < end else { return 0 }
    let second = text[start + 1]
    let third = start + 2 < end ? text[start + 2] : 0
    if second == 0xC5 { return third == 0xBF ? 3 : 0 }
    return contraction(second | 0x20, third | 0x20)
  }

  @inline(__always) private func contraction(_ second: UInt8, _ third: UInt8) -> Int {
    switch second {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"): third == UInt8(ascii: "e") ? 3 : 0
    case UInt8(ascii: "l"): third == UInt8(ascii: "l") ? 3 : 0
    default: 0
    }
  }
}
