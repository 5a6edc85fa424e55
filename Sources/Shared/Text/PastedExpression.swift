// An expression of Python where JSON5 has a value, as it is pasted from scripts. Comes in: the text from
// there on. Leaves: a sentence that quotes it and says what to write instead.

struct PastedExpression {
  /// The expression up to the comma, bracket or line end behind it.
  let source: String

  init(_ text: [UInt8], from start: Int) {
    var (index, depth) = (start, 0)
    var quote: UInt8?
    scan: while index < text.count, index - start < 200 {
      let byte = text[index]
      if let open = quote {
        if byte == open { quote = nil }
      } else {
        switch byte {
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"): break scan
        case UInt8(ascii: "\""), UInt8(ascii: "'"): quote = byte
        case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
          if depth == 0 { break scan }
          depth -= 1
        case UInt8(ascii: ","), UInt8(ascii: "#"): if depth == 0 { break scan }
        case UInt8(ascii: "/"):
          let follows = index + 1 < text.count ? text[index + 1] : 0
          if depth == 0, follows == UInt8(ascii: "*") { break scan }
          if depth == 0, follows == byte, index > start, text[index - 1] == 0x20 { break scan }
        default: break
        }
      }
      index += 1
    }
    var end = index
    while end > start, text[end - 1] == 0x20 || text[end - 1] == 0x09 { end -= 1 }
    source = String(decoding: text[start..<end], as: UTF8.self)
  }

  var complaint: String {
    let shown = JSON.clipped(source)
    guard let instead else {
      return "\(shown) is no value of JSON5; write a number, a text in quotes, true, false, null, "
        + "a list [ … ] or a group { … }"
    }
    return "\(shown) is no value of JSON5; write \(instead)"
  }

  /// The same as a value of JSON5; nil where that is not known.
  private var instead: String? {
    var numbers = Arithmetic(source)
    if let value = numbers.result {
      return JSON.number(value).canonical
    }
    return name ?? tuple ?? mapping ?? prefixed
  }

  /// A bare name is meant as a text; of a path such as `torch.float32` the last part.
  private var name: String? {
    let parts = source.split(separator: ".", omittingEmptySubsequences: false)
    let isName = parts.allSatisfy { part in
      part.utf8.first.map { !(0x30...0x39 ~= $0) } ?? false
        && part.utf8.allSatisfy { JSON5Reader.isNameByte($0) || $0 == UInt8(ascii: "-") }
    }
    guard isName, let last = parts.last else { return nil }
    return source == "undefined" ? "null" : "\"\(JSON.clipped(String(last)))\""
  }

  /// `(None,)` is a list of one null.
  private var tuple: String? {
    guard source.hasPrefix("("), source.hasSuffix(")") else { return nil }
    let inner = "[" + source.dropFirst().dropLast() + "]"
    return (try? JSON5Document(parsing: Array(inner.utf8)))?.value.canonical
  }

  /// `dict(k=64)` is a group.
  private var mapping: String? {
    guard source.hasPrefix("dict("), source.hasSuffix(")") else { return nil }
    let inner = source.dropFirst(5).dropLast().replacing("=", with: ":")
    return (try? JSON5Document(parsing: Array("{\(inner)}".utf8)))?.value.canonical
  }

  /// `r"…"` is a text.
  private var prefixed: String? {
    let rest = source.drop { "rRbBuU".contains($0) }
    guard rest.count < source.count else { return nil }
    return (try? JSON5Document(parsing: Array(rest.utf8)))?.value.string.map {
      JSON.string($0).canonical
    }
  }
}

/// Works out sums and products of numbers, with `int(…)` and `float(…)` around them.
private struct Arithmetic {
  private var rest: Substring

  init(_ source: String) { rest = source.filter { $0 != " " }[...] }

  /// The number; nil where the text is anything else.
  var result: Double? {
    mutating get {
      guard let value = sum(depth: 0), rest.isEmpty, value.isFinite else { return nil }
      return value
    }
  }

  private mutating func takes(_ text: String) -> Bool {
    guard rest.hasPrefix(text) else { return false }
    rest = rest.dropFirst(text.count)
    return true
  }

  private mutating func sum(depth: Int) -> Double? {
    guard depth < 16, var value = product(depth) else { return nil }
    while true {
      if takes("+") {
        guard let other = product(depth) else { return nil }
        value += other
      } else if takes("-") {
        guard let other = product(depth) else { return nil }
        value -= other
      } else {
        return value
      }
    }
  }

  private mutating func product(_ depth: Int) -> Double? {
    guard var value = power(depth) else { return nil }
    while true {
      if takes("//") {
        guard let other = power(depth), other != 0 else { return nil }
        value = (value / other).rounded(.down)
      } else if takes("/") {
        guard let other = power(depth), other != 0 else { return nil }
        value /= other
      } else if takes("*") {
        guard let other = power(depth) else { return nil }
        value *= other
      } else {
        return value
      }
    }
  }

  private mutating func power(_ depth: Int) -> Double? {
    guard let base = number(depth) else { return nil }
    guard takes("**") else { return base }
    guard let exponent = power(depth), exponent == exponent.rounded(), abs(exponent) <= 64 else {
      return nil
    }
    let value = (0..<Int(abs(exponent))).reduce(1.0) { product, _ in product * base }
    return exponent < 0 ? 1 / value : value
  }

  private mutating func number(_ depth: Int) -> Double? {
    for (name, change) in [("int(", FloatingPointRoundingRule?.some(.towardZero)), ("float(", nil)]
    where takes(name) {
      guard let value = sum(depth: depth + 1), takes(")") else { return nil }
      return change.map(value.rounded) ?? value
    }
    if takes("(") {
      guard let value = sum(depth: depth + 1), takes(")") else { return nil }
      return value
    }
    if takes("-") { return number(depth + 1).map { -$0 } }
    var length = 0
    var last: Character = " "
    for letter in rest {
      let isExponentSign = "+-".contains(letter) && (last == "e" || last == "E")
      guard letter.isHexDigit || "._xX".contains(letter) || isExponentSign else { break }
      (length, last) = (length + 1, letter)
    }
    guard length > 0, let value = JSON5Reader.value(of: String(rest.prefix(length)))?.double else {
      return nil
    }
    rest = rest.dropFirst(length)
    return value
  }
}
