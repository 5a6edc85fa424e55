// The grammar of JSON5: objects, lists, comments, texts and keys. Numbers and words stand in JSON5Words.
// Comes in: bytes. Leaves: a JSON value, and the bytes at which members begin.

struct JSON5Reader {
  private(set) var members: [String: JSON5Document.Member] = [:]
  private(set) var repeated: [(key: String, offset: Int, first: Int)] = []
  /// The byte at which the value begins.
  private(set) var start = 0
  let text: [UInt8]
  var position = 0
  private let limits: JSON5Limits
  private var memberCount = 0
  private static let deepest = 64

  init(_ text: [UInt8], limits: JSON5Limits) {
    self.text = text
    self.limits = limits
  }

  var next: UInt8? { position < text.count ? text[position] : nil }

  func problem(_ what: String, at offset: Int? = nil) -> JSON5Problem {
    JSON5Problem(place: TextPlace(of: offset ?? position, in: text), what: what)
  }

  /// Reads the whole text.
  mutating func document() throws(JSON5Problem) -> JSON {
    try skipSpace()
    start = position
    let result = try value(at: "", depth: 0)
    try skipSpace()
    if next != nil { throw unexpected("the end of the file") }
    return result
  }

  private func unexpected(_ expected: String, at offset: Int? = nil) -> JSON5Problem {
    let found =
      switch next {
      case .some(let byte) where byte > 0x20 && byte < 0x7F:
        "'\(Character(UnicodeScalar(byte)))' was found"
      case .some: "an unknown character was found"
      case .none: "the file ends"
      }
    return problem("\(expected) was expected, but \(found)", at: offset)
  }

  private mutating func skipSpace() throws(JSON5Problem) {
    while let byte = next {
      switch byte {
      case 0x09...0x0D, 0x20: position += 1
      case 0xC2 where follows("\u{C2}", "\u{A0}"): position += 2
      case 0xE2 where isWideSpace, 0xEF where isByteOrderMark: position += 3
      case UInt8(ascii: "/"): try skipComment()
      case UInt8(ascii: "#"): throw problem("'#' begins a comment in Python; write // instead")
      default: return
      }
    }
  }

  /// Whether two bytes, written as the scalars of their values, stand here.
  private func follows(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Bool {
    position + 1 < text.count && text[position] == first.value && text[position + 1] == second.value
  }

  /// Whether a space of typesetting, or a separator of lines or paragraphs, stands here.
  private var isWideSpace: Bool {
    guard text.count - position >= 3, text[position + 1] == 0x80 else { return false }
    return (0x80...0x8A).contains(text[position + 2])
      || [0xA8, 0xA9, 0xAF].contains(text[position + 2])
  }

  private var isByteOrderMark: Bool {
    follows("\u{EF}", "\u{BB}") && position + 2 < text.count && text[position + 2] == 0xBF
  }

  private mutating func skipComment() throws(JSON5Problem) {
    let start = position
    if follows("/", "/") {
      while let byte = next, byte != UInt8(ascii: "\n") { position += 1 }
    } else if follows("/", "*") {
      position += 2
      while !follows("*", "/") {
        if next == nil { throw problem("a comment is not closed", at: start) }
        position += 1
      }
      position += 2
    } else {
      throw unexpected("a value or key")
    }
  }

  private mutating func value(at path: String, depth: Int) throws(JSON5Problem) -> JSON {
    if depth > JSON5Reader.deepest { throw problem("nesting is too deep") }
    switch next {
    case UInt8(ascii: "{"): return try object(at: path, depth: depth)
    case UInt8(ascii: "["): return try list(at: path, depth: depth)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try quoted())
    case nil, UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ":"), UInt8(ascii: ","):
      throw unexpected("a value")
    default: return try word()
    }
  }

  private mutating func object(at path: String, depth: Int) throws(JSON5Problem) -> JSON {
    let start = position
    var result: [String: JSON] = [:]
    position += 1
    while true {
      try skipSpace()
      if next == UInt8(ascii: "}") { break }
      if next == nil { throw problem("a '{' is not closed", at: start) }
      let place = position
      let key = try key()
      let full = path.isEmpty ? key : path + "." + key
      try skipSpace()
      guard next == UInt8(ascii: ":") else {
        throw unexpected("':' after \"\(JSON.clipped(key))\"")
      }
      position += 1
      try skipSpace()
      let member = JSON5Document.Member(key: place, value: position)
      if result[key] != nil, let first = members[full] {
        repeated.append((full, place, first.key))
      }
      members[full] = member
      result[key] = try value(at: full, depth: depth + 1)
      if try endsItems(UInt8(ascii: "}"), openedAt: start) { break }
    }
    position += 1
    return .object(result)
  }

  /// Reads a key with or without quotes.
  private mutating func key() throws(JSON5Problem) -> String {
    let start = position
    memberCount += 1
    if memberCount > limits.memberCount {
      throw problem("there are more than \(limits.memberCount) keys")
    }
    let isQuoted = next == UInt8(ascii: "\"") || next == UInt8(ascii: "'")
    let key = isQuoted ? try quoted() : try name()
    if key.isEmpty && !isQuoted { throw unexpected("a key") }
    if key.utf8.count > limits.keyByteCount {
      throw problem(
        "a key has \(key.utf8.count) bytes; keys have at most \(limits.keyByteCount)", at: start)
    }
    return key
  }

  /// A key without quotes; empty where none begins here.
  private mutating func name() throws(JSON5Problem) -> String {
    let start = position
    while let byte = next, JSON5Reader.isNameByte(byte) { position += 1 }
    guard let name = String(validating: text[start..<position], as: UTF8.self) else {
      throw problem("a key is not UTF-8", at: start)
    }
    return name
  }

  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39,
      UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...0xFF:
      true
    default: false
    }
  }

  private mutating func list(at path: String, depth: Int) throws(JSON5Problem) -> JSON {
    let start = position
    var result: [JSON] = []
    position += 1
    while true {
      try skipSpace()
      if next == UInt8(ascii: "]") { break }
      if next == nil { throw problem("a '[' is not closed", at: start) }
      result.append(try value(at: path, depth: depth + 1))
      if try endsItems(UInt8(ascii: "]"), openedAt: start) { break }
    }
    position += 1
    return .array(result)
  }

  /// Reads up to the comma or closing bracket after an item, and tells whether it is the bracket.
  private mutating func endsItems(
    _ closing: UInt8, openedAt start: Int
  ) throws(JSON5Problem) -> Bool {
    let end = position
    try skipSpace()
    if next == closing { return true }
    if next == UInt8(ascii: ",") {
      position += 1
      return false
    }
    if next == nil {
      let bracket = closing == UInt8(ascii: "}") ? "{" : "["
      throw problem("a '\(bracket)' is not closed", at: start)
    }
    throw unexpected("',' or '\(Character(UnicodeScalar(closing)))'", at: end)
  }
}

