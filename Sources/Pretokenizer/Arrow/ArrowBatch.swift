// One column of one record batch. Comes in: the batch's metadata and the place of its body. Leaves:
// documents, read in stretches of rows so that memory stays small.

import Shared

/// A column of a record batch.
struct ArrowBatch {
  let rowCount: Int
  private let file: InputFile
  private let field: ArrowField
  /// The column's buffers, and those of its element.
  private let buffers: [Buffer]
  private let limit: Int

  /// Rows that are read at once.
  private static let stretch = 1024
  /// A compressed buffer that grows beyond this is refused.
  private static let bufferLimit = 1 << 30

  /// Bytes in the file, or in memory once decompressed.
  private enum Buffer {
    case place(Range<Int>)
    case memory([UInt8])

    var count: Int {
      switch self {
      case .place(let range): range.count
      case .memory(let bytes): bytes.count
      }
    }
  }

  /// Finds the buffers; `grown` counts the bytes that were decompressed of the file so far.
  init(
    _ file: InputFile, _ header: FlatTable, body: Range<Int>, fields: [ArrowField], column: Int,
    limit: Int, grown: inout Int
  ) throws {
    self.file = file
    self.limit = limit
    field = fields[column]
    rowCount = Int(try header.number(0, Int64.self))
    let places = try header.numbers(2, each: 2)
    let counts = try header.numbers(4, each: 1).map { $0[0] }
    guard rowCount >= 0, counts.allSatisfy({ (0...places.count).contains($0) }) else {
      throw FlatBufferProblem(offset: 0)
    }
    var views = counts[...]
    var first = 0
    for field in fields[..<column] { first += field.extent(&views).buffers }
    let count = field.extent(&views).buffers
    guard first + count <= places.count else { throw FlatBufferProblem(offset: 0) }
    var ranges: [Range<Int>] = []
    for place in places[first..<first + count] {
      let (start, length) = (place[0], place[1])
      guard start >= 0, length >= 0, start <= body.count, length <= body.count - start else {
        throw FlatBufferProblem(offset: 0)
      }
      ranges.append(body.lowerBound + start..<body.lowerBound + start + length)
    }
    let codec = try header.table(3).map { try $0.number(0, Int8.self) }
    buffers = try ranges.map { try ArrowBatch.buffer(file, $0, codec: codec, &grown) }
  }

  private static func buffer(
    _ file: InputFile, _ range: Range<Int>, codec: Int8?, _ grown: inout Int
  ) throws -> Buffer {
    guard let codec, !range.isEmpty else { return .place(range) }
    guard codec == 1 else {
      throw ArrowError.unsupported(path: file.path, what: "buffers compressed with LZ4")
    }
    guard range.count >= 8, range.count <= bufferLimit else { throw FlatBufferProblem(offset: 0) }
    let bytes = try file.read(at: range.lowerBound, count: range.count)
    let stated = bytes[0..<8].reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
    if stated == -1 { return .place(range.lowerBound + 8..<range.upperBound) }
    guard stated >= 0, stated <= bufferLimit else { throw FlatBufferProblem(offset: 0) }
    grown += Int(stated)
    try ByteStream.checkGrowth(grown, from: range.upperBound, path: file.path)
    let content = try Zstandard.decompress(
      Array(bytes[8...]).span.raw, path: file.path, limit: Int(stated))
    guard content.count == Int(stated) else { throw FlatBufferProblem(offset: 0) }
    return .memory(content)
  }

  // MARK: - Bytes

  private func malformed(_ what: String) -> ArrowError {
    let place =
      buffers.lazy.compactMap { buffer -> Int? in
        if case .place(let range) = buffer { range.lowerBound } else { nil }
      }.first ?? 0
    return .malformed(path: file.path, byte: place, what: what)
  }

  /// Bytes of a buffer, all of which must be there.
  private func bytes(_ buffer: Int, _ range: Range<Int>) throws -> [UInt8] {
    guard range.upperBound <= buffers[buffer].count else {
      throw malformed("a buffer of “\(field.name)” is too short")
    }
    switch buffers[buffer] {
    case .memory(let bytes): return Array(bytes[range])
    case .place(let place):
      return try file.read(at: place.lowerBound + range.lowerBound, count: range.count)
    }
  }

  /// Whole numbers of a buffer, from element `range.lowerBound` on.
  private func integers(
    _ buffer: Int, _ range: Range<Int>, byteCount: Int, isSigned: Bool
  ) throws -> [Int64] {
    guard range.upperBound <= buffers[buffer].count / byteCount else {
      throw malformed("a buffer of “\(field.name)” is too short")
    }
    var bytes = try bytes(buffer, range.lowerBound * byteCount..<range.upperBound * byteCount)
    // Eight bytes are loaded at a time, whatever the size.
    bytes.append(contentsOf: repeatElement(0, count: 8))
    let raw = bytes.span.raw
    let unused = 64 - 8 * byteCount
    var values: [Int64] = []
    values.reserveCapacity(range.count)
    for index in 0..<range.count {
      let value = raw.word(at: index * byteCount) << UInt64(unused)
      values.append(
        isSigned
          ? Int64(bitPattern: value) >> Int64(unused) : Int64(clamping: value >> UInt64(unused)))
    }
    return values
  }

  /// Which of some rows are null, by the bits of a buffer that is empty where none is.
  private func nulls(_ buffer: Int, _ rows: Range<Int>) throws -> [Bool] {
    guard buffers[buffer].count > 0 else { return [Bool](repeating: false, count: rows.count) }
    let bits = try bytes(buffer, rows.lowerBound / 8..<(rows.upperBound + 7) / 8)
    return rows.map { bits[$0 / 8 - rows.lowerBound / 8] >> UInt8($0 % 8) & 1 == 0 }
  }

