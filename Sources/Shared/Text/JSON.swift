// JSON as a value: canonical bytes for fingerprints and manifests, and the reader behind every
// JSON and JSON5 file of the programs.

/// A JSON value.
///
/// Integers are kept apart from other numbers so that they print without a point.
package enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral {
  package init(stringLiteral value: String) { self = .string(value) }

  /// An object; a key that is given twice is a programming error.
  package init(dictionaryLiteral members: (String, JSON)...) {
    self = .object(Dictionary(uniqueKeysWithValues: members))
  }
}

extension JSON: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSON {
  /// Which grammar a text is read with.
  package enum Dialect: Sendable { case json, json5 }

  /// Reads a whole text.
  package init(parsing bytes: [UInt8], as dialect: Dialect = .json) throws {
    switch dialect {
    case .json:
      var scanner = JSONScanner(bytes.span)
      scanner.skipSpace()
      self = try JSON(&scanner, depth: 0)
      scanner.skipSpace()
      guard scanner.isAtEnd else { throw scanner.problem("text behind the value") }
    case .json5:
      self = try JSON5Document(parsing: bytes).value
    }
  }

  /// Reads the value that the scanner stands on; a key that comes twice has its last value.
  private init(_ scanner: inout JSONScanner, depth: Int) throws(JSONProblem) {
    guard depth < JSONScanner.depthLimit else { throw scanner.problem("nested too deeply") }
    switch scanner.next {
    case UInt8(ascii: "\""): self = .string(try scanner.text())
    case UInt8(ascii: "["):
      var values: [JSON] = []
      try scanner.openArray()
      while try scanner.nextElement() { values.append(try JSON(&scanner, depth: depth + 1)) }
      self = .array(values)
    case UInt8(ascii: "{"):
      var members: [String: JSON] = [:]
      var key: [UInt8] = []
      try scanner.openObject()
      while try scanner.nextMember(&key) {
        let name = try scanner.checked(key)
        members[name] = try JSON(&scanner, depth: depth + 1)
      }
      self = .object(members)
    default: self = JSON(plain: try scanner.plainText())
    }
  }

  /// A number or a word, which the scanner has found to be one.
  private init(plain text: String) {
    switch text {
    case "null": self = .null
    case "true": self = .bool(true)
    case "false": self = .bool(false)
    default:
      if let whole = Int(text) {
        self = .integer(whole)
      } else {
        // A number beyond the range of Double becomes infinite, which prints as null.
        let number = Double(text) ?? .infinity
        if let whole = Int(exactly: number), whole.magnitude < 1 << 53 {
          self = .integer(whole)
        } else {
          self = .number(number)
        }
      }
    }
  }

  /// The value at a key of an object; nil where this is no object or has no such key.
  package subscript(key: String) -> JSON? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  package var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }

  /// The value where it is a whole number.
  package var integer: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The one spelling that fingerprints are taken over: keys sorted by their UTF-8 bytes, no
  /// spaces, shortest round-trip numbers.
  package var canonical: String { text(indent: nil) }

  /// The same members in the same order, two spaces per level, ending in a newline.
  package var pretty: String { text(indent: 0) + "\n" }

  private func text(indent: Int?) -> String {
    var text = ""
    write(to: &text, indent: indent)
    return text
  }

  /// Appends the value; the texts of its parts, each by itself, would take many times the room of the whole.
  private func write(to text: inout String, indent: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value):
      if !value.isFinite {
        text += "null"
      } else if let whole = Int(exactly: value), whole.magnitude < 1 << 53 {
        text += String(whole)
      } else {
        text += "\(value)"
      }
    case .string(let value): JSON.write(quoted: value, to: &text)
    case .array(let values):
      // Lists of plain values stay on one line.
      let isFlat = values.allSatisfy { $0.array == nil && $0.object == nil }
      JSON.write(values, "[", "]", to: &text, indent: isFlat ? nil : indent) {
        value, indent, text in
        value.write(to: &text, indent: indent)
      }
    case .object(let members):
      let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      JSON.write(sorted, "{", "}", to: &text, indent: indent) { member, indent, text in
        JSON.write(quoted: member.key, to: &text)
        text += indent == nil ? ":" : ": "
        member.value.write(to: &text, indent: indent)
      }
    }
  }

  private static func write<Item>(
    _ items: [Item], _ open: String, _ close: String, to text: inout String, indent: Int?,
    _ write: (Item, Int?, inout String) -> Void
  ) {
    func breakLine(_ indent: Int?) {
      if let indent { text += "\n" + String(repeating: "  ", count: indent) }
    }
    text += open
    for (index, item) in items.enumerated() {
      if index > 0 { text += "," }
      breakLine(indent.map { $0 + 1 })
      write(item, indent.map { $0 + 1 }, &text)
    }
    if !items.isEmpty { breakLine(indent) }
    text += close
  }

  /// Appends a string between quotes, with what JSON and HTML would misread escaped.
  private static func write(quoted string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
