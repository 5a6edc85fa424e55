// Character classes of regular expressions: brackets, escapes, properties. Comes in: part of a
// pattern. Leaves: the set of characters.

/// Classes with a short name.
enum RegexClasses {
  static let notLine = ScalarSet("\n").inverted
  static let space = ScalarSet { $0.properties.isWhitespace }
  /// `\w` by itself.
  static let word = ScalarSet(where: UnicodeTables.isPatternWord)
  /// `\w` within brackets.
  static let bracketWord = ScalarSet(where: UnicodeTables.isBracketWord)
  static let digit = category([.decimalNumber])
  static let hexDigit = ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66])

  private static let alphabetic = ScalarSet(where: UnicodeTables.isAlphabetic)
  private static let categories = ScalarSet.grouped(by: UnicodeTables.category)

  static func category(_ wanted: Set<Unicode.GeneralCategory>) -> ScalarSet {
    ScalarSet(wanted.flatMap { categories[$0]?.ranges ?? [] })
  }

  /// A property such as `Lu`, `Letter` or `Han`; nil where it is not known.
  static func property(_ name: String) -> ScalarSet? {
    switch name {
    case "l", "letter": return category(UnicodeTables.letters)
    case "m", "mark", "combiningmark": return category(UnicodeTables.marks)
    case "n", "number": return category(UnicodeTables.numbers)
    case "p", "punctuation", "punct": return category(UnicodeTables.punctuation)
    case "s", "symbol": return category(UnicodeTables.symbols)
    case "z", "separator": return category(UnicodeTables.separators)
    case "c", "other": return category(UnicodeTables.others)
    case "any": return .all
    case "han": return han
    case "hiragana": return hiragana
    case "katakana": return katakana
    default: return shortCategories[name].map { category([$0]) } ?? posix(name)
    }
  }

  /// A class such as `alpha`; nil where it is not known.
  static func posix(_ name: String) -> ScalarSet? {
    switch name {
    case "alpha", "alphabetic": return alphabetic
    case "alnum": return alphabetic.union(digit)
    case "digit": return digit
    case "space", "whitespace": return space
    case "word": return bracketWord
    case "punct": return category(UnicodeTables.punctuation.union(UnicodeTables.symbols))
    case "xdigit": return hexDigit
    case "cntrl": return category([.control])
    case "ascii": return ScalarSet([0...0x7F])
    default: return nil
    }
  }

  private static let shortCategories: [String: Unicode.GeneralCategory] = [
    "lu": .uppercaseLetter, "uppercaseletter": .uppercaseLetter,
    "ll": .lowercaseLetter, "lowercaseletter": .lowercaseLetter,
    "lt": .titlecaseLetter, "titlecaseletter": .titlecaseLetter,
    "lm": .modifierLetter, "modifierletter": .modifierLetter,
    "lo": .otherLetter, "otherletter": .otherLetter,
    "mn": .nonspacingMark, "nonspacingmark": .nonspacingMark,
    "mc": .spacingMark, "spacingmark": .spacingMark,
    "me": .enclosingMark, "enclosingmark": .enclosingMark,
    "nd": .decimalNumber, "decimalnumber": .decimalNumber,
    "nl": .letterNumber, "letternumber": .letterNumber,
    "no": .otherNumber, "othernumber": .otherNumber,
    "pc": .connectorPunctuation, "connectorpunctuation": .connectorPunctuation,
    "pd": .dashPunctuation, "dashpunctuation": .dashPunctuation,
    "ps": .openPunctuation, "openpunctuation": .openPunctuation,
    "pe": .closePunctuation, "closepunctuation": .closePunctuation,
    "pi": .initialPunctuation, "initialpunctuation": .initialPunctuation,
    "pf": .finalPunctuation, "finalpunctuation": .finalPunctuation,
    "po": .otherPunctuation, "otherpunctuation": .otherPunctuation,
    "sm": .mathSymbol, "mathsymbol": .mathSymbol,
    "sc": .currencySymbol, "currencysymbol": .currencySymbol,
    "sk": .modifierSymbol, "modifiersymbol": .modifierSymbol,
    "so": .otherSymbol, "othersymbol": .otherSymbol,
    "zs": .spaceSeparator, "spaceseparator": .spaceSeparator,
    "zl": .lineSeparator, "lineseparator": .lineSeparator,
    "zp": .paragraphSeparator, "paragraphseparator": .paragraphSeparator,
    "cc": .control, "control": .control,
    "cf": .format, "format": .format,
    "cn": .unassigned, "unassigned": .unassigned,
    "co": .privateUse, "privateuse": .privateUse,
  ]

  private static let han = ScalarSet([
    0x2E80...0x2E99, 0x2E9B...0x2EF3, 0x2F00...0x2FD5, 0x3005...0x3005, 0x3007...0x3007,
    0x3021...0x3029, 0x3038...0x303B, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFA6D,
    0xFA70...0xFAD9, 0x16FE2...0x16FE3, 0x16FF0...0x16FF1, 0x20000...0x2A6DF, 0x2A700...0x2B739,
    0x2B740...0x2B81D, 0x2B820...0x2CEA1, 0x2CEB0...0x2EBE0, 0x2EBF0...0x2EE5D, 0x2F800...0x2FA1D,
    0x30000...0x3134A, 0x31350...0x323AF,
  ])

  private static let hiragana = ScalarSet([
    0x3041...0x3096, 0x309D...0x309F, 0x1B001...0x1B11F, 0x1B132...0x1B132, 0x1B150...0x1B152,
    0x1F200...0x1F200,
  ])

  private static let katakana = ScalarSet([
    0x30A1...0x30FA, 0x30FD...0x30FF, 0x31F0...0x31FF, 0x32D0...0x32FE, 0x3300...0x3357,
    0xFF66...0xFF6F, 0xFF71...0xFF9D, 0x1AFF0...0x1AFF3, 0x1AFF5...0x1AFFB, 0x1AFFD...0x1AFFE,
    0x1B000...0x1B000, 0x1B120...0x1B122, 0x1B155...0x1B155, 0x1B164...0x1B167,
  ])
}

