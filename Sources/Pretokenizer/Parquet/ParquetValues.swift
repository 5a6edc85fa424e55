// The values of a page. Comes in: its bytes and their encoding. Leaves: byte strings one by one, or
// whole numbers a batch at a time.

import Shared

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
  /// Where each string starts; its length lies before it.
  private(set) var starts: [UInt32] = []
  private(set) var numbers: [Int64] = []

  /// Reads a dictionary page; `numbers` is nil for strings.
  init(_ bytes: [UInt8], count: Int, numbers type: NumberType?) throws(EncodingProblem) {
    self.bytes = bytes
    guard count >= 0, count <= bytes.count / (type?.byteCount ?? 4) else {
      throw EncodingProblem(what: "a dictionary of \(count) values")
    }
    if let type {
      numbers = [Int64](repeating: 0, count: count)
      type.read(bytes, at: 0, count, into: &numbers)
    } else {
      starts.reserveCapacity(count)
      var position = 0
      for _ in 0..<count {
        starts.append(UInt32(try plainString(bytes, &position).lowerBound))
      }
    }
  }

  /// Where a string lies; nil where there is no such place.
  func range(_ place: UInt32) -> Range<Int>? {
    guard place < starts.count else { return nil }
    let start = Int(starts[Int(place)])
    return start..<start + stringLength(bytes, at: start - 4)
  }
}

/// The whole numbers of a column: how wide they are and whether they have a sign.
struct NumberType: Equatable {
  let byteCount: Int
  let isUnsigned: Bool

  /// What the low bytes of a word stand for.
  @inline(__always) func value(_ word: UInt64) -> Int64 {
    if byteCount == 8 { return Int64(bitPattern: word) }
    return isUnsigned
      ? Int64(word & 0xFFFF_FFFF) : Int64(Int32(truncatingIfNeeded: word))
  }

  /// Reads numbers that lie in `bytes` one behind the other.
  func read(_ bytes: [UInt8], at offset: Int, _ count: Int, into target: inout [Int64]) {
    let source = bytes.span.raw
    var span = target.mutableSpan
    for index in 0..<count {
      span[index] = value(source.paddedWord(at: offset + index * byteCount))
    }
  }
}

/// The four bytes before a string.
@inline(__always) private func stringLength(_ bytes: [UInt8], at offset: Int) -> Int {
  Int(bytes.span.raw.paddedWord(at: offset) & 0xFFFF_FFFF)
}

/// Where a string with its length before it lies; steps behind it.
@inline(__always) private func plainString(
  _ bytes: [UInt8], _ position: inout Int
) throws(EncodingProblem) -> Range<Int> {
  guard position <= bytes.count - 4 else { throw EncodingProblem(what: "too few values") }
  let length = stringLength(bytes, at: position)
  guard length <= bytes.count - position - 4 else {
    throw EncodingProblem(what: "a value of \(length) bytes, beyond the page's end")
  }
  let range = position + 4..<position + 4 + length
  position = range.upperBound
  return range
}

/// The places of a page of dictionary places: a byte with their width, then runs.
private func places(_ bytes: [UInt8], _ start: Int) throws(EncodingProblem) -> HybridReader {
  // A page of nothing but nulls may do without the byte.
  guard start < bytes.count else { return try HybridReader(bytes, start..<start, width: 1) }
  return try HybridReader(bytes, start + 1..<bytes.count, width: Int(bytes[start]))
}

/// The byte strings of a page.
struct ParquetStrings {
  private enum Source { case plain, dictionary, lengths, prefixes }

  private let bytes: [UInt8]
  private var position: Int
  private let source: Source
  private var hybrid = HybridReader()
  private let dictionary: ParquetDictionary?
  /// Bytes of each string that are its own.
  private var lengths = DeltaReader()
  /// Bytes that each string shares with the one before.
  private var prefixes = DeltaReader()
  private var previous: [UInt8] = []
  // The batch that was decoded.
  private var placeBatch: [UInt32] = []
  private var lengthBatch: [Int64] = []
  private var prefixBatch: [Int64] = []

  /// A string with a prefix may be longer than its page; beyond this it is damage.
  private static let lengthLimit = 1 << 28

  init(
    _ bytes: [UInt8], from start: Int, _ encoding: ParquetEncoding, _ dictionary: ParquetDictionary?
  ) throws(EncodingProblem) {
    self.bytes = bytes
    self.dictionary = dictionary
    position = start
    // A page of nothing but nulls may be empty.
    let isEmpty = start == bytes.count
    switch encoding {
    case .plain: source = .plain
    case .dictionary, .plainDictionary:
      source = .dictionary
      hybrid = try places(bytes, start)
      placeBatch = [UInt32](repeating: 0, count: ParquetBatch.size)
    case .deltaLengths:
      source = .lengths
      lengthBatch = [Int64](repeating: 0, count: ParquetBatch.size)
      if isEmpty { return }
      lengths = try DeltaReader(bytes, start..<bytes.count)
      position = try lengths.endPosition()
    case .deltaStrings:
      source = .prefixes
      lengthBatch = [Int64](repeating: 0, count: ParquetBatch.size)
      prefixBatch = lengthBatch
      if isEmpty { return }
      prefixes = try DeltaReader(bytes, start..<bytes.count)
      lengths = try DeltaReader(bytes, try prefixes.endPosition()..<bytes.count)
      position = try lengths.endPosition()
    case .runs, .delta, .byteStreams:
      throw EncodingProblem(what: "text in the encoding \(encoding.rawValue)")
    }
  }

