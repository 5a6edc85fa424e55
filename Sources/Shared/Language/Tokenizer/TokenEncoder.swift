// Text to ids with the memory that one thread needs for it: a cache of pieces and scratch.

/// Encodes with a tokenizer; one per thread.
package struct TokenEncoder {
  private let tokenizer: Tokenizer
  private var cache: PieceCache
  private var scratch = MergeScratch()
  /// Bytes of text that were no UTF-8, each group of them replaced by one U+FFFD, so far.
  package private(set) var replacedCount = 0

  /// Whether the tokens that the tokenizer's post-processor adds are wanted.
  package enum SpecialTokens: Sendable { case added, omitted }

  /// Sets up for one thread; `cachedPieces` bounds the memory, 64 bytes each.
  package init(_ tokenizer: Tokenizer, cachedPieces: Int = 1 << 15) {
    self.tokenizer = tokenizer
    cache = PieceCache(capacity: cachedPieces)
  }

  /// Appends the ids of a text given as UTF-8.
  ///
  /// What is not UTF-8 becomes U+FFFD, as Python's `errors="replace"` does it.
  package mutating func encode(
    _ text: Span<UInt8>, specialTokens: SpecialTokens = .added, into ids: inout [UInt32]
  ) {
    if specialTokens == .added { ids += tokenizer.template.prefix }
    if (try? UTF8Span(validating: text)) != nil {
      encodeValid(text, into: &ids)
    } else {
      let repaired = repair(text)
      encodeValid(repaired.span, into: &ids)
    }
    if specialTokens == .added { ids += tokenizer.template.suffix }
  }

  private mutating func repair(_ text: Span<UInt8>) -> [UInt8] {
    let bytes = [UInt8](copying: text)
    let repaired = Array(String(decoding: bytes, as: UTF8.self).utf8)
    replacedCount += replacementCount(repaired) - replacementCount(bytes)
    return repaired
  }

  private func replacementCount(_ text: [UInt8]) -> Int {
    var count = 0
    for index in text.indices.dropFirst(2) where text[index] == 0xBD {
      if text[index - 1] == 0xBF && text[index - 2] == 0xEF { count += 1 }
    }
    return count
  }

  private mutating func encodeValid(_ text: Span<UInt8>, into ids: inout [UInt32]) {
    guard !tokenizer.rawTokens.isEmpty else { return encodeRaw(text, into: &ids) }
    for segment in tokenizer.rawTokens.segments(text) {
      if let token = segment.token {
        ids.append(token)
      } else {
        encodeRaw(text.extracting(segment.range), into: &ids)
      }
    }
  }

  /// Encodes text without raw added tokens.
  private mutating func encodeRaw(_ text: Span<UInt8>, into ids: inout [UInt32]) {
    var changed: [UInt8]?
    for normalizer in tokenizer.normalizers {
      if let given = changed {
        changed = normalizer.apply(given.span) ?? given
      } else {
        changed = normalizer.apply(text)
      }
    }
    if let changed {
      encodeNormalized(changed.span, into: &ids)
    } else {
      encodeNormalized(text, into: &ids)
    }
  }

  private mutating func encodeNormalized(_ text: Span<UInt8>, into ids: inout [UInt32]) {
    guard !tokenizer.normalizedTokens.isEmpty else { return encodeText(text, into: &ids) }
    for segment in tokenizer.normalizedTokens.segments(text) {
      if let token = segment.token {
        ids.append(token)
      } else {
        encodeText(text.extracting(segment.range), into: &ids)
      }
    }
  }

  /// Encodes text without added tokens.
  private mutating func encodeText(_ text: Span<UInt8>, into ids: inout [UInt32]) {
    guard tokenizer.preTokenizer.prefixSpace == .added, text.count > 0,
      text[0] != 0x20
    else { return encodePieces(text, into: &ids) }
    var spaced: [UInt8] = [0x20]
    spaced.append(copying: text)
    encodePieces(spaced.span, into: &ids)
  }

  private mutating func encodePieces(_ text: Span<UInt8>, into ids: inout [UInt32]) {
    switch tokenizer.preTokenizer.fast {
    case .gpt2(let pattern): encodePieces(text, pattern, into: &ids)
    case .cl100k(let pattern): encodePieces(text, pattern, into: &ids)
    case .o200k(let pattern): encodePieces(text, pattern, into: &ids)
    case nil:
      var pieces = Pieces()
      tokenizer.preTokenizer.pieces(text, isFirst: false, into: &pieces)
      var start = 0
      for end in pieces.ends {
        encodePiece(pieces.bytes.span, from: start, to: end, into: &ids)
        start = end
      }
    }
  }

  private mutating func encodePieces(
    _ text: Span<UInt8>, _ pattern: some CompiledPattern, into ids: inout [UInt32]
  ) {
    var start = 0
    while start < text.count {
      let end = pattern.pieceEnd(text, from: start, to: text.count)
      encodePiece(text, from: start, to: end, into: &ids)
      start = end
    }
  }

  @inline(__always)
  private mutating func encodePiece(
    _ text: Span<UInt8>, from start: Int, to end: Int, into ids: inout [UInt32]
  ) {
    let count = end - start
    guard count <= PieceCache.longestPiece else {
      scratch.encode(text.extracting(start..<end), tokenizer.model)
      ids += scratch.ids
      return
    }
    let key = PieceCache.Key(text, start, count)
    if !cache.append(key, to: &ids) {
      scratch.encode(text.extracting(start..<end), tokenizer.model)
      ids += scratch.ids
      cache.store(key, scratch.ids)
    }
  }
}

extension Tokenizer {
  /// The ids of one short text; for many texts, keep a `TokenEncoder`.
  package func encode(
    _ text: String, specialTokens: TokenEncoder.SpecialTokens = .added
  ) -> [UInt32] {
    encode(Array(text.utf8), specialTokens: specialTokens)
  }

  /// The ids of one short text given as bytes; for many texts, keep a `TokenEncoder`.
  package func encode(
    _ text: [UInt8], specialTokens: TokenEncoder.SpecialTokens = .added
  ) -> [UInt32] {
    var encoder = TokenEncoder(self, cachedPieces: 16)
    var ids: [UInt32] = []
    encoder.encode(text.span, specialTokens: specialTokens, into: &ids)
    return ids
  }
}

/// The ids of pieces met before: fixed in size, newer pieces replace older ones.
private struct PieceCache {
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
