// What rewrites text before it is cut. Comes in: valid UTF-8. Leaves: valid UTF-8.

/// A rewriting of text before it is cut, as Hugging Face's normalizer of the same name does it.
enum Normalizer: Sendable {
  case form(UnicodeForm)
  case lowercase
  case stripAccents
  case strip(left: Bool, right: Bool)
  case prepend([UInt8])
  case replaceText([UInt8], with: [UInt8])
  case replacePattern(RegexPattern, with: [UInt8])
  case bert(BertNormalizer)
  case precompiled(PrecompiledMap)
  case nmt
  /// Bytes in the byte alphabet.
  case byteLevel

  init(_ component: TokenizerComponent) throws {
    switch component.type {
    case "NFC": self = .form(.c)
    case "NFD": self = .form(.d)
    case "NFKC": self = .form(.kc)
    case "NFKD": self = .form(.kd)
    case "Lowercase": self = .lowercase
    case "StripAccents": self = .stripAccents
    case "Strip":
      self = .strip(
        left: component.value["strip_left"]?.bool ?? true,
        right: component.value["strip_right"]?.bool ?? true)
    case "Prepend": self = .prepend(try Normalizer.text(component, "prepend"))
    case "Replace": self = try Normalizer.replace(component)
    case "BertNormalizer": self = .bert(BertNormalizer(component))
    case "Precompiled": self = .precompiled(try PrecompiledMap(component))
    case "Nmt": self = .nmt
    case "ByteLevel": self = .byteLevel
    default: throw component.unknownType
    }
  }

  private static func text(_ component: TokenizerComponent, _ key: String) throws -> [UInt8] {
    guard let text = component.value[key]?.string else {
      throw component.wrongValue(key, expected: "a string")
    }
    return Array(text.utf8)
  }

  private static func replace(_ component: TokenizerComponent) throws -> Normalizer {
    let content = try text(component, "content")
    let pattern = component.value["pattern"]
    if let text = pattern?["String"]?.string {
      guard !text.isEmpty else { throw component.unsupported("an empty pattern") }
      return .replaceText(Array(text.utf8), with: content)
    }
    guard let expression = pattern?["Regex"]?.string else {
      throw component.wrongValue("pattern", expected: "an object with Regex or String")
    }
    do { return .replacePattern(try RegexPattern(expression), with: content) } catch let problem
      as RegexProblem
    { throw component.unsupported(problem.what) }
  }

  /// Rewrites valid UTF-8; nil where nothing changes.
  func apply(_ text: borrowing Span<UInt8>) -> [UInt8]? {
    switch self {
    case .form(let form): form.apply(text)
    case .lowercase: Rewriting.lowercase(text)
    case .stripAccents: Rewriting.dropping(text) { UnicodeTables.isAccent($0) }
    case .strip(let left, let right): Rewriting.strip(text, left: left, right: right)
    case .prepend(let prefix): Rewriting.prepend(prefix, text)
    case .replaceText(let pattern, let content): Rewriting.replace(text, pattern, with: content)
    case .replacePattern(let pattern, let content): Rewriting.replace(text, pattern, with: content)
    case .bert(let normalizer): normalizer.apply(text)
    case .precompiled(let map): map.apply(text)
    case .nmt: Rewriting.nmt(text)
    case .byteLevel: Rewriting.spell(text)
    }
  }
}

extension [Normalizer] {
  /// Rewrites valid UTF-8 by one after the other; nil where nothing changes.
  func apply(_ text: borrowing Span<UInt8>) -> [UInt8]? {
    var changed: [UInt8]?
    for normalizer in self {
      if let given = changed {
        changed = normalizer.apply(given.span) ?? given
      } else {
        changed = normalizer.apply(text)
      }
    }
    return changed
  }
}

/// The simple rewritings.
private enum Rewriting {
  /// Where the first byte of a character beyond ASCII lies.
  static func asciiEnd(_ text: borrowing Span<UInt8>) -> Int {
    var index = 0
    while index < text.count, text[index] < 0x80 { index += 1 }
    return index
  }

