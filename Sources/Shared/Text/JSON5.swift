// JSON5 as people write it, Python's literals among it. Comes in: the text of a file. Leaves: a value, and
// where each of its members stands; or what is wrong, with line and column.

/// A place in a text; both numbers count from 1, columns count characters.
package struct TextPlace: Sendable, Equatable, Comparable {
  package let line: Int
  package let column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// The place of a byte.
  init(of offset: Int, in text: [UInt8]) {
    var (line, start) = (1, 0)
    for (index, byte) in text.prefix(offset).enumerated() where byte == UInt8(ascii: "\n") {
      (line, start) = (line + 1, index + 1)
    }
    // Continuation bytes belong to the character before them.
    let column = text[start..<min(offset, text.count)].count { $0 & 0xC0 != 0x80 } + 1
    self.init(line: line, column: column)
  }

  package var words: String { "line \(line), column \(column)" }

  package static func < (first: TextPlace, second: TextPlace) -> Bool {
    (first.line, first.column) < (second.line, second.column)
  }
}

/// What is wrong with a JSON5 text, and where.
package struct JSON5Problem: Error, Equatable {
  package let place: TextPlace
  /// What was expected or met there, as a clause.
  package let what: String
}

/// How much a text may hold before it is refused unread.
package struct JSON5Limits: Sendable, Equatable {
  /// The longest key, in bytes.
  package let keyByteCount: Int
  /// The most members of all objects together.
  package let memberCount: Int

  package init(keyByteCount: Int, memberCount: Int) {
    self.keyByteCount = keyByteCount
    self.memberCount = memberCount
  }

  /// For files that list things.
  package static let data = JSON5Limits(keyByteCount: 1 << 20, memberCount: 1 << 24)
}

/// A text that was read, and where its members stand.
package struct JSON5Document: Sendable {
  /// A key that an object already had.
  package struct Duplicate: Sendable, Equatable {
    package let key: String
    package let place: TextPlace
    package let first: TextPlace
  }

  /// The bytes at which a member begins and its value begins.
  struct Member {
    let key: Int
    let value: Int
  }

  package let value: JSON
  private let text: [UInt8]
  private let members: [String: Member]
  private let repeated: [(key: String, offset: Int, first: Int)]
  private let start: Int

  /// Reads a whole text.
  package init(parsing text: [UInt8], limits: JSON5Limits = .data) throws(JSON5Problem) {
    var reader = JSON5Reader(text, limits: limits)
    value = try reader.document()
    (members, repeated, start) = (reader.members, reader.repeated, reader.start)
    self.text = text
  }

  package var duplicates: [Duplicate] {
    repeated.map {
      Duplicate(
        key: $0.key, place: TextPlace(of: $0.offset, in: text),
        first: TextPlace(of: $0.first, in: text))
    }
  }

  /// Where the whole value begins.
  package var beginning: TextPlace { TextPlace(of: start, in: text) }

  /// Where the member of these keys, joined by points, begins; nil where there is none.
  package func place(ofKey key: String) -> TextPlace? {
    members[key].map { TextPlace(of: $0.key, in: text) }
  }

  /// Where the value of that member begins.
  package func place(ofValue key: String) -> TextPlace? {
    members[key].map { TextPlace(of: $0.value, in: text) }
  }
}
