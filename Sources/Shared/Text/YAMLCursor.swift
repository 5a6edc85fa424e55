// YAML between quotes, brackets and braces, which takes no heed of indentation. Comes in: lines.
// Leaves: a value and where it ends.

/// A place within lines that a value may go on in.
struct YAMLCursor {
  private let lines: ArraySlice<YAMLLine>
  /// The line that is read.
  private(set) var index: Int
  /// What is left of that line.
  private(set) var rest: ArraySlice<UInt8>

  /// Begins with `text`, the end of the first line.
  init(lines: ArraySlice<YAMLLine>, text: ArraySlice<UInt8>) {
    self.lines = lines
    index = lines.startIndex
    rest = text
  }

  init(lines: [YAMLLine], text: ArraySlice<UInt8>) { self.init(lines: lines[...], text: text) }

  var isInFirstLine: Bool { index == lines.startIndex }
  /// The number of the line, from 1.
  var number: Int { lines.isEmpty ? 1 : lines[min(index, lines.endIndex - 1)].number }

  private func problem(_ what: String) -> YAMLProblem { YAMLProblem(line: number, what: what) }

  /// Passes to the next line; false at the end.
  private mutating func nextLine() -> Bool {
    guard index + 1 < lines.endIndex else { return false }
    index += 1
    rest = lines[index].text
    return true
  }

  /// Passes over blanks, comments and ends of lines.
  private mutating func skip() throws(YAMLProblem) -> UInt8 {
    while true {
      rest = rest.drop(while: YAML.isSpace)
      let text = lines[index].text
      let isComment =
        rest.first == UInt8(ascii: "#")
        && (rest.startIndex == text.startIndex || YAML.isSpace(text[rest.startIndex - 1]))
      if let first = rest.first, !isComment { return first }
      guard nextLine() else { throw problem("a list, a mapping or a text that has no end") }
    }
  }

  /// Reads a value in quotes, brackets or braces, or a plain one that these end.
  mutating func value(depth: Int) throws(YAMLProblem) -> JSON {
    guard depth < YAML.depthLimit else { throw problem("nested too deeply") }
    let first = try skip()
    try YAML.refuse(rest, line: number)
    switch first {
    case UInt8(ascii: "["): return try list(depth)
    case UInt8(ascii: "{"): return try mapping(depth)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try quoted())
    default: return YAMLScalar.value(try plain())
    }
  }

  private mutating func list(_ depth: Int) throws(YAMLProblem) -> JSON {
    rest = rest.dropFirst()
    var items: [JSON] = []
    while try skip() != UInt8(ascii: "]") {
      items.append(try value(depth: depth + 1))
      switch try skip() {
      case UInt8(ascii: ","): rest = rest.dropFirst()
      case UInt8(ascii: "]"): break
      case UInt8(ascii: ":"): throw problem("a pair within a list, which is not read")
      default: throw problem("expected “,” or “]”")
      }
    }
    rest = rest.dropFirst()
    return .array(items)
  }

  private mutating func mapping(_ depth: Int) throws(YAMLProblem) -> JSON {
    rest = rest.dropFirst()
    var members: [String: JSON] = [:]
    while try skip() != UInt8(ascii: "}") {
      try YAML.refuse(rest, line: number)
      let isQuoted = rest.first == UInt8(ascii: "\"") || rest.first == UInt8(ascii: "'")
      let name = isQuoted ? try quoted() : try plain()
      var value = JSON.null
      if try skip() == UInt8(ascii: ":") {
        rest = rest.dropFirst()
        let next = try skip()
        if next != UInt8(ascii: ","), next != UInt8(ascii: "}") {
          value = try self.value(depth: depth + 1)
        }
      }
      members[name] = value
      switch try skip() {
      case UInt8(ascii: ","): rest = rest.dropFirst()
      case UInt8(ascii: "}"): break
      default: throw problem("expected “,” or “}”")
      }
    }
    rest = rest.dropFirst()
    return .object(members)
  }

  /// Reads a plain scalar within brackets or braces.
  private mutating func plain() throws(YAMLProblem) -> String {
    var text: [UInt8] = []
    var breaks = 0
    while true {
      let part = YAML.trimmed(rest[..<plainEnd])
      if part.isEmpty { break }
      if !text.isEmpty {
        text += breaks == 1 ? [0x20] : [UInt8](repeating: 0x0A, count: breaks - 1)
      }
      text += part
      rest = rest[plainEnd...]
      breaks = 0
      guard rest.isEmpty || rest.allSatisfy(YAML.isSpace) else { break }
      repeat {
        breaks += 1
        guard nextLine() else { throw problem("a list or a mapping that has no end") }
      } while rest.isEmpty
      if rest.first == UInt8(ascii: "#") { break }
    }
    guard !text.isEmpty else { throw problem("expected a value") }
    return String(decoding: text, as: UTF8.self)
  }

  /// Where what is left of the line ceases to be one plain scalar.
  private var plainEnd: Int {
    for place in rest.indices {
      switch rest[place] {
      case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
        UInt8(ascii: "}"):
        return place
      case UInt8(ascii: ":"):
        let next = place + 1 < rest.endIndex ? rest[place + 1] : 0x20
        if YAML.isSpace(next) || ",[]{}".utf8.contains(next) { return place }
      case UInt8(ascii: "#"):
        if place > rest.startIndex, YAML.isSpace(rest[place - 1]) { return place }
      default: break
      }
    }
    return rest.endIndex
  }

  // MARK: - Quotes

  /// Reads a text in single or double quotes; line ends within it are folded.
  mutating func quoted() throws(YAMLProblem) -> String {
    let quote = rest.first ?? 0
    let isDouble = quote == UInt8(ascii: "\"")
    rest = rest.dropFirst()
    var text: [UInt8] = []
    /// Blanks that count only if more follows in the line.
    var pending: [UInt8] = []
    while true {
      guard let byte = rest.first else {
        text += try fold()
        pending = []
        continue
      }
      rest = rest.dropFirst()
      if YAML.isSpace(byte) {
        pending.append(byte)
        continue
      }
      if byte == quote {
        if isDouble || rest.first != quote {
          return String(decoding: text + pending, as: UTF8.self)
        }
        rest = rest.dropFirst()
      }
      if isDouble, byte == UInt8(ascii: "\\") {
        text += pending
        if rest.isEmpty {
          // A line that goes on without a blank.
          text += try fold().filter { $0 != 0x20 }
        } else {
          try escape(into: &text)
        }
      } else {
        text += pending
        text.append(byte)
      }
      pending = []
    }
  }

  /// Passes over the end of a line, and over empty lines, within quotes.
  private mutating func fold() throws(YAMLProblem) -> [UInt8] {
    var breaks = 0
    repeat {
      guard nextLine() else { throw problem("a text whose quote has no end") }
      breaks += 1
      rest = rest.drop(while: YAML.isSpace)
    } while rest.isEmpty
    return breaks == 1 ? [0x20] : [UInt8](repeating: 0x0A, count: breaks - 1)
  }

  private static let escapes: [UInt8: UInt32] = [
    UInt8(ascii: "0"): 0, UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "t"): 9,
    0x09: 9, UInt8(ascii: "n"): 10, UInt8(ascii: "v"): 11, UInt8(ascii: "f"): 12,
    UInt8(ascii: "r"): 13, UInt8(ascii: "e"): 27, 0x20: 0x20, UInt8(ascii: "\""): 0x22,
    UInt8(ascii: "/"): 0x2F, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "N"): 0x85,
    UInt8(ascii: "_"): 0xA0, UInt8(ascii: "L"): 0x2028, UInt8(ascii: "P"): 0x2029,
  ]

  private mutating func escape(into text: inout [UInt8]) throws(YAMLProblem) {
    let letter = rest.first ?? 0
    rest = rest.dropFirst()
    var value = YAMLCursor.escapes[letter]
    let digits = [UInt8(ascii: "x"): 2, UInt8(ascii: "u"): 4, UInt8(ascii: "U"): 8][letter]
    if let digits {
      value = UInt32(String(decoding: rest.prefix(digits), as: UTF8.self), radix: 16)
      if rest.count < digits { value = nil }
      rest = rest.dropFirst(digits)
    }
    guard let scalar = value.flatMap(Unicode.Scalar.init), let bytes = UTF8.encode(scalar) else {
      throw problem("an escape that YAML does not have")
    }
    text += bytes
  }
}

