// One activation shard of every hook point that lacks it. Comes in: a run of sequences. Leaves: the
// rows of the forward pass, permuted, with the token, sequence and position of each.

import Shared

/// Owns the model and the work memory of the stage.
///
/// Threads take turns by calling `make` one at a time; each writes its shard while the next one is
/// computed.
final class ShardMaker: @unchecked Sendable {
  let plan: ShardPlan
  let tokens: TokenSequences
  let settings: CacheSettings
  let hookPoints: [HookPoint]
  private let excluded: Set<UInt32>
  private let transformer: Transformer
  private var pass: ForwardPass

  /// Opens the model in a folder.
  init(
    _ model: String, plan: ShardPlan, tokens: TokenSequences, settings: CacheSettings,
    hookPoints: [HookPoint]
  ) throws {
    self.plan = plan
    self.tokens = tokens
    self.settings = settings
    self.hookPoints = hookPoints
    excluded = try tokens.excluded(settings)
    let transformer = try Transformer.open(
      model, for: hookPoints, factors: settings.factors)
    pass = ForwardPass(
      transformer,
      sequenceLimit: Self.batch(plan, settings, transformer.description, hookPoints),
      contextSize: plan.contextSize, hookPoints: hookPoints,
      processing: settings.weightProcessing)
    self.transformer = transformer
  }

  /// Sequences of a forward pass: `model_batch_size`, unless that takes too much memory.
  static func batch(
    _ plan: ShardPlan, _ settings: CacheSettings, _ model: ModelDescription,
    _ hookPoints: [HookPoint]
  ) -> Int {
    let wanted = min(settings.modelBatchSize, plan.sequencesPerShard, max(1, plan.sequenceCount))
    return ForwardPass.sequences(
      model, contextSize: plan.contextSize, hookPoints: hookPoints,
      processing: settings.weightProcessing, atMost: wanted)
  }

  /// Shards in the making at once: one is written while the next is computed, where a quarter of
  /// the memory holds both.
  static func shardsAtOnce(_ plan: ShardPlan, byteCount: Int) -> Int {
    plan.shardCount > 1 && byteCount <= Memory.byteCount / 8 ? 2 : 1
  }

  /// A shard of one hook point in the making.
  final class Part: @unchecked Sendable {
    let hookPoint: Int
    var builder: ActivationShardBuilder

    init(hookPoint: Int, builder: consuming ActivationShardBuilder) {
      self.hookPoint = hookPoint
      self.builder = builder
    }
  }

  /// The tokens of a shard and where their rows go.
  private struct DealtTokens {
    let tokens: [UInt32]
    /// The place of each token's row, or nowhere.
    let destinations: [UInt32]
    let rows: Int
  }

  /// Computes a shard of each of some hook points; `onBatch` hears how many rows are done.
  func make(
    _ shard: Int, hookPoints wanted: [Int], onBatch: (Int) -> Void
  ) throws -> [Part] {
    let model = transformer.description
    let (context, range) = (plan.contextSize, plan.sequences(shard))
    let dealt = try dealtTokens(shard)
    let parts = wanted.map { index in
      Part(
        hookPoint: index,
        builder: ActivationShardBuilder(
          rows: dealt.rows, dIn: hookPoints[index].width(in: model, contextSize: context),
          type: settings.dtype.tensorType, vocabularySize: model.vocabularySize,
          contextSize: context))
    }
    for start in stride(from: 0, to: range.count, by: pass.sequenceLimit) {
      try Interrupted.checkBetweenShards()
      let count = min(pass.sequenceLimit, range.count - start)
      let all = start * context..<(start + count) * context
      let tokens = Array(dealt.tokens[all])
      let destinations = Array(dealt.destinations[all])
      let sequences = all.map { UInt32(range.lowerBound + $0 / context) }
      let positions = all.map { UInt32($0 % context) }
      let points = hookPoints
      try pass.run(transformer, tokens: tokens.span) { index, values, rows in
        guard values[rows.range(rows.count - 1).upperBound - 1].isFinite else {
          throw CacheError.notFinite(
            hook: points[index].name, model: settings.modelName,
            sequence: range.lowerBound + start + count - 1)
        }
        for part in parts where part.hookPoint == index {
          part.builder.put(
            values, stride: rows.stride, at: destinations.span, tokens: tokens.span,
            sequences: sequences.span, positions: positions.span)
        }
      }
      onBatch(count * plan.positions.count)
    }
    return parts
  }

  /// Reads the tokens of a shard and deals places to those whose rows are kept.
  private func dealtTokens(_ shard: Int) throws -> DealtTokens {
    let context = plan.contextSize
    let ids = try tokens.tokens(
      plan.sequences(shard), below: transformer.description.vocabularySize,
      model: settings.modelName)
    var isKept = [Bool](repeating: false, count: context)
    for position in plan.positions { isKept[position] = true }
    var destinations = ids.indices.map { index in
      isKept[index % context] && !excluded.contains(ids[index])
        ? 0 : ActivationShardBuilder.nowhere
    }
    let rows = destinations.count { $0 == 0 }
    let order =
      settings.shuffle
      ? Random(seed: settings.seed, stream: "rows", index: shard).permutation(rows)
      : (0..<UInt32(rows)).map { $0 }
    var next = 0
    for index in destinations.indices where destinations[index] == 0 {
      destinations[index] = order[next]
      next += 1
    }
    return DealtTokens(tokens: ids, destinations: destinations, rows: rows)
  }
}
