// The rows of a stream that are trained on, counted before any shard is made. Comes in: the filter of a run, and
// the tokens that activations are made from. Leaves: how many rows of each shard the filter lets pass.

import Shared

extension RowFilter {
  /// How many rows of every shard are trained on; nil where the rows themselves have to be looked at.
  func counts(_ source: TrainingSource, store: Store) throws -> [Int]? {
    guard !looksAtNorms, let length = source.sequencesPerShard else { return nil }
    let cached = source.origin.positions(contextSize: source.facts.contextSize)
    var counts = [Int](repeating: 0, count: source.shards.count)
    guard looksAtTokens || !source.excludedTokens.isEmpty else {
      let positions = cached.count { sees(token: 0, position: $0) }
      for sequence in 0..<source.sequenceCount where isTrained(UInt32(sequence)) {
        counts[sequence / length] += positions
      }
      return counts
    }
    try forEachSequence(source, store) { sequence, tokens in
      guard isTrained(UInt32(sequence)) else { return }
      counts[sequence / length] += cached.count { position in
        let token = tokens[tokens.startIndex + position]
        return !source.excludedTokens.contains(token) && sees(token: token, position: position)
      }
    }
    return counts
  }

  /// The tokens of the sequences of a cache, in their order.
  private func forEachSequence(
    _ source: TrainingSource, _ store: Store, _ body: (Int, ArraySlice<UInt32>) -> Void
  ) throws {
    guard
      let folder = try source.tokens.flatMap({ try store.find(stage: .tokens, fingerprint: $0) }),
      let manifest = try folder.manifest()
    else { throw TrainingSourceError.noTokens(folder: source.folder) }
    let check = ShardCheck(folder, manifest)
    var sequence = 0
    for shard in manifest.shards where sequence < source.sequenceCount {
      try check.check(folder.path + "/" + shard.file)
      let content = try TokenShard.read(folder.path + "/" + shard.file)
      guard content.contextSize == source.facts.contextSize else {
        throw ManifestError.implausible(
          path: folder.path + "/" + Manifest.fileName, key: "details.context_size")
      }
      for index in 0..<min(content.sequenceCount, source.sequenceCount - sequence) {
        let start = index * content.contextSize
        body(sequence + index, content.tokens[start..<start + content.contextSize])
      }
      sequence += content.sequenceCount
    }
  }
}
