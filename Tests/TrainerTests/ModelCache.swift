// Token stage and activations of a tiny model as the stages before would leave them, for runs that
// need the model once more.

import Foundation
import Shared
import Support
import Trainer

/// Owns a store with 40 sequences of 16 tokens and the activations of a hook point or two.
final class ModelCache {
  static let contextSize = 16
  static let sequences = 40

  let folder: String
  let tokens: [UInt32]
  private(set) var pipeline = Pipeline()
  private(set) var tokenFolder = ""

  init(
    hooks: [String] = ["blocks.0.hook_resid_post"], configure: (inout Pipeline) -> Void = { _ in }
  ) throws {
    folder = NSTemporaryDirectory() + "/model-cache-" + UUID().uuidString
    tokens = TokenStageFixture.tokens(
      ModelCache.sequences * ModelCache.contextSize, vocabulary: 53)
    pipeline.name = "tiny"
    pipeline.store = folder + "/store"
    pipeline.pretokenize.tokenizerName = "not here"
    pipeline.cache.modelName = ModelFixtures.folder("gpt2")
    pipeline.cache.hookName = hooks[0]
    pipeline.cache.hookNames = Array(hooks.dropFirst())
    pipeline.train.dSae = 32
    pipeline.train.trainBatchSizeTokens = 64
    pipeline.train.trainingTokens = 20 * 64
    pipeline.train.evalFraction = 0.3
    pipeline.evaluate.reportLatents = 0
    configure(&pipeline)
    let stage = try TokenStageFixture.write(
      tokens, contextSize: ModelCache.contextSize, vocabularySize: 53, shards: [25, 15],
      for: pipeline)
    tokenFolder = stage.path
    let tokenizer = ProjectFiles.root + "/Tests/Fixtures/tokenizer/plain/tokenizer.json"
    try AtomicFile.replace(
      stage.path + "/tokenizer.json",
      with: String(decoding: try MappedFile.contents(tokenizer), as: UTF8.self))
    let manifest = try stage.readManifest()
    for hook in hooks { try write(hook, tokens: manifest?.fingerprint ?? "") }
  }

  deinit { try? System.removeTree(folder) }

  func change(_ body: (inout Pipeline) -> Void) { body(&pipeline) }

  /// Runs the model and stores all rows of a hook point.
  private func write(_ hook: String, tokens fingerprint: String) throws {
    let settings = pipeline.cache
    let model = try ModelDescription.open(folder: settings.modelName)
    let point = try settings.hookPoint(hook, in: model)
    let width = point.width(in: model, contextSize: ModelCache.contextSize)
    let values = try ModelFixtures.run(
      "gpt2", [point], tokens: tokens, contextSize: ModelCache.contextSize,
      processing: settings.weightProcessing)[0]
    let key = ActivationKey.make(
      pipeline, hookName: hook,
      identities: try ActivationKey.identities(
        model: pipeline.cache.modelName, store: Store(pipeline.store)),
      tokens: fingerprint)
    let stage = Store(pipeline.store).folder(key)
    try System.createDirectories(stage.path)
    let name = ActivationShard.fileName(0)
    let statistics = try writeShard(values, width: width, to: stage, name)
    let details: [String: JSON] = [
      "model_name": .string("gpt2"), "hook_name": .string(hook), "d_in": .integer(width),
      "context_size": .integer(ModelCache.contextSize), "vocabulary_size": .integer(53),
      "dtype": .string("F32"), "rows": .integer(tokens.count),
      "sequences": .integer(ModelCache.sequences), "statistics": statistics.json,
    ]
    try stage.finish(
      Manifest(
        key: key, name: key.label, tool: "test",
        shards: [try stage.shard(name, rows: tokens.count)], details: .object(details)))
  }
  private func writeShard(
    _ values: [Float], width: Int, to stage: StageFolder, _ name: String
  ) throws -> ActivationStatistics {
    let (tokens, rows) = (tokens, tokens.count)
    let places = (0..<UInt32(rows)).map { $0 }
    let sequences = places.map { $0 / 16 }
    let positions = places.map { $0 % 16 }
    var builder = ActivationShardBuilder(
      rows: rows, dIn: width, type: .float32, vocabularySize: 53,
      contextSize: ModelCache.contextSize)
    builder.put(
      values.span, at: places.span, tokens: tokens.span, sequences: sequences.span,
      positions: positions.span)
    var file = try AtomicFile.create(stage.path + "/" + name)
    let statistics = try builder.write(to: &file)
    _ = try stage.publish(file)
    return statistics
  }
}