  static func lowercase(_ text: borrowing Span<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(text.count + 8)
    var index = 0
    while index < text.count {
      let byte = text[index]
      if byte < 0x80 {
        result.append(byte &- 0x41 < 26 ? byte | 0x20 : byte)
        index += 1
        continue
      }
      let (value, count) = Scalars.read(text, at: index)
      if let scalar = Unicode.Scalar(value), scalar.properties.changesWhenLowercased {
        result += Array(scalar.properties.lowercaseMapping.utf8)
      } else {
        result.append(copying: text.extracting(index..<index + count))
      }
      index += count
    }
    return result
  }

  /// Leaves out the characters beyond ASCII of which a condition holds.
  static func dropping(
    _ text: borrowing Span<UInt8>, where isDropped: (Unicode.Scalar) -> Bool
  ) -> [UInt8]? {
    var index = asciiEnd(text)
    guard index < text.count else { return nil }
    var result: [UInt8] = []
    result.append(copying: text.extracting(0..<index))
    while index < text.count {
      let (value, count) = Scalars.read(text, at: index)
      if value < 0x80 || !(Unicode.Scalar(value).map(isDropped) ?? false) {
        result.append(copying: text.extracting(index..<index + count))
      }
      index += count
    }
    return result
  }

  static func strip(_ text: borrowing Span<UInt8>, left: Bool, right: Bool) -> [UInt8]? {
    var range = 0..<text.count
    while left, range.lowerBound < range.upperBound {
      let scalar = Scalars.read(text, at: range.lowerBound)
      guard CharacterClasses.shared[scalar.value] == CharacterClass.space else { break }
      range = range.lowerBound + scalar.count..<range.upperBound
    }
    while right, range.lowerBound < range.upperBound {
      let start = Scalars.start(text, before: range.upperBound)
      guard CharacterClasses.shared[Scalars.read(text, at: start).value] == CharacterClass.space
      else { break }
      range = range.lowerBound..<start
    }
    return range.count == text.count ? nil : [UInt8](copying: text.extracting(range))
  }

  static func prepend(_ prefix: [UInt8], _ text: borrowing Span<UInt8>) -> [UInt8]? {
    guard text.count > 0, !prefix.isEmpty else { return nil }
    var result = prefix
    result.append(copying: text)
    return result
  }

  static func replace(
    _ text: borrowing Span<UInt8>, _ pattern: [UInt8], with content: [UInt8]
  ) -> [UInt8]? {
    var result: [UInt8] = []
    var done = 0
    var index = 0
    let first = pattern[0]
    while index + pattern.count <= text.count {
      guard text[index] == first, matches(text, at: index, pattern) else {
        index += 1
        continue
      }
      if result.isEmpty { result.reserveCapacity(text.count + text.count / 4) }
      result.append(copying: text.extracting(done..<index))
      result += content
      index += pattern.count
      done = index
    }
    guard done > 0 else { return nil }
    result.append(copying: text.extracting(done..<text.count))
    return result
  }

  @inline(__always)
  private static func matches(
    _ text: borrowing Span<UInt8>, at start: Int, _ pattern: [UInt8]
  ) -> Bool {
    for offset in 1..<max(pattern.count, 1) where text[start + offset] != pattern[offset] {
      return false
    }
    return true
  }

  static func replace(
    _ text: borrowing Span<UInt8>, _ pattern: RegexPattern, with content: [UInt8]
  ) -> [UInt8]? {
    var matches: [Range<Int>] = []
    var scratch = RegexPattern.Scratch()
    pattern.forEachMatch(in: text, &scratch) { matches.append($0) }
    guard !matches.isEmpty else { return nil }
    var result: [UInt8] = []
    var done = 0
    for match in matches {
      result.append(copying: text.extracting(done..<match.lowerBound))
      result += content
      done = match.upperBound
    }
    result.append(copying: text.extracting(done..<text.count))
    return result
  }

  /// Control characters go, white space of many kinds becomes a space.
  static func nmt(_ text: borrowing Span<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      let (value, count) = Scalars.read(text, at: index)
      switch value {
      case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: break
      case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
        result.append(0x20)
      default: result.append(copying: text.extracting(index..<index + count))
      }
      index += count
    }
    return result
  }

  static func spell(_ text: borrowing Span<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    ByteAlphabet.encode(text.extracting(0..<text.count), into: &result)
    return result
  }
}
