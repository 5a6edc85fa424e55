// How text is cut into the pieces that are encoded one by one. Comes in: valid UTF-8. Leaves: where
// pieces end.

/// How text is cut into pieces.
enum PreTokenizer: Sendable, Equatable {
  /// GPT-2's pattern over text; the pieces' bytes are what the model sees.
  case byteLevel(prefixSpace: PrefixSpace)

  /// Whether a text that starts with no space gets one.
  enum PrefixSpace: Sendable { case added, asGiven }

  var isByteLevel: Bool { true }
}

/// GPT-2's split pattern, compiled by hand.
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
package struct GPT2Pattern: Sendable {
  private let classes = CharacterClasses.shared

  package init() {}

  /// Where the piece that starts at `start` ends, in a text that ends at `end`.
  @inline(__always)
  package func pieceEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    let first = text[start]
    if first == UInt8(ascii: "'") {
      let length = contraction(text, from: start, to: end)
      if length > 0 { return start + length }
    }
    let isSpace = first == 0x20
    let body = isSpace && start + 1 < end ? start + 1 : start
    let (kind, count) = classify(text, at: body)
    guard kind == CharacterClass.space else {
      return runEnd(text, of: kind, from: body + count, to: end)
    }
    return spaceEnd(text, from: start, to: end)
  }

  /// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d`; 0 where there is none.
  private func contraction(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    guard start + 1 < end else { return 0 }
    let second = text[start + 1]
    switch second {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return start + 2 < end && text[start + 2] == UInt8(ascii: "e") ? 3 : 0
    case UInt8(ascii: "l"): return start + 2 < end && text[start + 2] == second ? 3 : 0
    default: return 0
    }
  }

  @inline(__always)
  private func classify(_ text: borrowing Span<UInt8>, at index: Int) -> (UInt8, Int) {
    let byte = text[index]
    if byte < 0x80 { return (classes.ascii[Int(byte)], 1) }
    let scalar = Scalars.read(text, at: index)
    return (classes[scalar.value], scalar.count)
  }

  /// Where a run of one class ends.
  @inline(__always)
  private func runEnd(
    _ text: borrowing Span<UInt8>, of kind: UInt8, from start: Int, to end: Int
  ) -> Int {
    var index = start
    while index < end {
      let (next, count) = classify(text, at: index)
      if next != kind { break }
      index += count
    }
    return index
  }

  /// White space leaves its last character to what follows, unless it is alone or nothing follows.
  private func spaceEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    let stop = runEnd(text, of: CharacterClass.space, from: start, to: end)
    if stop == end { return stop }
    let last = Scalars.start(text, before: stop)
    return last > start ? last : stop
  }
}
