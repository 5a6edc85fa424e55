// What the stage will cost, before it starts. Comes in: settings, and the model where it is here.
// Leaves: a table, and a refusal where the disk is too small.

package import Shared

/// The expected size of an activation stage.
package struct CacheBill: Sendable, Equatable {
  /// A hook point with the bytes of its folder; nil where its width is not known.
  package struct Item: Sendable, Equatable {
    package let name: String
    package let byteCount: Int?
  }

  package let plan: ShardPlan
  package let items: [Item]
  /// Numbers of a row of the first hook point; nil where that is not known.
  package let width: Int?
  /// Floating-point operations of all passes; nil where the model is not here.
  package let operations: Double?
  /// Bytes of the model's weights in their files, which are mapped.
  package let weightByteCount: Int?
  /// Bytes of work memory, of weights in bfloat16 and of shards in the making.
  package let memoryByteCount: Int?
  /// How fast this machine is; nil where the model is not here.
  package let speed: CacheSpeed?
  /// Most that is on the disk at once; nil where all is kept.
  private let diskLimit: Int?

  /// The bill of a model that is here, or of which the configuration is.
  package init(
    _ settings: CacheSettings, model: ModelDescription, hookPoints: [HookPoint], plan: ShardPlan,
    weightByteCount: Int?, speed: CacheSpeed?
  ) {
    self.plan = plan
    self.weightByteCount = weightByteCount
    self.speed = speed
    diskLimit = settings.maxDiskGB.map { Int(min($0 * 1e9, 1e18)) }
    let context = plan.contextSize
    let type = settings.dtype.tensorType
    width = hookPoints.first?.width(in: model, contextSize: context)
    items = hookPoints.map { point in
      Item(
        name: point.name,
        byteCount: plan.sum { CacheBill.byteCount($0, of: point, model, plan, type) })
    }
    operations =
      Double(plan.sequenceCount * context)
      * PassTrial.operationsPerToken(model, hookPoints, contextSize: context)
    memoryByteCount = CacheBill.memoryByteCount(settings, model, hookPoints, plan)
  }

  /// The bill of a model that is not here, from what the settings say about it.
  package init(_ settings: CacheSettings, contextSize: Int) {
    let width = settings.dIn
    diskLimit = settings.maxDiskGB.map { Int(min($0 * 1e9, 1e18)) }
    self.width = width
    let plan = ShardPlan(settings, modelWidth: width ?? 1, contextSize: contextSize)
    self.plan = plan
    speed = nil
    let byteCount = width.map { width in
      plan.sum {
        // Of a vocabulary that is not known any token may be the highest.
        ActivationShardBuilder.byteCount(
          rows: plan.rows($0), dIn: width, type: settings.dtype.tensorType, vocabularySize: .max,
          contextSize: contextSize)
      }
    }
    items = settings.allHookNames.map { name in
      Item(name: name, byteCount: name == settings.hookName ? byteCount : nil)
    }
    operations = nil
    weightByteCount = nil
    memoryByteCount = nil
  }

  /// Bytes of one shard of a hook point.
  static func byteCount(
    _ shard: Int, of point: HookPoint, _ model: ModelDescription, _ plan: ShardPlan,
    _ type: TensorType
  ) -> Int {
    ActivationShardBuilder.byteCount(
      rows: plan.rows(shard), dIn: point.width(in: model, contextSize: plan.contextSize),
      type: type, vocabularySize: model.vocabularySize, contextSize: plan.contextSize)
  }

  /// Bytes of work memory, of weights in bfloat16 and of the shards in the making.
  static func memoryByteCount(
    _ settings: CacheSettings, _ model: ModelDescription, _ hookPoints: [HookPoint],
    _ plan: ShardPlan
  ) -> Int {
    let shards = CacheBill.shardByteCount(settings, model, hookPoints, plan)
    return ForwardPass.byteCount(
      model, sequenceLimit: ShardMaker.batch(plan, settings, model, hookPoints),
      contextSize: plan.contextSize, hookPoints: hookPoints,
      processing: settings.weightProcessing, factors: settings.factors)
      + shards * ShardMaker.shardsAtOnce(plan, byteCount: shards)
  }

  /// Bytes of the first shard, the largest, of all hook points.
  static func shardByteCount(
    _ settings: CacheSettings, _ model: ModelDescription, _ hookPoints: [HookPoint],
    _ plan: ShardPlan
  ) -> Int {
    guard plan.shardCount > 0 else { return 0 }
    return hookPoints.reduce(0) {
      $0 + CacheBill.byteCount(0, of: $1, model, plan, settings.dtype.tensorType)
    }
  }

  package var byteCount: Int { items.reduce(0) { $0 + ($1.byteCount ?? 0) } }
  /// Bytes that are on the disk at once.
  package var diskByteCount: Int { min(byteCount, diskLimit ?? byteCount) }

  /// The bill in the shape of all programs; `needed` are the bytes that are not there yet.
  package func bill(isFinished: Bool = false, needed: Int? = nil) -> StageBill {
    let isKnown = items.allSatisfy { $0.byteCount != nil }
    return StageBill(
      .activations, isFinished: isFinished, tokens: plan.rowCount, lines: lines,
      diskByteCount: isKnown ? needed ?? diskByteCount : nil, memoryByteCount: memoryByteCount,
      operations: operations, parts: parts)
  }

  private var parts: [StageBill.Part] {
    guard let speed else { return [] }
    let tokens = Double(plan.sequenceCount * plan.contextSize)
    return [
      .init("model", seconds: tokens * speed.secondsPerToken),
      .init("shards", seconds: Double(byteCount) / speed.shardBytesPerSecond),
    ]
  }

  private var lines: [StageBill.Line] {
    let sequences =
      plan.positions.count == plan.contextSize
      ? "\(plan.contextSize)" : "\(plan.positions.count) kept of \(plan.contextSize)"
    var lines: [StageBill.Line] = [
      .init(
        "sequences", "\(Readable.count(plan.sequenceCount)) of \(sequences)", key: "sequences",
        .integer(plan.sequenceCount)),
      .init(
        "shards", "\(plan.shardCount) per hook point", key: "shards", .integer(plan.shardCount)),
    ]
    for item in items {
      lines.append(
        .init(
          item.name, item.byteCount.map { Readable.bytes($0) } ?? "unknown without d_in",
          key: "hook_points", hookPointBytes))
    }
    lines.append(
      .init(
        "weights", weightByteCount.map { Readable.bytes($0) + ", mapped" } ?? unknown,
        key: "weight_bytes", weightByteCount.map { .integer($0) } ?? .null))
    return lines
  }

  private var hookPointBytes: JSON {
    .object(
      Dictionary(items.map { ($0.name, $0.byteCount.map { .integer($0) } ?? .null) }) { first, _ in
        first
      })
  }

  private var unknown: String { "unknown without the model" }

  /// What helps against a disk that is too small.
  package static let diskRemedy = "lower cache.training_tokens"

  /// Refuses what does not fit into memory.
  package static func checkMemory(
    _ needed: Int, limit: Int = Memory.byteCount
  ) throws(CacheError) {
    guard needed > limit else { return }
    throw .memoryTooSmall(needed: needed, available: limit)
  }
}

extension ShardPlan {
  /// The sum over all shards, of which only the last may differ from the others.
  func sum(_ byteCount: (Int) -> Int) -> Int {
    guard shardCount > 0 else { return 0 }
    return byteCount(0) * (shardCount - 1) + byteCount(shardCount - 1)
  }
}
