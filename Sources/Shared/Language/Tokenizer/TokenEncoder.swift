// Text to ids with the memory that one thread needs for it: a cache of pieces and scratch.

/// Encodes with a tokenizer; one per thread.
package struct TokenEncoder {
  private let tokenizer: Tokenizer
  /// Whether pieces are bytes and the model wants them in the byte alphabet.
  private let spellsBytes: Bool
  private var cache: PieceCache
  private var scratch = ModelScratch()
  private var pieces = Pieces()
  private var spelled: [UInt8] = []
  /// Bytes of text that were no UTF-8, each group of them replaced by one U+FFFD, so far.
  package private(set) var replacedCount = 0

  /// Whether the tokens that the tokenizer's post-processor adds are wanted.
  package enum SpecialTokens: Sendable { case added, omitted }

  /// Sets up for one thread; `cachedPieces` bounds the memory, 64 bytes each.
  package init(_ tokenizer: Tokenizer, cachedPieces: Int = 1 << 17) {
    self.tokenizer = tokenizer
    spellsBytes = tokenizer.preTokenizer.isByteLevel && tokenizer.model.alphabet == .characters
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
    guard !tokenizer.rawTokens.isEmpty else { return encodeRaw(text, isFirst: true, into: &ids) }
    for segment in tokenizer.rawTokens.segments(text) {
      if let token = segment.token {
        ids.append(token)
      } else {
        let isFirst = segment.range.lowerBound == 0
        encodeRaw(text.extracting(segment.range), isFirst: isFirst, into: &ids)
      }
    }
  }

  /// Encodes text without raw added tokens; `isFirst` says that nothing stands before it.
  private mutating func encodeRaw(
    _ text: Span<UInt8>, isFirst: Bool, into ids: inout [UInt32]
  ) {
    guard text.count > 0 else { return }
    if let changed = tokenizer.normalize(text) {
      let isStart = isFirst ? !dropsStart(of: text) : false
      encodeNormalized(changed.span, isFirst: isStart, into: &ids)
    } else {
      encodeNormalized(text, isFirst: isFirst, into: &ids)
    }
  }

  /// Whether normalizing leaves out the first character, behind which nothing is the start.
  private func dropsStart(of text: Span<UInt8>) -> Bool {
    guard tokenizer.preTokenizer.distinguishesStart else { return false }
    let end = Scalars.read(text, at: 0).count
    guard tokenizer.normalize(text.extracting(0..<end))?.isEmpty == true else { return false }
    let rest = text.extracting(end..<text.count)
    return tokenizer.normalize(text) == tokenizer.normalize(rest) ?? [UInt8](copying: rest)
  }

  private mutating func encodeNormalized(
    _ text: Span<UInt8>, isFirst: Bool, into ids: inout [UInt32]
  ) {
    guard !tokenizer.normalizedTokens.isEmpty else {
      return encodeText(text, isFirst: isFirst, into: &ids)
    }
    for segment in tokenizer.normalizedTokens.segments(text) {
      if let token = segment.token {
        ids.append(token)
      } else {
        encodeText(
          text.extracting(segment.range), isFirst: isFirst && segment.range.lowerBound == 0,
          into: &ids)
      }
    }
  }

  /// Encodes text without added tokens.
  private mutating func encodeText(
    _ text: Span<UInt8>, isFirst: Bool, into ids: inout [UInt32]
  ) {
    guard text.count > 0 else { return }
    let preTokenizer = tokenizer.preTokenizer
    guard let pattern = preTokenizer.fast, !spellsBytes else {
      var pieces = Pieces()
      swap(&pieces, &self.pieces)
      preTokenizer.pieces(text, isFirst: isFirst, into: &pieces)
      encode(pieces, into: &ids)
      swap(&pieces, &self.pieces)
      return
    }
    if preTokenizer.prefixSpace == .added, text[0] != 0x20 {
      var spaced: [UInt8] = [0x20]
      spaced.append(copying: text)
      encodeTiles(spaced.span, pattern, into: &ids)
    } else {
      encodeTiles(text, pattern, into: &ids)
    }
  }

  // MARK: - Pieces

  private mutating func encodeTiles(
    _ text: Span<UInt8>, _ pattern: SplitPattern, into ids: inout [UInt32]
  ) {
    switch pattern {
    case .gpt2(let pattern): encodeTiles(text, of: pattern, into: &ids)
    case .cl100k(let pattern): encodeTiles(text, of: pattern, into: &ids)
    case .o200k(let pattern): encodeTiles(text, of: pattern, into: &ids)
    }
  }

  @inline(__always)
  private mutating func encodeTiles(
    _ text: Span<UInt8>, of pattern: some CompiledPattern, into ids: inout [UInt32]
  ) {
    var start = 0
    while start < text.count {
      let end = pattern.pieceEnd(text, from: start, to: text.count)
      encodePiece(text, start..<end, into: &ids)
      start = end
    }
  }

  private mutating func encode(_ pieces: Pieces, into ids: inout [UInt32]) {
    let bytes = pieces.bytes.span
    var start = 0
    for end in pieces.ends {
      if spellsBytes {
        ByteAlphabet.encode(bytes.extracting(start..<end), into: &spelled)
        let piece = spelled
        encodePiece(piece.span, 0..<piece.count, into: &ids)
      } else if tokenizer.model.cutsBeforeMark {
        encodeWords(bytes, start..<end, into: &ids)
      } else {
        encodePiece(bytes, start..<end, into: &ids)
      }
      start = end
    }
  }

  /// Encodes a piece in the parts that start with “▁”, which no merge joins to what is before.
  private mutating func encodeWords(
    _ text: Span<UInt8>, _ piece: Range<Int>, into ids: inout [UInt32]
  ) {
    var start = piece.lowerBound
    var isMark = true
    var index = start
    while index < piece.upperBound {
      let wasMark = isMark
      // “▁” is E2 96 81.
      isMark = text[index] == 0xE2 && text[index + 1] == 0x96 && text[index + 2] == 0x81
      if isMark, !wasMark {
        encodePiece(text, start..<index, into: &ids)
        start = index
      }
      index += isMark ? 3 : 1
    }
    encodePiece(text, start..<piece.upperBound, into: &ids)
  }

  @inline(__always)
  private mutating func encodePiece(
    _ text: Span<UInt8>, _ piece: Range<Int>, into ids: inout [UInt32]
  ) {
    guard piece.count <= PieceCache.longestPiece else {
      scratch.encode(text.extracting(piece), tokenizer.model)
      ids += scratch.ids
      return
    }
    let key = PieceCache.Key(text, piece.lowerBound, piece.count)
    if !cache.append(key, to: &ids) {
      scratch.encode(text.extracting(piece), tokenizer.model)
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
