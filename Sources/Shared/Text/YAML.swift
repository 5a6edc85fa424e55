// YAML as the cards of data sets use it: block and flow mappings and lists, plain, quoted and block
// scalars, comments. Comes in: text. Leaves: a JSON value. Anchors, aliases, tags and several documents
// are refused by name. Nothing of the text is ever run, and depth and size are bounded.

/// What is wrong with a YAML text, and in which line.
package struct YAMLProblem: Error, Equatable {
  /// From 1.
  package let line: Int
  package let what: String

  package init(line: Int, what: String) {
    self.line = line
    self.what = what
  }
}

/// A line without its indentation.
struct YAMLLine {
  /// Blanks before the text.
  var indent: Int
  var text: ArraySlice<UInt8>
  /// The line with its indentation.
  let whole: ArraySlice<UInt8>
  /// From 1.
  let number: Int

  /// Whether there is nothing on it but a comment.
  var isBlank: Bool { text.isEmpty || text.first == UInt8(ascii: "#") }

  /// Whether an item of a list begins here.
  var isItem: Bool {
    text.first == UInt8(ascii: "-") && (text.count == 1 || YAML.isSpace(text[text.startIndex + 1]))
  }
}

/// A reader of YAML.
package struct YAML {
  var lines: [YAMLLine] = []
  /// The line that is read next.
  var index = 0

  /// How deep collections may lie in each other.
  static let depthLimit = 64
  /// The longest text that is read.
  package static let byteLimit = 4 << 20

  /// Reads a whole text.
  package static func parse(_ text: [UInt8]) throws(YAMLProblem) -> JSON {
    guard text.count <= byteLimit else {
      throw YAMLProblem(line: 1, what: "more than \(byteLimit >> 20) MiB")
    }
    var reader = YAML(text)
    reader.skipBlanks()
    // The mark of a document's start.
    if reader.line?.whole.elementsEqual("---".utf8) == true { reader.index += 1 }
    let value = try reader.node(from: 0, depth: 0)
    reader.skipBlanks()
    if let line = reader.line {
      let isMark = line.whole.starts(with: "---".utf8) || line.whole.starts(with: "...".utf8)
      throw YAMLProblem(
        line: line.number, what: isMark ? "a second document" : "expected less indentation")
    }
    return value
  }

  private init(_ text: [UInt8]) {
    var start = text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var number = 1
    while start < text.count {
      var end = start
      while end < text.count, text[end] != 0x0A, text[end] != 0x0D { end += 1 }
      let whole = text[start..<end]
      let indent = whole.prefix { $0 == 0x20 }.count
      lines.append(
        YAMLLine(
          indent: indent, text: YAML.trimmed(whole.dropFirst(indent)), whole: whole, number: number)
      )
      number += 1
      if end + 1 < text.count, text[end] == 0x0D, text[end + 1] == 0x0A { end += 1 }
      start = end + 1
    }
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// A text without the blanks behind it.
  static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var text = text
    while let last = text.last, isSpace(last) { text.removeLast() }
    return text
  }

  /// The line that is read next; nil at the end.
  var line: YAMLLine? { index < lines.count ? lines[index] : nil }

  mutating func skipBlanks() { while line?.isBlank == true { index += 1 } }

  func problem(_ what: String) -> YAMLProblem {
    YAMLProblem(line: line?.number ?? lines.last?.number ?? 1, what: what)
  }

  // MARK: - Blocks

  /// Reads what begins at the next line, if that is indented by at least `indent`; else null.
  mutating func node(from indent: Int, depth: Int) throws(YAMLProblem) -> JSON {
    guard depth < YAML.depthLimit else { throw problem("nested too deeply") }
    skipBlanks()
    guard let line, line.indent >= indent else { return .null }
    if line.text.first == 0x09 { throw problem("a tab where blanks are needed") }
    if line.isItem { return try list(at: line.indent, depth: depth) }
    if try key(of: line) != nil { return try mapping(at: line.indent, depth: depth) }
    return try inline(line.text, within: indent - 1, depth: depth)
  }

  /// Reads the items that begin at one indentation.
  private mutating func list(at indent: Int, depth: Int) throws(YAMLProblem) -> JSON {
    var items: [JSON] = []
    skipBlanks()
    while let line, line.indent == indent, line.isItem {
      let rest = line.text.dropFirst().drop(while: YAML.isSpace)
      if rest.isEmpty || rest.first == UInt8(ascii: "#") {
        index += 1
        items.append(try node(from: indent + 1, depth: depth + 1))
      } else {
        // What stands behind the dash begins a block of its own there.
        let inner = indent + (rest.startIndex - line.text.startIndex)
        lines[index].indent = inner
        lines[index].text = rest
        items.append(try node(from: indent + 1, depth: depth + 1))
      }
      try endItem(indent)
    }
    return .array(items)
  }

  /// Passes to the next item of a block, which no line may be indented more than.
  private mutating func endItem(_ indent: Int) throws(YAMLProblem) {
    skipBlanks()
    if let line, line.indent > indent { throw problem("expected less indentation") }
  }

  /// Reads the members whose keys begin at one indentation.
  private mutating func mapping(at indent: Int, depth: Int) throws(YAMLProblem) -> JSON {
    var members: [String: JSON] = [:]
    skipBlanks()
    while let line, line.indent == indent {
      if line.isItem { break }
      guard let (name, rest) = try key(of: line) else { throw problem(misplaced(line)) }
      if rest.isEmpty || rest.first == UInt8(ascii: "#") {
        index += 1
        skipBlanks()
        // The items of a list may stand right below its key.
        let isList = self.line?.indent == indent && self.line?.isItem == true
        members[name] =
          isList
          ? try list(at: indent, depth: depth + 1) : try node(from: indent + 1, depth: depth + 1)
      } else {
        members[name] = try inline(rest, within: indent, depth: depth + 1)
      }
      try endItem(indent)
    }
    if let line, line.indent == indent { throw problem(misplaced(line)) }
    return .object(members)
  }

  /// What is wrong with a line that stands where a key is due.
  private func misplaced(_ line: YAMLLine) -> String {
    if line.whole.elementsEqual("---".utf8) { return "a second document" }
    return line.text.first == 0x09 ? "a tab where blanks are needed" : "expected a key and “:”"
  }

  /// The key that a line begins with and what stands behind its colon; nil where it has none.
  private func key(of line: YAMLLine) throws(YAMLProblem) -> (String, ArraySlice<UInt8>)? {
    let text = line.text
    switch text.first {
    case UInt8(ascii: "?") where text.count == 1 || YAML.isSpace(text[text.startIndex + 1]):
      throw YAMLProblem(line: line.number, what: "a key of several parts, which is not read")
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      var cursor = YAMLCursor(lines: [line], text: text)
      guard let name = try? cursor.quoted(), cursor.isInFirstLine else { return nil }
      let rest = cursor.rest.drop(while: YAML.isSpace)
      guard rest.first == UInt8(ascii: ":"),
        rest.count == 1 || YAML.isSpace(rest[rest.startIndex + 1])
      else { return nil }
      return (name, rest.dropFirst().drop(while: YAML.isSpace))
    case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: ">"), nil: return nil
    case UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"):
      _ = try YAML.refuse(text, line: line.number)
      return nil
    default: break
    }
    guard let colon = YAML.colon(in: text) else { return nil }
    let name = String(decoding: YAML.trimmed(text[..<colon]), as: UTF8.self)
    return (name, text[(colon + 1)...].drop(while: YAML.isSpace))
  }

  /// The colon that ends a plain key, with a blank or nothing behind it.
  static func colon(in text: ArraySlice<UInt8>) -> Int? {
    for place in text.indices {
      let isLast = place + 1 == text.endIndex
      if text[place] == UInt8(ascii: ":"), isLast || isSpace(text[place + 1]) { return place }
      if text[place] == UInt8(ascii: "#"), place > text.startIndex, isSpace(text[place - 1]) {
        return nil
      }
    }
    return nil
  }

  /// Refuses what refers to other places, or makes other things than plain values.
  static func refuse(_ text: ArraySlice<UInt8>, line: Int) throws(YAMLProblem) {
    let what: String
    switch text.first {
    case UInt8(ascii: "&"): what = "an anchor"
    case UInt8(ascii: "*"): what = "an alias"
    case UInt8(ascii: "!"): what = "a tag"
    case UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "`"): what = "a reserved sign"
    default: return
    }
    let word = JSON.clipped(
      String(decoding: text.prefix { !isSpace($0) }.prefix(40), as: UTF8.self))
    throw YAMLProblem(line: line, what: "\(what) (\(word)), which is not read")
  }
}

