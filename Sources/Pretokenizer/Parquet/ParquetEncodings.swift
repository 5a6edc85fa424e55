// The encodings of Parquet's numbers, as cursors. Comes in: bytes that nobody has checked. Leaves:
// numbers, a batch at a time.

import Shared

/// A page whose bytes do not hold what they promise.
struct EncodingProblem: Error, Equatable {
  let what: String
}

/// Numbers are decoded by so many at most, which bounds memory whatever a page promises.
enum ParquetBatch {
  static let size = 4096
}

extension RawSpan {
  /// Eight bytes from `offset` on as far as there are so many, the first of them lowest.
  @inline(__always) func paddedWord(at offset: Int) -> UInt64 {
    if offset <= byteCount - 8 { return word(at: offset) }
    var word: UInt64 = 0
    for index in offset..<max(offset, byteCount) {
      word |= UInt64(octets[index]) << UInt64(8 * (index - offset))
    }
    return word
  }

  /// `width` bits, 64 at most, from a place on that is counted in bits.
  @inline(__always) func bits(at place: Int, width: Int) -> UInt64 {
    let shift = UInt64(place & 7)
    var word = paddedWord(at: place >> 3) >> shift
    // The second word matters only where the first one does not hold all bits.
    if shift > 0, Int(shift) + width > 64 {
      word |= paddedWord(at: (place >> 3) + 8) << (64 - shift)
    }
    return width == 64 ? word : word & (1 << UInt64(width) - 1)
  }
}

/// Runs and bit-packed groups of small numbers (RLE/bit-packed hybrid): levels and dictionary places.
struct HybridReader {
  private let bytes: [UInt8]
  private var position: Int
  private let end: Int
  private let width: Int
  /// Numbers that the run still holds.
  private var left = 0
  private var isPacked = false
  private var value: UInt32 = 0
  /// Where the next number of a packed run starts, in bits.
  private var place = 0

  /// Reads numbers of `width` bits out of a range of `bytes`.
  init(_ bytes: [UInt8], _ range: Range<Int>, width: Int) throws(EncodingProblem) {
    guard width <= 32 else { throw EncodingProblem(what: "numbers of \(width) bits") }
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
    self.width = width
  }

  /// Reads nothing but zeros.
  init() { (bytes, position, end, width) = ([], 0, 0, 0) }

  /// Reads the next `count` numbers into the start of `target`.
  mutating func read(_ count: Int, into target: inout [UInt32]) throws(EncodingProblem) {
    var done = 0
    while done < count {
      if left == 0 { try startRun(count) }
      let next = min(left, count - done)
      if isPacked {
        try unpack(done..<done + next, &target)
      } else {
        var span = target.mutableSpan
        for index in done..<done + next { span[index] = value }
      }
      left -= next
      done += next
    }
  }

  private mutating func startRun(_ wanted: Int) throws(EncodingProblem) {
    // Numbers of no bits take no bytes: all are 0.
    if width == 0 {
      (isPacked, value, left) = (false, 0, wanted)
      return
    }
    // A last packed run may promise more than there is; the next one starts behind it in any case.
    if isPacked { position = min(end, (place + 7) / 8) }
    var header = 0
    var shift = 0
    while true {
      guard position < end, shift < 35 else { throw HybridReader.tooFew }
      let byte = Int(bytes[position])
      position += 1
      header |= (byte & 0x7F) << shift
      if byte < 0x80 { break }
      shift += 7
    }
    isPacked = header & 1 == 1
    left = isPacked ? (header >> 1) * 8 : header >> 1
    guard left > 0 else { throw EncodingProblem(what: "an empty run") }
    if isPacked {
      place = position * 8
    } else {
      let byteCount = (width + 7) / 8
      guard byteCount <= end - position else { throw HybridReader.tooFew }
      value = UInt32(
        truncatingIfNeeded: bytes.span.raw.bits(at: position * 8, width: 8 * byteCount))
      position += byteCount
    }
  }

  private mutating func unpack(
    _ range: Range<Int>, _ target: inout [UInt32]
  ) throws(EncodingProblem) {
    guard place + range.count * width <= end * 8 else { throw HybridReader.tooFew }
    let page = bytes
    let source = page.span.raw
    let mask = (UInt64(1) << UInt64(width)) - 1
    var span = target.mutableSpan
    var bit = place
    // Numbers whose eight bytes all lie in the page need no padding.
    let safeEnd = (source.byteCount - 8) * 8
    for index in range {
      let word = bit <= safeEnd ? source.word(at: bit >> 3) : source.paddedWord(at: bit >> 3)
      span[index] = UInt32(truncatingIfNeeded: word >> UInt64(bit & 7) & mask)
      bit += width
    }
    place = bit
  }

