// The cached activations that a run trains on. Comes in: the pipeline file and the store. Leaves:
// the shards, and what their manifest says about model, hook point, width and statistics. Neither
// the model nor the data set has to be on this machine.

package import Shared

/// One activation shard.
package struct CachedShard: Sendable, Equatable {
  package let path: String
  package let rows: Int

  package init(path: String, rows: Int) {
    self.path = path
    self.rows = rows
  }
}

/// What the manifest of an activations stage says.
package struct CacheFacts: Sendable, Equatable {
  package let modelName: String
  package let hookName: String
  package let dIn: Int
  package let contextSize: Int
  package let rows: Int
  /// Mean of each column, `[dIn]`.
  package let mean: [Double]
  package let meanNorm: Double

  package init(
    modelName: String, hookName: String, dIn: Int, contextSize: Int, rows: Int, mean: [Double],
    meanNorm: Double
  ) {
    self.modelName = modelName
    self.hookName = hookName
    self.dIn = dIn
    self.contextSize = contextSize
    self.rows = rows
    self.mean = mean
    self.meanNorm = meanNorm
  }

  /// Reads the details of a manifest; `path` is named where one is missing.
  ///
  /// `known` are statistics in the place of those that stand there.
  init(
    details: JSON, path: String, statistics known: (mean: [Double], norm: Double)? = nil
  ) throws(TrainingSourceError) {
    func require<Value>(_ key: String, _ value: Value?) throws(TrainingSourceError) -> Value {
      guard let value else { throw .incompleteManifest(path: path, key: key) }
      return value
    }
    func size(_ key: String) throws(TrainingSourceError) -> Int {
      try require(key, details[key]?.integer.flatMap { (1...1 << 24).contains($0) ? $0 : nil })
    }
    let statistics = details["statistics"] ?? .null
    let (mean, norm): ([Double], Double)
    if let known {
      (mean, norm) = known
    } else {
      mean = try require("statistics.mean", statistics["mean"]?.array).compactMap(\.double)
      norm = try require("statistics.mean_norm", statistics["mean_norm"]?.double)
    }
    self.init(
      modelName: try require("model_name", details["model_name"]?.string),
      hookName: try require("hook_name", details["hook_name"]?.string),
      dIn: try size("d_in"), contextSize: try size("context_size"),
      rows: try require("rows", details["rows"]?.integer),
      mean: mean, meanNorm: norm)
    guard mean.count == dIn || known != nil else {
      throw .incompleteManifest(path: path, key: "statistics.mean")
    }
  }
}

/// Why a run has nothing to train on.
package enum TrainingSourceError: Failure, Equatable {
  case noHook
  case notCached(hook: String, store: String)
  case incompleteManifest(path: String, key: String)
  case contradiction(key: String, given: String, folder: String, fact: String)
  case nothingToTrainOn(folder: String)
  case unpaired(folder: String, targets: String)
  case nothingChosen(folder: String)
  case noTokens(folder: String)

  package var sentence: String {
    switch self {
    case .noHook: "Neither train.hook_name nor cache.hook_name says what to train on."
    case .notCached(let hook, let store):
      "The store \(store) holds no activations of \(hook) that were cached with these settings."
    case .incompleteManifest(let path, let key):
      "\(path) does not state \(key)."
    case .contradiction(let key, let given, let folder, let fact):
      "\(key) is \(given), but the cached activations in \(folder) \(fact)."
    case .nothingToTrainOn(let folder):
      "What is held out or left out leaves no row of \(folder) to train on."
    case .unpaired(let folder, let targets):
      "\(targets) does not hold the rows of \(folder), in the same order."
    case .noTokens(let folder): "The store lacks the tokens behind \(folder)."
    case .nothingChosen(let folder): "--activations: \(folder) holds no finished activations."
    }
  }

  package var hint: String? {
    switch self {
    case .noHook: "Set cache.hook_name, such as blocks.0.hook_mlp_out."
    case .notCached: "Run saeline-cache with the same pipeline file first (make cache CONFIG=…)."
    case .incompleteManifest: "The folder was not written by this version; cache it again."
    case .contradiction(let key, _, _, _): "Remove \(key) or make it agree."
    case .nothingToTrainOn:
      "Choose a smaller train.eval_fraction, or leave out less with exclude_special_tokens, "
        + "seqpos_slice or max_norm_multiple."
    case .unpaired: "Cache both hook points in one run, as cache.hook_names."
    case .noTokens: "Run saeline-pretokenize with the same pipeline file."
    case .nothingChosen: "Give a folder of the store's activations, with a manifest.json."
    }
  }
}

