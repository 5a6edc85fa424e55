// One column of one record batch. Comes in: the batch's metadata and the place of its body. Leaves:
// stretches of its buffers, decompressed where they are compressed and checked against their length.

/// A column of a record batch.
package struct ArrowColumn: Sendable {
  package let rowCount: Int
  package let field: ArrowField
  private let file: any ByteSource
  /// The column's buffers, and those of its elements.
  private let buffers: [Buffer]

  /// A compressed buffer that grows beyond this is refused.
  private static let bufferLimit = 1 << 30
  /// What a file's buffers may grow to in all: so many times its size, and so many bytes.
  private static let (ratioLimit, freeGrowth) = (2000, 64 << 20)

  /// Bytes in the file, or in memory once decompressed.
  private enum Buffer: Sendable {
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
    _ file: any ByteSource, _ header: FlatTable, body: Range<Int>, fields: [ArrowField],
    column: Int,
    grown: inout Int
  ) throws {
    self.file = file
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
    buffers = try ranges.map { try ArrowColumn.buffer(file, $0, codec: codec, &grown) }
  }

  private static func buffer(
    _ file: any ByteSource, _ range: Range<Int>, codec: Int8?, _ grown: inout Int
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
    guard grown <= range.upperBound * ratioLimit + freeGrowth else {
      throw ArrowError.explodes(path: file.path, byte: range.upperBound, limit: ratioLimit)
    }
    let content = try Zstandard.decompress(
      Array(bytes[8...]).span.raw, path: file.path, limit: Int(stated))
    guard content.count == Int(stated) else { throw FlatBufferProblem(offset: 0) }
    return .memory(content)
  }

  package var path: String { file.path }
  package var bufferCount: Int { buffers.count }

  /// The bytes of a buffer.
  package func byteCount(_ buffer: Int) -> Int { buffers[buffer].count }

  /// Damage in this column.
  package func malformed(_ what: String) -> ArrowError {
    let place =
      buffers.lazy.compactMap { buffer -> Int? in
        if case .place(let range) = buffer { range.lowerBound } else { nil }
      }.first ?? 0
    return .malformed(path: file.path, byte: place, what: what)
  }

  /// Bytes of a buffer, all of which must be there.
  package func bytes(_ buffer: Int, _ range: Range<Int>) throws -> [UInt8] {
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
  package func integers(
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
  package func nulls(_ buffer: Int, _ rows: Range<Int>) throws -> [Bool] {
    guard buffers[buffer].count > 0 else { return [Bool](repeating: false, count: rows.count) }
    let bits = try bytes(buffer, rows.lowerBound / 8..<(rows.upperBound + 7) / 8)
    return rows.map { bits[$0 / 8 - rows.lowerBound / 8] >> UInt8($0 % 8) & 1 == 0 }
  }

  /// Where rows start in the values behind them, and where the last one ends.
  package func offsets(
    _ rows: Range<Int>, in buffer: Int = 1, byteCount: Int, of total: Int
  ) throws -> [Int] {
    let offsets = try integers(
      buffer, rows.lowerBound..<rows.upperBound + 1, byteCount: byteCount, isSigned: true)
    var last: Int64 = 0
    for offset in offsets {
      guard offset >= last, offset <= total else {
        throw malformed("offsets of “\(field.name)” that do not ascend within its values")
      }
      last = offset
    }
    return offsets.map { Int($0) }
  }
}
