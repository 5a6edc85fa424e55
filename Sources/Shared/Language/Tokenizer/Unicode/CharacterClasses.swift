// What characters are to split patterns: letters, marks, numbers, white space and so on. Follows
// the Unicode version of Hugging Face's tokenizers, whatever newer one the Swift runtime knows.

/// What a character is to a split pattern.
enum CharacterClass {
  /// None of the three below, unassigned characters included.
  static let other: UInt8 = 0
  /// What `\p{L}` matches.
  static let letter: UInt8 = 1
  /// What `\p{N}` matches.
  static let number: UInt8 = 2
  /// What `\s` matches.
  static let space: UInt8 = 3
}

/// The traits of a character, one bit each.
enum CharacterTrait {
  /// What `\p{L}` matches.
  static let letter: UInt8 = 1
  /// What `\p{N}` matches.
  static let number: UInt8 = 2
  /// What `\s` matches.
  static let space: UInt8 = 4
  /// What `\p{M}` matches.
  static let mark: UInt8 = 8
  /// What `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` matches.
  static let upper: UInt8 = 16
  /// What `[\p{Ll}\p{Lm}\p{Lo}\p{M}]` matches.
  static let lower: UInt8 = 32
  /// What `[\p{P}\p{S}]` matches.
  static let symbol: UInt8 = 64
  /// A number that came after the version of `\p{N}`, but which `Digits` knows.
  static let laterNumber: UInt8 = 128
}

/// The traits of every character.
struct CharacterClasses: Sendable {
  /// One byte for each character from U+0000 to the end of plane 3.
  private let table: [UInt8]

  private static let end: UInt32 = 0x40000
  /// The marks of plane 14; all else behind plane 3 has no traits.
  private static let lateMarks: ClosedRange<UInt32> = 0xE0100...0xE01EF
  private static let markTraits = CharacterTrait.mark | CharacterTrait.upper | CharacterTrait.lower

  /// Built once, at first use.
  static let shared = CharacterClasses()

  private init() {
    table = (0..<CharacterClasses.end).map { value in
      Unicode.Scalar(value).map { CharacterClasses.traits($0) } ?? 0
    }
  }

  private static func traits(_ scalar: Unicode.Scalar) -> UInt8 {
    let category = UnicodeTables.category(scalar)
    switch category {
    case .uppercaseLetter, .titlecaseLetter: return CharacterTrait.letter | CharacterTrait.upper
    case .lowercaseLetter: return CharacterTrait.letter | CharacterTrait.lower
    case .modifierLetter, .otherLetter:
      return CharacterTrait.letter | CharacterTrait.upper | CharacterTrait.lower
    case _ where UnicodeTables.marks.contains(category): return markTraits
    case _ where UnicodeTables.numbers.contains(category): return CharacterTrait.number
    case _ where UnicodeTables.punctuation.contains(category): return CharacterTrait.symbol
    case _ where UnicodeTables.symbols.contains(category): return CharacterTrait.symbol
    default:
      if scalar.properties.isWhitespace { return CharacterTrait.space }
      return UnicodeTables.isNumeric(scalar) ? CharacterTrait.laterNumber : 0
    }
  }

  @inline(__always) func traits(_ scalar: UInt32) -> UInt8 {
    if scalar < CharacterClasses.end { return table[Int(scalar)] }
    return CharacterClasses.lateMarks.contains(scalar) ? CharacterClasses.markTraits : 0
  }

  /// The class of a character.
  subscript(_ scalar: UInt32) -> UInt8 {
    let traits = traits(scalar)
    if traits & CharacterTrait.letter != 0 { return CharacterClass.letter }
    if traits & CharacterTrait.number != 0 { return CharacterClass.number }
    return traits & CharacterTrait.space != 0 ? CharacterClass.space : CharacterClass.other
  }
}

/// Reads characters out of valid UTF-8.
enum Scalars {
  /// The character that starts at `index` and the number of its bytes.
  @inline(__always)
  static func read(_ text: borrowing Span<UInt8>, at index: Int) -> (value: UInt32, count: Int) {
    let first = UInt32(text[index])
    if first < 0x80 { return (first, 1) }
    let second = UInt32(text[index + 1] & 0x3F)
    if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
    let third = UInt32(text[index + 2] & 0x3F)
    if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
    return ((first & 0x07) << 18 | second << 12 | third << 6 | UInt32(text[index + 3] & 0x3F), 4)
  }

  /// Where the character that ends before `end` starts.
  @inline(__always)
  static func start(_ text: borrowing Span<UInt8>, before end: Int) -> Int {
    var index = end - 1
    while text[index] & 0xC0 == 0x80 { index -= 1 }
    return index
  }

  static func append(_ scalar: Unicode.Scalar, to text: inout [UInt8]) {
    text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }
}
