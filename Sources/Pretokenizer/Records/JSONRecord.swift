// The wanted field of a JSON object. Comes in: the bytes of one object. Leaves: a document. Every byte
// of the object is checked, not only the field.

import Shared

/// What is wrong with a record of text.
package enum RecordError: Failure, Equatable {
  case malformed(place: String, byte: Int, what: String)
  case missingColumn(place: String, column: String, found: [String])
  case wrongType(place: String, column: String, type: String, content: ColumnContent)
  case notAToken(place: String, column: String)

  /// The same problem of a record that is named otherwise.
  func named(_ place: String) -> RecordError {
    switch self {
    case .malformed(_, let byte, let what): .malformed(place: place, byte: byte, what: what)
    case .missingColumn(_, let column, let found):
      .missingColumn(place: place, column: column, found: found)
    case .wrongType(_, let column, let type, let content):
      .wrongType(place: place, column: column, type: type, content: content)
    case .notAToken(_, let column): .notAToken(place: place, column: column)
    }
  }

  package var sentence: String {
    switch self {
    case .malformed(let place, let byte, let what): "\(place), byte \(byte): \(what)."
    case .missingColumn(let place, let column, let found):
      found.isEmpty
        ? "\(place): there is no “\(column)”; the object is empty."
        : "\(place): there is no “\(column)”; there is "
          + found.map { "“\($0)”" }.joined(separator: ", ") + "."
    case .wrongType(let place, let column, let type, .text):
      "\(place): “\(column)” is \(type) where text is needed."
    case .wrongType(let place, let column, let type, .tokens):
      "\(place): “\(column)” is \(type) where a list of token ids is needed."
    case .notAToken(let place, let column): "\(place): “\(column)” holds what is no token id."
    }
  }

  package var hint: String? {
    switch self {
    case .malformed: "Every record must be one whole JSON object; skip_invalid passes over others."
    case .missingColumn: "Set pretokenize.column_name to the field that holds the text."
    case .wrongType, .notAToken:
      "Repair or remove the record, set pretokenize.column_name to another field, or set "
        + "skip_invalid."
    }
  }
}

