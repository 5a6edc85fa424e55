// The text behind cached rows. Comes in: the token stage that the activations were made from.
// Leaves: the tokens of sequences, and the text of a token.

package import Shared

/// The sequences and the tokenizer of a token stage; rows of ids may have none, and ids are shown then.
package struct CorpusText: Sendable {
  private let tokenizer: Tokenizer?
  private let shards: [String]
  private let check: ShardCheck
  /// The index of each shard's first sequence, and the number of all sequences behind the last.
  private let starts: [Int]

  /// Opens the token stage with a fingerprint; nil where the store has none.
  package static func open(store: Store, fingerprint: String) throws -> CorpusText? {
    guard let folder = try store.find(stage: .tokens, fingerprint: fingerprint),
      let manifest = try folder.manifest()
    else { return nil }
    return try CorpusText(
      folder: folder.path, shards: manifest.shards, check: ShardCheck(folder, manifest))
  }

  /// The sequences of the stage.
  package var sequenceCount: Int { starts.last ?? 0 }

  private init(folder: String, shards: [Manifest.Shard], check: ShardCheck) throws {
    self.check = check
    let path = folder + "/tokenizer.json"
    tokenizer = try System.isThere(path) ? Tokenizer.open(path) : nil
    self.shards = shards.map { folder + "/" + $0.file }
    starts = shards.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.rows) }
  }

  /// The ids of a text without special tokens; without a tokenizer, the id that its digits are.
  package func encode(_ text: String) -> [UInt32] {
    guard let tokenizer else { return [UInt32(text)].compactMap { $0 } }
    return tokenizer.encode(text, specialTokens: .omitted)
  }

  /// The text of one token; without a tokenizer its id, apart from the next one.
  package func text(_ token: UInt32) -> String { tokenizer?.tokenText(token) ?? "\(token) " }

  /// The tokens that begin, end or separate sequences, and stand for no text.
  package var specialTokens: Set<UInt32> { tokenizer?.tokensWithRoles ?? [] }

  /// The tokens of sequences by their index in the stage; each shard is read at most once.
  package func sequences(_ wanted: Set<UInt32>) throws -> [UInt32: [UInt32]] {
    var found: [UInt32: [UInt32]] = [:]
    for (index, path) in shards.enumerated() {
      let here = wanted.filter { Int($0) >= starts[index] && Int($0) < starts[index + 1] }
      guard !here.isEmpty else { continue }
      try check.check(path)
      let shard = try TokenShard.read(path)
      for sequence in here {
        let first = (Int(sequence) - starts[index]) * shard.contextSize
        found[sequence] = Array(shard.tokens[first..<first + shard.contextSize])
      }
    }
    return found
  }
}