  /// Where rows start in the values behind them, and where the last one ends.
  private func offsets(_ rows: Range<Int>, byteCount: Int, of total: Int) throws -> [Int] {
    let offsets = try integers(
      1, rows.lowerBound..<rows.upperBound + 1, byteCount: byteCount, isSigned: true)
    var last: Int64 = 0
    for offset in offsets {
      guard offset >= last, offset <= total else {
        throw malformed("offsets of “\(field.name)” that do not ascend within its values")
      }
      last = offset
    }
    return offsets.map { Int($0) }
  }

  // MARK: - Documents

  /// Hands the rows on; `firstRow` is the number of the first in the file, for errors.
  func read<Sink: DocumentSink>(
    into sink: inout Sink, dictionary: [[UInt8]?], firstRow: Int
  ) throws {
    var start = 0
    while start < rowCount {
      let rows = start..<min(start + ArrowBatch.stretch, rowCount)
      try readStretch(rows, into: &sink, dictionary, firstRow)
      start = rows.upperBound
    }
  }

  private func readStretch<Sink: DocumentSink>(
    _ rows: Range<Int>, into sink: inout Sink, _ dictionary: [[UInt8]?], _ firstRow: Int
  ) throws {
    let nulls = try nulls(0, rows)
    func null(_ row: Int) -> ArrowError {
      .nullRow(path: file.path, column: field.name, row: firstRow + row)
    }
    if let index = field.dictionary?.index {
      guard case .integer(let size, let isSigned) = index else { throw malformed("no index type") }
      let places = try integers(1, rows, byteCount: size, isSigned: isSigned)
      for (row, place) in zip(rows, places) {
        if nulls[row - rows.lowerBound] {
          try sink.invalid(null(row))
        } else {
          guard let place = Int(exactly: place), dictionary.indices.contains(place) else {
            throw malformed("a place outside of the dictionary of “\(field.name)”")
          }
          guard let text = dictionary[place] else {
            try sink.invalid(null(row))
            continue
          }
          try sink.text(text.span)
        }
      }
      return
    }
    switch field.type {
    case .text(let size):
      let offsets = try offsets(rows, byteCount: size, of: buffers[2].count)
      for row in 0..<rows.count {
        if nulls[row] {
          try sink.invalid(null(rows.lowerBound + row))
        } else {
          let range = offsets[row]..<offsets[row + 1]
          try checkLength(range.count)
          let text = try bytes(2, range)
          try sink.text(text.span)
        }
      }
    case .textView: try readViews(rows, nulls, into: &sink, null)
    case .list(let size):
      guard case .integer(let width, let isSigned) = field.children[0].type else { return }
      let offsets = try offsets(rows, byteCount: size, of: buffers[3].count / width)
      for row in 0..<rows.count {
        if nulls[row] {
          try sink.invalid(null(rows.lowerBound + row))
        } else {
          try readTokens(
            offsets[row]..<offsets[row + 1], width, isSigned, validity: 2,
            row: firstRow + rows.lowerBound + row, into: &sink)
        }
      }
    case .fixedSizeList(let count):
      guard case .integer(let width, let isSigned) = field.children[0].type, count > 0,
        rowCount.multipliedReportingOverflow(by: count).overflow == false
      else { throw malformed("lists of an impossible size") }
      for row in rows {
        if nulls[row - rows.lowerBound] {
          try sink.invalid(null(row))
        } else {
          try readTokens(
            row * count..<(row + 1) * count, width, isSigned, validity: 1, row: firstRow + row,
            into: &sink)
        }
      }
    default: throw malformed("a column that cannot be read")
    }
  }

  private func checkLength(_ byteCount: Int) throws {
    guard byteCount <= limit else { throw DocumentTooLong(path: file.path, byte: 0, limit: limit) }
  }

  /// Hands on a list of ids; its elements' buffers are `validity` and the one behind it.
  private func readTokens<Sink: DocumentSink>(
    _ range: Range<Int>, _ width: Int, _ isSigned: Bool, validity: Int, row: Int,
    into sink: inout Sink
  ) throws {
    try checkLength(range.count)
    let values = try integers(validity + 1, range, byteCount: width, isSigned: isSigned)
    if buffers[validity].count > 0, try nulls(validity, range).contains(true) {
      return try sink.invalid(ArrowError.nullRow(path: file.path, column: field.name, row: row))
    }
    let ids = values.compactMap { UInt32(exactly: $0) }
    guard ids.count == values.count else {
      return try sink.invalid(ArrowError.notAToken(path: file.path, column: field.name, row: row))
    }
    try sink.tokens(ids.span)
  }

  /// Rows of views: 16 bytes each, with short text inside and long text in a further buffer.
  private func readViews<Sink: DocumentSink>(
    _ rows: Range<Int>, _ nulls: [Bool], into sink: inout Sink, _ null: (Int) -> ArrowError
  ) throws {
    let views = try bytes(1, 16 * rows.lowerBound..<16 * rows.upperBound)
    for row in 0..<rows.count {
      func number(_ offset: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(views[16 * row + offset + $1]) << (8 * $1) }
      }
      if nulls[row] {
        try sink.invalid(null(rows.lowerBound + row))
        continue
      }
      let length = number(0)
      try checkLength(length)
      if length <= 12 {
        let text = Array(views[16 * row + 4..<16 * row + 4 + length])
        try sink.text(text.span)
      } else {
        let buffer = 2 + number(8)
        guard buffer < buffers.count else {
          throw malformed("a view of a buffer that is not there")
        }
        let text = try bytes(buffer, number(12)..<number(12) + length)
        try sink.text(text.span)
      }
    }
  }
}
