// A strict JSON reader over bytes that builds no values: behind the reader of JSON trees, and for
// files too large to become one (a tokenizer's vocabulary, lines of a corpus). Comes in: bytes.
// Leaves: strings, numbers and ranges.

/// What is wrong with a JSON text, and at which byte.
package struct JSONProblem: Error, Equatable {
  package let offset: Int
  /// What was expected or met there, to follow "at byte 12: ".
  package let what: String

  package init(offset: Int, what: String) {
    self.offset = offset
    self.what = what
  }
}

/// A cursor over a JSON text.
package struct JSONScanner: ~Escapable {
  private let bytes: Span<UInt8>
  /// The byte that is read next.
  package private(set) var position: Int
  /// Surrogates without a partner that became U+FFFD.
  package private(set) var replacedCount = 0

  /// How deep arrays and objects may lie in each other.
  static let depthLimit = 512

  /// The cursor stands behind an opening bracket, where no comma is due.
  private var isOpening = false
  /// The byte that is white space besides blank, tab and carriage return.
  private let newline: UInt8

  /// Whether a value may go on behind the end of a line.
  package enum LineLayout: Sendable { case free, oneLine }

  /// Whether numbers that are none may stand among values, as Python writes them.
  package enum Grammar: Sendable { case strict, python }
  private let grammar: Grammar

  @_lifetime(copy bytes)
  package init(
    _ bytes: Span<UInt8>, from position: Int = 0, layout: LineLayout = .free,
    grammar: Grammar = .strict
  ) {
    self.bytes = bytes
    self.position = position
    self.grammar = grammar
    newline = layout == .free ? 0x0A : 0x20
  }

  package var isAtEnd: Bool { position >= bytes.count }

  /// The next byte, or 0 at the end; no JSON token starts with 0.
  package var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

  /// A problem at an offset, or where the cursor stands.
  package func problem(_ what: String, at offset: Int? = nil) -> JSONProblem {
    JSONProblem(offset: offset ?? position, what: what)
  }

  @_lifetime(self: copy self)
  package mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0D, newline: position += 1
      default: return
      }
    }
  }

  /// Reads one given byte.
  @_lifetime(self: copy self)
  package mutating func expect(_ byte: UInt8) throws(JSONProblem) {
    guard next == byte, !isAtEnd else {
      throw problem("expected “\(Character(Unicode.Scalar(byte)))”")
    }
    position += 1
  }

  /// Enters an object, whose members `nextMember` then gives.
  @_lifetime(self: copy self)
  package mutating func openObject() throws(JSONProblem) {
    try expect(UInt8(ascii: "{"))
    isOpening = true
  }

  /// Enters an array, whose elements `nextElement` then gives.
  @_lifetime(self: copy self)
  package mutating func openArray() throws(JSONProblem) {
    try expect(UInt8(ascii: "["))
    isOpening = true
  }

  /// Steps to the next member of an object and reads its key; false behind the last one.
  ///
  /// The cursor stands behind `openObject` or a member's value before, on the value after.
  @_lifetime(self: copy self)
  package mutating func nextMember(_ key: inout [UInt8]) throws(JSONProblem) -> Bool {
    guard try nextItem(close: UInt8(ascii: "}")) else { return false }
    guard next == UInt8(ascii: "\"") else { throw problem("expected a key in quotes") }
    key.removeAll(keepingCapacity: true)
    try string(into: &key)
    skipSpace()
    try expect(UInt8(ascii: ":"))
    skipSpace()
    return true
  }

  /// Steps to the next element of an array; false behind the last one.
  @_lifetime(self: copy self)
  package mutating func nextElement() throws(JSONProblem) -> Bool {
    try nextItem(close: UInt8(ascii: "]"))
  }

  @_lifetime(self: copy self)
  private mutating func nextItem(close: UInt8) throws(JSONProblem) -> Bool {
    let isFirst = isOpening
    isOpening = false
    skipSpace()
    if next == close {
      position += 1
      return false
    }
    if isFirst { return true }
    guard next == UInt8(ascii: ",") else {
      throw problem("expected “,” or “\(Character(Unicode.Scalar(close)))”")
    }
    position += 1
    skipSpace()
    return true
  }

  /// Reads a whole number.
  @_lifetime(self: copy self)
  package mutating func integer() throws(JSONProblem) -> Int {
    let start = position
    var value = 0
    let isNegative = next == UInt8(ascii: "-")
    if isNegative { position += 1 }
    let digits = position
    while next &- 0x30 < 10, position - digits < 18 {
      value = value * 10 + Int(next &- 0x30)
      position += 1
    }
    guard position > digits, next &- 0x30 >= 10, next != UInt8(ascii: "."), next | 0x20 != 0x65
    else { throw problem("expected a whole number", at: start) }
    return isNegative ? -value : value
  }

  /// Reads a number or one of the words true, false and null.
  @_lifetime(self: copy self)
  package mutating func plainText() throws(JSONProblem) -> String {
    let range = try skipValue()
    return String(decoding: Array(copying: bytes.extracting(range)), as: UTF8.self)
  }

  /// Steps over any value and returns where it lies.
  @_lifetime(self: copy self)
  package mutating func skipValue() throws(JSONProblem) -> Range<Int> {
    let start = position
    try skipValue(depth: 0)
    return start..<position
  }

  @_lifetime(self: copy self)
  private mutating func skipValue(depth: Int) throws(JSONProblem) {
    guard depth < JSONScanner.depthLimit else { throw problem("nested too deeply") }
    switch next {
    case UInt8(ascii: "\""): try skipString()
    case UInt8(ascii: "{"):
      try openObject()
      while try nextItem(close: UInt8(ascii: "}")) {
        guard next == UInt8(ascii: "\"") else { throw problem("expected a key in quotes") }
        try skipString()
        skipSpace()
        try expect(UInt8(ascii: ":"))
        skipSpace()
        try skipValue(depth: depth + 1)
      }
    case UInt8(ascii: "["):
      try openArray()
      while try nextElement() { try skipValue(depth: depth + 1) }
    case UInt8(ascii: "t"): try literal("true")
    case UInt8(ascii: "f"): try literal("false")
    case UInt8(ascii: "n"): try literal("null")
    case UInt8(ascii: "N") where grammar == .python: try literal("NaN")
    case UInt8(ascii: "I") where grammar == .python: try literal("Infinity")
    case UInt8(ascii: "-") where grammar == .python && isBeforeInfinity: try literal("-Infinity")
    case UInt8(ascii: "-"), 0x30...0x39: try skipNumber()
    default: throw problem(isAtEnd ? "the text ends in a value" : "expected a value")
    }
  }

  private var isBeforeInfinity: Bool {
    position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "I")
  }

  @_lifetime(self: copy self)
  private mutating func literal(_ word: StaticString) throws(JSONProblem) {
    let start = position
    for byte in "\(word)".utf8 {
      guard next == byte else { throw problem("expected a value", at: start) }
      position += 1
    }
  }

  @_lifetime(self: copy self)
  private mutating func skipNumber() throws(JSONProblem) {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    let leading = next
    let whole = skipDigits()
    var isValid = whole > 0 && (leading != 0x30 || whole == 1)
    if next == UInt8(ascii: ".") {
      position += 1
      isValid = skipDigits() > 0 && isValid
    }
    if next | 0x20 == UInt8(ascii: "e") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      isValid = skipDigits() > 0 && isValid
    }
    guard isValid else { throw problem("expected a number", at: start) }
  }

  @_lifetime(self: copy self)
  private mutating func skipDigits() -> Int {
    let start = position
    while next &- 0x30 < 10 { position += 1 }
    return position - start
  }
}

