// The tokens of a vocabulary: byte strings ↔ ids, flat, without Swift strings.

/// Byte strings by id, and ids by byte string.
struct Vocabulary: Sendable {
  /// The bytes of all tokens behind each other, in the order of `starts`.
  private let bytes: [UInt8]
  /// Token `id` lies at `starts[id] ..< starts[id + 1]`.
  private let starts: [Int]
  /// Whether an id below `count` has a token at all.
  private let isUsed: [Bool]
  /// Open addressing with id + 1, or 0 for a free place; the length is a power of two.
  private let places: [UInt32]

  /// One more than the greatest id.
  let count: Int
  /// The number of tokens.
  let tokenCount: Int

  /// Builds the table; `tokens[i]` has the id `ids[i]`, and of a token that comes twice the last counts.
  init(tokens: [[UInt8]], ids: [UInt32]) {
    count = ids.max().map { Int($0) + 1 } ?? 0
    var byId = [Int](repeating: -1, count: count)
    for (index, id) in ids.enumerated() { byId[Int(id)] = index }
    var bytes: [UInt8] = []
    var starts = [0]
    for index in byId {
      if index >= 0 { bytes += tokens[index] }
      starts.append(bytes.count)
    }
    isUsed = byId.map { $0 >= 0 }
    tokenCount = isUsed.count { $0 }
    self.bytes = bytes
    self.starts = starts
    func isSame(_ id: Int, _ token: ArraySlice<UInt8>) -> Bool {
      bytes[starts[id]..<starts[id + 1]] == token
    }
    var places = [UInt32](repeating: 0, count: Vocabulary.capacity(for: ids.count))
    for id in 0..<count where isUsed[id] {
      let token = bytes[starts[id]..<starts[id + 1]]
      var place = Vocabulary.hash(token.span) & (places.count - 1)
      while places[place] != 0, !isSame(Int(places[place] - 1), token) {
        place = (place + 1) & (places.count - 1)
      }
      places[place] = UInt32(id) + 1
    }
    self.places = places
  }

  /// The smallest power of two that leaves half of the places free.
  static func capacity(for count: Int) -> Int {
    var capacity = 16
    while capacity < 2 * count { capacity *= 2 }
    return capacity
  }

  private static func hash(_ token: Span<UInt8>) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
    for index in token.indices { hash = (hash ^ UInt64(token[index])) &* 0x100_0000_01B3 }
    return Int(truncatingIfNeeded: (hash ^ hash >> 29) & 0x7FFF_FFFF)
  }

  func id(of token: Span<UInt8>) -> UInt32? {
    var place = Vocabulary.hash(token) & (places.count - 1)
    while places[place] != 0 {
      let id = Int(places[place] - 1)
      if matches(id, token) { return UInt32(id) }
      place = (place + 1) & (places.count - 1)
    }
    return nil
  }

  private func matches(_ id: Int, _ token: Span<UInt8>) -> Bool {
    let start = starts[id]
    guard starts[id + 1] - start == token.count else { return false }
    for index in token.indices where bytes[start + index] != token[index] { return false }
    return true
  }

  func id(of token: [UInt8]) -> UInt32? { id(of: token.span) }

  /// The bytes of a token; nil where no token has that id.
  func token(_ id: UInt32) -> ArraySlice<UInt8>? {
    let id = Int(id)
    guard id < count, isUsed[id] else { return nil }
    return bytes[starts[id]..<starts[id + 1]]
  }
}

extension Vocabulary {
  /// The tokens that are written in the byte alphabet, as the bytes that they stand for.
  var spelledInBytes: Vocabulary {
    var tokens: [[UInt8]] = []
    var ids: [UInt32] = []
    for id in 0..<UInt32(count) {
      guard let token = token(id), let bytes = ByteAlphabet.decode(Array(token)) else { continue }
      tokens.append(bytes)
      ids.append(id)
    }
    return Vocabulary(tokens: tokens, ids: ids)
  }
}
