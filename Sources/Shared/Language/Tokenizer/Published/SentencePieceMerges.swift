// The merges that a list of pieces implies: every way to cut a piece in two pieces. Comes in: pieces.
// Leaves: pairs in an order, as transformers' generate_merges finds them.

/// Cuts of pieces into pieces.
struct SentencePieceMerges {
  private let pieces: [[UInt8]]
  private let vocabulary: Vocabulary

  /// Takes pieces by id; only those of `among` are cut and are parts.
  init(_ pieces: [[UInt8]], among: [Int]) {
    self.pieces = pieces
    vocabulary = Vocabulary(tokens: among.map { pieces[$0] }, ids: among.map { UInt32($0) })
  }

  func inOrderOfIds() -> [(left: [UInt8], right: [UInt8])] { inOrder(of: Array(pieces.indices)) }

  /// The cuts of one piece after the other, those with the shortest left part first.
  func inOrder(of ids: [Int]) -> [(left: [UInt8], right: [UInt8])] {
    var merges: [(left: [UInt8], right: [UInt8])] = []
    for id in ids {
      let piece = pieces[id]
      let span = piece.span
      // Parts end where characters do.
      for cut in piece.indices.dropFirst() where piece[cut] & 0xC0 != 0x80 {
        guard vocabulary.id(of: span.extracting(0..<cut)) != nil,
          vocabulary.id(of: span.extracting(cut..<piece.count)) != nil
        else { continue }
        merges.append((Array(piece[..<cut]), Array(piece[cut...])))
      }
    }
    return merges
  }
}
