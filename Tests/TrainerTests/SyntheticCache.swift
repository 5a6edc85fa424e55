// A small finished activations stage in a store of its own, for tests of the trainer.

import Foundation
import Shared
import Trainer

/// What the rows of a synthetic cache hold.
enum SyntheticRows: Sendable {
  /// Column 0 is the row's number over all shards, the others are 1.
  case numbered
  /// Two of sixteen fixed directions, with varying strengths.
  case sparse
  /// As `sparse`, but rows at position 0 are a hundred times as large.
  case sinks
  /// One number of all is NaN.
  case damaged
}

/// Owns a temporary folder with a store.
final class SyntheticCache {
  static let contextSize = 16
  static let hook = "blocks.0.hook_mlp_out"

  let folder: String
  let shards: Int
  let rowsPerShard: Int
  let dIn: Int
  var pipeline = Pipeline()

  init(
    shards: Int = 3, sequencesPerShard: Int = 40, dIn: Int = 8, type: TensorType = .float32,
    rows: SyntheticRows = .sparse
  ) throws {
    folder = NSTemporaryDirectory() + "/cache-" + UUID().uuidString
    self.shards = shards
    self.dIn = dIn
    rowsPerShard = sequencesPerShard * SyntheticCache.contextSize
    pipeline.name = "tiny"
    pipeline.store = folder + "/store"
    pipeline.cache.modelName = "models/tiny"
    pipeline.cache.hookName = SyntheticCache.hook
    pipeline.train.dSae = 24
    pipeline.train.k = 3
    pipeline.train.trainBatchSizeTokens = 32
    pipeline.train.trainingTokens = 40 * 32
    pipeline.train.lr = 3e-3
    pipeline.logger.logFrequency = 5
    try write(type, rows)
  }

  deinit { try? System.removeTree(folder) }

  var source: TrainingSource {
    get throws { try pipeline.cachedSource() }
  }

  private func write(_ type: TensorType, _ content: SyntheticRows) throws {
    var settings = pipeline.cache.fingerprintSettings.object ?? [:]
    settings["hook_name"] = .string(SyntheticCache.hook)
    let key = StageKey(
      stage: .activations, label: "tiny.\(SyntheticCache.hook)", settings: .object(settings),
      identities: ["config.json": "sha256:0"], input: String(repeating: "7", count: 64))
    let stage = Store(pipeline.store).folder(key)
    var total = ActivationStatistics(dIn: dIn)
    try stage.work(units: shards, name: ActivationShard.fileName) { [self] shard, file in
      let builder = try fill(shard, type, content)
      total.add(builder.statistics())
      try builder.write(to: &file)
    }
    let details: JSON = [
      "d_in": .integer(dIn), "hook_name": .string(SyntheticCache.hook), "model_name": "tiny",
      "context_size": .integer(SyntheticCache.contextSize), "dtype": .string(type.rawValue),
      "rows": .integer(shards * rowsPerShard), "statistics": total.json,
    ]
    let listed = try (0..<shards).map {
      try stage.shard(ActivationShard.fileName($0), rows: rowsPerShard)
    }
    try stage.finish(
      Manifest(key: key, name: key.label, tool: "test", shards: listed, details: details))
  }

  private func fill(
    _ shard: Int, _ type: TensorType, _ content: SyntheticRows
  ) throws -> ActivationShardBuilder {
    var builder = ActivationShardBuilder(
      rows: rowsPerShard, dIn: dIn, type: type, vocabularySize: 100,
      contextSize: SyntheticCache.contextSize)
    let places = Random(seed: 1, stream: "places", index: shard).permutation(rowsPerShard)
    var values: [Float] = []
    var sequences: [UInt32] = []
    var positions: [UInt32] = []
    for row in 0..<rowsPerShard {
      let number = shard * rowsPerShard + row
      values += self.row(number, content)
      sequences.append(UInt32(number / SyntheticCache.contextSize))
      positions.append(UInt32(number % SyntheticCache.contextSize))
    }
    let tokens = positions.map { $0 + 1 }
    builder.put(
      values.span, at: places.span, tokens: tokens.span, sequences: sequences.span,
      positions: positions.span)
    return builder
  }

  /// The values of the row with this number.
  func row(_ number: Int, _ content: SyntheticRows) -> [Float] {
    switch content {
    case .damaged:
      return [number == 7 ? .nan : 1] + [Float](repeating: 1, count: dIn - 1)
    case .numbered:
      return [Float(number)] + [Float](repeating: 1, count: dIn - 1)
    case .sinks:
      let isSink = number % SyntheticCache.contextSize == 0
      return row(number, .sparse).map { isSink ? 100 * ($0 + 1) : $0 }
    case .sparse:
      let directions = Random(seed: 2, stream: "directions")
      let choice = Random(seed: 3, stream: "choice", index: number)
      var values = [Float](repeating: 0.1, count: dIn)
      for part in 0..<2 {
        let direction = choice.integer(part, below: 16)
        let strength = Float(0.5 + choice.uniform(2 + part))
        for column in 0..<dIn {
          values[column] += strength * Float(directions.normal(direction * dIn + column))
        }
      }
      return values
    }
  }
}

extension Pipeline {
  /// The cache of the hook point that a run reads, whatever else the settings say.
  func cachedSource() throws -> TrainingSource {
    try TrainingSource.find(self, Inputs(self), hook: TrainingSource.hookNames(self)[0])
  }
}
