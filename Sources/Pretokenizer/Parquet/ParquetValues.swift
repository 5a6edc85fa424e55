// The values of a page. Comes in: its bytes and their encoding. Leaves: byte strings or whole numbers.

/// The encodings by their numbers in parquet.thrift.
enum ParquetEncoding: Int {
  case plain = 0
  case plainDictionary = 2
  case runs = 3
  case delta = 5
  case deltaLengths = 6
  case deltaStrings = 7
  case dictionary = 8
  case byteStreams = 9
}

/// A dictionary of byte strings or numbers.
struct ParquetDictionary {
  let bytes: [UInt8]
  /// Where each string lies.
  private(set) var ranges: [Range<Int>] = []
  private(set) var numbers: [Int64] = []

  /// Reads a dictionary page; `numberByteCount` is nil for strings.
  init(_ bytes: [UInt8], count: Int, numberByteCount: Int?) throws(EncodingProblem) {
    self.bytes = bytes
    guard count >= 0, count <= bytes.count / (numberByteCount ?? 4) else {
      throw EncodingProblem(what: "a dictionary of \(count) values")
    }
    if let numberByteCount {
      numbers = (0..<count).map { littleEndian(bytes, at: $0 * numberByteCount, numberByteCount) }
    } else {
      var position = 0
      for _ in 0..<count { ranges.append(try plainString(bytes, &position, bytes.count)) }
    }
  }
}

/// The number in `count` bytes, with its sign.
func littleEndian(_ bytes: [UInt8], at offset: Int, _ count: Int) -> Int64 {
  var value: UInt64 = 0
  for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[offset + index]) }
  let unused = UInt64(64 - 8 * count)
  return Int64(bitPattern: value << unused) >> Int64(unused)
}

/// Where a string with its length before it lies; steps behind it.
private func plainString(
  _ bytes: [UInt8], _ position: inout Int, _ end: Int
) throws(EncodingProblem) -> Range<Int> {
  guard position <= end - 4 else { throw EncodingProblem(what: "too few values") }
  let length = Int(UInt32(truncatingIfNeeded: littleEndian(bytes, at: position, 4)))
  guard length <= end - position - 4 else {
    throw EncodingProblem(what: "a value of \(length) bytes, beyond the page's end")
  }
  let range = position + 4..<position + 4 + length
  position = range.upperBound
  return range
}

/// The byte strings of a page.
struct ParquetStrings {
  private enum Source { case plain, dictionary, lengths, prefixes }

  private let bytes: [UInt8]
  private var position: Int
  private let end: Int
  private let source: Source
  private var hybrid = HybridReader()
  private let dictionary: ParquetDictionary?
  /// Bytes of each string that are its own.
  private var lengths: [Int] = []
  /// Bytes that each string shares with the one before.
  private var prefixes: [Int] = []
  private var index = 0
  private var previous: [UInt8] = []

  /// A string with a prefix may be longer than its page; beyond this it is damage.
  private static let lengthLimit = 1 << 28

  init(
    _ bytes: [UInt8], from start: Int, _ encoding: ParquetEncoding,
    _ dictionary: ParquetDictionary?, atMost limit: Int
  ) throws(EncodingProblem) {
    self.bytes = bytes
    self.dictionary = dictionary
    position = start
    end = bytes.count
    switch encoding {
    case .plain: source = .plain
    case .dictionary, .plainDictionary:
      source = .dictionary
      hybrid = try places(bytes, start)
    case .deltaLengths:
      source = .lengths
      var reader = try DeltaReader(bytes, start..<end, atMost: limit)
      lengths = try reader.lengths()
      position = reader.position
    case .deltaStrings:
      source = .prefixes
      var shared = try DeltaReader(bytes, start..<end, atMost: limit)
      prefixes = try shared.lengths()
      var own = try DeltaReader(bytes, shared.position..<end, atMost: limit)
      lengths = try own.lengths()
      position = own.position
      guard prefixes.count == lengths.count else {
        throw EncodingProblem(what: "prefixes that are not as many as values")
      }
    case .runs, .delta, .byteStreams:
      throw EncodingProblem(what: "text in the encoding \(encoding.rawValue)")
    }
  }

