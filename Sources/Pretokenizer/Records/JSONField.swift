// The records that one field of a file's object holds, as Hugging Face's `json` reads them where it is given a
// `field`. Comes in: a file that is one object. Leaves: a reader of the field's list, or of the column's, where the
// field holds a list per column.

import Shared

/// What is wrong with the field of a file.
package enum JSONFieldError: Failure, Equatable {
  case missing(path: String, field: String, found: [String])
  case notRecords(path: String, field: String)

  package var sentence: String {
    switch self {
    case .missing(let path, let field, let found):
      "\(path): there is no field “\(field)”"
        + (found.isEmpty
          ? "." : "; there is " + found.map { "“\($0)”" }.joined(separator: ", ") + ".")
    case .notRecords(let path, let field):
      "\(path): the field “\(field)” holds neither a list of records nor lists by column."
    }
  }

  package var hint: String? {
    "Set the field in the README.md beside the file to one with records."
  }
}

/// A reader of a file's field.
struct JSONField {
  private let file: any ByteSource
  private let compression: DataFile.Compression
  private let name: String
  private let limit: Int

  init(_ file: any ByteSource, _ compression: DataFile.Compression, name: String, limit: Int) {
    self.file = file
    self.compression = compression
    self.name = name
    self.limit = limit
  }

  /// The columns of the field's records.
  func columns() throws -> [DataColumn] {
    let value = try place()
    if value.first == UInt8(ascii: "[") {
      var values = values(from: value.start, column: "", content: .text)
      return try values.firstColumns()
    }
    return try members(from: value.start).map { member in
      guard member.first == UInt8(ascii: "[") else {
        throw JSONFieldError.notRecords(path: file.path, field: name)
      }
      var values = values(from: member.start, column: "", content: .text)
      let content = try values.firstColumns().first?.content
      return DataColumn(name: member.name, content: content)
    }
  }

  /// Hands on the documents of a column.
  func read<Sink: DocumentSink>(
    column: String, as content: ColumnContent, into sink: inout Sink
  ) throws {
    var (start, column) = (try place(), column)
    if start.first == UInt8(ascii: "{") {
      let members = try members(from: start.start)
      guard let member = members.last(where: { $0.name == column }) else {
        throw JSONFieldError.missing(
          path: file.path, field: "\(name).\(column)", found: members.map(\.name))
      }
      guard member.first == UInt8(ascii: "[") else {
        throw JSONFieldError.notRecords(path: file.path, field: name)
      }
      // Values without a name are of the one field that those have.
      (start, column) = (member, JSONRecord.bareColumn)
    }
    var values = values(from: start.start, column: column, content: content)
    try values.read(into: &sink)
  }

  private func values(from start: Int, column: String, content: ColumnContent) -> JSONValues {
    JSONValues(file, compression, from: start, column: column, content: content, limit: limit)
  }

  private func members(from start: Int) throws -> [JSONMembers.Member] {
    var members = JSONMembers(file, compression, from: start, limit: limit)
    return try members.all()
  }

  /// Where the field's value lies, the last of several; the file is looked through to its end.
  private func place() throws -> JSONMembers.Member {
    var members = JSONMembers(file, compression, from: 0, limit: limit)
    let all = try members.all()
    try members.expectEnd()
    guard let found = all.last(where: { $0.name == name }) else {
      throw JSONFieldError.missing(path: file.path, field: name, found: all.map(\.name))
    }
    guard [UInt8(ascii: "["), UInt8(ascii: "{")].contains(found.first) else {
      throw JSONFieldError.notRecords(path: file.path, field: name)
    }
    return found
  }
}
