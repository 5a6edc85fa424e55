// What a Parquet file says of itself. Comes in: the bytes of its footer and of page headers. Leaves:
// schema, row groups and pages, by the names of parquet.thrift.

import Shared

/// The footer of a Parquet file.
///
/// Columns of row groups are read when they are asked for, so that a footer takes little more memory
/// than its bytes, whatever it states.
struct ParquetMetadata {
  private let bytes: [UInt8]
  private(set) var schema: [Element] = []
  private(set) var rowGroups: [RowGroup] = []
  private(set) var isEncrypted = false

  /// Files of more columns, counting those within columns, are refused.
  private static let elementLimit = 1 << 20

  /// A node of the schema; its children follow it.
  struct Element {
    var type: Int?
    var repetition = 0
    var name = ""
    var childCount = 0
    var meaning: Meaning?
  }

  /// What the physical type of a node stands for, as far as it matters here.
  enum Meaning {
    case text, list, signed, unsigned, other
  }

  struct RowGroup {
    var rowCount = 0
    /// Where the first of its columns lies in the footer.
    fileprivate var columns: UInt32 = 0
    fileprivate(set) var columnCount: UInt32 = 0
  }

  /// A column of a row group.
  struct Chunk {
    var isElsewhere = false
    var isEncrypted = false
    var type = -1
    var codec = 0
    var byteCount = 0
    var dataOffset = 0
    var dictionaryOffset = 0

    /// Where its first page lies; some writers state 0 where there is no dictionary.
    var start: Int {
      dictionaryOffset > 0 && dictionaryOffset < dataOffset ? dictionaryOffset : dataOffset
    }
  }

  init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    var reader = ThriftReader(bytes)
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (2, .list):
        let start = reader.position
        let count = try reader.structureCount()
        guard count <= ParquetMetadata.elementLimit else { throw ThriftProblem(offset: start) }
        for _ in 0..<count { schema.append(try Element(&reader)) }
      case (4, .list):
        for _ in 0..<(try reader.structureCount()) { rowGroups.append(try RowGroup(&reader)) }
      case (8, .structure):
        isEncrypted = true
        return false
      default: return false
      }
      return true
    }
  }

  /// A column of a row group by the number of its leaf; nil where the row group has fewer.
  func chunk(_ rowGroup: Int, leaf: Int) throws -> Chunk? {
    let group = rowGroups[rowGroup]
    guard leaf < Int(group.columnCount) else { return nil }
    var reader = ThriftReader(bytes, from: Int(group.columns))
    for _ in 0..<leaf { try reader.skipStructure() }
    return try Chunk(&reader)
  }
}

extension ParquetMetadata.Element {
  fileprivate init(_ reader: inout ThriftReader) throws {
    var converted: ParquetMetadata.Meaning?
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .int): type = try reader.small()
      case (3, .int): repetition = try reader.small()
      case (4, .binary): name = try reader.text()
      case (5, .int): childCount = try reader.small()
      case (6, .int): converted = ParquetMetadata.Meaning(converted: try reader.small())
      case (10, .structure): meaning = try ParquetMetadata.Meaning(logical: &reader)
      default: return false
      }
      return true
    }
    meaning = meaning ?? converted
  }
}

extension ParquetMetadata.Meaning {
  /// Of the older annotation, by its number.
  fileprivate init(converted number: Int) {
    self =
      switch number {
      case 0, 4, 19: .text
      case 3: .list
      case 11...14: .unsigned
      case 15...18: .signed
      default: .other
      }
  }

  /// Of the newer annotation, a union: UTF-8, enumerations and JSON are text.
  fileprivate init(logical reader: inout ThriftReader) throws {
    var meaning = Self.other
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .structure), (4, .structure), (12, .structure): meaning = .text
      case (3, .structure): meaning = .list
      case (10, .structure):
        meaning = .signed
        try reader.structure { reader, number, kind in
          if number == 2, kind == .no { meaning = .unsigned }
          return false
        }
        return true
      default: break
      }
      return false
    }
    self = meaning
  }
}

extension ParquetMetadata.RowGroup {
  fileprivate init(_ reader: inout ThriftReader) throws {
    let start = reader.position
    var isWhole = (columns: false, rowCount: false)
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .list):
        let count = try reader.structureCount()
        (columns, columnCount) = (UInt32(reader.position), UInt32(count))
        for _ in 0..<count { try reader.skipStructure() }
        isWhole.columns = true
      case (3, .long):
        rowCount = try reader.integer()
        isWhole.rowCount = true
      default: return false
      }
      return true
    }
    guard isWhole == (true, true), rowCount >= 0 else { throw ThriftProblem(offset: start) }
  }
}

extension ParquetMetadata.Chunk {
  fileprivate init(_ reader: inout ThriftReader) throws {
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .binary): isElsewhere = try !reader.text().isEmpty
      case (3, .structure): try readMetadata(&reader)
      case (8, .structure), (9, .binary):
        isEncrypted = true
        return false
      default: return false
      }
      return true
    }
  }

  private mutating func readMetadata(_ reader: inout ThriftReader) throws {
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .int): type = try reader.small()
      case (4, .int): codec = try reader.small()
      case (7, .long): byteCount = try reader.integer()
      case (9, .long): dataOffset = try reader.integer()
      case (11, .long): dictionaryOffset = try reader.integer()
      default: return false
      }
      return true
    }
  }
}

/// The header of a page.
struct ParquetPageHeader {
  var type = -1
  var byteCount = 0
  var compressedByteCount = 0
  var checksum: UInt32?
  var valueCount = 0
  var encoding = 0
  var levelEncodings = (definition: 3, repetition: 3)
  /// Of a page of version 2.
  var definitionByteCount = 0
  var repetitionByteCount = 0
  var isCompressed = true
  /// Bytes of the header itself.
  var headerByteCount = 0

  init(_ bytes: [UInt8]) throws {
    var reader = ThriftReader(bytes)
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .int): type = try reader.small()
      case (2, .int): byteCount = try reader.small()
      case (3, .int): compressedByteCount = try reader.small()
      case (4, .int): checksum = UInt32(truncatingIfNeeded: try reader.integer())
      case (5, .structure), (7, .structure): try readVersion1(&reader, isDictionary: number == 7)
      case (8, .structure): try readVersion2(&reader)
      default: return false
      }
      return true
    }
    headerByteCount = reader.position
  }

  private mutating func readVersion1(_ reader: inout ThriftReader, isDictionary: Bool) throws {
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .int): valueCount = try reader.small()
      case (2, .int): encoding = try reader.small()
      case (3, .int) where !isDictionary: levelEncodings.definition = try reader.small()
      case (4, .int) where !isDictionary: levelEncodings.repetition = try reader.small()
      default: return false
      }
      return true
    }
  }

  private mutating func readVersion2(_ reader: inout ThriftReader) throws {
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .int): valueCount = try reader.small()
      case (4, .int): encoding = try reader.small()
      case (5, .int): definitionByteCount = try reader.small()
      case (6, .int): repetitionByteCount = try reader.small()
      case (7, .yes): isCompressed = true
      case (7, .no): isCompressed = false
      default: return false
      }
      return true
    }
  }
}
