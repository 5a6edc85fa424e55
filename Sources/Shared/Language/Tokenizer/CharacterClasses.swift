// The classes of characters that split patterns speak of: letters, numbers, white space, the rest.

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

/// The class of every character, two bits each.
///
/// Follows the Unicode version that Hugging Face's tokenizers know, so that a newer table in the
/// Swift runtime changes no token.
struct CharacterClasses: Sendable {
  /// Four characters to a byte, from U+0000 to the end of plane 3; later planes are `other`.
  private let packed: [UInt8]
  /// The first 128 characters, one to a byte.
  let ascii: [UInt8]

  private static let end: UInt32 = 0x40000
  private static let unicodeMajorVersion = 16

  /// Built once, at first use.
  static let shared = CharacterClasses()

  private init() {
    var packed = [UInt8](repeating: 0, count: Int(CharacterClasses.end / 4))
    for value in 0..<CharacterClasses.end {
      guard let scalar = Unicode.Scalar(value) else { continue }
      packed[Int(value / 4)] |= CharacterClasses.classify(scalar) << (value % 4 * 2)
    }
    self.packed = packed
    ascii = (0..<128).map { CharacterClasses.classify(Unicode.Scalar($0)) }
  }

  private static func classify(_ scalar: Unicode.Scalar) -> UInt8 {
    let properties = scalar.properties
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      return isKnown(scalar) ? CharacterClass.letter : CharacterClass.other
    case .decimalNumber, .letterNumber, .otherNumber:
      return isKnown(scalar) ? CharacterClass.number : CharacterClass.other
    default: return properties.isWhitespace ? CharacterClass.space : CharacterClass.other
    }
  }

  private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
    (scalar.properties.age?.major ?? .max) <= unicodeMajorVersion
  }

  subscript(_ scalar: UInt32) -> UInt8 {
    guard scalar < CharacterClasses.end else { return CharacterClass.other }
    return packed[Int(scalar / 4)] >> (scalar % 4 * 2) & 3
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
