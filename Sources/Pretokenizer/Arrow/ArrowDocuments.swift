// The documents of one column of a record batch. Comes in: the column's buffers. Leaves: documents,
// read in stretches of rows so that memory stays small.

import Shared

/// A column of documents.
struct ArrowDocuments {
  let column: ArrowColumn
  /// Bytes of the longest document.
  let limit: Int

  /// Rows that are read at once.
  private static let stretch = 1024

  /// Hands the rows on; `firstRow` is the number of the first in the file, for errors.
  func read<Sink: DocumentSink>(
    into sink: inout Sink, dictionary: [[UInt8]?], firstRow: Int
  ) throws {
    var start = 0
    while start < column.rowCount {
      let rows = start..<min(start + ArrowDocuments.stretch, column.rowCount)
      try readStretch(rows, into: &sink, dictionary, firstRow)
      start = rows.upperBound
    }
  }

  /// Some rows, of which those that hold null are told.
  private struct Stretch {
    let rows: Range<Int>
    let nulls: [Bool]
    /// The number in the file of the column's first row.
    let firstRow: Int

    func isNull(_ row: Int) -> Bool { nulls[row - rows.lowerBound] }
  }

  private func nullRow(_ row: Int, _ stretch: Stretch) -> ArrowError {
    .nullRow(path: column.path, column: column.field.name, row: stretch.firstRow + row)
  }

  private func readStretch<Sink: DocumentSink>(
    _ rows: Range<Int>, into sink: inout Sink, _ dictionary: [[UInt8]?], _ firstRow: Int
  ) throws {
    let stretch = Stretch(rows: rows, nulls: try column.nulls(0, rows), firstRow: firstRow)
    if let index = column.field.dictionary?.index {
      return try readPlaces(stretch, index, dictionary, into: &sink)
    }
    switch column.field.type {
    case .text(let size): try readTexts(stretch, offsetByteCount: size, into: &sink)
    case .textView: try readViews(stretch, into: &sink)
    case .list(let size): try readLists(stretch, offsetByteCount: size, into: &sink)
    case .fixedSizeList(let count): try readLists(stretch, ofLength: count, into: &sink)
    default: throw column.malformed("a column that cannot be read")
    }
  }

  /// Rows that are places in a dictionary.
  private func readPlaces<Sink: DocumentSink>(
    _ stretch: Stretch, _ index: ArrowType, _ dictionary: [[UInt8]?], into sink: inout Sink
  ) throws {
    guard case .integer(let size, let isSigned) = index else {
      throw column.malformed("no index type")
    }
    let places = try column.integers(1, stretch.rows, byteCount: size, isSigned: isSigned)
    for (row, place) in zip(stretch.rows, places) {
      if stretch.isNull(row) {
        try sink.invalid(nullRow(row, stretch))
        continue
      }
      guard let place = Int(exactly: place), dictionary.indices.contains(place) else {
        throw column.malformed("a place outside of the dictionary of “\(column.field.name)”")
      }
      guard let text = dictionary[place] else {
        try sink.invalid(nullRow(row, stretch))
        continue
      }
      try sink.text(text.span)
    }
  }

  /// Rows of text behind each other.
  private func readTexts<Sink: DocumentSink>(
    _ stretch: Stretch, offsetByteCount size: Int, into sink: inout Sink
  ) throws {
    let offsets = try column.offsets(stretch.rows, byteCount: size, of: column.byteCount(2))
    for (index, row) in stretch.rows.enumerated() {
      if stretch.isNull(row) {
        try sink.invalid(nullRow(row, stretch))
        continue
      }
      let range = offsets[index]..<offsets[index + 1]
      try checkLength(range.count)
      let text = try column.bytes(2, range)
      try sink.text(text.span)
    }
  }

  /// Rows of ids behind each other.
  private func readLists<Sink: DocumentSink>(
    _ stretch: Stretch, offsetByteCount size: Int, into sink: inout Sink
  ) throws {
    guard case .integer(let width, let isSigned) = column.field.children[0].type else { return }
    let offsets = try column.offsets(stretch.rows, byteCount: size, of: column.byteCount(3) / width)
    for (index, row) in stretch.rows.enumerated() {
      if stretch.isNull(row) {
        try sink.invalid(nullRow(row, stretch))
        continue
      }
      try readTokens(
        offsets[index]..<offsets[index + 1], width, isSigned, validity: 2,
        row: stretch.firstRow + row, into: &sink)
    }
  }

  /// Rows of as many ids each.
  private func readLists<Sink: DocumentSink>(
    _ stretch: Stretch, ofLength count: Int, into sink: inout Sink
  ) throws {
    guard case .integer(let width, let isSigned) = column.field.children[0].type, count > 0,
      column.rowCount.multipliedReportingOverflow(by: count).overflow == false
    else { throw column.malformed("lists of an impossible size") }
    for row in stretch.rows {
      if stretch.isNull(row) {
        try sink.invalid(nullRow(row, stretch))
        continue
      }
      try readTokens(
        row * count..<(row + 1) * count, width, isSigned, validity: 1, row: stretch.firstRow + row,
        into: &sink)
    }
  }

  private func checkLength(_ byteCount: Int) throws {
    guard byteCount <= limit else {
      throw DocumentTooLong(path: column.path, byte: 0, limit: limit)
    }
  }

  /// Hands on a list of ids; its elements' buffers are `validity` and the one behind it.
  private func readTokens<Sink: DocumentSink>(
    _ range: Range<Int>, _ width: Int, _ isSigned: Bool, validity: Int, row: Int,
    into sink: inout Sink
  ) throws {
    try checkLength(range.count)
    let values = try column.integers(validity + 1, range, byteCount: width, isSigned: isSigned)
    if column.byteCount(validity) > 0, try column.nulls(validity, range).contains(true) {
      return try sink.invalid(
        ArrowError.nullRow(path: column.path, column: column.field.name, row: row))
    }
    let ids = values.compactMap { UInt32(exactly: $0) }
    guard ids.count == values.count else {
      return try sink.invalid(
        ArrowError.notAToken(path: column.path, column: column.field.name, row: row))
    }
    try sink.tokens(ids.span)
  }

  /// Rows of views: 16 bytes each, with short text inside and long text in a further buffer.
  private func readViews<Sink: DocumentSink>(
    _ stretch: Stretch, into sink: inout Sink
  ) throws {
    let rows = stretch.rows
    let views = try column.bytes(1, 16 * rows.lowerBound..<16 * rows.upperBound)
    for row in 0..<rows.count {
      func number(_ offset: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(views[16 * row + offset + $1]) << (8 * $1) }
      }
      if stretch.nulls[row] {
        try sink.invalid(nullRow(rows.lowerBound + row, stretch))
        continue
      }
      let length = number(0)
      try checkLength(length)
      if length <= 12 {
        let text = Array(views[16 * row + 4..<16 * row + 4 + length])
        try sink.text(text.span)
      } else {
        let buffer = 2 + number(8)
        guard buffer < column.bufferCount else {
          throw column.malformed("a view of a buffer that is not there")
        }
        let text = try column.bytes(buffer, number(12)..<number(12) + length)
        try sink.text(text.span)
      }
    }
  }
}
