// The pages of one column of one row group, one after the other. Comes in: a file and a column's
// place. Leaves: decompressed pages and the dictionary, each checked before it is made room for.

import Shared

/// A page of values.
struct ParquetPage {
  let header: ParquetPageHeader
  /// Where its header lies in the file.
  let offset: Int
  let levels: [UInt8]
  /// The bytes that hold the values, which start at `valuesStart`, or behind the levels where those
  /// lie in the same bytes and state their own size.
  let values: [UInt8]
  let valuesStart: Int
}

/// Reads the pages of a column chunk.
struct ParquetPages {
  private let file: any ByteSource
  private let chunk: ParquetMetadata.Chunk
  /// What whole numbers are like; nil where the column holds text.
  private let numbers: NumberType?
  private var position: Int
  private let end: Int
  private var dictionary: ParquetDictionary?
  /// Where the dictionary's page lies; nil before it was met.
  private var dictionaryPosition: Int?
  /// Whether pages with and without the dictionary alternate.
  private var alternates = false

  private static let pageLimit = 256 << 20
  /// A page may grow to so many times its size, and to so much in any case.
  private static let (ratioLimit, freeGrowth) = (2000, 16 << 20)
  /// Headers hold statistics, which may be as long as two values.
  private static let headerLimits = [1 << 12, 1 << 16, 1 << 20, 1 << 24]

  init(
    _ file: any ByteSource, _ chunk: ParquetMetadata.Chunk, _ numbers: NumberType?
  ) throws(ParquetError) {
    self.file = file
    self.numbers = numbers
    self.chunk = chunk
    position = chunk.start
    guard position >= 4, chunk.byteCount >= 0, position <= file.byteCount else {
      throw .malformed(path: file.path, byte: 0, what: "a column at byte \(position)")
    }
    guard chunk.byteCount <= file.byteCount - position else {
      throw .cutShort(path: file.path, byte: file.byteCount)
    }
    end = position + chunk.byteCount
  }

  /// The next page of values; nil at the end of the column.
  mutating func next() throws -> ParquetPage? {
    while position < end {
      let offset = position
      let header = try header()
      let bytes = try content(header, at: offset)
      switch header.type {
      case 0:
        let content = try decompress(bytes.span.raw, to: header.byteCount, at: offset) ?? bytes
        return ParquetPage(
          header: header, offset: offset, levels: content, values: content, valuesStart: 0)
      case 2:
        guard dictionaryPosition == nil else { throw malformed("a second dictionary", at: offset) }
        dictionaryPosition = offset
        try readDictionary(header, bytes, at: offset)
      case 3: return try version2(header, bytes, at: offset)
      default: break
      }
    }
    return nil
  }

  /// A page whose levels are never compressed.
  private func version2(
    _ header: ParquetPageHeader, _ bytes: [UInt8], at offset: Int
  ) throws -> ParquetPage {
    let (repetition, definition) = (header.repetitionByteCount, header.definitionByteCount)
    let size = min(bytes.count, header.byteCount)
    guard repetition >= 0, definition >= 0, repetition <= size, definition <= size - repetition
    else { throw malformed("levels that are longer than their page", at: offset) }
    let levels = repetition + definition
    let rest = bytes.span.raw.extracting(levels..<bytes.count)
    if header.isCompressed,
      let content = try decompress(rest, to: header.byteCount - levels, at: offset)
    {
      return ParquetPage(
        header: header, offset: offset, levels: bytes, values: content, valuesStart: 0)
    }
    guard bytes.count == header.byteCount else { throw damaged(at: offset) }
    return ParquetPage(
      header: header, offset: offset, levels: bytes, values: bytes, valuesStart: levels)
  }

  private func malformed(_ what: String, at byte: Int) -> ParquetError {
    .malformed(path: file.path, byte: byte, what: what)
  }

  private func damaged(at byte: Int) -> ParquetError {
    malformed("a page that cannot be decompressed", at: byte)
  }

