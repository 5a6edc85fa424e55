// A small token stage, the pipeline over it, and what a cached folder holds.

import ActivationCacher
import Shared
import Support

/// Eleven sequences of 16 tokens in two shards, and a pipeline that cuts them into 4 + 4 + 3.
func pipeline(
  _ folder: borrowing TemporaryFolder, store: String = "store", model: String = "grouped",
  hooks: [String] = ["blocks.1.hook_resid_post"]
) throws -> Pipeline {
  var pipeline = Pipeline()
  pipeline.name = "test"
  pipeline.store = folder.file(store)
  pipeline.pretokenize.tokenizerName = "not here"
  pipeline.pretokenize.contextSize = 16
  pipeline.cache.modelName = ModelFixtures.folder(model)
  pipeline.cache.hookName = hooks[0]
  pipeline.cache.hookNames = Array(hooks.dropFirst())
  pipeline.cache.trainingTokens = 11 * 16
  pipeline.cache.modelBatchSize = 2
  pipeline.cache.bufferSizeGB = 4 * 16 * 24 * 4 / 1e9
  if try ActivationKey.tokens(pipeline, Inputs(pipeline)) == nil {
    try TokenStageFixture.write(
      tokens, contextSize: 16, vocabularySize: 53, shards: [6, 5], for: pipeline)
  }
  return pipeline
}

let tokens = TokenStageFixture.tokens(11 * 16, vocabulary: 53)

func run(_ pipeline: Pipeline) throws -> CacheResult {
  try Caching(pipeline, mode: .quiet).run()
}

/// Names and contents of a stage's folder, but for how fast it was made.
func contentsOfFolder(_ path: String) throws -> [String: [UInt8]] {
  var result: [String: [UInt8]] = [:]
  for name in try System.list(path) where name != "timing.json" {
    result[name] = try MappedFile.contents(path + "/" + name)
  }
  return result
}

/// Changes the hash of a shard in a manifest, as if a processor of another kind had made it.
///
/// - Returns: the hash of its bytes and the one that is noted now.
func noteAnotherHash(_ folder: String, shard: Int) throws -> (made: String, noted: String) {
  let path = folder + "/manifest.json"
  let manifest = try StageFolder(path: folder, stage: .activations, fingerprint: nil).readManifest()
  let made = manifest?.shards[shard].sha256 ?? ""
  let noted = String(repeating: "0", count: 64)
  let text = String(decoding: try MappedFile.contents(path), as: UTF8.self)
  var members = try JSON(parsing: Array(text.replacing(made, with: noted).utf8)).object ?? [:]
  members["sha256"] = nil
  try AtomicFile.replace(path, with: JSON.object(members).pretty)
  return (made, noted)
}

func shards(_ folder: String) throws -> [String] {
  try System.list(folder).filter { $0.hasPrefix("shard-") }.map { folder + "/" + $0 }
}

/// All rows of a folder by (sequence, position), with the tokens that the shards note.
func rows(_ folder: String) throws -> (rows: [[Float]], tokens: [UInt32], isMixed: Bool) {
  var rows = [[Float]](repeating: [], count: tokens.count)
  var noted = [UInt32](repeating: .max, count: tokens.count)
  var isMixed = false
  for path in try shards(folder) {
    let shard = try ActivationShard.open(path)
    var values = [Float](repeating: 0, count: shard.rows * shard.dIn)
    var span = values.mutableSpan
    shard.readRows(0..<shard.rows, into: &span)
    let places = zip(shard.sequences(), shard.positions()).map { Int($0) * 16 + Int($1) }
    if places != places.sorted() { isMixed = true }
    for (row, place) in places.enumerated() {
      rows[place] = Array(values[row * shard.dIn..<(row + 1) * shard.dIn])
      noted[place] = shard.tokens()[row]
    }
  }
  return (rows, noted, isMixed)
}