// MARK: - Texts

extension JSON5Reader {
  /// Reads a text between two quotes of one kind.
  private mutating func quoted() throws(JSON5Problem) -> String {
    let start = position
    let quote = text[position]
    var bytes: [UInt8] = []
    position += 1
    while let byte = next, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
      if byte == quote {
        position += 1
        guard let result = String(validating: bytes, as: UTF8.self) else {
          throw problem("a text is not UTF-8", at: start)
        }
        return result
      }
      position += 1
      if byte == UInt8(ascii: "\\") { try escape(into: &bytes) } else { bytes.append(byte) }
    }
    throw problem("a text is not closed", at: start)
  }

  /// Reads what follows a backslash.
  private mutating func escape(into bytes: inout [UInt8]) throws(JSON5Problem) {
    guard let letter = next else { return }
    position += 1
    switch letter {
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "v"): bytes.append(0x0B)
    case UInt8(ascii: "0"): bytes.append(0)
    case UInt8(ascii: "x"): append(try hexadecimal(2), to: &bytes)
    case UInt8(ascii: "u"): try unicode(into: &bytes)
    // A line that goes on.
    case UInt8(ascii: "\n"): break
    case UInt8(ascii: "\r"): if next == UInt8(ascii: "\n") { position += 1 }
    case 0x31...0x39: throw problem("an escape that JSON5 does not have", at: position - 2)
    default: bytes.append(letter)
    }
  }

  private func append(_ value: UInt32, to bytes: inout [UInt8]) {
    let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
    bytes.append(contentsOf: String(Character(scalar)).utf8)
  }

  /// Reads the digits of `\uXXXX` and, behind a high surrogate, its low one.
  private mutating func unicode(into bytes: inout [UInt8]) throws(JSON5Problem) {
    let unit = try hexadecimal(4)
    if unit & 0xFC00 == 0xD800, follows("\\", "u") {
      let mark = position
      position += 2
      let low = try hexadecimal(4)
      if low & 0xFC00 == 0xDC00 {
        return append(0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF), to: &bytes)
      }
      position = mark
    }
    append(unit, to: &bytes)
  }

  private mutating func hexadecimal(_ count: Int) throws(JSON5Problem) -> UInt32 {
    let digits = text[position...].prefix(count)
    guard digits.count == count, digits.allSatisfy(JSON5Reader.isHexadecimal),
      let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw problem("\(count) hexadecimal digits were expected") }
    position += count
    return value
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }
}
