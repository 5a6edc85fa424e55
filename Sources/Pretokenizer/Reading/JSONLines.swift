// JSON Lines: the wanted field of each line. Comes in: the bytes of a file and the range of a work
// unit. Leaves: documents, one by one. Every byte of a line is checked, not only the field.

import Shared

/// What is wrong with a line of text.
package enum DocumentError: Failure, Equatable {
  case badLine(path: String, line: Int, byte: Int, what: String)
  case missingColumn(path: String, line: Int, column: String, found: [String])
  case wrongType(path: String, line: Int, column: String, type: String)

  package var sentence: String {
    switch self {
    case .badLine(let path, let line, let byte, let what):
      "\(path), line \(line), byte \(byte): \(what)."
    case .missingColumn(let path, let line, let column, let found):
      found.isEmpty
        ? "\(path), line \(line): there is no “\(column)”; the object is empty."
        : "\(path), line \(line): there is no “\(column)”; the line has "
          + found.map { "“\($0)”" }.joined(separator: ", ") + "."
    case .wrongType(let path, let line, let column, let type):
      "\(path), line \(line): “\(column)” is \(type) where text is needed."
    }
  }

  package var hint: String? {
    switch self {
    case .badLine: "Every line must be one whole JSON object."
    case .missingColumn: "Set pretokenize.column_name to the field that holds the text."
    case .wrongType: "Repair or remove the line, or set pretokenize.column_name to another field."
    }
  }
}

/// A reader of JSON Lines; keeps its memory from line to line.
package struct JSONLines {
  private let path: String
  private let column: [UInt8]
  private var key: [UInt8] = []
  private var text: [UInt8] = []
  /// Lone surrogates that became U+FFFD, so far.
  package private(set) var replacedCount = 0

  package init(path: String, column: String) {
    self.path = path
    self.column = Array(column.utf8)
  }

  /// Reads the lines that start inside `range`, to their ends even where those lie behind it.
  package mutating func read(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ body: (Span<UInt8>) throws -> Void
  ) throws {
    var start = JSONLines.lineStart(bytes, from: range.lowerBound)
    while start < range.upperBound {
      var scanner = JSONScanner(bytes, from: start, layout: .oneLine)
      scanner.skipSpace()
      if !scanner.isAtEnd, scanner.next != 0x0A {
        do { try line(&scanner, start, bytes) } catch let problem as JSONProblem {
          throw DocumentError.badLine(
            path: path, line: JSONLines.lineNumber(bytes, problem.offset),
            byte: problem.offset - start + 1, what: problem.what)
        }
        try body(text.span)
      }
      start = scanner.position + 1
    }
  }

  /// Reads one object into `text`.
  private mutating func line(
    _ scanner: inout JSONScanner, _ start: Int, _ bytes: Span<UInt8>
  ) throws {
    guard scanner.next == UInt8(ascii: "{") else {
      throw JSONProblem(offset: scanner.position, what: "expected an object")
    }
    try scanner.openObject()
    var isFound = false
    while try scanner.nextMember(&key) {
      guard key == column else {
        _ = try scanner.skipValue()
        continue
      }
      guard scanner.next == UInt8(ascii: "\"") else {
        let type = JSONLines.type(scanner.next)
        _ = try scanner.skipValue()
        throw DocumentError.wrongType(
          path: path, line: JSONLines.lineNumber(bytes, start),
          column: String(decoding: column, as: UTF8.self), type: type)
      }
      text.removeAll(keepingCapacity: true)
      try scanner.string(into: &text)
      isFound = true
    }
    scanner.skipSpace()
    guard scanner.isAtEnd || scanner.next == 0x0A else {
      throw JSONProblem(offset: scanner.position, what: "expected the end of the line")
    }
    replacedCount += scanner.replacedCount
    guard isFound else { throw try missingColumn(start, bytes) }
  }

  /// The error that names the fields which a line does have.
  private mutating func missingColumn(_ start: Int, _ bytes: Span<UInt8>) throws -> DocumentError {
    var found: [String] = []
    var scanner = JSONScanner(bytes, from: start, layout: .oneLine)
    scanner.skipSpace()
    try scanner.openObject()
    while try scanner.nextMember(&key) {
      found.append(String(decoding: key, as: UTF8.self))
      _ = try scanner.skipValue()
    }
    return .missingColumn(
      path: path, line: JSONLines.lineNumber(bytes, start),
      column: String(decoding: column, as: UTF8.self), found: found)
  }

  private static func type(_ first: UInt8) -> String {
    switch first {
    case UInt8(ascii: "n"): "null"
    case UInt8(ascii: "t"), UInt8(ascii: "f"): "true or false"
    case UInt8(ascii: "["): "a list"
    case UInt8(ascii: "{"): "an object"
    default: "a number"
    }
  }

  /// Where the first line starts that starts at or behind `offset`.
  private static func lineStart(_ bytes: Span<UInt8>, from offset: Int) -> Int {
    if offset == 0 {
      let hasMark =
        bytes.count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF
      return hasMark ? 3 : 0
    }
    var index = offset
    while index <= bytes.count, bytes[index - 1] != 0x0A { index += 1 }
    return index
  }

  /// The number of the line that `offset` lies in, from 1.
  private static func lineNumber(_ bytes: Span<UInt8>, _ offset: Int) -> Int {
    var count = 1
    for index in 0..<min(offset, bytes.count) where bytes[index] == 0x0A { count += 1 }
    return count
  }
}
