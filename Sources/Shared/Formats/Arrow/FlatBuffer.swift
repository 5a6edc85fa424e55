// FlatBuffers, the encoding of Arrow's metadata. Comes in: bytes that nobody has checked. Leaves:
// tables and their fields; every offset is checked before it is followed.

/// Metadata that leads out of its bytes.
struct FlatBufferProblem: Error, Equatable {
  let offset: Int
}

/// A table of a FlatBuffer.
struct FlatTable: Sendable {
  private let bytes: [UInt8]
  private let position: Int
  private let fieldTable: Int
  private let fieldTableSize: Int

  /// Bytes of the whole FlatBuffer.
  var byteCount: Int { bytes.count }

  /// The root table.
  init(root bytes: [UInt8]) throws {
    try self.init(bytes, at: Int(try FlatTable.load(UInt32.self, bytes, at: 0)))
  }

  private init(_ bytes: [UInt8], at position: Int) throws {
    let back = Int(try FlatTable.load(Int32.self, bytes, at: position))
    let fields = position - back
    let size = Int(try FlatTable.load(UInt16.self, bytes, at: fields))
    guard size >= 4, fields + size <= bytes.count else { throw FlatBufferProblem(offset: fields) }
    self.bytes = bytes
    self.position = position
    fieldTable = fields
    fieldTableSize = size
  }

  private static func load<Number: FixedWidthInteger>(
    _ type: Number.Type, _ bytes: [UInt8], at offset: Int
  ) throws -> Number {
    let size = Number.bitWidth / 8
    guard offset >= 0, offset <= bytes.count - size else { throw FlatBufferProblem(offset: offset) }
    var value: Number = 0
    for index in (0..<size).reversed() {
      value = (size == 1 ? 0 : value << 8) | Number(truncatingIfNeeded: bytes[offset + index])
    }
    return value
  }

  /// Where a field lies; nil where it has its default.
  private func place(_ field: Int) throws -> Int? {
    let slot = 4 + 2 * field
    guard slot + 2 <= fieldTableSize else { return nil }
    let offset = Int(try FlatTable.load(UInt16.self, bytes, at: fieldTable + slot))
    return offset == 0 ? nil : position + offset
  }

  /// A number.
  func number<Number: FixedWidthInteger>(
    _ field: Int, _ type: Number.Type, or missing: Number = 0
  ) throws -> Number {
    guard let place = try place(field) else { return missing }
    return try FlatTable.load(type, bytes, at: place)
  }

  func bool(_ field: Int) throws -> Bool { try number(field, UInt8.self) != 0 }

  /// Follows the offset of a field.
  private func target(_ field: Int) throws -> Int? {
    guard let place = try place(field) else { return nil }
    return place + Int(try FlatTable.load(UInt32.self, bytes, at: place))
  }

  /// A table within this one.
  func table(_ field: Int) throws -> FlatTable? {
    guard let target = try target(field) else { return nil }
    return try FlatTable(bytes, at: target)
  }

  func text(_ field: Int) throws -> String? {
    guard let vector = try vector(field, elementSize: 1) else { return nil }
    return String(decoding: bytes[vector.start..<vector.start + vector.count], as: UTF8.self)
  }

  /// A list of tables, of at most so many: several lists may name the same tables.
  func tables(_ field: Int, atMost limit: Int) throws -> [FlatTable] {
    guard let vector = try vector(field, elementSize: 4) else { return [] }
    guard vector.count <= limit else { throw FlatBufferProblem(offset: vector.start) }
    return try (0..<vector.count).map { index in
      let place = vector.start + 4 * index
      return try FlatTable(
        bytes, at: place + Int(try FlatTable.load(UInt32.self, bytes, at: place)))
    }
  }

  /// A list of structures of so many 64-bit numbers each.
  func numbers(_ field: Int, each count: Int) throws -> [[Int]] {
    guard let vector = try vector(field, elementSize: 8 * count) else { return [] }
    return try (0..<vector.count).map { element in
      try (0..<count).map { index in
        let place = vector.start + 8 * (count * element + index)
        return Int(try FlatTable.load(Int64.self, bytes, at: place))
      }
    }
  }

  private func vector(_ field: Int, elementSize: Int) throws -> (start: Int, count: Int)? {
    guard let target = try target(field) else { return nil }
    let count = Int(try FlatTable.load(UInt32.self, bytes, at: target))
    let start = target + 4
    guard start <= bytes.count, count <= (bytes.count - start) / elementSize else {
      throw FlatBufferProblem(offset: target)
    }
    return (start, count)
  }
}
