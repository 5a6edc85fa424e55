// What the stage will cost, before it starts. Comes in: settings, and the model where it is here.
// Leaves: a table, and a refusal where the disk is too small.

package import Shared

/// The expected size of an activation stage.
package struct Bill: Sendable, Equatable {
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
    let shards = hookPoints.map { point in
      (0..<plan.shardCount).map {
        Bill.byteCount($0, of: point, model, plan, settings.dtype.tensorType)
      }
    }
    items = zip(hookPoints, shards).map { Item(name: $0.name, byteCount: $1.reduce(0, +)) }
    let layers = hookPoints.map { $0.layersNeeded(in: model) }.max() ?? 0
    operations =
      Double(plan.sequenceCount * context)
      * model.operationsPerToken(layers: layers, contextSize: context)
    let shardByteCount = shards.reduce(0) { $0 + ($1.first ?? 0) }
    memoryByteCount =
      ForwardPass.byteCount(
        model, sequenceLimit: ShardMaker.batch(plan, settings, model), contextSize: context,
        hookPoints: hookPoints, processing: LanguageModel.processing(settings))
      + shardByteCount * ShardMaker.shardsAtOnce(plan, byteCount: shardByteCount)
  }

  /// The bill of a model that is not here, from what the settings say about it.
  package init(_ settings: CacheSettings, contextSize: Int, operationsPerSecond: Double) {
    let width = settings.dIn
    let plan = ShardPlan(settings, modelWidth: width ?? 1, contextSize: contextSize)
    self.plan = plan
    self.operationsPerSecond = operationsPerSecond
    let rowByteCount = width.map {
      settings.dtype.tensorType.rowByteCount($0) + Bill.originByteCount
    }
    items = settings.allHookNames.map { name in
      Item(
        name: name,
        byteCount: name == settings.hookName ? rowByteCount.map { $0 * plan.rowCount } : nil)
    }
    operations = nil
    weightByteCount = nil
    memoryByteCount = nil
  }

  /// Bytes for the token, the sequence and the position of a row, at most.
  private static let originByteCount = 12

  /// Bytes of one shard of a hook point.
  static func byteCount(
    _ shard: Int, of point: HookPoint, _ model: ModelDescription, _ plan: ShardPlan,
    _ type: TensorType
  ) -> Int {
    ActivationShardBuilder.byteCount(
      rows: plan.rows(shard), dIn: point.width(in: model, contextSize: plan.contextSize),
      type: type, vocabularySize: model.vocabularySize, contextSize: plan.contextSize)
  }

  package var byteCount: Int { items.reduce(0) { $0 + ($1.byteCount ?? 0) } }
  package var seconds: Double? { operations.map { $0 / operationsPerSecond } }

  // MARK: For people

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

  // MARK: Measures

  /// Refuses a disk that is too small.
  package static func checkDisk(store: String, needed: Int) throws {
    var place = store
    while !System.exists(place), place != ".", place != "/" { place = folder(of: place) }
    let free = try System.freeByteCount(place)
    guard needed > free else { return }
    throw CacheError.diskTooSmall(store: store, needed: needed, free: free)
  }
}
