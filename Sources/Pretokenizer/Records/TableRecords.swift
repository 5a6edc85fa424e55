// The records of a table. Comes in: bytes, in pieces. Leaves: the fields of one record after the other: they may
// stand in quotes, which are doubled within, and then hold separators and line ends; lines that are blank are no
// records.

import Shared

/// Lends the records of a table one by one, in memory of one record's size.
struct TableRecords {
  private var stream: ByteStream
  private let form: TableForm
  private let limit: Int
  private var buffer: [UInt8] = []
  private var index = 0
  /// Lines that were begun so far, blank and skipped ones too; a record is one.
  private var number = 0
  /// Line ends before `index`.
  private var lineEnds = 0
  private var isAfterReturn = false
  private var isAtStart = true
  /// The line in which the last record begins, from 1.
  private(set) var line = 0
  /// The fields of the last record.
  private(set) var fieldCount = 0

  init(_ stream: ByteStream, _ form: TableForm, limit: Int) {
    self.stream = stream
    self.form = form
    self.limit = limit
  }

  /// Passes over a record; returns how many fields it has, 0 where there is none.
  mutating func skip() throws -> Int { try next(keeping: .max) == nil ? 0 : fieldCount }

  /// The next byte; nil at the end.
  private mutating func peek() throws -> UInt8? {
    if index < buffer.count { return buffer[index] }
    buffer.removeAll(keepingCapacity: true)
    index = 0
    if isAtStart {
      isAtStart = false
      while buffer.count < 3, try stream.read(into: &buffer) {}
      if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
      return index < buffer.count ? buffer[index] : nil
    }
    return try stream.read(into: &buffer) ? buffer[0] : nil
  }

  /// Passes over a byte and counts the line that it may end.
  private mutating func advance(_ byte: UInt8) {
    index += 1
    if byte == 0x0D || (byte == 0x0A && !isAfterReturn) { lineEnds += 1 }
    isAfterReturn = byte == 0x0D
  }

  /// The fields of the next record, or the one field `wanted` where the record has it; nil at the end.
  mutating func next(keeping wanted: Int?) throws -> [[UInt8]]? {
    guard let first = try skipLines() else { return nil }
    line = lineEnds + 1
    number += 1
    fieldCount = 0
    var fields: [[UInt8]] = []
    // Blanks that a line begins with belong to its first field.
    var field = first
    var byteCount = field.count
    while true {
      let isKept = wanted == nil || wanted == fieldCount
      let end = try readField(&field, isKept: isKept, &byteCount)
      if isKept { fields.append(field) }
      fieldCount += 1
      field.removeAll(keepingCapacity: true)
      if end != form.separator { return fields }
    }
  }

  /// Passes over lines that count as not there, and those with nothing or only blanks; returns the blanks
  /// before what follows, nil at the end.
  private mutating func skipLines() throws -> [UInt8]? {
    var blanks: [UInt8] = []
    while let byte = try peek() {
      if blanks.isEmpty, form.skipped.contains(number) {
        try skipLine()
        number += 1
        continue
      }
      switch byte {
      case 0x0A, 0x0D:
        blanks.removeAll()
        number += 1
        try endLine(byte)
      case 0x20, 0x09:
        if byte == form.separator { return blanks }
        guard blanks.count < limit else { throw tooLong() }
        blanks.append(byte)
        advance(byte)
      default: return blanks
      }
    }
    return nil
  }

  /// Passes over a line end, of one byte or two.
  private mutating func endLine(_ byte: UInt8) throws {
    advance(byte)
    if byte == 0x0D, try peek() == 0x0A { advance(0x0A) }
  }

  /// Passes over a line, which goes on behind line ends in quotes; as in pandas, its first byte begins a
  /// field that is not looked at, unless it is a quote.
  private mutating func skipLine() throws {
    guard let first = try peek() else { return }
    advance(first)
    guard first != 0x0A else { return }
    var (isQuoted, isFieldStart) = (first == form.quote, false)
    while let byte = try peek() {
      if isQuoted {
        advance(byte)
        if byte == form.quote {
          if try peek() == byte { advance(byte) } else { isQuoted = false }
        }
      } else if byte == 0x0A || byte == 0x0D {
        return try endLine(byte)
      } else {
        advance(byte)
        isQuoted = isFieldStart && byte == form.quote
        isFieldStart = byte == form.separator
      }
    }
  }

  private func tooLong() -> DocumentTooLong {
    DocumentTooLong(path: stream.path, byte: 0, limit: limit)
  }

  /// Reads a field and what ends it, which is passed over: the separator, a line feed for any line end, or 0
  /// for the end of the file.
  private mutating func readField(
    _ field: inout [UInt8], isKept: Bool, _ byteCount: inout Int
  ) throws -> UInt8 {
    let start = lineEnds + 1
    var isQuoted = false
    if form.skipsInitialSpaces {
      field.removeFirst(field.prefix { $0 == 0x20 }.count)
      if field.isEmpty { while try peek() == 0x20 { advance(0x20) } }
    }
    if field.isEmpty, let quote = form.quote, try peek() == quote {
      advance(quote)
      isQuoted = true
    }
    while let byte = try peek() {
      if !isQuoted, byte == 0x0A || byte == 0x0D {
        try endLine(byte)
        return 0x0A
      }
      advance(byte)
      if isQuoted, byte == form.quote {
        // Doubled it stands for itself; alone it ends the quoted part of the field.
        guard try peek() == byte else {
          isQuoted = false
          continue
        }
        advance(byte)
      } else if !isQuoted, byte == form.separator {
        return byte
      }
      byteCount += 1
      guard byteCount <= limit else { throw tooLong() }
      if isKept { field.append(byte) }
    }
    if isQuoted { throw TableError.openQuote(place: "\(stream.path), line \(start)") }
    return 0
  }
}
