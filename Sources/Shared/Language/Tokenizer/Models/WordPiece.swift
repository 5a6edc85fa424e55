// WordPiece: the longest token that starts a word, then the longest that continues it, and so on.
// Comes in: a word. Leaves: token ids. Schuster and Nakajima 2012, Devlin et al. 2019.

/// A vocabulary that is matched greedily from the left.
struct WordPiece: Sendable {
  /// Tokens, those that continue a word with their prefix.
  private let trie: ByteTrie
  /// Where the walk of a continuation starts: behind the prefix; nil where no token has it.
  private let continuation: UInt32?
  private let unknown: UInt32
  /// Words of more characters become the unknown token.
  private let longestWord: Int

  /// Words that cannot be cut into tokens, or have more characters than `longestWord`, become
  /// `unknown`; `prefix`, such as `##`, marks a token that continues a word.
  init(_ spelling: Vocabulary, prefix: [UInt8], unknown: UInt32, longestWord: Int) {
    var trie = ByteTrie()
    for id in 0..<UInt32(spelling.count) {
      if let token = spelling.token(id), !token.isEmpty { trie.insert(token, id: id) }
    }
    var node: UInt32? = ByteTrie.root
    for byte in prefix { node = node.flatMap { trie.child(of: $0, byte) } }
    continuation = node
    self.trie = trie
    self.unknown = unknown
    self.longestWord = longestWord
  }

  /// Appends the ids of one word.
  func encode(_ word: Span<UInt8>, into ids: inout [UInt32]) {
    let before = ids.count
    guard isShort(word), match(word, into: &ids) else {
      ids.removeLast(ids.count - before)
      ids.append(unknown)
      return
    }
  }

  private func isShort(_ word: Span<UInt8>) -> Bool {
    if word.count <= longestWord { return true }
    var count = 0
    for index in word.indices where word[index] & 0xC0 != 0x80 { count += 1 }
    return count <= longestWord
  }

  private func match(_ word: Span<UInt8>, into ids: inout [UInt32]) -> Bool {
    var start = 0
    while start < word.count {
      guard var node = start == 0 ? ByteTrie.root : continuation else { return false }
      var found = (id: ByteTrie.noToken, end: start)
      var index = start
      while index < word.count, let next = trie.child(of: node, word[index]) {
        node = next
        index += 1
        if trie.id(at: node) != ByteTrie.noToken { found = (trie.id(at: node), index) }
      }
      guard found.end > start else { return false }
      ids.append(found.id)
      start = found.end
    }
    return true
  }
}
