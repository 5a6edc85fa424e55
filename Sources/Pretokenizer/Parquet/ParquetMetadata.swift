// What a Parquet file says of itself. Comes in: the bytes of its footer and of page headers. Leaves:
// schema, row groups and pages, by the names of parquet.thrift.

import Shared

/// The footer of a Parquet file.
struct ParquetMetadata {
  var schema: [Element] = []
  var rowGroups: [RowGroup] = []
  var isEncrypted = false

  /// A node of the schema; its children follow it.
  struct Element {
    var type: Int?
    var repetition = 0
    var name = ""
    var childCount = 0
    var convertedType: Int?
  }

  struct RowGroup {
    var columns: [Chunk] = []
    var rowCount = 0
  }

  /// A column of a row group.
  struct Chunk {
    var isElsewhere = false
    var type = -1
    var codec = 0
    var valueCount = 0
    var byteCount = 0
    var dataOffset = 0
    var dictionaryOffset = 0
  }

  init(_ bytes: [UInt8]) throws {
    var reader = ThriftReader(bytes)
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (2, .list): try reader.list { schema.append(try Element(&$0)) }
      case (4, .list): try reader.list { rowGroups.append(try RowGroup(&$0)) }
      case (8, .structure):
        isEncrypted = true
        return false
      default: return false
      }
      return true
    }
  }
}

extension ParquetMetadata.Element {
  fileprivate init(_ reader: inout ThriftReader) throws {
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .int): type = try reader.integer()
      case (3, .int): repetition = try reader.integer()
      case (4, .binary): name = try reader.text()
      case (5, .int): childCount = try reader.integer()
      case (6, .int): convertedType = try reader.integer()
      default: return false
      }
      return true
    }
  }
}

extension ParquetMetadata.RowGroup {
  fileprivate init(_ reader: inout ThriftReader) throws {
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .list): try reader.list { columns.append(try ParquetMetadata.Chunk(&$0)) }
      case (3, .long): rowCount = try reader.integer()
      default: return false
      }
      return true
    }
  }
}

extension ParquetMetadata.Chunk {
  fileprivate init(_ reader: inout ThriftReader) throws {
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .binary): isElsewhere = try !reader.text().isEmpty
      case (3, .structure): try readMetadata(&reader)
      default: return false
      }
      return true
    }
  }

  private mutating func readMetadata(_ reader: inout ThriftReader) throws {
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .int): type = try reader.integer()
      case (4, .int): codec = try reader.integer()
      case (5, .long): valueCount = try reader.integer()
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
      case (1, .int): type = try reader.integer()
      case (2, .int): byteCount = try reader.integer()
      case (3, .int): compressedByteCount = try reader.integer()
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
      case (1, .int): valueCount = try reader.integer()
      case (2, .int): encoding = try reader.integer()
      case (3, .int) where !isDictionary: levelEncodings.definition = try reader.integer()
      case (4, .int) where !isDictionary: levelEncodings.repetition = try reader.integer()
      default: return false
      }
      return true
    }
  }

  private mutating func readVersion2(_ reader: inout ThriftReader) throws {
    try reader.structure { reader, number, kind in
      switch (number, kind) {
      case (1, .int): valueCount = try reader.integer()
      case (4, .int): encoding = try reader.integer()
      case (5, .int): definitionByteCount = try reader.integer()
      case (6, .int): repetitionByteCount = try reader.integer()
      case (7, .yes): isCompressed = true
      case (7, .no): isCompressed = false
      default: return false
      }
      return true
    }
  }
}