/// A finished activations stage.
package struct TrainingSource: Sendable {
  package let folder: String
  package let fingerprint: String
  package let facts: CacheFacts
  package let shards: [CachedShard]
  /// The fingerprint of the token stage behind it; nil of a cache that was imported.
  package let tokens: String?
  package let origin: CacheOrigin
  /// Of the model's files that it was made with.
  package let identities: [String: String]
  /// The first sequences of the token stage, which it was made from.
  package let sequenceCount: Int
  /// Tokens whose rows it leaves out.
  package let excludedTokens: Set<UInt32>
  /// Whether it was made with the files of the model that is on this machine, whatever that is called.
  private let isOfModelHere: Bool
  /// Compares shards with their manifest when they are read; nil of a stream, whose worker does.
  let shardCheck: ShardCheck?
  /// Where the shards come from that are not there; nil of a finished cache.
  package let supply: ShardSupply?
  /// Which of a stream's hook points it is.
  let part: Int
  /// How sequences are cut into shards; nil where the shards are there to tell.
  let sequencesPerShard: Int?

  package init(
    folder: String, fingerprint: String, facts: CacheFacts, shards: [CachedShard],
    tokens: String? = nil, origin: CacheOrigin = CacheOrigin(),
    identities: [String: String] = [:], sequenceCount: Int = 0,
    excludedTokens: Set<UInt32> = [], isOfModelHere: Bool = false, shardCheck: ShardCheck? = nil,
    supply: ShardSupply? = nil, part: Int = 0, sequencesPerShard: Int? = nil
  ) {
    self.shardCheck = shardCheck
    self.supply = supply
    self.part = part
    self.sequencesPerShard = sequencesPerShard
    self.isOfModelHere = isOfModelHere
    self.origin = origin
    self.folder = folder
    self.fingerprint = fingerprint
    self.tokens = tokens
    self.identities = identities
    self.sequenceCount = sequenceCount
    self.excludedTokens = excludedTokens
    self.facts = facts
    self.shards = shards
  }

  /// The hook points that a run reads: the SAE's, and that of a transcoder's targets.
  package static func hookNames(_ pipeline: Pipeline) throws(TrainingSourceError) -> [String] {
    let names = pipeline.trainedHookNames
    guard !names.isEmpty else { throw .noHook }
    return names
  }

  /// Finds the finished cache of a hook point among `inputs`, what the pipeline file names.
  package static func find(
    _ pipeline: Pipeline, _ inputs: Inputs, hook: String,
    verify: StageFolder.Verification = .sizes, supply: ShardSupply? = nil
  ) throws -> TrainingSource {
    let chosen = try chosen(pipeline, hook: hook)
    guard
      let folder = try chosen ?? ActivationKey.finished(pipeline, inputs, hookName: hook),
      let manifest = try folder.manifest(verify: verify)
    else {
      let stream = try streamed(pipeline, inputs, hook: hook, supply: supply)
      if let stream { return stream }
      throw TrainingSourceError.notCached(hook: hook, store: pipeline.store)
    }
    let facts = try CacheFacts(
      details: manifest.details, path: folder.path + "/" + Manifest.fileName)
    guard facts.hookName == hook || chosen == nil else {
      throw TrainingSourceError.contradiction(
        key: "train.hook_name", given: hook, folder: folder.path, fact: "are of \(facts.hookName)")
    }
    let store = Store(pipeline)
    let model = try inputs.model.value.flatMap { model in
      try ActivationKey.known { try ActivationKey.identities(model: model, store: store) }
    }
    let tokens = try manifest.input.flatMap {
      try Store(pipeline).find(stage: .tokens, fingerprint: $0)
    }
    let origin = try tokens?.readManifest()
    try check(facts, manifest, tokens: origin, in: folder)
    if let tokens, let origin { try tokens.checkFiles(origin) }
    return TrainingSource(
      folder: folder.path, fingerprint: manifest.fingerprint, facts: facts,
      shards: manifest.shards.map {
        CachedShard(path: folder.path + "/" + $0.file, rows: $0.rows)
      }, tokens: manifest.input,
      origin: CacheOrigin(manifest, tokens: origin),
      identities: manifest.identities,
      sequenceCount: manifest.details["sequences"]?.integer ?? 0,
      excludedTokens: excludedTokens(manifest),
      isOfModelHere: manifest.input != nil && manifest.identities == model,
      shardCheck: ShardCheck(folder, manifest, after: verify))
  }

  /// The tokens whose rows a cache leaves out.
  static func excludedTokens(_ manifest: Manifest) -> Set<UInt32> {
    let ids = manifest.details["excluded_tokens"]?.array ?? []
    return Set(ids.compactMap(\.integer).map { UInt32(clamping: $0) })
  }

  /// Refuses numbers that contradict the shards or the token stage behind them.
  private static func check(
    _ facts: CacheFacts, _ manifest: Manifest, tokens: Manifest?, in folder: StageFolder
  ) throws(ManifestError) {
    let context = tokens?.details["context_size"]?.integer ?? facts.contextSize
    let path = folder.path + "/" + Manifest.fileName
    if facts.rows != manifest.rows { throw .implausible(path: path, key: "details.rows") }
    if facts.contextSize != context {
      throw .implausible(path: path, key: "details.context_size")
    }
  }

  /// The folder that the command line chose for the hook point that the SAE reads.
  private static func chosen(_ pipeline: Pipeline, hook: String) throws -> StageFolder? {
    guard let path = pipeline.chosenActivations, try hookNames(pipeline).first == hook else {
      return nil
    }
    let folder = StageFolder(path: path, stage: .activations, fingerprint: nil)
    guard try folder.readManifest() != nil else {
      throw TrainingSourceError.nothingChosen(folder: path)
    }
    return folder
  }

  /// Refuses a pipeline file that says something else than the manifest.
  package func check(against pipeline: Pipeline) throws(TrainingSourceError) {
    try checkWidth("train.d_in", pipeline.train.dIn)
    try checkWidth("cache.d_in", pipeline.cache.dIn)
    let context = "come from contexts of \(facts.contextSize) tokens"
    let sizes = [
      ("train.context_size", pipeline.train.contextSize),
      ("cache.context_size", pipeline.cache.statedContextSize),
    ]
    for (key, given) in sizes {
      guard let given, given != facts.contextSize else { continue }
      throw .contradiction(key: key, given: String(given), folder: folder, fact: context)
    }
    let models = [
      ("train.model_name", pipeline.train.modelName),
      ("cache.model_name", pipeline.cache.modelName),
    ]
    for (key, given) in models {
      guard let given, !given.isEmpty, !ModelLabel.same(given, facts.modelName) else { continue }
      if isOfModelHere, ModelLabel.same(given, pipeline.cache.modelName) { continue }
      throw .contradiction(
        key: key, given: given, folder: folder, fact: "were taken from \(facts.modelName)")
    }
    for repetition in origin.repetitions(in: pipeline, facts) {
      guard case .contradicts(let fact) = repetition.verdict else { continue }
      throw .contradiction(key: repetition.key, given: repetition.given, folder: folder, fact: fact)
    }
  }

  /// Refuses a transcoder's targets that are not of the same rows.
  func checkPairing(_ targets: TrainingSource?) throws(TrainingSourceError) {
    guard let targets else { return }
    guard targets.tokens == tokens, targets.shards.map(\.rows) == shards.map(\.rows) else {
      throw .unpaired(folder: folder, targets: targets.folder)
    }
  }

  /// Refuses another width than that of the activations.
  func checkWidth(_ key: String, _ given: Int?) throws(TrainingSourceError) {
    guard let given, given != facts.dIn else { return }
    throw .contradiction(
      key: key, given: String(given), folder: folder, fact: "are \(facts.dIn) wide")
  }

  /// A sentence for each option that repeats what no manifest in the store tells.
  package func unknowns(in pipeline: Pipeline) -> [String] {
    origin.repetitions(in: pipeline, facts).filter { $0.verdict == .unknown }.map {
      "note: \($0.key): has no effect. The store does not tell it of these activations."
    }
  }

  /// The rows that settings let training see, as far as the manifest tells.
  ///
  /// Sequences that are held out and positions that are not used are counted by their share; which
  /// rows are left out for their token or norm only the rows themselves say.
  package func expectedRows(_ settings: TrainSettings) -> ExpectedRows {
    let isExact =
      settings.evalFraction <= 0 && settings.excludeSpecialTokens == .none
      && settings.seqposSlice == .all && settings.maxNormMultiple == nil
    if isExact { return ExpectedRows(count: facts.rows, isExact: true) }
    let cached = origin.positions(contextSize: facts.contextSize)
    let used = Set(settings.seqposSlice.positions(contextSize: facts.contextSize))
      .intersection(cached)
    let share =
      (1 - settings.evalFraction) * Double(used.count) / Double(max(1, cached.count))
    return ExpectedRows(count: Int((Double(facts.rows) * share).rounded()), isExact: false)
  }
}

/// How many rows training will see.
package struct ExpectedRows: Sendable, Equatable {
  package let count: Int
  /// Whether no filter leaves any out.
  package let isExact: Bool

  package init(count: Int, isExact: Bool) {
    self.count = count
    self.isExact = isExact
  }
}