// MARK: - Values

extension YAML {
  /// Reads a value that begins with `text` in the line of its key; lines that go on with it are
  /// indented by more than `indent`.
  mutating func inline(
    _ text: ArraySlice<UInt8>, within indent: Int, depth: Int
  ) throws(YAMLProblem) -> JSON {
    try YAML.refuse(text, line: line?.number ?? 1)
    switch text.first {
    case UInt8(ascii: "|"), UInt8(ascii: ">"): return .string(try blockScalar(text, within: indent))
    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "["), UInt8(ascii: "{"):
      var cursor = YAMLCursor(lines: lines[index...], text: text)
      let value = try cursor.value(depth: depth)
      let rest = cursor.rest.drop(while: YAML.isSpace)
      guard rest.isEmpty || (rest.first == UInt8(ascii: "#") && rest.count < cursor.rest.count)
      else {
        throw YAMLProblem(line: cursor.number, what: "text behind a value")
      }
      index = cursor.index + 1
      return value
    case UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ","):
      throw problem("a sign that begins no text")
    default: return YAMLScalar.value(try plain(text, within: indent))
    }
  }

  /// Reads a plain scalar, which may go on in lines below.
  private mutating func plain(
    _ text: ArraySlice<UInt8>, within indent: Int
  ) throws(YAMLProblem) -> String {
    let first = YAML.withoutComment(text)
    var folded = Array(first)
    var isOpen = first.count == text.count
    if YAML.colon(in: first) != nil { throw problem("a second “: ” in one line; it needs quotes") }
    index += 1
    var breaks = 1
    while isOpen, let line, line.text.isEmpty || line.indent > indent {
      if line.text.isEmpty {
        breaks += 1
        index += 1
        continue
      }
      if line.text.first == UInt8(ascii: "#") { break }
      let more = YAML.withoutComment(line.text)
      if YAML.colon(in: more) != nil {
        throw problem("a key where a text goes on; check the indentation")
      }
      folded += breaks == 1 ? [0x20] : [UInt8](repeating: 0x0A, count: breaks - 1)
      folded += more
      isOpen = more.count == line.text.count
      breaks = 1
      index += 1
    }
    return String(decoding: folded, as: UTF8.self)
  }

  /// A plain scalar without the comment behind it.
  private static func withoutComment(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    for place in text.indices.dropFirst()
    where text[place] == UInt8(ascii: "#") && isSpace(text[place - 1]) {
      return trimmed(text[..<place])
    }
    return trimmed(text)
  }

  /// Reads a scalar whose lines are kept (`|`) or folded (`>`).
  private mutating func blockScalar(
    _ header: ArraySlice<UInt8>, within indent: Int
  ) throws(YAMLProblem) -> String {
    let isFolded = header.first == UInt8(ascii: ">")
    var keeps: Bool?
    var inner: Int?
    for byte in YAML.withoutComment(header).dropFirst() {
      switch byte {
      case UInt8(ascii: "+") where keeps == nil: keeps = true
      case UInt8(ascii: "-") where keeps == nil: keeps = false
      case 0x31...0x39 where inner == nil: inner = max(indent, 0) + Int(byte - 0x30)
      default: throw problem("a block of text with signs that mean nothing")
      }
    }
    index += 1
    let found = lines[index...].first { !$0.whole.allSatisfy { $0 == 0x20 } }?.whole
    let blanks = found?.prefix { $0 == 0x20 }.count ?? 0
    let margin = inner ?? max(blanks, indent + 1)
    var text: [UInt8] = []
    var breaks = 0
    var isAfterMore = true
    while let line {
      let isEmpty = line.whole.allSatisfy { $0 == 0x20 } && line.whole.count <= margin
      let lineIndent = line.whole.prefix { $0 == 0x20 }.count
      guard isEmpty || lineIndent >= margin else { break }
      index += 1
      if isEmpty {
        breaks += 1
        continue
      }
      let content = line.whole.dropFirst(margin)
      let isMore = content.first.map(YAML.isSpace) ?? false
      if breaks > 0 {
        let isJoined = isFolded && !isMore && !isAfterMore && !text.isEmpty
        text +=
          isJoined && breaks == 1
          ? [0x20] : [UInt8](repeating: 0x0A, count: isJoined ? breaks - 1 : breaks)
      }
      text += content
      isAfterMore = isMore
      breaks = 1
    }
    switch keeps {
    case true?: text += [UInt8](repeating: 0x0A, count: breaks)
    case nil where !text.isEmpty: text.append(0x0A)
    default: break
    }
    return String(decoding: text, as: UTF8.self)
  }
}
