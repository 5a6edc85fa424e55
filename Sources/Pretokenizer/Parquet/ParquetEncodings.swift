// The encodings of Parquet's pages, as cursors. Comes in: bytes that nobody has checked. Leaves:
// numbers and byte strings, one by one.

/// A page whose bytes do not hold what they promise.
struct EncodingProblem: Error, Equatable {
  let what: String
}

/// Runs and bit-packed groups of small numbers (RLE/bit-packed hybrid): levels and dictionary places.
struct HybridReader {
  private let bytes: [UInt8]
  private var position: Int
  private let end: Int
  private let width: Int
  private var left = 0
  private var isPacked = false
  private var value = 0
  private var bits: UInt64 = 0
  private var bitCount = 0

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

  @inline(__always)
  mutating func next() throws(EncodingProblem) -> Int {
    if width == 0 { return 0 }
    if left == 0 { try startRun() }
    left -= 1
    return isPacked ? try unpack() : value
  }

  private mutating func startRun() throws(EncodingProblem) {
    var header = 0
    var shift = 0
    while true {
      guard position < end, shift < 35 else {
        throw EncodingProblem(what: "too few levels or places")
      }
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
      (bits, bitCount) = (0, 0)
    } else {
      value = 0
      for byte in 0..<(width + 7) / 8 {
        guard position < end else { throw EncodingProblem(what: "too few levels or places") }
        value |= Int(bytes[position]) << (8 * byte)
        position += 1
      }
    }
  }

  @inline(__always)
  private mutating func unpack() throws(EncodingProblem) -> Int {
    while bitCount < width {
      guard position < end else { throw EncodingProblem(what: "too few levels or places") }
      bits |= UInt64(bytes[position]) << UInt64(bitCount)
      position += 1
      bitCount += 8
    }
    let result = Int(bits & ((1 << UInt64(width)) - 1))
    bits >>= UInt64(width)
    bitCount -= width
    return result
  }
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
  private var widths: [UInt8] = []
  private var miniblock = 0
  private var inMiniblock = 0
  private var miniblockStart = 0

  init(_ bytes: [UInt8], _ range: Range<Int>, atMost limit: Int) throws(EncodingProblem) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
    (perMiniblock, miniblockCount, left, value) = (0, 1, 0, 0)
    let blockSize = try unsigned()
    let miniblocks = try unsigned()
    let total = try unsigned()
    let first = try unsigned()
    guard blockSize > 0, blockSize <= 1 << 16, miniblocks > 0, miniblocks <= blockSize,
      blockSize % miniblocks == 0, blockSize / miniblocks % 8 == 0, total <= limit
    else { throw EncodingProblem(what: "differences in blocks of an impossible size") }
    perMiniblock = Int(blockSize / miniblocks)
    miniblockCount = Int(miniblocks)
    left = Int(total)
    value = Int64(bitPattern: first >> 1) ^ -Int64(first & 1)
    inMiniblock = perMiniblock
    miniblock = miniblockCount
  }

  /// Reads nothing.
  init() {
    (bytes, position, end, perMiniblock, miniblockCount, left, value) = ([], 0, 0, 0, 1, 0, 0)
  }

  private mutating func unsigned() throws(EncodingProblem) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard position < end else { throw EncodingProblem(what: "too few differences") }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw EncodingProblem(what: "a number of more than 64 bits")
  }

  mutating func next() throws(EncodingProblem) -> Int64 {
    guard left > 0 else { throw EncodingProblem(what: "too few numbers") }
    left -= 1
    if isFirst {
      isFirst = false
      return value
    }
    if inMiniblock == perMiniblock { try startMiniblock() }
    value = value &+ minimum &+ Int64(bitPattern: packed(inMiniblock))
    inMiniblock += 1
    return value
  }

  private mutating func startMiniblock() throws(EncodingProblem) {
    if miniblock == miniblockCount {
      let stated = try unsigned()
      minimum = Int64(bitPattern: stated >> 1) ^ -Int64(stated & 1)
      guard position <= end - miniblockCount else {
        throw EncodingProblem(what: "too few differences")
      }
      widths = Array(bytes[position..<position + miniblockCount])
      position += miniblockCount
      miniblock = 0
    }
    let width = Int(widths[miniblock])
    guard width <= 64, position <= end - width * perMiniblock / 8 else {
      throw EncodingProblem(what: "too few differences")
    }
    miniblockStart = position
    position += width * perMiniblock / 8
    miniblock += 1
    inMiniblock = 0
  }

  /// The difference at a place of the miniblock, above the block's least.
  private func packed(_ index: Int) -> UInt64 {
    let width = Int(widths[miniblock - 1])
    var result: UInt64 = 0
    var done = 0
    var bit = index * width
    while done < width {
      let byte = UInt64(bytes[miniblockStart + bit / 8]) >> UInt64(bit % 8)
      let taken = min(8 - bit % 8, width - done)
      result |= (byte & ((1 << UInt64(taken)) - 1)) << UInt64(done)
      done += taken
      bit += taken
    }
    return result
  }

  /// All numbers, which must be lengths; the cursor then stands behind the last block.
  mutating func lengths() throws(EncodingProblem) -> [Int] {
    var result: [Int] = []
    while left > 0 {
      let length = try next()
      guard length >= 0, length <= end else { throw EncodingProblem(what: "an impossible length") }
      result.append(Int(length))
    }
    return result
  }
}
