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
  /// Floating-point operations of all passes; nil where the model is not here.
  package let operations: Double?
  /// Bytes of the model's weights in their files, which are mapped.
  package let weightByteCount: Int?
  /// Bytes of work memory and shards in the making.
  package let memoryByteCount: Int?
  /// Operations per second of this machine.
  package let operationsPerSecond: Double

  /// The bill of a model that is here.
  package init(
    _ settings: CacheSettings, model: ModelDescription, hookPoints: [HookPoint], plan: ShardPlan,
    weightByteCount: Int, operationsPerSecond: Double
  ) {
    self.plan = plan
    self.weightByteCount = weightByteCount
    self.operationsPerSecond = operationsPerSecond
    let context = plan.contextSize
    let type = settings.dtype.tensorType
    items = hookPoints.map { point in
      Item(
        name: point.name,
        byteCount: plan.sum { CacheBill.byteCount($0, of: point, model, plan, type) })
    }
    let layers = hookPoints.map { $0.layersNeeded(in: model) }.max() ?? 0
    operations =
      Double(plan.sequenceCount * context)
      * model.operationsPerToken(layers: layers, contextSize: context)
    memoryByteCount = CacheBill.memoryByteCount(settings, model, hookPoints, plan)
  }

  /// The bill of a model that is not here, from what the settings say about it.
  package init(_ settings: CacheSettings, contextSize: Int, operationsPerSecond: Double) {
    let width = settings.dIn
    let plan = ShardPlan(settings, modelWidth: width ?? 1, contextSize: contextSize)
    self.plan = plan
    self.operationsPerSecond = operationsPerSecond
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

  /// Bytes of work memory and of the shards in the making.
  static func memoryByteCount(
    _ settings: CacheSettings, _ model: ModelDescription, _ hookPoints: [HookPoint],
    _ plan: ShardPlan
  ) -> Int {
    let shards = CacheBill.shardByteCount(settings, model, hookPoints, plan)
    return ForwardPass.byteCount(
      model, sequenceLimit: ShardMaker.batch(plan, settings, model, hookPoints),
      contextSize: plan.contextSize, hookPoints: hookPoints,
      processing: settings.weightProcessing)
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
  package var seconds: Double? { operations.map { $0 / operationsPerSecond } }

  package var table: Table {
    var table = Table(title: "cache: the bill", columns: [Table.Column(""), Table.Column("")])
    table.add([
      "tokens",
      "\(Readable.count(plan.rowCount)) in \(Readable.count(plan.sequenceCount)) sequences of "
        + (plan.positions.count == plan.contextSize
          ? "\(plan.contextSize)" : "\(plan.positions.count) kept of \(plan.contextSize)"),
    ])
    for item in items {
      table.add([item.name, item.byteCount.map { Readable.bytes($0) } ?? "unknown without d_in"])
    }
    table.add([
      "disk",
      "\(Readable.bytes(byteCount)) in \(plan.shardCount) "
        + (plan.shardCount == 1 ? "shard" : "shards") + " per hook point",
    ])
    table.add(["memory", memoryByteCount.map { "about " + Readable.bytes($0) } ?? unknown])
    table.add(["weights", weightByteCount.map { Readable.bytes($0) + ", mapped" } ?? unknown])
    table.add(["forward pass", operations.map { Readable.count($0) + " operations" } ?? unknown])
    table.add(["this machine", Readable.count(operationsPerSecond) + " operations/s"])
    table.add(["time", seconds.map { "about " + Readable.duration(seconds: $0) } ?? unknown])
    return table
  }

  private var unknown: String { "unknown without the model" }

  package var json: JSON {
    .object([
      "tokens": .integer(plan.rowCount), "sequences": .integer(plan.sequenceCount),
      "shards": .integer(plan.shardCount), "disk_bytes": .integer(byteCount),
      "hook_points": .object(
        Dictionary(
          items.map { ($0.name, $0.byteCount.map { .integer($0) } ?? .null) },
          uniquingKeysWith: { first, _ in first })),
      "weight_bytes": weightByteCount.map { .integer($0) } ?? .null,
      "memory_bytes": memoryByteCount.map { .integer($0) } ?? .null,
      "operations": operations.map { .number($0) } ?? .null,
      "operations_per_second": .number(operationsPerSecond),
      "seconds": seconds.map { .number($0) } ?? .null,
    ])
  }

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
