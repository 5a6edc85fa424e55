// Reading parts of tokens through small buffers: never mapped, so that resident memory stays small
// however large they are. Comes in: places in parts. Leaves: documents and the bytes of tokens.

import Shared

/// Reads parts in about the order in which they lie; one per thread.
package struct TokenPartReader: TokenReader {
  private let source: TokenParts
  private var part = -1
  private var file: InputFile?
  private var documents = ReadWindow()
  private var begins = ReadWindow()
  private var tokens = ReadWindow()

  init(_ source: TokenParts) { self.source = source }

  package mutating func document(_ part: Int, _ document: Int) throws -> DocumentEntry {
    let file = try open(part)
    let table = source.parts[part].documents
    let start = table.lowerBound + 8 * document
    try documents.load(file, start..<start + 8, upTo: table.upperBound)
    let word = documents.word(at: start)
    return DocumentEntry(
      length: UInt32(truncatingIfNeeded: word), head: UInt32(truncatingIfNeeded: word >> 32))
  }

  package mutating func isBegin(_ part: Int, _ index: Int) throws -> Bool {
    let table = source.parts[part].begins
    if table.isEmpty { return false }
    let file = try open(part)
    let start = table.lowerBound + index >> 3
    try begins.load(file, start..<start + 1, upTo: table.upperBound)
    return begins.byte(at: start) >> UInt8(index & 7) & 1 == 1
  }

  package mutating func read(
    _ part: Int, _ index: Int, count: Int, into target: inout [UInt8], at offset: Int
  ) throws {
    let file = try open(part)
    let table = source.parts[part].tokens
    let start = table.lowerBound + index * source.bytesPerToken
    let range = start..<start + count * source.bytesPerToken
    try tokens.load(file, range, upTo: table.upperBound)
    tokens.copy(range, to: &target, at: offset)
  }

  private mutating func open(_ part: Int) throws -> InputFile {
    if part == self.part, let file { return file }
    let path = source.folder + "/" + source.parts[part].fileName
    let opened = try InputFile(path)
    file = opened
    self.part = part
    (documents, begins, tokens) = (ReadWindow(), ReadWindow(), ReadWindow())
    return opened
  }
}

/// Some bytes of a file; more at once while they are read one after the other.
private struct ReadWindow {
  private static let leastByteCount = 4 << 10
  private static let mostByteCount = 64 << 10

  private var bytes: [UInt8] = []
  private var start = 0
  private var step = leastByteCount

  /// Makes `range` readable; what lies behind `end` is of no use.
  mutating func load(_ file: InputFile, _ range: Range<Int>, upTo end: Int) throws {
    if range.lowerBound >= start, range.upperBound <= start + bytes.count { return }
    let isNear =
      range.lowerBound >= start && range.lowerBound <= start + bytes.count + step
    step = isNear ? min(2 * step, ReadWindow.mostByteCount) : ReadWindow.leastByteCount
    let byteCount = min(max(range.count, step), end - range.lowerBound)
    bytes = try file.read(at: range.lowerBound, count: byteCount)
    start = range.lowerBound
    guard range.count <= bytes.count else { throw ChangedFile(path: file.path) }
  }

  func byte(at offset: Int) -> UInt8 { bytes[offset - start] }

  /// Eight bytes, the first of them lowest.
  func word(at offset: Int) -> UInt64 {
    let span = bytes.span
    return span.raw.word(at: offset - start)
  }

  func copy(_ range: Range<Int>, to target: inout [UInt8], at offset: Int) {
    let source = bytes.span.extracting(range.lowerBound - start..<range.upperBound - start)
    var all = target.mutableSpan
    all.withDisjoint { memory in
      memory.withSlice(offset..<offset + source.count) { place in
        for index in source.indices { place[index] = source[index] }
      }
    }
  }
}
