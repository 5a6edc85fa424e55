// A stream as the source of a run. Comes in: the pipeline file and what the cacher says of the stream. Leaves: a
// source as of a finished cache, whose shards come one after the other.

import Shared

extension TrainingSource {
  /// The stream of a hook point; nil where the pipeline file asks for none or the cacher has not begun one.
  ///
  /// All sources of a process have one `supply`, which is made where there is none yet.
  static func streamed(
    _ pipeline: Pipeline, _ inputs: Inputs, hook: String, supply: ShardSupply?
  ) throws -> TrainingSource? {
    guard pipeline.cache.maxDiskGB != nil, pipeline.chosenActivations == nil,
      let first = pipeline.trainedHookNames.first,
      let found = try ActivationKey.stream(pipeline, inputs, hookName: first)
    else { return nil }
    let (stage, stream) = found
    let part = hook == first ? 0 : 1
    let manifest = stream.manifest
    var details = manifest.details.object ?? [:]
    var fingerprint = manifest.fingerprint
    if part == 1 {
      guard let targets = stream.targets, targets.hookName == hook else { return nil }
      details["hook_name"] = .string(targets.hookName)
      details["d_in"] = .integer(targets.dIn)
      fingerprint = targets.fingerprint
    }
    let path = stream.folder.descriptionPath
    let facts = try CacheFacts(
      details: .object(details), path: path, statistics: (mean: [], norm: 0))
    guard let length = manifest.details["sequences_per_shard"]?.integer, length > 0,
      facts.rows == manifest.rows
    else { throw TrainingSourceError.incompleteManifest(path: path, key: "sequences_per_shard") }
    let tokens = try manifest.input.flatMap {
      try Store(pipeline).find(stage: .tokens, fingerprint: $0)
    }
    return TrainingSource(
      folder: stage.path, fingerprint: fingerprint, facts: facts,
      shards: manifest.shards.indices.map {
        CachedShard(
          path: stream.folder.shardPath($0, part: part), rows: manifest.shards[$0].rows)
      }, tokens: manifest.input,
      origin: CacheOrigin(manifest, tokens: try tokens?.readManifest()),
      identities: manifest.identities,
      sequenceCount: manifest.details["sequences"]?.integer ?? 0,
      excludedTokens: TrainingSource.excludedTokens(manifest),
      supply: supply ?? ShardSupply(stream), part: part, sequencesPerShard: length)
  }

  /// Mean of each column, and mean norm of rows, over the whole cache.
  func statistics() throws -> (mean: [Double], meanNorm: Double) {
    guard let supply else { return (facts.mean, facts.meanNorm) }
    let sums = try supply.statistics(part: part, dIn: facts.dIn)
    return (sums.mean, sums.meanNorm)
  }

  /// Reads some shards one after the other, in the order given.
  func read<Result>(
    _ indices: [Int], _ body: (ActivationReader) throws -> Result
  ) throws -> [Result] {
    let pass = supply?.pass()
    defer { pass?.close() }
    return try indices.enumerated().map { place, index in
      try pass?.wait(for: index, window: [index], next: { indices[(place + 1)...].prefix($0) })
      try shardCheck?.check(shards[index].path)
      return try body(ActivationReader.open(shards[index].path))
    }
  }
}

/// Waiting for the cacher to open a stream.
enum StreamOpening {
  private static let pauseSeconds = 0.2
  private static let patience = 3.0

  /// Returns once there is a stream or a finished cache for a pipeline file that asks for one.
  static func wait(
    _ pipeline: Pipeline, through door: (any HubDoor)?, note: (String) -> Void
  ) throws {
    guard pipeline.cache.maxDiskGB != nil, pipeline.chosenActivations == nil,
      let hook = pipeline.trainedHookNames.first
    else { return }
    let inputs = Inputs(pipeline, through: door?.cached, text: door?.cached)
    let start = System.uptime
    var hasSaid = false
    while try ActivationKey.finished(pipeline, inputs, hookName: hook) == nil,
      try ActivationKey.stream(pipeline, inputs, hookName: hook) == nil
    {
      if !hasSaid, System.uptime - start > patience {
        note(ShardSupply.waiting)
        hasSaid = true
      }
      try ShardSupply.checkInterruption()
      System.sleep(seconds: pauseSeconds)
    }
  }
}
