// The stage: token shards → forward passes → activation shards → manifests, one folder per hook
// point. Any number of processes may run it at once; the bytes depend on settings, model and tokens.
//
// A unit of work is a shard. Units are claimed in the folder of the first hook point, and the same
// pass makes that shard of every other hook point that lacks it; these are published first, so a
// unit that is done in the first folder is done in all. What an earlier run left incomplete is
// made up for when the other folders take their turn.

package import Shared
import Synchronization

/// What came of a run.
package struct CacheResult: Sendable, Equatable {
  package let folders: [String]
  package let rows: Int
  package let tokensPerSecond: Double
  package let didWork: Bool
  /// What this process made where activations are streamed.
  package var streamed: StreamedShards?

  package var json: JSON {
    var members: [String: JSON] = [
      "folders": .array(folders.map { .string($0) }), "rows": .integer(rows),
      "tokens_per_second": .number(tokensPerSecond), "did_work": .bool(didWork),
    ]
    if let streamed {
      members["shards_made"] = .integer(streamed.count)
      members["made_again"] = .integer(streamed.again)
    }
    return .object(members)
  }
}

/// One run of the stage.
package struct Caching: Sendable {
  package let pipeline: Pipeline
  /// Of the pipeline's sweep.
  let combinations: [Combination]
  package let model: ModelDescription
  let modelFolder: String
  private let door: (any HubDoor)?
  package let hookPoints: [HookPoint]
  package let plan: ShardPlan
  let tokens: TokenSequences
  let keys: [StageKey]
  /// Of the model's files, which the keys were taken of.
  private let marks: InputMarks
  let folders: [StageFolder]
  private let verification: StageFolder.Verification
  let memoryLimit: Int
  let mode: Progress.Mode
  let terminal: Terminal

  var settings: CacheSettings { pipeline.cache }

  /// Reads the settings against model and tokens and finds the places in the store.
  package init(
    _ pipeline: Pipeline, combinations: [Combination] = [], through door: (any HubDoor)? = nil,
    verification: StageFolder.Verification = .sizes,
    memoryLimit: Int = Memory.byteCount, mode: Progress.Mode = .automatic,
    terminal: Terminal = .standardError
  ) throws {
    self.pipeline = pipeline
    self.combinations = combinations
    self.door = door
    self.verification = verification
    self.memoryLimit = memoryLimit
    self.mode = mode
    self.terminal = terminal
    let inputs = try CacheInputs.find(pipeline, through: door)
    modelFolder = inputs.model
    marks = try InputMarks(ActivationKey.files(model: modelFolder))
    model = try ModelDescription.open(folder: modelFolder)
    tokens = try TokenSequences(inputs.tokens, verification: verification)
    hookPoints = try LanguageModel.hookPoints(
      pipeline.cache, in: model, contextSize: tokens.contextSize)
    try LanguageModel.checkTraining(
      pipeline.train, hookPoints, in: model, contextSize: tokens.contextSize)
    try LanguageModel.checkContext(pipeline.cache, tokens, model)
    plan = ShardPlan(
      pipeline.cache, modelWidth: model.width, contextSize: tokens.contextSize,
      available: tokens.sequenceCount)
    let store = Store(pipeline)
    let identities = try ActivationKey.identities(model: modelFolder, store: store)
    let input = tokens.fingerprint
    keys = hookPoints.map {
      ActivationKey.make(pipeline, hookName: $0.name, identities: identities, tokens: input)
    }
    folders = keys.map { store.folder($0) }
  }

  /// Makes the folders, or finds them made; shards that were damaged since are made again.
  package func run() throws -> CacheResult {
    LastUse.mark(tokens.folder.path)
    for folder in folders {
      for damage in try folder.removeDamagedShards(verify: verification) {
        say("activations: \(damage) It is made again.")
      }
    }
    let missing = try folders.indices.filter { try !folders[$0].isFinished() }
    for index in folders.indices where !missing.contains(index) {
      if let manifest = try folders[index].readManifest() { try folders[index].clearUp(manifest) }
    }
    guard !missing.isEmpty else {
      for folder in folders {
        LastUse.mark(folder.path)
        say("activations: nothing to do (\(folder.path))")
      }
      try summarize()
      let speed = Timing.read(folder: folders[0].path)?.tokensPerSecond ?? 0
      return try result(tokensPerSecond: speed, didWork: false)
    }
    if let gigabytes = settings.maxDiskGB { return try stream(gigabytes) }
    try checkDisk(missing)
    try CacheBill.checkMemory(
      CacheBill.memoryByteCount(settings, model, missing.map { hookPoints[$0] }, plan),
      limit: memoryLimit)
    if let warning = TokenizerAgreement.warning(pipeline, through: door) {
      say("warning: " + warning)
    }
    let wanted = settings.trainingTokens
    if plan.rowCount < wanted {
      say(
        "activations: the token shards hold \(Readable.count(plan.rowCount)) tokens, fewer than "
          + "training_tokens; all of them are taken")
    }
    let start = System.uptime
    let speed = try make(missing)
    for index in missing {
      try folders[index].finish { try manifest(index) }
      try Timing(tokens: plan.sequenceCount * plan.contextSize, seconds: System.uptime - start)
        .write(folder: folders[index].path)
    }
    try summarize()
    return try result(tokensPerSecond: speed, didWork: true)
  }

  /// How far the folders are, whoever works on them.
  package func progress() throws -> [StageProgress] {
    let streamed = settings.maxDiskGB == nil ? nil : pipeline.trainedHookNames.first
    return try folders.enumerated().map { index, folder in
      if hookPoints[index].name == streamed, try !folder.isFinished() {
        return StageProgress(
          folder: StreamFolder(of: folder, partCount: 1).path, unit: StageProgress.shard,
          names: nil, isUnit: StreamFolder.isShard)
      }
      return try StageProgress.finished(folder)
        ?? StageProgress(
          folder: folder.path, unit: StageProgress.shard,
          names: (0..<plan.shardCount).map(ActivationShard.fileName))
    }
  }

  func say(_ text: String) { if mode != .quiet { terminal.print(text) } }

  private func summarize() throws {
    guard mode != .quiet else { return }
    for folder in folders {
      guard let manifest = try folder.readManifest() else { continue }
      StageSummary(folder, manifest).table.print(to: terminal)
    }
  }

  private func result(tokensPerSecond: Double, didWork: Bool) throws -> CacheResult {
    CacheResult(
      folders: folders.map(\.path), rows: try folders[0].readManifest()?.rows ?? plan.rowCount,
      tokensPerSecond: tokensPerSecond, didWork: didWork)
  }

  /// Refuses a disk on which the missing shards would not fit.
  private func checkDisk(_ missing: [Int]) throws {
    let needed = missing.reduce(0) { total, index in
      let made = (try? System.names(folders[index].path)) ?? []
      return (0..<plan.shardCount).reduce(total) { total, shard in
        let type = settings.dtype.tensorType
        let byteCount = CacheBill.byteCount(shard, of: hookPoints[index], model, plan, type)
        return total + (made.contains(ActivationShard.fileName(shard)) ? 0 : byteCount)
      }
    }
    try DiskSpace.require(needed, at: pipeline.store, remedy: CacheBill.diskRemedy)
  }

  // MARK: - Work

  /// Makes the missing shards; returns tokens per second.
  private func make(_ missing: [Int]) throws -> Double {
    for index in missing {
      let width = hookPoints[index].width(in: model, contextSize: plan.contextSize)
      try System.createDirectories(folders[index].path)
      for damage in try folders[index].removeUnreadableShards(plan.shardCount, dIn: width) {
        say("activations: \(damage) It is made again.")
      }
    }
    let progress = Progress(
      stage: "cache", total: plan.rowCount, parts: plan.shardCount, mode: mode, terminal: terminal)
    let points = missing.map { hookPoints[$0] }
    let maker = try ShardMaker(
      modelFolder, plan: plan, tokens: tokens, settings: settings, hookPoints: points)
    let shardByteCount = CacheBill.shardByteCount(settings, model, points, plan)
    for (turn, index) in missing.enumerated() {
      let made = Mutex<Set<Int>>([])
      try folders[index].work(
        units: plan.shardCount, name: ActivationShard.fileName,
        ahead: ShardMaker.shardsAtOnce(plan, byteCount: shardByteCount),
        compute: { shard in
          let lacking = missing.indices.filter { other in
            other == turn
              || !System.exists(
                folders[missing[other]].path + "/" + ActivationShard.fileName(shard))
          }
          made.withLock { _ = $0.insert(shard) }
          return try maker.make(shard, hookPoints: lacking) { count in
            if turn == 0 { progress.advance(count) }
          }
        },
        write: { shard, parts, file in
          for part in parts where part.hookPoint != turn {
            try publish(part, shard, missing[part.hookPoint])
          }
          for part in parts where part.hookPoint == turn {
            try write(part, shard, index, to: &file)
          }
        },
        onFinished: { shard in
          guard turn == 0 else { return }
          progress.finishPart()
          if !made.withLock({ $0.contains(shard) }) { progress.skip(plan.rows(shard)) }
        },
        onWaiting: { progress.note("cache: " + $0) })
    }
    return progress.finish()
  }

  private func publish(_ part: ShardMaker.Part, _ shard: Int, _ index: Int) throws {
    var file = try AtomicFile.create(folders[index].path + "/" + ActivationShard.fileName(shard))
    try write(part, shard, index, to: &file)
    _ = try folders[index].publish(file)
  }

  /// Writes a shard, unless its numbers are not finite as they are stored.
  @discardableResult
  func write(
    _ part: ShardMaker.Part, _ shard: Int, _ index: Int, to file: inout AtomicFile
  ) throws -> ActivationStatistics {
    let statistics = try part.builder.write(metadata: metadata(shard, index), to: &file)
    try marks.check()
    try checkFinite(statistics, index)
    return statistics
  }

  private func checkFinite(
    _ statistics: ActivationStatistics, _ index: Int
  ) throws(CacheError) {
    guard !statistics.isFinite else { return }
    throw .notFinite(hook: hookPoints[index].name, model: modelName, sequence: nil)
  }

  private func metadata(_ shard: Int, _ index: Int) -> [String: String] {
    [
      "fingerprint": keys[index].fingerprint, "hook_name": hookPoints[index].name,
      "shard": String(shard),
    ]
  }

  // MARK: - End

  /// The model as a manifest names it: no absolute path enters the store.
  private var modelName: String {
    let name = settings.modelName
    return name.hasPrefix("/") ? ActivationKey.label(name) : name
  }

  /// What the next stage needs to know of a hook point besides the statistics.
  func details(_ index: Int, rows: Int) throws -> [String: JSON] {
    let point = hookPoints[index]
    var details: [String: JSON] = [
      "model_name": .string(modelName), "hook_name": .string(point.name),
      "d_in": .integer(point.width(in: model, contextSize: plan.contextSize)),
      "context_size": .integer(plan.contextSize),
      "vocabulary_size": .integer(model.vocabularySize),
      "dtype": .string(settings.dtype.tensorType.rawValue), "rows": .integer(rows),
      "sequences": .integer(plan.sequenceCount),
    ]
    if let head = settings.hookHeadIndex { details["hook_head_index"] = .integer(head) }
    if settings.autocastLM { details["autocast_lm"] = true }
    if settings.seqposSlice != .all { details["seqpos_slice"] = settings.seqposSlice.json }
    if settings.excludeSpecialTokens != .none {
      details["excluded_tokens"] = .array(
        try tokens.excluded(settings).sorted().map { .integer(Int($0)) })
    }
    return details
  }

  /// The manifest of a hook point whose shards all exist, from the shards alone.
  private func manifest(_ index: Int) throws -> Manifest {
    let (folder, point) = (folders[index], hookPoints[index])
    let width = point.width(in: model, contextSize: plan.contextSize)
    var statistics = ActivationStatistics(dIn: width)
    var rows: [Int] = []
    for shard in 0..<plan.shardCount {
      let content = try ActivationShard.open(
        folder.path + "/" + ActivationShard.fileName(shard))
      statistics.add(try content.statistics())
      rows.append(content.rows)
    }
    try checkFinite(statistics, index)
    var details = try details(index, rows: rows.reduce(0, +))
    details["statistics"] = statistics.json
    return Manifest(
      key: keys[index], name: keys[index].label, tool: "saeline-cache \(Product.version)",
      shards: try (0..<plan.shardCount).map {
        try folder.shard(ActivationShard.fileName($0), rows: rows[$0])
      },
      details: .object(details))
  }
}
