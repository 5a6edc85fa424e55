// A unigram language model over tokens: the cutting of a text whose tokens' log-probabilities add up
// to most. Comes in: a piece. Leaves: token ids. Kudo 2018; ties and unknown characters as Hugging
// Face's Viterbi search settles them.

/// Tokens with their log-probabilities.
struct Unigram: Sendable {
  private let trie: ByteTrie
  private let spelling: Vocabulary
  /// Log-probability by id.
  private let scores: [Double]
  /// The score of a character that no token covers.
  private let unknownScore: Double
  private let unknown: UInt32
  /// The tokens of single bytes; empty where unknown characters stay unknown.
  private let byteTokens: [UInt32]

  private static let unknownPenalty = 10.0

  /// Takes one score for each id of `spelling`, and 256 ids of bytes, `noToken` for those that are
  /// missing, or none.
  init(_ spelling: Vocabulary, scores: [Double], unknown: UInt32, byteTokens: [UInt32]) {
    precondition(scores.count == spelling.count, "one score per token")
    var trie = ByteTrie()
    for id in 0..<UInt32(spelling.count) {
      if let token = spelling.token(id), !token.isEmpty { trie.insert(token, id: id) }
    }
    self.trie = trie
    self.spelling = spelling
    self.scores = scores
    self.unknown = unknown
    self.byteTokens = byteTokens
    unknownScore = (scores.min() ?? 0) - Unigram.unknownPenalty
  }

  /// The best path to every byte of a piece; one per thread, reused from piece to piece.
  struct Lattice {
    fileprivate var scores: [Double] = []
    /// Where the last token of the path starts; -1 where no path ends.
    fileprivate var starts: [Int32] = []
    fileprivate var ids: [UInt32] = []
  }

  /// Appends the ids of one piece.
  func encode(_ piece: Span<UInt8>, _ lattice: inout Lattice, into ids: inout [UInt32]) {
    precondition(piece.count < Int32.max, "a piece of 2 GiB")
    search(piece, &lattice)
    let first = ids.count
    var end = piece.count
    while end > 0 {
      var start = Int(lattice.starts[end])
      var id = lattice.ids[end]
      if id == unknown {
        // Neighbors that are unknown are one.
        while start > 0, lattice.ids[start] == unknown { start = Int(lattice.starts[start]) }
        id = appendUnknown(piece, start..<end, into: &ids)
      }
      if id != ByteTrie.noToken { ids.append(id) }
      end = start
    }
    ids[first...].reverse()
  }

  /// The id of unknown text; `noToken` once its bytes were appended, last first.
  private func appendUnknown(
    _ piece: Span<UInt8>, _ range: Range<Int>, into ids: inout [UInt32]
  ) -> UInt32 {
    if let id = spelling.id(of: piece.extracting(range)) { return id }
    guard !byteTokens.isEmpty else { return unknown }
    for index in range where byteTokens[Int(piece[index])] == ByteTrie.noToken { return unknown }
    for index in range.reversed() { ids.append(byteTokens[Int(piece[index])]) }
    return ByteTrie.noToken
  }

  private func search(_ piece: Span<UInt8>, _ lattice: inout Lattice) {
    let size = piece.count + 1
    lattice.scores.removeAll(keepingCapacity: true)
    lattice.scores.append(contentsOf: repeatElement(0, count: size))
    lattice.starts.removeAll(keepingCapacity: true)
    lattice.starts.append(contentsOf: repeatElement(-1, count: size))
    lattice.ids.removeAll(keepingCapacity: true)
    lattice.ids.append(contentsOf: repeatElement(ByteTrie.noToken, count: size))
    var start = 0
    while start < piece.count {
      let score = lattice.scores[start]
      let next = start + Scalars.read(piece, at: start).count
      var isCovered = false
      var node = ByteTrie.root
      var index = start
      while index < piece.count, let child = trie.child(of: node, piece[index]) {
        node = child
        index += 1
        let id = trie.id(at: node)
        guard id != ByteTrie.noToken else { continue }
        lattice.offer(id, start..<index, score + scores[Int(id)])
        if index == next { isCovered = true }
      }
      if !isCovered { lattice.offer(unknown, start..<next, score + unknownScore) }
      start = next
    }
  }
}

extension Unigram.Lattice {
  /// Takes a token as the end of a path where it is the first one or a better one.
  @inline(__always)
  fileprivate mutating func offer(_ id: UInt32, _ range: Range<Int>, _ score: Double) {
    let end = range.upperBound
    guard starts[end] < 0 || score > scores[end] else { return }
    scores[end] = score
    starts[end] = Int32(range.lowerBound)
    ids[end] = id
  }
}