  /// Decodes what `count` strings, a batch at most, need before they are asked for.
  mutating func prepare(_ count: Int) throws(EncodingProblem) {
    switch source {
    case .plain: break
    case .dictionary: try hybrid.read(count, into: &placeBatch)
    case .lengths: try lengths.read(count, into: &lengthBatch)
    case .prefixes:
      try lengths.read(count, into: &lengthBatch)
      try prefixes.read(count, into: &prefixBatch)
    }
  }

  /// Hands on the string at a place of the batch; they are asked for in order.
  mutating func next<Sink: DocumentSink>(_ index: Int, into sink: inout Sink) throws {
    switch source {
    case .plain:
      let range = try plainString(bytes, &position)
      try sink.text(bytes.span.extracting(range))
    case .dictionary:
      guard let dictionary, let range = dictionary.range(placeBatch[index]) else {
        throw EncodingProblem(what: "a place outside of the dictionary")
      }
      try sink.text(dictionary.bytes.span.extracting(range))
    case .lengths:
      let range = try own(index)
      try sink.text(bytes.span.extracting(range))
    case .prefixes:
      let shared = Int(Int32(truncatingIfNeeded: prefixBatch[index]))
      guard shared >= 0, shared <= previous.count else {
        throw EncodingProblem(what: "a prefix longer than the value before")
      }
      let range = try own(index)
      guard shared + range.count <= ParquetStrings.lengthLimit else {
        throw EncodingProblem(what: "a value of \(shared + range.count) bytes")
      }
      previous.removeSubrange(shared...)
      previous += bytes[range]
      try sink.text(previous.span)
    }
  }

  /// Where the bytes of the next string of known length lie.
  private mutating func own(_ index: Int) throws(EncodingProblem) -> Range<Int> {
    let length = Int(Int32(truncatingIfNeeded: lengthBatch[index]))
    guard length >= 0 else { throw EncodingProblem(what: "a value of a negative length") }
    guard length <= bytes.count - position else {
      throw EncodingProblem(what: "a value of \(length) bytes, beyond the page's end")
    }
    position += length
    return position - length..<position
  }
}

/// The whole numbers of a page.
struct ParquetNumbers {
  private enum Source { case plain, dictionary, delta, byteStreams }

  private let bytes: [UInt8]
  private let start: Int
  private let type: NumberType
  private let source: Source
  private var hybrid = HybridReader()
  private let dictionary: [Int64]
  private var delta = DeltaReader()
  private var placeBatch: [UInt32] = []
  /// Numbers that were read, where they lie at fixed places.
  private var index = 0

  init(
    _ bytes: [UInt8], from start: Int, _ encoding: ParquetEncoding,
    _ dictionary: ParquetDictionary?, _ type: NumberType
  ) throws(EncodingProblem) {
    self.bytes = bytes
    self.start = start
    self.type = type
    self.dictionary = dictionary?.numbers ?? []
    switch encoding {
    case .plain: source = .plain
    case .dictionary, .plainDictionary:
      source = .dictionary
      hybrid = try places(bytes, start)
      placeBatch = [UInt32](repeating: 0, count: ParquetBatch.size)
    case .delta:
      source = .delta
      if start < bytes.count { delta = try DeltaReader(bytes, start..<bytes.count) }
    case .byteStreams: source = .byteStreams
    case .runs, .deltaLengths, .deltaStrings:
      throw EncodingProblem(what: "whole numbers in the encoding \(encoding.rawValue)")
    }
  }

  /// Reads the next `count` numbers, a batch at most, into the start of `target`.
  mutating func read(_ count: Int, into target: inout [Int64]) throws(EncodingProblem) {
    switch source {
    case .plain:
      try checkPlaces(count)
      type.read(bytes, at: start + index * type.byteCount, count, into: &target)
      index += count
    case .dictionary:
      try hybrid.read(count, into: &placeBatch)
      var span = target.mutableSpan
      for index in 0..<count {
        let place = Int(placeBatch[index])
        guard place < dictionary.count else {
          throw EncodingProblem(what: "a place outside of the dictionary")
        }
        span[index] = dictionary[place]
      }
    case .delta:
      try delta.read(count, into: &target)
      // Differences of narrow numbers wrap around at their width.
      if type.byteCount == 4 {
        for index in 0..<count { target[index] = type.value(UInt64(bitPattern: target[index])) }
      }
    case .byteStreams:
      try checkPlaces(count)
      // The first bytes of all numbers come first, then their second ones, and so on.
      let stride = (bytes.count - start) / type.byteCount
      for offset in 0..<count {
        var word: UInt64 = 0
        for byte in 0..<type.byteCount {
          word |= UInt64(bytes[start + byte * stride + index + offset]) << UInt64(8 * byte)
        }
        target[offset] = type.value(word)
      }
      index += count
    }
  }

  private func checkPlaces(_ count: Int) throws(EncodingProblem) {
    guard count <= (bytes.count - start) / type.byteCount - index else {
      throw EncodingProblem(what: "too few values")
    }
  }
}