  private mutating func header() throws -> ParquetPageHeader {
    for limit in ParquetPages.headerLimits {
      let bytes = try file.read(at: position, count: min(limit, end - position))
      do {
        let header = try ParquetPageHeader(bytes)
        position += header.headerByteCount
        return header
      } catch is ThriftProblem {
        // Longer bytes can only help where these were cut.
        guard bytes.count == limit else { break }
      }
    }
    throw malformed("a page header that makes no sense", at: position)
  }

  /// The bytes behind a header as the file holds them, with what it states checked; steps behind them.
  private mutating func content(_ header: ParquetPageHeader, at offset: Int) throws -> [UInt8] {
    let (size, compressed) = (header.byteCount, header.compressedByteCount)
    guard compressed >= 0, size >= 0, header.valueCount >= 0 else {
      throw malformed("a page of a negative size", at: offset)
    }
    guard compressed <= end - position else {
      throw malformed("a page that does not end with its column", at: offset)
    }
    guard max(size, compressed) <= ParquetPages.pageLimit,
      size <= compressed * ParquetPages.ratioLimit + ParquetPages.freeGrowth
    else { throw malformed("a page of \(size) bytes in \(compressed)", at: offset) }
    let bytes = try file.read(at: position, count: compressed)
    guard bytes.count == compressed else {
      throw ParquetError.cutShort(path: file.path, byte: file.byteCount)
    }
    position += compressed
    if let checksum = header.checksum, checksum != Gzip.checksum(bytes) {
      throw malformed("a page whose checksum is not that of its bytes", at: offset)
    }
    return bytes
  }

  /// The content of compressed bytes; nil where nothing is compressed.
  private func decompress(
    _ bytes: RawSpan, to size: Int, at offset: Int
  ) throws -> [UInt8]? {
    switch chunk.codec {
    case 0:
      guard bytes.byteCount == size else { throw damaged(at: offset) }
      return nil
    case 1, 2, 6:
      // Writers may leave out what compresses nothing.
      if bytes.isEmpty, size == 0 { return [] }
      guard let content = content(of: bytes, size), content.count == size else {
        throw damaged(at: offset)
      }
      return content
    default:
      let names = [3: "LZO", 4: "Brotli", 5: "LZ4", 7: "LZ4"]
      throw ParquetError.unsupported(
        path: file.path, byte: offset,
        what: "pages compressed with \(names[chunk.codec] ?? "codec \(chunk.codec)")")
    }
  }

  private func content(of bytes: RawSpan, _ size: Int) -> [UInt8]? {
    switch chunk.codec {
    case 1: Snappy.decompress(bytes, byteCount: size)
    case 2: try? Gzip.decompress(bytes, byteCount: size, path: file.path)
    default: try? Zstandard.decompress(bytes, byteCount: size, path: file.path)
    }
  }

  private mutating func readDictionary(
    _ header: ParquetPageHeader, _ bytes: [UInt8], at offset: Int
  ) throws {
    guard header.encoding == 0 || header.encoding == 2 else {
      throw ParquetError.unsupported(
        path: file.path, byte: offset, what: "a dictionary in the encoding \(header.encoding)")
    }
    let content = try decompress(bytes.span.raw, to: header.byteCount, at: offset) ?? bytes
    do {
      dictionary = try ParquetDictionary(content, count: header.valueCount, numbers: numbers)
    } catch { throw malformed(error.what, at: offset) }
  }

  /// The dictionary, where values in this encoding need it.
  ///
  /// Writers give dictionaries up once they grow, to tens of megabytes where texts are long: the first page that
  /// does without it drops it. Should a later page come back to it, it is read again and kept.
  mutating func dictionary(for encoding: ParquetEncoding) throws -> ParquetDictionary? {
    guard encoding == .dictionary || encoding == .plainDictionary else {
      if !alternates { dictionary = nil }
      return nil
    }
    if dictionary == nil, let start = dictionaryPosition {
      alternates = true
      let next = position
      position = start
      let header = try header()
      try readDictionary(header, try content(header, at: start), at: start)
      position = next
    }
    return dictionary
  }
}
