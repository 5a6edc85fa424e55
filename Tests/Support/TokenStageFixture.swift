// A finished token stage of given tokens, as the pretokenizer would leave it.

package import Shared

package enum TokenStageFixture {
  /// Random tokens below `vocabulary`.
  package static func tokens(_ count: Int, vocabulary: Int, seed: Int = 1) -> [UInt32] {
    let random = Random(seed: seed, stream: "token-fixture")
    return (0..<count).map { UInt32(random.integer($0, below: vocabulary)) }
  }

  /// Writes the token stage of a pipeline, `shards` sequences in each shard.
  @discardableResult
  package static func write(
    _ tokens: [UInt32], contextSize: Int, vocabularySize: Int, shards: [Int], for pipeline: Pipeline
  ) throws -> StageFolder {
    let key = StageKey(
      stage: .tokens, label: pipeline.name, settings: pipeline.pretokenize.fingerprintSettings)
    let folder = Store(pipeline.store).folder(key)
    try System.createDirectories(folder.path)
    var (records, first): ([Manifest.Shard], Int) = ([], 0)
    for (index, rows) in shards.enumerated() {
      let name = TokenShard.fileName(index)
      var file = try AtomicFile.create(folder.path + "/" + name)
      try TokenShard.write(
        Array(tokens[first * contextSize..<(first + rows) * contextSize]),
        contextSize: contextSize, vocabularySize: vocabularySize, to: &file)
      _ = try folder.publish(file)
      records.append(try folder.shard(name, rows: rows))
      first += rows
    }
    try folder.finish(
      Manifest(
        key: key, name: pipeline.name, tool: "test", shards: records,
        details: .object([
          "context_size": .integer(contextSize), "vocabulary_size": .integer(vocabularySize),
          "sequences": .integer(first), "tokens": .integer(first * contextSize),
        ])))
    return folder
  }
}
