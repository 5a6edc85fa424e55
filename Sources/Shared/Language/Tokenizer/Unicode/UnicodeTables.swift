// The Unicode versions that the parts of Hugging Face's tokenizers follow, which differ, as sets of
// characters made from the Swift runtime's newer tables.

/// Character properties as Hugging Face's tokenizers know them.
enum UnicodeTables {
  typealias GeneralCategory = Unicode.GeneralCategory

  static let letters: Set<GeneralCategory> = [
    .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
  ]
  static let marks: Set<GeneralCategory> = [.nonspacingMark, .spacingMark, .enclosingMark]
  static let numbers: Set<GeneralCategory> = [.decimalNumber, .letterNumber, .otherNumber]
  static let punctuation: Set<GeneralCategory> = [
    .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
    .initialPunctuation, .finalPunctuation, .otherPunctuation,
  ]
  static let symbols: Set<GeneralCategory> = [
    .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol,
  ]
  static let separators: Set<GeneralCategory> = [
    .spaceSeparator, .lineSeparator, .paragraphSeparator,
  ]
  static let others: Set<GeneralCategory> = [
    .control, .format, .surrogate, .privateUse, .unassigned,
  ]

  /// The Unicode version of the regular expressions.
  private static let patternVersion = 16
  /// The Unicode version of `Digits`.
  private static let numericVersion = 17
  /// The Unicode version of `Punctuation` and `BertPreTokenizer`.
  private static let punctuationVersion = 8

  private static func isKnown(_ scalar: Unicode.Scalar, since version: Int) -> Bool {
    (scalar.properties.age?.major ?? 0) <= version
  }

  /// The general category, to a regular expression.
  static func category(_ scalar: Unicode.Scalar) -> GeneralCategory {
    scalar.value < known.count ? known[Int(scalar.value)] : readCategory(scalar)
  }

  /// The categories of planes 0 to 3, where nearly all characters are.
  private static let known: [GeneralCategory] = (0..<0x40000).map {
    Unicode.Scalar($0).map { readCategory($0) } ?? .surrogate
  }

  private static func readCategory(_ scalar: Unicode.Scalar) -> GeneralCategory {
    // Became a letter without case in a later version.
    if scalar.value == 0x295 { return .lowercaseLetter }
    return isKnown(scalar, since: patternVersion) ? scalar.properties.generalCategory : .unassigned
  }

  /// What `\p{Alphabetic}` matches.
  static func isAlphabetic(_ scalar: Unicode.Scalar) -> Bool {
    isKnown(scalar, since: patternVersion) && scalar.properties.isAlphabetic
  }

  /// A number to `Digits`.
  static func isNumeric(_ scalar: Unicode.Scalar) -> Bool {
    isKnown(scalar, since: numericVersion) && numbers.contains(scalar.properties.generalCategory)
  }

  /// A word's character to `Whitespace`.
  static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    isBracketWord(scalar) || scalar.properties.isJoinControl
  }

  /// `\w` within the brackets of a regular expression.
  static func isBracketWord(_ scalar: Unicode.Scalar) -> Bool {
    let category = category(scalar)
    return isAlphabetic(scalar) || marks.contains(category) || category == .decimalNumber
      || category == .connectorPunctuation
  }

  /// `\w` by itself, which has the superscripts and fractions of Latin-1 too.
  static func isPatternWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0xB2, 0xB3, 0xB9, 0xBC...0xBE: true
    default: isBracketWord(scalar)
    }
  }

  /// What `Punctuation` and `BertPreTokenizer` cut at: all symbols of ASCII, and punctuation.
  static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
    case 0x166D, 0x111C9: true  // punctuation then, no longer now
    default:
      isKnown(scalar, since: punctuationVersion)
        && punctuation.contains(scalar.properties.generalCategory)
    }
  }

  /// What `StripAccents` removes: the marks of Unicode 9.
  static func isAccent(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1CF2, 0x1CF3: true  // marks then, no longer now
    case 0x111C9: false  // punctuation then
    default: isKnown(scalar, since: 9) && marks.contains(scalar.properties.generalCategory)
    }
  }

  /// What `BertNormalizer` removes as an accent: the marks without width of Unicode 8.
  static func isBertAccent(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1734, 0x1171E: true  // without width then
    case 0x1885, 0x1886, 0xA9BD, 0x111C9: false
    default: isKnown(scalar, since: 8) && scalar.properties.generalCategory == .nonspacingMark
    }
  }

  /// What `BertNormalizer` removes as a control character, tab and ends of lines among them.
  static func isBertControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .privateUse: isKnown(scalar, since: 8)
    default: false
    }
  }
}