/// Reads one bracketed class or one escape.
struct RegexClassReader {
  private let pattern: [Unicode.Scalar]
  private(set) var index: Int
  private var depth = 0

  private static let depthLimit = 50

  /// Whether a class takes in the other cases of its letters.
  enum Cases { case kept, ignored }

  /// What an item of a class is.
  enum Item {
    case scalar(Unicode.Scalar)
    case set(ScalarSet)
  }

  init(_ pattern: [Unicode.Scalar], from index: Int) {
    self.pattern = pattern
    self.index = index
  }

  private var next: Unicode.Scalar? { index < pattern.count ? pattern[index] : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    index += 1
    return true
  }

  private static let endless = RegexProblem(what: "a bracket without end in the pattern")

  /// Reads a class from its opening bracket on.
  mutating func read(_ cases: Cases = .kept) throws -> ScalarSet {
    depth += 1
    defer { depth -= 1 }
    guard depth <= RegexClassReader.depthLimit else {
      throw RegexProblem(what: "a pattern that is nested so deeply")
    }
    index += 1
    let isInverted = take("^")
    var ranges: [ClosedRange<UInt32>] = []
    var intersected: ScalarSet?
    var isFirst = true
    while true {
      guard let scalar = next else { throw RegexClassReader.endless }
      if scalar == "]", !isFirst { break }
      isFirst = false
      if scalar == "&", index + 1 < pattern.count, pattern[index + 1] == "&" {
        index += 2
        let part = ScalarSet(ranges)
        intersected = intersected?.intersection(part) ?? part
        ranges = []
        continue
      }
      ranges += try item()
    }
    index += 1
    let last = ScalarSet(ranges)
    var set = intersected?.intersection(last) ?? last
    if cases == .ignored { set = try CaseFolding.closed(set) }
    return isInverted ? set.inverted : set
  }

