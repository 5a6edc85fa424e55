// Activations of another program as a stage of the store: a cache → shards → manifest. The trainer
// finds the folder by the pipeline file; neither the model nor a token stage has to be there.

package import Shared

/// One import.
package struct Importing: Sendable {
  private let cache: ImportedCache
  private let pipeline: Pipeline
  private let hookName: String
  private let contextSize: Int
  private let rowsPerShard: Int
  private let rowCount: Int
  /// Of the cache's files, which the key was taken of.
  private let marks: InputMarks
  private let key: StageKey
  private let folder: StageFolder
  private let verification: StageFolder.Verification
  private let mode: Progress.Mode
  private let terminal: Terminal

  /// About so many numbers are read at once.
  private static let chunkCount = 4 << 20

  private var settings: CacheSettings { pipeline.cache }
  private var type: TensorType { settings.dtype.tensorType }
  private var shardCount: Int { (rowCount + rowsPerShard - 1) / rowsPerShard }

  /// Looks through a cache and compares it with the pipeline file.
  ///
  /// - Parameters:
  ///   - pipeline: where the stage goes, and the settings that the trainer will look for.
  ///   - source: the folder of the cache.
  ///   - hook: the hook point that was cached; nil for the one that will be trained on.
  ///   - verification: how an import that is there already is compared with its manifest.
  ///   - mode: whether progress is shown.
  ///   - terminal: where.
  /// - Throws: what is wrong with the cache, or where it contradicts the pipeline file.
  package init(
    _ pipeline: Pipeline, folder source: String, hook: String? = nil,
    verification: StageFolder.Verification = .sizes, mode: Progress.Mode = .automatic,
    terminal: Terminal = .standardError
  ) throws {
    let known = pipeline.cache.allHookNames
    if let hook, !known.contains(hook) {
      throw ExchangeError.notInPipeline(hook: hook, known: known)
    }
    let name = hook ?? pipeline.train.hookName ?? known.first ?? ""
    cache = try ImportedCache.open(source, hookName: name)
    (self.pipeline, hookName) = (pipeline, name)
    (self.verification, self.mode, self.terminal) = (verification, mode, terminal)
    try Importing.check(cache, against: pipeline)
    let context = cache.contextSize ?? pipeline.cache.statedContextSize ?? 1
    contextSize = context
    let sequences = (cache.rowCount + context - 1) / context
    guard sequences <= 1 << 32 else { throw ExchangeError.tooManySequences(source) }
    let wanted = pipeline.cache.trainingTokens / context
    let isWhole = pipeline.cache.trainingTokens % context == 0
    rowCount = min(cache.rowCount, min(sequences, isWhole ? wanted : wanted + 1) * context)
    let sequenceByteCount = context * pipeline.cache.dtype.tensorType.rowByteCount(cache.dIn)
    let fitting = pipeline.cache.bufferSizeGB * 1e9 / Double(sequenceByteCount)
    let limit = min(sequences, ActivationShardBuilder.rowLimit / context)
    rowsPerShard = max(1, Int(min(fitting, Double(limit)))) * context
    var identities: [String: String] = [:]
    marks = try InputMarks(cache.files.map(\.path))
    let store = Store(pipeline)
    for file in cache.files {
      let name = file.path.split(separator: "/").last.map { String($0) } ?? file.path
      identities[name] = try FileIdentity.of(file.path, store: store)
    }
    // Rows after rows are counted into sequences by the pipeline file.
    if cache.contextSize == nil { identities["context_size"] = String(context) }
    key = StageKey(
      stage: .activations, label: ActivationKey.label(pipeline.cache.modelName) + "." + name,
      settings: ActivationKey.settings(pipeline, hookName: name), identities: identities)
    folder = store.folder(key)
  }

  /// Refuses a pipeline file that says something else than the cache.
  private static func check(_ cache: ImportedCache, against pipeline: Pipeline) throws {
    func compare(_ key: String, _ given: Int?, _ actual: Int?, _ fact: String) throws {
      guard let given, let actual, given != actual else { return }
      throw ExchangeError.contradiction(
        key: key, given: given, folder: cache.folder, fact: fact)
    }
    let width = "are \(cache.dIn) wide"
    try compare("cache.d_in", pipeline.cache.dIn, cache.dIn, width)
    try compare("train.d_in", pipeline.train.dIn, cache.dIn, width)
    let context = "come in sequences of \(cache.contextSize ?? 0)"
    let stated = pipeline.cache.statedContextSize
    try compare("cache.context_size", stated, cache.contextSize, context)
    try compare("train.context_size", pipeline.train.contextSize, cache.contextSize, context)
    if cache.contextSize == nil, let given = stated, given > cache.rowCount {
      try compare("cache.context_size", given, cache.rowCount, "are \(cache.rowCount) in all")
    }
  }

  /// The bytes of the whole stage.
  package var byteCount: Int { byteCount { _ in true } }

  private func byteCount(of isCounted: (Int) -> Bool) -> Int {
    (0..<shardCount).filter(isCounted).reduce(0) { total, shard in
      total
        + ActivationShardBuilder.byteCount(
          rows: rows(shard).count, dIn: cache.dIn, type: type,
          vocabularySize: cache.vocabularySize, contextSize: contextSize)
    }
  }

  /// What would be written.
  package var result: ExchangeResult {
    ExchangeResult(folders: [folder.path], rows: rowCount, didWork: false)
  }

  private func say(_ text: String) { if mode != .quiet { terminal.print(text) } }

  /// Makes the folder, or finds it made.
  package func run() throws -> ExchangeResult {
    for damage in try folder.removeDamagedShards(verify: verification) {
      say("import: \(damage) It is made again.")
    }
    guard try !folder.isFinished() else {
      if let manifest = try folder.readManifest() { try folder.clearUp(manifest) }
      say("import: nothing to do (\(folder.path))")
      return result
    }
    for damage in try folder.removeUnreadableShards(shardCount, dIn: cache.dIn) {
      say("import: \(damage) It is made again.")
    }
    let missing = byteCount {
      !System.exists(folder.path + "/" + ActivationShard.fileName($0))
    }
    try DiskSpace.require(missing, at: pipeline.store, remedy: CacheBill.diskRemedy)
    if rowCount < cache.rowCount {
      say(
        "import: cache.training_tokens takes \(Readable.count(rowCount)) of the cache's "
          + "\(Readable.count(cache.rowCount)) activations")
    } else if rowCount < settings.trainingTokens {
      say(
        "import: the cache holds \(Readable.count(rowCount)) activations, fewer than "
          + "training_tokens; all of them are taken")
    }
    let start = System.uptime
    try makeShards()
    try folder.finish(manifest)
    try Timing(tokens: rowCount, seconds: System.uptime - start).write(folder: folder.path)
    return ExchangeResult(folders: [folder.path], rows: rowCount, didWork: true)
  }

  private func rows(_ shard: Int) -> Range<Int> {
    shard * rowsPerShard..<min((shard + 1) * rowsPerShard, rowCount)
  }

  private func makeShards() throws {
    let progress = Progress(
      stage: "import", total: rowCount, parts: shardCount, mode: mode, terminal: terminal)
    var source = ImportedRows(cache)
    var made: Set<Int> = []
    try folder.work(
      units: shardCount, name: ActivationShard.fileName,
      produce: { shard, file in
        let builder = try build(shard, from: &source) { progress.advance($0) }
        let statistics = try builder.write(
          metadata: [
            "fingerprint": key.fingerprint, "hook_name": hookName, "shard": String(shard),
          ], to: &file)
        try marks.check()
        guard statistics.isFinite else {
          throw CacheError.notFinite(hook: hookName, model: modelName, sequence: nil)
        }
        made.insert(shard)
      },
      onFinished: { shard in
        progress.finishPart()
        if !made.contains(shard) { progress.skip(rows(shard).count) }
      })
    progress.finish()
  }

  /// A shard with its rows at the places that the seed gives them.
  private func build(
    _ shard: Int, from source: inout ImportedRows, onChunk: (Int) -> Void
  ) throws -> ActivationShardBuilder {
    let range = rows(shard)
    var builder = ActivationShardBuilder(
      rows: range.count, dIn: cache.dIn, type: type, vocabularySize: cache.vocabularySize,
      contextSize: contextSize)
    let order =
      settings.shuffle
      ? Random(seed: settings.seed, stream: "rows", index: shard).permutation(range.count)
      : (0..<UInt32(range.count)).map { $0 }
    let chunk = max(1, Self.chunkCount / (contextSize * cache.dIn)) * contextSize
    var values = AlignedBuffer<Float>(count: min(chunk, range.count) * cache.dIn)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: chunk) {
      try Interrupted.checkBetweenShards()
      let part = start..<min(start + chunk, range.upperBound)
      var all = values.mutableSpan
      let tokens = try all.withDisjoint { memory in
        try memory.withSlice(0..<part.count * cache.dIn) { try source.read(part, into: &$0) }
      }
      let places = part.lowerBound - range.lowerBound..<part.upperBound - range.lowerBound
      let sequences = part.map { UInt32($0 / contextSize) }
      let positions = part.map { UInt32($0 % contextSize) }
      builder.put(
        values.span.extracting(0..<part.count * cache.dIn),
        at: order.span.extracting(places), tokens: tokens.span, sequences: sequences.span,
        positions: positions.span)
      onChunk(part.count)
    }
    return builder
  }

  /// The model as a manifest names it: no absolute path enters the store.
  private var modelName: String {
    let name = settings.modelName
    return name.hasPrefix("/") ? ActivationKey.label(name) : name
  }

  /// The manifest of a folder whose shards all exist, from the shards alone.
  private func manifest() throws -> Manifest {
    var statistics = ActivationStatistics(dIn: cache.dIn)
    for shard in 0..<shardCount {
      statistics.add(
        try ActivationShard.open(folder.path + "/" + ActivationShard.fileName(shard)).statistics())
    }
    return Manifest(
      key: key, name: key.label, tool: "saeline-cache \(Product.version)",
      shards: try (0..<shardCount).map {
        try folder.shard(ActivationShard.fileName($0), rows: rows($0).count)
      },
      details: .object([
        "model_name": .string(modelName),
        "hook_name": .string(hookName), "d_in": .integer(cache.dIn),
        "context_size": .integer(contextSize),
        "vocabulary_size": .integer(cache.vocabularySize), "dtype": .string(type.rawValue),
        "rows": .integer(rowCount),
        "sequences": .integer((rowCount + contextSize - 1) / contextSize),
        "has_tokens": .bool(cache.hasTokens), "statistics": statistics.json,
      ]))
  }
}