// MARK: - Strings

extension JSONScanner {
  /// The number of bytes from the cursor on that stand for themselves inside a string.
  private func plainRun() -> Int {
    let raw = bytes.raw
    var index = position
    // Eight at a time: a byte below 0x20, a quote or a backslash sets its highest bit in `stops`
    // (and perhaps the ones above it, which do not matter).
    let ones: UInt64 = 0x0101_0101_0101_0101
    while index + 8 <= raw.byteCount {
      let word = raw.word(at: index)
      let quotes = word ^ (ones &* 0x22)
      let slashes = word ^ (ones &* 0x5C)
      let stops =
        ((word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes)
        & (ones &* 0x80)
      if stops != 0 { return index + stops.trailingZeroBitCount / 8 - position }
      index += 8
    }
    while index < bytes.count {
      let byte = bytes[index]
      if byte < 0x20 || byte == 0x22 || byte == 0x5C { break }
      index += 1
    }
    return index - position
  }

  /// Reads a string and appends its UTF-8 bytes; the bytes of the file are not checked.
  @_lifetime(self: copy self)
  package mutating func string(into text: inout [UInt8]) throws(JSONProblem) {
    let start = position
    try expect(UInt8(ascii: "\""))
    while true {
      let run = bytes.extracting(position..<position + plainRun())
      text.append(copying: run)
      position += run.count
      guard try !endsString(start) else { return }
      try escape(into: &text)
    }
  }

  /// Reads a string, which must be UTF-8.
  @_lifetime(self: copy self)
  package mutating func text() throws(JSONProblem) -> String {
    let start = position
    var bytes: [UInt8] = []
    try string(into: &bytes)
    return try checked(bytes, at: start)
  }

  /// What was read as a key or a string, which must be UTF-8.
  package func checked(_ bytes: [UInt8], at offset: Int? = nil) throws(JSONProblem) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw problem("a string that is not UTF-8", at: offset)
    }
    return text
  }

  @_lifetime(self: copy self)
  private mutating func skipString() throws(JSONProblem) {
    let start = position
    position += 1
    while true {
      position += plainRun()
      guard try !endsString(start) else { return }
      var ignored: [UInt8] = []
      try escape(into: &ignored)
    }
  }

  /// Whether the cursor stood on the closing quote; false on a backslash.
  @_lifetime(self: copy self)
  private mutating func endsString(_ start: Int) throws(JSONProblem) -> Bool {
    switch next {
    case UInt8(ascii: "\""):
      position += 1
      return true
    case UInt8(ascii: "\\"): return false
    default:
      throw isAtEnd
        ? problem("the string that starts here has no end", at: start)
        : problem("a control character in a string")
    }
  }

  @_lifetime(self: copy self)
  private mutating func escape(into text: inout [UInt8]) throws(JSONProblem) {
    position += 1
    let letter = next
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): try unicodeEscape(into: &text)
    default: throw problem("an escape that JSON does not have", at: position - 2)
    }
  }

  /// Reads the digits of `\uXXXX` and, behind a high surrogate, its low one.
  @_lifetime(self: copy self)
  private mutating func unicodeEscape(into text: inout [UInt8]) throws(JSONProblem) {
    let unit = try fourDigits()
    var value = unit
    if unit & 0xFC00 == 0xD800, next == UInt8(ascii: "\\"), position + 1 < bytes.count,
      bytes[position + 1] == UInt8(ascii: "u")
    {
      let mark = position
      position += 2
      let low = try fourDigits()
      if low & 0xFC00 == 0xDC00 {
        value = 0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF)
      } else {
        position = mark
      }
    }
    let scalar = Unicode.Scalar(value)
    if scalar == nil { replacedCount += 1 }
    text.append(contentsOf: UTF8.encode(scalar ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter)
  }

  @_lifetime(self: copy self)
  private mutating func fourDigits() throws(JSONProblem) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let byte = next
      switch byte {
      case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
      case 0x41...0x46, 0x61...0x66: value = value << 4 | UInt32((byte & 0xDF) - 0x37)
      default: throw problem("expected four hexadecimal digits")
      }
      position += 1
    }
    return value
  }
}