  private static let tooFew = EncodingProblem(what: "too few levels or places")
}

/// DELTA_BINARY_PACKED: the first number, then differences in blocks.
struct DeltaReader {
  private let bytes: [UInt8]
  private(set) var position: Int
  private let end: Int
  private var perMiniblock: Int
  private var miniblockCount: Int
  /// Numbers that are still to come.
  private(set) var left: Int
  private var value: Int64
  private var isFirst = true
  private var minimum: Int64 = 0
  /// Where the widths of the block's miniblocks lie.
  private var widths = 0
  private var miniblock = 0
  private var inMiniblock = 0
  private var miniblockStart = 0

  init(_ bytes: [UInt8], _ range: Range<Int>) throws(EncodingProblem) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
    (perMiniblock, miniblockCount, left, value) = (0, 1, 0, 0)
    let blockSize = try unsigned()
    let miniblocks = try unsigned()
    let total = try unsigned()
    let first = try unsigned()
    guard blockSize > 0, blockSize <= 1 << 16, miniblocks > 0, miniblocks <= blockSize,
      blockSize % miniblocks == 0, blockSize / miniblocks % 8 == 0, total <= Int32.max
    else { throw EncodingProblem(what: "differences in blocks of an impossible size") }
    perMiniblock = Int(blockSize / miniblocks)
    miniblockCount = Int(miniblocks)
    left = Int(total)
    value = DeltaReader.signed(first)
    inMiniblock = perMiniblock
    miniblock = miniblockCount
  }

  /// Reads nothing.
  init() {
    (bytes, position, end, perMiniblock, miniblockCount, left, value) = ([], 0, 0, 0, 1, 0, 0)
  }

  private static func signed(_ value: UInt64) -> Int64 {
    Int64(bitPattern: value >> 1) ^ -Int64(value & 1)
  }

  private mutating func unsigned() throws(EncodingProblem) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard position < end else { throw DeltaReader.tooFew }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw EncodingProblem(what: "a number of more than 64 bits")
  }

  /// Reads the next `count` numbers into the start of `target`.
  mutating func read(_ count: Int, into target: inout [Int64]) throws(EncodingProblem) {
    guard count <= left else { throw EncodingProblem(what: "too few numbers") }
    var done = 0
    while done < count {
      if isFirst {
        isFirst = false
        target[0] = value
        (done, left) = (1, left - 1)
        continue
      }
      if inMiniblock == perMiniblock { try startMiniblock() }
      let next = min(perMiniblock - inMiniblock, count - done)
      unpack(done..<done + next, &target)
      (done, left) = (done + next, left - next)
    }
  }

  private mutating func unpack(_ range: Range<Int>, _ target: inout [Int64]) {
    let page = bytes
    let source = page.span.raw
    let width = Int(page[widths + miniblock - 1])
    let minimum = minimum
    var value = value
    var place = miniblockStart * 8 + inMiniblock * width
    var span = target.mutableSpan
    for index in range {
      value = value &+ minimum &+ Int64(bitPattern: source.bits(at: place, width: width))
      span[index] = value
      place += width
    }
    self.value = value
    inMiniblock += range.count
  }

  private mutating func startMiniblock() throws(EncodingProblem) {
    if miniblock == miniblockCount {
      minimum = DeltaReader.signed(try unsigned())
      guard position <= end - miniblockCount else { throw DeltaReader.tooFew }
      widths = position
      position += miniblockCount
      miniblock = 0
    }
    let width = Int(bytes[widths + miniblock])
    guard width <= 64, position <= end - width * perMiniblock / 8 else { throw DeltaReader.tooFew }
    miniblockStart = position
    position += width * perMiniblock / 8
    miniblock += 1
    inMiniblock = 0
  }

  /// Where the last block ends; looks at the blocks' heads only.
  func endPosition() throws(EncodingProblem) -> Int {
    var cursor = self
    cursor.left -= cursor.isFirst ? 1 : 0
    while cursor.left > 0 {
      if cursor.inMiniblock == cursor.perMiniblock { try cursor.startMiniblock() }
      let next = min(cursor.perMiniblock - cursor.inMiniblock, cursor.left)
      cursor.inMiniblock += next
      cursor.left -= next
    }
    return cursor.position
  }

  private static let tooFew = EncodingProblem(what: "too few differences")
}