/// Reads objects; keeps its memory from one to the next.
package struct JSONRecord {
  private let column: [UInt8]
  private let content: ColumnContent
  private var key: [UInt8] = []
  private var text: [UInt8] = []
  private var tokens: [UInt32] = []

  package init(column: String, content: ColumnContent) {
    self.column = Array(column.utf8)
    self.content = content
  }

  private var columnName: String { String(decoding: column, as: UTF8.self) }

  /// What a record is: an object with the field, or its value alone, as one of the field `text`.
  package enum Form: Sendable { case object, bare }

  /// The field that values without a name are of.
  static let bareColumn = "text"

  /// Reads one record and hands its document on.
  ///
  /// `place` names the record in errors; it is called only for one.
  package mutating func read<Sink: DocumentSink>(
    _ bytes: Span<UInt8>, as form: Form = .object, into sink: inout Sink, place: () -> String
  ) throws {
    var start: Int? = 0
    // Several objects may stand in a line.
    while let offset = start {
      let rest = bytes.extracting(offset..<bytes.count)
      start = try read(rest, at: offset, as: form, into: &sink, place: place).map { offset + $0 }
    }
  }

  /// Reads the first record of some bytes; returns where another object begins.
  private mutating func read<Sink: DocumentSink>(
    _ bytes: Span<UInt8>, at offset: Int, as form: Form, into sink: inout Sink,
    place: () -> String
  ) throws -> Int? {
    let next: Int?
    do {
      next = try parse(bytes, as: form, into: &sink)
    } catch let problem as JSONProblem {
      let error = RecordError.malformed(
        place: place(), byte: offset + problem.offset + 1, what: problem.what)
      try sink.invalid(error)
      return nil
    } catch let problem as FieldProblem {
      try sink.invalid(error(problem, bytes, as: form, place()))
      return nil
    }
    switch content {
    case .text: try sink.text(text.span)
    case .tokens: try sink.tokens(tokens.span)
    }
    return next
  }

  /// What is wrong with the wanted field.
  private enum FieldProblem: Error {
    case missing
    case wrongType(String)
    case notAToken
  }

  /// Reads the wanted value of the first record; returns where another object begins.
  private mutating func parse<Sink: DocumentSink>(
    _ bytes: Span<UInt8>, as form: Form, into sink: inout Sink
  ) throws -> Int? {
    var scanner = JSONScanner(bytes, grammar: .python)
    scanner.skipSpace()
    if form == .bare {
      guard scanner.next != UInt8(ascii: "{") else {
        throw JSONProblem(offset: scanner.position, what: "an object among texts")
      }
      guard column.elementsEqual(JSONRecord.bareColumn.utf8) else { throw FieldProblem.missing }
      if let problem = try field(&scanner) { throw problem }
      if scanner.replacedCount > 0 { sink.replaced(scanner.replacedCount) }
      return nil
    }
    guard scanner.next == UInt8(ascii: "{") else {
      throw JSONProblem(offset: scanner.position, what: "expected an object")
    }
    try scanner.openObject()
    var isFound = false
    var problem: FieldProblem?
    while try scanner.nextMember(&key) {
      guard key == column else {
        _ = try scanner.skipValue()
        continue
      }
      problem = try field(&scanner)
      isFound = true
    }
    scanner.skipSpace()
    let isFollowed = scanner.next == UInt8(ascii: "{")
    guard scanner.isAtEnd || isFollowed else {
      throw JSONProblem(offset: scanner.position, what: "expected the end of the line")
    }
    if let problem { throw problem }
    guard isFound else { throw FieldProblem.missing }
    if scanner.replacedCount > 0 { sink.replaced(scanner.replacedCount) }
    return isFollowed ? scanner.position : nil
  }

  /// Reads the wanted value, the last of several.
  private mutating func field(_ scanner: inout JSONScanner) throws -> FieldProblem? {
    let wanted: UInt8 = content == .text ? UInt8(ascii: "\"") : UInt8(ascii: "[")
    guard scanner.next == wanted else {
      let type = JSONRecord.type(scanner.next)
      _ = try scanner.skipValue()
      return .wrongType(type)
    }
    switch content {
    case .text:
      text.removeAll(keepingCapacity: true)
      try scanner.string(into: &text)
      return nil
    case .tokens:
      tokens.removeAll(keepingCapacity: true)
      var problem: FieldProblem?
      try scanner.openArray()
      while try scanner.nextElement() {
        guard scanner.next &- 0x30 < 10 else {
          _ = try scanner.skipValue()
          problem = .notAToken
          continue
        }
        if let id = UInt32(exactly: try scanner.integer()) {
          tokens.append(id)
        } else {
          problem = .notAToken
        }
      }
      return problem
    }
  }

  private func error(
    _ problem: FieldProblem, _ bytes: Span<UInt8>, as form: Form, _ place: String
  ) -> RecordError {
    switch problem {
    case .missing:
      .missingColumn(
        place: place, column: columnName,
        found: JSONRecord.columns(bytes, as: form).map(\.name))
    case .wrongType(let type):
      .wrongType(place: place, column: columnName, type: type, content: content)
    case .notAToken: .notAToken(place: place, column: columnName)
    }
  }

  /// The fields that an object has, as far as it can be read, with what they could be.
  package static func columns(_ bytes: Span<UInt8>, as form: Form = .object) -> [DataColumn] {
    var found: [DataColumn] = []
    var key: [UInt8] = []
    var scanner = JSONScanner(bytes, grammar: .python)
    scanner.skipSpace()
    if form == .bare { return [DataColumn(name: bareColumn, content: content(scanner.next))] }
    do {
      try scanner.openObject()
      while try scanner.nextMember(&key) {
        let content = content(scanner.next)
        found.append(DataColumn(name: String(decoding: key, as: UTF8.self), content: content))
        _ = try scanner.skipValue()
      }
    } catch { return found }
    return found
  }

  /// What a value could be that begins with a byte.
  private static func content(_ first: UInt8) -> ColumnContent? {
    switch first {
    case UInt8(ascii: "\""): .text
    case UInt8(ascii: "["): .tokens
    default: nil
    }
  }

  private static func type(_ first: UInt8) -> String {
    switch first {
    case UInt8(ascii: "n"): "null"
    case UInt8(ascii: "t"), UInt8(ascii: "f"): "true or false"
    case UInt8(ascii: "\""): "text"
    case UInt8(ascii: "["): "a list"
    case UInt8(ascii: "{"): "an object"
    default: "a number"
    }
  }
}
