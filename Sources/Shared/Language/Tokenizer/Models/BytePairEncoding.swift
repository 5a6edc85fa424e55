// Byte-pair encoding: joins the neighbors that the earliest learned merge rule joins, until no rule
// applies. Comes in: a piece. Leaves: token ids. Sennrich et al. 2016, Radford et al. 2019.

/// The merge rules of a vocabulary and the tokens that merging starts from.
struct BytePairEncoding: Sendable {
  /// What a piece is before any merge.
  let symbols: Symbols
  /// Open addressing: pair, then rank << 32 | id of the joined token; `noRule` marks a free place.
  private let rules: [UInt64]
  private let shift: UInt64
  /// The pieces that are never cut, whatever the rules say; nil where the rules decide.
  let wholePieces: Vocabulary?
  /// Whether no rule joins a character other than “▁” with a “▁” behind it, so that a piece may be cut
  /// between the two and the parts encoded one by one.
  let cutsBeforeMark: Bool

  /// The tokens of single bytes or characters.
  enum Symbols: Sendable {
    /// A token for each byte; `noToken` where bytes are left out.
    case bytes([UInt32])
    /// Characters, or bytes in the byte alphabet.
    case characters(CharacterSymbols)
  }

  static let noToken = UInt32.max
  static let noRule = UInt64.max

  /// One learned merge.
  struct Merge {
    let left: UInt32
    let right: UInt32
    let joined: UInt32
  }

  /// Merges are in the order of their ranks; of two for the same pair the later one counts.
  init(
    symbols: Symbols, merges: [Merge], wholePieces: Vocabulary? = nil, cutsBeforeMark: Bool = false
  ) {
    self.symbols = symbols
    self.wholePieces = wholePieces
    self.cutsBeforeMark = cutsBeforeMark
    let capacity = Vocabulary.capacity(for: merges.count)
    shift = UInt64(64 - capacity.trailingZeroBitCount)
    var rules = [UInt64](repeating: BytePairEncoding.noRule, count: 2 * capacity)
    for (rank, merge) in merges.enumerated() {
      let pair = UInt64(merge.left) << 32 | UInt64(merge.right)
      var place = Int(BytePairEncoding.hash(pair) >> shift)
      while rules[2 * place] != BytePairEncoding.noRule, rules[2 * place] != pair {
        place = (place + 1) & (capacity - 1)
      }
      rules[2 * place] = pair
      rules[2 * place + 1] = UInt64(rank) << 32 | UInt64(merge.joined)
    }
    self.rules = rules
  }

  @inline(__always) private static func hash(_ pair: UInt64) -> UInt64 {
    (pair ^ pair >> 29) &* 0x9E37_79B9_7F4A_7C15
  }

  /// The rule for two neighbors, rank << 32 | joined id; `noRule` where there is none.
  @inline(__always) func rule(_ left: UInt32, _ right: UInt32) -> UInt64 {
    let pair = UInt64(left) << 32 | UInt64(right)
    let mask = rules.count / 2 - 1
    var place = Int(BytePairEncoding.hash(pair) >> shift)
    while true {
      let key = rules[2 * place]
      if key == pair { return rules[2 * place + 1] }
      if key == BytePairEncoding.noRule { return BytePairEncoding.noRule }
      place = (place + 1) & mask
    }
  }
}
