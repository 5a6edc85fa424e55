// The tokens that byte-pair merging starts from where they are characters: SentencePiece-style
// vocabularies with bytes for what is missing, and vocabularies that mark the ends of words.

/// The token of every character.
struct CharacterSymbols: Sendable {
  private let spelling: Vocabulary
  /// Ids of the characters below `plain.count`; `noToken` where there is none.
  private let plain: [UInt32]
  private let affixes: Affixes
  private let unknown: Unknown

  /// What marks a symbol's place in its piece.
  struct Affixes: Sendable, Equatable {
    /// Before every symbol but the first.
    var continuing: [UInt8] = []
    /// Behind the last symbol.
    var end: [UInt8] = []

    var isEmpty: Bool { continuing.isEmpty && end.isEmpty }
  }

  /// What becomes of characters without a token.
  struct Unknown: Sendable, Equatable {
    /// The token that stands for them; nil leaves them out.
    var id: UInt32?
    /// Whether neighbors share one token.
    var isFused = false
    /// The tokens of bytes, tried first: 256 ids, `noToken` where missing, or none.
    var byteTokens: [UInt32] = []
  }

  init(_ spelling: Vocabulary, affixes: Affixes, unknown: Unknown) {
    self.spelling = spelling
    self.affixes = affixes
    self.unknown = unknown
    plain = (0..<0x3000).map { (value: UInt32) in
      guard let scalar = Unicode.Scalar(value), let bytes = UTF8.encode(scalar) else {
        return BytePairEncoding.noToken
      }
      return spelling.id(of: Array(bytes)) ?? BytePairEncoding.noToken
    }
  }

  /// Appends the symbols of a piece of valid UTF-8.
  func append(_ piece: Span<UInt8>, to ids: inout [UInt32]) {
    // An unknown token that later unknown characters may still join.
    var pending: UInt32?
    var start = 0
    while start < piece.count {
      let scalar = Scalars.read(piece, at: start)
      let end = start + scalar.count
      if let id = id(piece, start..<end, scalar.value) {
        if let waiting = pending { ids.append(waiting) }
        pending = nil
        ids.append(id)
      } else if !appendBytes(piece, start..<end, to: &ids), let id = unknown.id {
        if let waiting = pending, !unknown.isFused { ids.append(waiting) }
        pending = id
      }
      start = end
    }
    if let waiting = pending { ids.append(waiting) }
  }

  @inline(__always)
  private func id(_ piece: Span<UInt8>, _ range: Range<Int>, _ scalar: UInt32) -> UInt32? {
    guard affixes.isEmpty else { return spelling.id(of: symbol(piece, range)) }
    guard scalar < plain.count else { return spelling.id(of: piece.extracting(range)) }
    let id = plain[Int(scalar)]
    return id == BytePairEncoding.noToken ? nil : id
  }

  /// A character with the marks of its place.
  private func symbol(_ piece: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
    var symbol = range.lowerBound == 0 ? [] : affixes.continuing
    symbol.append(copying: piece.extracting(range))
    if range.upperBound == piece.count { symbol += affixes.end }
    return symbol
  }

  /// Appends the tokens of a character's bytes; false where one of them is missing.
  private func appendBytes(
    _ piece: Span<UInt8>, _ range: Range<Int>, to ids: inout [UInt32]
  ) -> Bool {
    guard !unknown.byteTokens.isEmpty else { return false }
    let symbol = symbol(piece, range)
    guard symbol.allSatisfy({ unknown.byteTokens[Int($0)] != BytePairEncoding.noToken })
    else { return false }
    ids += symbol.map { unknown.byteTokens[Int($0)] }
    return true
  }
}

extension Vocabulary {
  /// The tokens `<0x00>` to `<0xFF>` of single bytes; `noToken` where one is missing.
  var byteTokens: [UInt32] {
    let digits = Array("0123456789ABCDEF".utf8)
    return (0..<256).map { byte in
      let name = Array("<0x".utf8) + [digits[byte >> 4], digits[byte & 15], UInt8(ascii: ">")]
      return id(of: name) ?? BytePairEncoding.noToken
    }
  }
}
