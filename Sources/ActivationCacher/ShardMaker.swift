// One activation shard of every hook point that lacks it. Comes in: a run of sequences. Leaves: the
// rows of the forward pass, permuted, with the token, sequence and position of each.

import Shared

/// Owns the model and the work memory of the stage.
struct ShardMaker: ~Copyable {
  let plan: ShardPlan
  let tokens: TokenSource
  let settings: CacheSettings
  let hookPoints: [HookPoint]
  private let transformer: Transformer
  private var pass: ForwardPass

  init(
    plan: ShardPlan, tokens: TokenSource, settings: CacheSettings, hookPoints: [HookPoint]
  ) throws {
    self.plan = plan
    self.tokens = tokens
    self.settings = settings
    self.hookPoints = hookPoints
    transformer = try Transformer.open(settings.modelName, for: hookPoints)
    pass = ForwardPass(
      transformer.description,
      sequenceLimit: min(settings.modelBatchSize, plan.sequencesPerShard, plan.sequenceCount),
      contextSize: plan.contextSize, hookPoints: hookPoints)
  }

  /// A shard of one hook point in the making.
  final class Part {
    let hookPoint: Int
    var builder: ActivationShardBuilder

    init(hookPoint: Int, builder: consuming ActivationShardBuilder) {
      self.hookPoint = hookPoint
      self.builder = builder
    }
  }

  /// The rows of one batch and where they go.
  private struct Batch {
    let tokens: [UInt32]
    let destinations: [UInt32]
    let sequences: [UInt32]
    let positions: [UInt32]
  }

  /// Computes a shard of each of some hook points; `onBatch` hears how many tokens are done.
  mutating func make(
    _ shard: Int, hookPoints wanted: [Int], onBatch: (Int) -> Void
  ) throws -> [Part] {
    let model = transformer.description
    let range = plan.sequences(shard)
    let ids = try tokens.tokens(
      range, below: model.vocabularySize, model: settings.modelName)
    let parts = wanted.map { index in
      Part(
        hookPoint: index,
        builder: ActivationShardBuilder(
          rows: plan.rows(shard),
          dIn: hookPoints[index].width(in: model, contextSize: plan.contextSize),
          type: settings.dtype.tensorType, vocabularySize: model.vocabularySize,
          contextSize: plan.contextSize))
    }
    let order =
      settings.shuffle
      ? Random(seed: settings.seed, stream: "rows", index: shard).permutation(plan.rows(shard))
      : (0..<UInt32(plan.rows(shard))).map { $0 }
    // Rows that lie apart in the pass are gathered here before they are put.
    var gathered = Matrix(
      rows: pass.sequenceLimit * plan.contextSize,
      columns: wanted.map { hookPoints[$0].width(in: model, contextSize: plan.contextSize) }.max()
        ?? 0)
    for start in stride(from: 0, to: range.count, by: pass.sequenceLimit) {
      if System.isInterrupted { throw Caching.interruption }
      let count = min(pass.sequenceLimit, range.count - start)
      let rows = start * plan.contextSize..<(start + count) * plan.contextSize
      let batch = Batch(
        tokens: Array(ids[rows]), destinations: Array(order[rows]),
        sequences: rows.map { UInt32(range.lowerBound + $0 / plan.contextSize) },
        positions: rows.map { UInt32($0 % plan.contextSize) })
      try pass.run(transformer, tokens: batch.tokens.span) { index, values, layout in
        for part in parts where part.hookPoint == index {
          Self.put(values, layout, batch, part, &gathered)
        }
      }
      onBatch(rows.count)
    }
    return parts
  }

  private static func put(
    _ values: Span<Float>, _ layout: TappedRows, _ batch: Batch, _ part: Part,
    _ gathered: inout Matrix
  ) {
    if layout.stride == layout.width {
      part.builder.put(
        values, at: batch.destinations.span, tokens: batch.tokens.span,
        sequences: batch.sequences.span, positions: batch.positions.span)
      return
    }
    let width = layout.width
    var target = gathered.mutableSpan
    target.withDisjoint { target in
      for row in 0..<layout.count {
        target.withSlice(row * width..<(row + 1) * width) {
          Kernels.copy(values.extracting(layout.range(row)), to: &$0)
        }
      }
    }
    part.builder.put(
      gathered.span.extracting(0..<layout.count * width), at: batch.destinations.span,
      tokens: batch.tokens.span, sequences: batch.sequences.span, positions: batch.positions.span)
  }
}