  /// One character, range, escape or class within brackets.
  private mutating func item() throws -> [ClosedRange<UInt32>] {
    guard let scalar = next else { throw RegexClassReader.endless }
    if scalar == "[" { return try (posixClass() ?? read()).ranges }
    let first: Item
    if scalar == "\\" {
      first = try escape()
    } else {
      index += 1
      first = .scalar(scalar)
    }
    let isRange = next == "-" && index + 1 < pattern.count && pattern[index + 1] != "]"
    switch first {
    case .set(let set):
      guard !isRange else { throw RegexProblem(what: "a range from a class in the pattern") }
      return set.ranges
    case .scalar(let low):
      guard isRange else { return [low.value...low.value] }
      index += 1
      guard let scalar = next, scalar != "[" else {
        throw RegexProblem(what: "a range to a class in the pattern")
      }
      var high = scalar
      if scalar == "\\" {
        guard case .scalar(let escaped) = try escape() else {
          throw RegexProblem(what: "a range to a class in the pattern")
        }
        high = escaped
      } else {
        index += 1
      }
      guard low <= high else { throw RegexProblem(what: "an empty range in the pattern") }
      return [low.value...high.value]
    }
  }

  /// `[:alpha:]`; nil where the bracket opens a class.
  private mutating func posixClass() throws -> ScalarSet? {
    guard index + 1 < pattern.count, pattern[index + 1] == ":" else { return nil }
    let start = index
    index += 2
    let isInverted = take("^")
    var name = ""
    while let scalar = next, ("a"..."z").contains(scalar) {
      name.unicodeScalars.append(scalar)
      index += 1
    }
    guard take(":"), take("]") else {
      index = start
      return nil
    }
    guard let set = RegexClasses.posix(name) else {
      throw RegexProblem(what: "the class [:\(name):] of the pattern")
    }
    return isInverted ? set.inverted : set
  }

  // MARK: - Escapes

  private var word: ScalarSet { depth > 0 ? RegexClasses.bracketWord : RegexClasses.word }

  /// Reads from the backslash on.
  mutating func escape() throws -> Item {
    guard index + 1 < pattern.count else {
      throw RegexProblem(what: "a backslash at the end of the pattern")
    }
    let scalar = pattern[index + 1]
    index += 2
    switch scalar {
    case "d": return .set(RegexClasses.digit)
    case "D": return .set(RegexClasses.digit.inverted)
    case "s": return .set(RegexClasses.space)
    case "S": return .set(RegexClasses.space.inverted)
    case "w": return .set(word)
    case "W": return .set(word.inverted)
    case "h": return .set(RegexClasses.hexDigit)
    case "H": return .set(RegexClasses.hexDigit.inverted)
    case "p", "P": return .set(try property(isInverted: scalar == "P"))
    case "n": return .scalar("\n")
    case "t": return .scalar("\t")
    case "r": return .scalar("\r")
    case "f": return .scalar("\u{C}")
    case "v": return .scalar("\u{B}")
    case "a": return .scalar("\u{7}")
    case "e": return .scalar("\u{1B}")
    case "u": return .scalar(try number(digits: 4...4))
    case "x":
      guard take("{") else { return .scalar(try number(digits: 1...2)) }
      let value = try number(digits: 1...8)
      guard take("}") else { throw RegexProblem(what: "a list of code points in the pattern") }
      return .scalar(value)
    case "0"..."9", "A"..."Z", "a"..."z":
      throw RegexProblem(what: "\\\(scalar) in the pattern")
    default: return .scalar(scalar)
    }
  }

  private mutating func number(digits: ClosedRange<Int>) throws -> Unicode.Scalar {
    var text = ""
    while let scalar = next, text.count < digits.upperBound, scalar.properties.isASCIIHexDigit {
      text.unicodeScalars.append(scalar)
      index += 1
    }
    guard digits.contains(text.count), let value = UInt32(text, radix: 16),
      let scalar = Unicode.Scalar(value), digits.upperBound != 2 || value < 0x80
    else { throw RegexProblem(what: "the code point \(text) of the pattern") }
    return scalar
  }

  private mutating func property(isInverted: Bool) throws -> ScalarSet {
    guard take("{") else { throw RegexProblem(what: "\\p without braces in the pattern") }
    let isInverted = take("^") != isInverted
    var name = ""
    while let scalar = next, scalar != "}" {
      index += 1
      if scalar != " ", scalar != "_", scalar != "-" { name.unicodeScalars.append(scalar) }
    }
    name = name.lowercased()
    guard take("}"), let set = name == "word" ? word : RegexClasses.property(name) else {
      throw RegexProblem(what: "the property “\(name)” of the pattern")
    }
    return isInverted ? set.inverted : set
  }
}
