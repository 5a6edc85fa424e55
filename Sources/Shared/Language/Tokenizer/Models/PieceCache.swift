// The pieces that a thread met before. Comes in: a piece. Leaves: its ids, where they are known.

/// The ids of pieces met before: fixed in size, newer pieces replace older ones.
struct PieceCache {
  /// Longer pieces are not kept.
  static let longestPiece = 23
  /// Pieces of more tokens are not kept.
  private static let mostTokens = 9
  /// 64 bytes a place: three words of key, then a count and up to nine ids of 32 bits.
  private var places: [UInt64]
  private let shift: UInt64

  /// The bytes of a piece in three words; the highest byte of the third is their number.
  struct Key {
    let first: UInt64
    let second: UInt64
    let third: UInt64

    @inline(__always) init(_ text: Span<UInt8>, _ start: Int, _ count: Int) {
      let raw = text.raw
      let length = UInt64(count) << 56
      if start + 24 <= raw.byteCount {
        first = raw.word(at: start) & Key.mask(count)
        second = count > 8 ? raw.word(at: start + 8) & Key.mask(count - 8) : 0
        third = (count > 16 ? raw.word(at: start + 16) & Key.mask(count - 16) : 0) | length
      } else {
        var words: (UInt64, UInt64, UInt64) = (0, 0, length)
        for index in 0..<count {
          let byte = UInt64(text[start + index]) << UInt64(index % 8 * 8)
          if index < 8 {
            words.0 |= byte
          } else if index < 16 {
            words.1 |= byte
          } else {
            words.2 |= byte
          }
        }
        (first, second, third) = words
      }
    }

    @inline(__always) private static func mask(_ count: Int) -> UInt64 {
      count >= 8 ? .max : (1 << UInt64(count &* 8)) &- 1
    }
  }

  init(capacity: Int) {
    let capacity = Vocabulary.capacity(for: capacity / 2)
    places = [UInt64](repeating: 0, count: 8 * capacity)
    shift = UInt64(64 - capacity.trailingZeroBitCount)
  }

  @inline(__always) private func place(_ key: Key) -> Int {
    var hash = key.first &* 0x9E37_79B9_7F4A_7C15
    hash ^= (key.second ^ hash >> 32) &* 0xC2B2_AE3D_27D4_EB4F
    hash ^= (key.third ^ hash >> 32) &* 0x1656_67B1_9E37_79F9
    hash = (hash ^ hash >> 29) &* 0x9E37_79B9_7F4A_7C15
    return Int(hash >> shift) * 8
  }

  /// Appends the ids of a piece; false where they are not known.
  @inline(__always) func append(_ key: Key, to ids: inout [UInt32]) -> Bool {
    let place = place(key)
    guard places[place] == key.first, places[place + 2] == key.third,
      places[place + 1] == key.second
    else { return false }
    let head = places[place + 3]
    let count = Int(head & 0xFFFF_FFFF)
    if count > 0 { ids.append(UInt32(truncatingIfNeeded: head >> 32)) }
    for index in 1..<max(count, 1) {
      let word = places[place + 3 + (index + 1) / 2]
      ids.append(UInt32(truncatingIfNeeded: index % 2 == 1 ? word : word >> 32))
    }
    return true
  }

  mutating func store(_ key: Key, _ ids: [UInt32]) {
    guard ids.count <= PieceCache.mostTokens else { return }
    let place = place(key)
    places[place] = key.first
    places[place + 1] = key.second
    places[place + 2] = key.third
    var words: (UInt64) = UInt64(ids.count)
    for (index, id) in ids.enumerated() {
      if index % 2 == 0 {
        places[place + 3 + index / 2] = words | UInt64(id) << 32
        words = 0
      } else {
        words = UInt64(id)
      }
    }
    if ids.count % 2 == 0 { places[place + 3 + ids.count / 2] = words }
  }
}
