// The pages of one column of one row group, one after the other. Comes in: a file and a column's
// place. Leaves: decompressed pages and the dictionary, each checked before it is made room for.

import Shared

/// Why a Parquet file is refused.
package enum ParquetError: Failure, Equatable {
  case notParquet(path: String)
  case encrypted(path: String)
  case cutShort(path: String, byte: Int)
  case malformed(path: String, byte: Int, what: String)
  case unsupported(path: String, byte: Int, what: String)
  case missingColumn(path: String, column: String, found: [String])
  case wrongType(path: String, column: String, type: String, content: ColumnContent)
  case nullRow(path: String, column: String, rowGroup: Int, row: Int)
  case notAToken(path: String, column: String, rowGroup: Int, row: Int)

  package var sentence: String {
    switch self {
    case .notParquet(let path): "\(path) is no Parquet file: it does not start and end with PAR1."
    case .encrypted(let path): "\(path) is encrypted, which is not supported."
    case .cutShort(let path, let byte):
      "\(path) is cut short: it ends at byte \(byte), before its column does."
    case .malformed(let path, let byte, let what): "\(path) is damaged at byte \(byte): \(what)."
    case .unsupported(let path, let byte, let what):
      "\(path) has, at byte \(byte), \(what), which is not supported."
    case .missingColumn(let path, let column, let found):
      "\(path) has no column “\(column)”; it has "
        + (found.isEmpty ? "none" : found.map { "“\($0)”" }.joined(separator: ", ")) + "."
    case .wrongType(let path, let column, let type, .text):
      "\(path): the column “\(column)” holds \(type) where text is needed."
    case .wrongType(let path, let column, let type, .tokens):
      "\(path): the column “\(column)” holds \(type) where lists of token ids are needed."
    case .nullRow(let path, let column, let rowGroup, let row):
      "\(path), row group \(rowGroup), row \(row): “\(column)” is null or holds a null."
    case .notAToken(let path, let column, let rowGroup, let row):
      "\(path), row group \(rowGroup), row \(row): “\(column)” holds what is no token id."
    }
  }

  package var hint: String? {
    switch self {
    case .notParquet, .cutShort, .malformed: "Fetch or create the file again."
    case .encrypted: "Decrypt it first."
    case .unsupported: "Write it again with pyarrow, compressed with Snappy, gzip or zstd."
    case .missingColumn, .wrongType: "Set pretokenize.column_name to another column."
    case .nullRow, .notAToken: "Repair or remove the row, or set pretokenize.skip_invalid."
    }
  }
}

/// A page of values.
struct ParquetPage {
  let header: ParquetPageHeader
  /// Where its header lies in the file.
  let offset: Int
  let bytes: [UInt8]
}

/// Reads the pages of a column chunk.
struct ParquetPages {
  private let file: InputFile
  private let chunk: ParquetMetadata.Chunk
  private var position: Int
  private let end: Int
  private(set) var dictionary: ParquetDictionary?

  private static let pageLimit = 256 << 20
  /// A page may grow to so many times its size, and to so much in any case.
  private static let (ratioLimit, freeGrowth) = (2000, 16 << 20)
  /// Headers hold statistics, which may be as long as two values.
  private static let headerLimits = [4096, 1 << 16, 1 << 24]

  init(_ file: InputFile, _ chunk: ParquetMetadata.Chunk) throws(ParquetError) {
    self.file = file
    self.chunk = chunk
    let hasDictionary = chunk.dictionaryOffset > 0 && chunk.dictionaryOffset < chunk.dataOffset
    position = hasDictionary ? chunk.dictionaryOffset : chunk.dataOffset
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
      case 0, 3: return ParquetPage(header: header, offset: offset, bytes: bytes)
      case 2: try readDictionary(header, bytes, at: offset)
      default: break
      }
    }
    return nil
  }

  private func malformed(_ what: String, at byte: Int) -> ParquetError {
    .malformed(path: file.path, byte: byte, what: what)
  }

  private mutating func header() throws -> ParquetPageHeader {
    for limit in ParquetPages.headerLimits {
      let bytes = try file.read(at: position, count: min(limit, end - position))
      do {
        let header = try ParquetPageHeader(bytes)
        position += header.headerByteCount
        return header
      } catch let problem as ThriftProblem {
        // More may only be missing where the bytes were read to their end.
        guard problem.offset + 16 >= bytes.count, bytes.count == limit else { break }
      }
    }
    throw malformed("a page header that makes no sense", at: position)
  }

  /// The decompressed bytes behind a header; steps behind them.
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
    guard header.type == 3 else { return try decompress(bytes, to: size, at: offset) }
    // Levels are never compressed in version 2.
    let levels = header.repetitionByteCount + header.definitionByteCount
    guard header.repetitionByteCount >= 0, header.definitionByteCount >= 0,
      levels <= min(bytes.count, size)
    else { throw malformed("levels that are longer than their page", at: offset) }
    if !header.isCompressed { return bytes }
    let values = Array(bytes[levels...])
    return try bytes[..<levels] + decompress(values, to: size - levels, at: offset)
  }

  private func decompress(_ bytes: [UInt8], to size: Int, at offset: Int) throws -> [UInt8] {
    let damaged = malformed("a page that cannot be decompressed", at: offset)
    switch chunk.codec {
    case 0:
      guard bytes.count == size else { throw damaged }
      return bytes
    case 1:
      guard let content = Snappy.decompress(bytes, byteCount: size) else { throw damaged }
      return content
    case 2:
      do { return try Gzip.decompress(bytes.span.raw, byteCount: size, path: file.path) } catch {
        throw damaged
      }
    case 6:
      if bytes.isEmpty, size == 0 { return [] }
      var content: [UInt8] = []
      // Room for one byte more, so that too much content shows.
      let step = ZstandardDecoder().decode(bytes.span, appendingTo: &content, atMost: size + 1)
      guard step.failure == nil, step.isComplete, content.count == size else { throw damaged }
      return content
    default:
      let names = [3: "LZO", 4: "Brotli", 5: "LZ4", 7: "LZ4"]
      throw ParquetError.unsupported(
        path: file.path, byte: offset,
        what: "pages compressed with \(names[chunk.codec] ?? "codec \(chunk.codec)")")
    }
  }

  private mutating func readDictionary(
    _ header: ParquetPageHeader, _ bytes: [UInt8], at offset: Int
  ) throws {
    guard header.encoding == 0 || header.encoding == 2 else {
      throw ParquetError.unsupported(
        path: file.path, byte: offset, what: "a dictionary in the encoding \(header.encoding)")
    }
    let sizes = [1: 4, 2: 8]
    do {
      dictionary = try ParquetDictionary(
        bytes, count: header.valueCount, numberByteCount: sizes[chunk.type])
    } catch { throw malformed(error.what, at: offset) }
  }
}