/// What a plain scalar means.
enum YAMLScalar {
  private static let words: [String: JSON] = [
    "": .null, "~": .null, "null": .null, "Null": .null, "NULL": .null,
    "yes": .bool(true), "Yes": .bool(true), "YES": .bool(true), "no": .bool(false),
    "No": .bool(false), "NO": .bool(false), "true": .bool(true), "True": .bool(true),
    "TRUE": .bool(true), "false": .bool(false), "False": .bool(false), "FALSE": .bool(false),
    "on": .bool(true), "On": .bool(true), "ON": .bool(true), "off": .bool(false),
    "Off": .bool(false), "OFF": .bool(false),
  ]

  /// The value of YAML 1.1; numbers that are neither decimal nor finite, and dates, stay text.
  static func value(_ text: String) -> JSON {
    if let word = words[text] { return word }
    let sign = text.hasPrefix("-") || text.hasPrefix("+") ? text.first.map(String.init) ?? "" : ""
    let digits = Array(text.utf8.dropFirst(sign.utf8.count))
    guard let first = digits.first, first &- 0x30 < 10 || first == UInt8(ascii: ".") else {
      return .string(text)
    }
    let plain = String(decoding: digits.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
    if digits.allSatisfy({ $0 &- 0x30 < 10 || $0 == UInt8(ascii: "_") }),
      first != 0x30 || digits.count == 1,
      let whole = Int((sign == "-" ? "-" : "") + plain)
    {
      return .integer(whole)
    }
    if isFloat(digits), first != UInt8(ascii: ".") || sign.isEmpty,
      let number = Double(sign + plain)
    {
      return .number(number)
    }
    return .string(text)
  }

  /// Whether digits have a point and, where they have an exponent, its sign.
  private static func isFloat(_ digits: [UInt8]) -> Bool {
    guard let point = digits.firstIndex(of: UInt8(ascii: ".")) else { return false }
    let isDigit = { (byte: UInt8) in byte &- 0x30 < 10 || byte == UInt8(ascii: "_") }
    let whole = digits[..<point]
    var rest = digits[(point + 1)...]
    guard whole.allSatisfy(isDigit), whole.first != UInt8(ascii: "_") else { return false }
    let fraction = rest.prefix(while: isDigit)
    rest = rest.dropFirst(fraction.count)
    if whole.isEmpty, fraction.first.map({ $0 &- 0x30 < 10 }) != true { return false }
    if rest.isEmpty { return true }
    guard rest.first.map({ $0 | 0x20 }) == UInt8(ascii: "e") else { return false }
    rest = rest.dropFirst()
    guard rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") else { return false }
    rest = rest.dropFirst()
    return !rest.isEmpty && rest.allSatisfy { $0 &- 0x30 < 10 }
  }
}
