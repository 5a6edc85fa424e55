// One step of cutting text: what a component of a tokenizer file says and what it does to pieces.

/// What becomes of the text that a step matches.
enum SplitBehavior: String, Sendable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"

  /// Whether matches that follow each other without gaps become the pieces.
  func keepsTiles(isInverted: Bool) -> Bool { self == .isolated || self == .removed && isInverted }
}

/// One step of cutting.
enum SplitStep: Sendable {
  /// Bytes in place of text, cut with GPT-2's pattern unless it is nil.
  case byteLevel(PreTokenizer.PrefixSpace, GPT2Pattern?)
  case split(SplitMatcher, SplitBehavior, isInverted: Bool)
  case metaspace(replacement: [UInt8], Prepending, splits: Bool)
  /// Cuts at each character of a set.
  case punctuation(ScalarBits, SplitBehavior)
  case digits(ScalarBits, SplitBehavior)
  case bert(space: ScalarBits, punctuation: ScalarBits)
  case scripts
  case fixedLength(Int)

  /// Where the replacement of the space is put before the text.
  enum Prepending: String, Sendable { case always, first, never }

  init(_ component: TokenizerComponent) throws {
    switch component.type {
    case "ByteLevel":
      let usesPattern = try component.flag("use_regex", or: true)
      let addsSpace = try component.flag("add_prefix_space", or: true)
      self = .byteLevel(addsSpace ? .added : .asGiven, usesPattern ? GPT2Pattern() : nil)
    case "Split":
      self = .split(
        try SplitMatcher(component), try component.behavior(),
        isInverted: try component.flag("invert", or: nil))
    case "Metaspace": self = try SplitStep.metaspace(component)
    case "BertPreTokenizer": self = .bert(space: .space, punctuation: .punctuation)
    case "Whitespace":
      self = .split(.words(word: .word, space: .space), .removed, isInverted: true)
    case "WhitespaceSplit": self = .punctuation(.space, .removed)
    case "Punctuation": self = .punctuation(.punctuation, try component.behavior(or: .isolated))
    case "Digits":
      let areAlone = try component.flag("individual_digits", or: nil)
      self = .digits(.numeric, areAlone ? .isolated : .contiguous)
    case "CharDelimiterSplit":
      let delimiter = try component.character("delimiter")
      self = .punctuation(ScalarBits(ScalarSet(delimiter)), .removed)
    case "UnicodeScripts": self = .scripts
    case "FixedLength":
      let length = component.value["length"] ?? .integer(5)
      guard let length = length.integer, length > 0 else {
        throw component.wrongValue("length", expected: "a positive integer")
      }
      self = .fixedLength(length)
    default: throw component.unknownType
    }
  }

  private static func metaspace(_ component: TokenizerComponent) throws -> SplitStep {
    let replacement = try component.character("replacement")
    let addsSpace = try component.flag("add_prefix_space", or: true)
    var prepending = Prepending.always
    if let given = component.value["prepend_scheme"] {
      guard let named = given.string.flatMap(Prepending.init) else {
        throw component.wrongValue("prepend_scheme", expected: "always, first or never")
      }
      prepending = named
    } else if !addsSpace {
      // Files from before there was a scheme.
      prepending = .never
    }
    guard addsSpace || prepending == .never else {
      throw component.wrongValue(
        "prepend_scheme", expected: "never where add_prefix_space is false")
    }
    return .metaspace(
      replacement: Array(String(replacement).utf8), prepending,
      splits: try component.flag("split", or: true))
  }
}

extension TokenizerComponent {
  /// A truth value; `missing` stands for one that is absent, where it may be.
  fileprivate func flag(_ key: String, or missing: Bool?) throws -> Bool {
    let given = value[key] ?? .null
    if given == .null, let missing { return missing }
    guard let flag = given.bool else { throw wrongValue(key, expected: "true or false") }
    return flag
  }

  fileprivate func character(_ key: String) throws -> Unicode.Scalar {
    guard let text = value[key]?.string, let scalar = text.unicodeScalars.first,
      text.unicodeScalars.count == 1
    else { throw wrongValue(key, expected: "one character") }
    return scalar
  }

  fileprivate func behavior(or missing: SplitBehavior? = nil) throws -> SplitBehavior {
    if value["behavior"] == nil, let missing { return missing }
    guard let behavior = (value["behavior"]?.string).flatMap(SplitBehavior.init) else {
      throw wrongValue(
        "behavior",
        expected: "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous")
    }
    return behavior
  }
}

/// What a step looks for.
enum SplitMatcher: Sendable {
  case compiled(SplitPattern)
  case regex(RegexPattern)
  /// `\w+|[^\w\s]+` as `Whitespace` understands it.
  case words(word: ScalarBits, space: ScalarBits)

  init(_ component: TokenizerComponent) throws {
    let pattern = component.value["pattern"]
    do {
      if let expression = pattern?["Regex"]?.string {
        self =
          try SplitPattern(expression).map { .compiled($0) }
          ?? .regex(RegexPattern(expression))
      } else if let text = pattern?["String"]?.string {
        self = .regex(try RegexPattern(literal: text))
      } else {
        throw component.wrongValue("pattern", expected: "an object with Regex or String")
      }
    } catch let problem as RegexProblem { throw component.unsupported(problem.what) }
  }
}

extension ScalarBits {
  static let space = ScalarBits(RegexClasses.space)
  static let punctuation = ScalarBits(ScalarSet(where: UnicodeTables.isPunctuation))
  static let numeric = ScalarBits(ScalarSet(where: UnicodeTables.isNumeric))
  static let word = ScalarBits(ScalarSet(where: UnicodeTables.isWord))
}