  /// Lends the next string.
  mutating func next<Result>(
    _ body: (Span<UInt8>) throws -> Result
  ) throws -> Result {
    switch source {
    case .plain:
      let range = try plainString(bytes, &position, end)
      return try body(bytes.span.extracting(range))
    case .dictionary:
      let place = try hybrid.next()
      guard let dictionary, place < dictionary.ranges.count else {
        throw EncodingProblem(what: "a place outside of the dictionary")
      }
      return try body(dictionary.bytes.span.extracting(dictionary.ranges[place]))
    case .lengths:
      let range = try own()
      return try body(bytes.span.extracting(range))
    case .prefixes:
      let shared = index < prefixes.count ? prefixes[index] : 0
      guard shared <= previous.count else {
        throw EncodingProblem(what: "a prefix longer than the value before")
      }
      let range = try own()
      guard shared + range.count <= ParquetStrings.lengthLimit else {
        throw EncodingProblem(what: "a value of \(shared + range.count) bytes")
      }
      previous.removeSubrange(shared...)
      previous += bytes[range]
      return try body(previous.span)
    }
  }

  /// Where the bytes of the next string of known length lie.
  private mutating func own() throws(EncodingProblem) -> Range<Int> {
    guard index < lengths.count else { throw EncodingProblem(what: "too few values") }
    let length = lengths[index]
    guard length <= end - position else {
      throw EncodingProblem(what: "a value of \(length) bytes, beyond the page's end")
    }
    index += 1
    position += length
    return position - length..<position
  }
}

/// The places of a page of dictionary places: a byte with their width, then runs.
private func places(_ bytes: [UInt8], _ start: Int) throws(EncodingProblem) -> HybridReader {
  guard start < bytes.count else { return try HybridReader(bytes, start..<start, width: 0) }
  return try HybridReader(bytes, start + 1..<bytes.count, width: Int(bytes[start]))
}

/// The whole numbers of a page.
struct ParquetNumbers {
  private enum Source { case plain, dictionary, delta, byteStreams }

  private let bytes: [UInt8]
  private let start: Int
  private let byteCount: Int
  private let source: Source
  private var hybrid = HybridReader()
  private let dictionary: [Int64]
  private var delta = DeltaReader()
  private var index = 0

  init(
    _ bytes: [UInt8], from start: Int, _ encoding: ParquetEncoding,
    _ dictionary: ParquetDictionary?, byteCount: Int, atMost limit: Int
  ) throws(EncodingProblem) {
    self.bytes = bytes
    self.start = start
    self.byteCount = byteCount
    self.dictionary = dictionary?.numbers ?? []
    switch encoding {
    case .plain: source = .plain
    case .dictionary, .plainDictionary:
      source = .dictionary
      hybrid = try places(bytes, start)
    case .delta:
      source = .delta
      delta = try DeltaReader(bytes, start..<bytes.count, atMost: limit)
    case .byteStreams: source = .byteStreams
    case .runs, .deltaLengths, .deltaStrings:
      throw EncodingProblem(what: "whole numbers in the encoding \(encoding.rawValue)")
    }
  }

  @inline(__always)
  mutating func next() throws(EncodingProblem) -> Int64 {
    switch source {
    case .plain:
      let offset = start + index * byteCount
      guard offset <= bytes.count - byteCount else { throw EncodingProblem(what: "too few values") }
      index += 1
      return littleEndian(bytes, at: offset, byteCount)
    case .dictionary:
      let place = try hybrid.next()
      guard place < dictionary.count else {
        throw EncodingProblem(what: "a place outside of the dictionary")
      }
      return dictionary[place]
    case .delta: return try delta.next()
    case .byteStreams:
      // The first bytes of all numbers come first, then their second ones, and so on.
      let count = (bytes.count - start) / byteCount
      guard index < count else { throw EncodingProblem(what: "too few values") }
      var value: UInt64 = 0
      for byte in (0..<byteCount).reversed() {
        value = value << 8 | UInt64(bytes[start + byte * count + index])
      }
      index += 1
      let unused = UInt64(64 - 8 * byteCount)
      return Int64(bitPattern: value << unused) >> Int64(unused)
    }
  }
}
