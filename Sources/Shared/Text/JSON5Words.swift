// What stands in a JSON5 text without quotes: numbers, true, false, null, and Python's spellings of them.
// Anything else is refused with what to write instead.

extension JSON5Reader {
  /// Reads a number or a word.
  mutating func word() throws(JSON5Problem) -> JSON {
    let start = position
    while let byte = next, byte > 0x20, !"{}[]:,\"'/#()".utf8.contains(byte) { position += 1 }
    let word = String(decoding: text[start..<position], as: UTF8.self)
    if let value = JSON5Reader.value(of: word), endsValue { return value }
    let pasted = PastedExpression(text, from: start)
    throw problem(pasted.complaint, at: start)
  }

  /// Whether what follows cannot belong to an expression.
  private var endsValue: Bool {
    var index = position
    while index < text.count, text[index] == 0x20 || text[index] == 0x09 { index += 1 }
    guard index < text.count else { return true }
    switch text[index] {
    case UInt8(ascii: "/"):
      // A comment, or a division.
      return index + 1 < text.count && "/*".utf8.contains(text[index + 1])
        && !isFloorDivision(at: index)
    case UInt8(ascii: "("), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"): return false
    default: return true
    }
  }

  /// Whether two slashes stand between digits, as in `7//2`.
  private func isFloorDivision(at index: Int) -> Bool {
    guard index + 2 < text.count, index > 0, text[index + 1] == UInt8(ascii: "/") else {
      return false
    }
    return text[index - 1] &- 0x30 < 10 && text[index + 2] &- 0x30 < 10
  }

  /// The value of a number or a word of JSON5 or Python; nil where it is none.
  static func value(of word: String) -> JSON? {
    switch word {
    case "null", "None": .null
    case "true", "True": .bool(true)
    case "false", "False": .bool(false)
    default: number(word)
    }
  }

  private static func number(_ word: String) -> JSON? {
    var digits = word[...]
    let sign = digits.first.flatMap { "+-".contains($0) ? $0 : nil }
    if sign != nil { digits = digits.dropFirst() }
    let factor = sign == "-" ? -1.0 : 1
    switch digits {
    case "Infinity": return .number(factor * .infinity)
    case "NaN": return .number(.nan)
    default: break
    }
    if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
      guard let plain = withoutSeparators(digits.dropFirst(2), { $0.isHexDigit }),
        plain.allSatisfy(\.isHexDigit), let value = Int((sign == "-" ? "-" : "") + plain, radix: 16)
      else { return nil }
      return .integer(value)
    }
    guard let plain = withoutSeparators(digits, { $0.isASCII && $0.isWholeNumber }),
      isDecimal(plain)
    else { return nil }
    let signed = (sign == "-" ? "-" : "") + plain
    if let whole = Int(signed) { return .integer(whole) }
    // A number beyond the range of Double becomes infinite.
    let value = Double(signed) ?? factor * .infinity
    if let whole = Int(exactly: value), abs(value) < 0x1p53 { return .integer(whole) }
    return .number(value)
  }

  /// The digits without the underscores that Python allows between two of them; nil where one stands
  /// elsewhere.
  private static func withoutSeparators(
    _ digits: Substring, _ isDigit: (Character) -> Bool
  ) -> String? {
    guard digits.contains("_") else { return String(digits) }
    var last: Character?
    var rest = digits
    while let letter = rest.popFirst() {
      if letter == "_", !(last.map(isDigit) ?? false) || !(rest.first.map(isDigit) ?? false) {
        return nil
      }
      last = letter
    }
    return digits.filter { $0 != "_" }
  }

  /// Whether digits are a decimal number of JSON5, which may begin or end with its point.
  private static func isDecimal(_ digits: String) -> Bool {
    let parts = digits.split(
      maxSplits: 1, omittingEmptySubsequences: false, whereSeparator: { $0 == "e" || $0 == "E" })
    if parts.count == 2 {
      let exponent = "+-".contains(parts[1].first ?? "0") ? parts[1].dropFirst() : parts[1]
      guard !exponent.isEmpty, exponent.allSatisfy(isDigit) else { return false }
    }
    let sides = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard sides.count <= 2, sides.contains(where: { !$0.isEmpty }),
      sides.allSatisfy({ $0.allSatisfy(isDigit) })
    else { return false }
    return sides[0].count < 2 || sides[0].first != "0"
  }

  private static func isDigit(_ letter: Character) -> Bool { "0"..."9" ~= letter }
}

extension JSON {
  /// A text as errors quote it: cut where it is long, without control characters.
  package static func clipped(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(61).map { scalar in
      scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value ? "\u{FFFD}" : Character(scalar)
    }
    return start.count <= 60 ? String(start) : String(start.prefix(60)) + "…"
  }
}
