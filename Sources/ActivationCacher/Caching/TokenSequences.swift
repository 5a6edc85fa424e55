// The token stage as the cacher reads it. Comes in: a finished folder. Leaves: the tokens of any run
// of sequences, each proven to be in the model's vocabulary.

package import Shared

/// The sequences of a token stage.
package struct TokenSequences: Sendable {
  package let folder: StageFolder
  package let fingerprint: String
  package let contextSize: Int
  package let sequenceCount: Int
  package let vocabularySize: Int
  private let shards: [Manifest.Shard]
  private let check: ShardCheck

  /// Opens a finished token stage.
  package init(
    _ folder: StageFolder, verification: StageFolder.Verification = .sizes
  ) throws {
    let path = folder.path + "/" + Manifest.fileName
    guard let manifest = try folder.manifest(verify: verification) else {
      throw CacheError.noTokens(store: folder.path)
    }
    func require(_ key: String, atMost limit: Int) throws(CacheError) -> Int {
      guard let value = manifest.details[key]?.integer, (1...limit).contains(value) else {
        throw .malformedTokens(path: path, key: key)
      }
      return value
    }
    self.folder = folder
    fingerprint = manifest.fingerprint
    contextSize = try require("context_size", atMost: 1 << 24)
    vocabularySize = try require("vocabulary_size", atMost: 1 << 32)
    shards = manifest.shards
    check = ShardCheck(folder, manifest, after: verification)
    sequenceCount = manifest.rows
    // A stage without a sequence is never finished.
    guard sequenceCount > 0 else { throw CacheError.malformedTokens(path: path, key: "shards") }
  }

  /// The tokens whose activations the settings leave out.
  package func excluded(_ settings: CacheSettings) throws -> Set<UInt32> {
    switch settings.excludeSpecialTokens {
    case .none: return []
    case .ids(let ids): return Set(ids.map { UInt32(clamping: $0) })
    case .special:
      let path = folder.path + "/tokenizer.json"
      guard try System.isThere(path) else { throw CacheError.noTokenizer(path: path) }
      let tokens = try Tokenizer.open(folder.path).tokensWithRoles
      guard !tokens.isEmpty else { throw CacheError.noTokenizer(path: path) }
      return tokens
    }
  }

  /// The tokens of consecutive sequences, `[range.count, contextSize]`, all below `vocabulary`.
  package func tokens(
    _ range: Range<Int>, below vocabulary: Int, model: String
  ) throws -> [UInt32] {
    var result: [UInt32] = []
    result.reserveCapacity(range.count * contextSize)
    var first = 0
    for shard in shards {
      let held = first..<first + shard.rows
      first = held.upperBound
      let wanted = held.clamped(to: range)
      if wanted.isEmpty { continue }
      let path = folder.path + "/" + shard.file
      try check.check(path)
      let content = try TokenShard.read(path)
      guard content.sequenceCount == shard.rows, content.contextSize == contextSize else {
        throw CacheError.shardDiffers(
          path: path, sequences: content.sequenceCount, contextSize: content.contextSize)
      }
      let start = (wanted.lowerBound - held.lowerBound) * contextSize
      let tokens = content.tokens[start..<start + wanted.count * contextSize]
      if let wrong = tokens.first(where: { $0 >= vocabulary }) {
        throw CacheError.tokenBeyondVocabulary(
          token: Int(wrong), vocabularySize: vocabulary, model: model, path: path)
      }
      result += tokens
    }
    return result
  }
}
