// Walks the text of a JSON5 file for what the decoder does not tell: the line of a syntax error,
// and keys that an object has twice. Values are left to the decoder.

/// What is wrong with the text of a JSON5 file, and in which line.
struct OutlineError: Error, Equatable {
  let line: Int
  let what: String
}

struct Outline {
  /// A key that an object already had.
  struct Duplicate: Equatable {
    let key: String
    let line: Int
    let firstLine: Int
  }

  private(set) var duplicates: [Duplicate] = []
  private let text: [UInt8]
  private var place = 0
  private var line = 1
  private static let deepest = 64

  /// Reads a whole text.
  init(_ text: [UInt8]) throws(OutlineError) {
    self.text = text
    try skipSpace()
    try value(at: "", depth: 0)
    try skipSpace()
    if let next = peek { throw unexpected(next, "the end of the file") }
  }

  private var peek: UInt8? { place < text.count ? text[place] : nil }

  private func unexpected(_ byte: UInt8?, _ expected: String) -> OutlineError {
    let found =
      switch byte {
      case .some(let byte) where byte > 0x20 && byte < 0x7F:
        "'\(Character(UnicodeScalar(byte)))' was found"
      case .some: "an unknown character was found"
      case .none: "the file ends"
      }
    return OutlineError(line: line, what: "\(expected) was expected, but \(found)")
  }

  private mutating func advance() {
    if text[place] == UInt8(ascii: "\n") { line += 1 }
    place += 1
  }

  private mutating func skipSpace() throws(OutlineError) {
    while let byte = peek {
      switch byte {
      case 0x09...0x0D, 0x20: advance()
      case 0xC2 where text.dropFirst(place).starts(with: [0xC2, 0xA0]): place += 2
      case 0xEF where text.dropFirst(place).starts(with: [0xEF, 0xBB, 0xBF]): place += 3
      case UInt8(ascii: "/"): try skipComment()
      default: return
      }
    }
  }

  private mutating func skipComment() throws(OutlineError) {
    let start = line
    place += 1
    switch peek {
    case UInt8(ascii: "/"):
      while let byte = peek, byte != UInt8(ascii: "\n") { advance() }
    case UInt8(ascii: "*"):
      place += 1
      while !text.dropFirst(place).starts(with: "*/".utf8) {
        if peek == nil { throw OutlineError(line: start, what: "a comment is not closed") }
        advance()
      }
      place += 2
    default: throw unexpected(UInt8(ascii: "/"), "a value or key")
    }
  }

  private mutating func value(at key: String, depth: Int) throws(OutlineError) {
    if depth > Outline.deepest { throw OutlineError(line: line, what: "nesting is too deep") }
    switch peek {
    case UInt8(ascii: "{"): try object(at: key, depth: depth)
    case UInt8(ascii: "["): try list(at: key, depth: depth)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = try quoted()
    default: if try word().isEmpty { throw unexpected(peek, "a value") }
    }
  }

  private mutating func object(at path: String, depth: Int) throws(OutlineError) {
    let start = line
    var lines: [String: Int] = [:]
    place += 1
    while true {
      try skipSpace()
      if peek == UInt8(ascii: "}") { break }
      if peek == nil { throw OutlineError(line: start, what: "a '{' is not closed") }
      let isQuoted = peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'")
      let key = isQuoted ? try quoted() : try word()
      if key.isEmpty && !isQuoted { throw unexpected(peek, "a key") }
      let full = path.isEmpty ? key : path + "." + key
      if let first = lines[key] {
        duplicates.append(Duplicate(key: full, line: line, firstLine: first))
      } else {
        lines[key] = line
      }
      try skipSpace()
      guard peek == UInt8(ascii: ":") else { throw unexpected(peek, "':' after \"\(key)\"") }
      place += 1
      try skipSpace()
      try value(at: full, depth: depth + 1)
      if try endsItems(UInt8(ascii: "}"), openedOn: start) { break }
    }
    place += 1
  }

  private mutating func list(at path: String, depth: Int) throws(OutlineError) {
    let start = line
    place += 1
    while true {
      try skipSpace()
      if peek == UInt8(ascii: "]") { break }
      try value(at: path, depth: depth + 1)
      if try endsItems(UInt8(ascii: "]"), openedOn: start) { break }
    }
    place += 1
  }

  /// Reads up to the comma or closing bracket after an item, and tells whether it is the bracket.
  private mutating func endsItems(_ closing: UInt8, openedOn start: Int) throws(OutlineError)
    -> Bool
  {
    let before = line
    try skipSpace()
    if peek == closing { return true }
    if peek == UInt8(ascii: ",") {
      place += 1
      return false
    }
    let bracket = closing == UInt8(ascii: "}") ? "{" : "["
    if peek == nil { throw OutlineError(line: start, what: "a '\(bracket)' is not closed") }
    line = before
    throw unexpected(peek, "',' or '\(Character(UnicodeScalar(closing)))'")
  }

  /// A string without its quotes, escapes left as they are.
  private mutating func quoted() throws(OutlineError) -> String {
    let start = line
    let quote = text[place]
    place += 1
    let first = place
    while let byte = peek {
      if byte == quote {
        place += 1
        return String(decoding: text[first..<place - 1], as: UTF8.self)
      }
      advance()
      if byte == UInt8(ascii: "\\"), peek != nil { advance() }
    }
    throw OutlineError(line: start, what: "a text is not closed")
  }

  /// A number, literal or unquoted key; empty where none starts here.
  private mutating func word() throws(OutlineError) -> String {
    let first = place
    while let byte = peek, byte > 0x20, !"{}[]:,\"'/".utf8.contains(byte) { place += 1 }
    return String(decoding: text[first..<place], as: UTF8.self)
  }
}
