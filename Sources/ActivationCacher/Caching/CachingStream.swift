// The stage under a disk budget: activation shards are made ahead of training, and go when it has read them. Comes
// in: `cache.max_disk_gb` and what readers ask for. Leaves: shards with the bytes that they have in a whole cache.
// See StreamFolder for what keeps the budget, and StreamPlan for what is made next.

import Shared

extension Caching {
  /// Makes shards for training until all runs of the pipeline are finished.
  func stream(_ gigabytes: Double) throws -> CacheResult {
    let pipelines = combinations.isEmpty ? [pipeline] : combinations.map(\.pipeline)
    try StreamRefusal.check(pipelines.map(\.trainedHookNames))
    let indices = try pipelines[0].trainedHookNames.map { name in
      guard let index = hookPoints.firstIndex(where: { $0.name == name }) else {
        throw StreamRefusal.notCached(hook: name)
      }
      return index
    }
    let points = indices.map { hookPoints[$0] }
    let shardByteCount = CacheBill.shardByteCount(settings, model, points, plan)
    let budget = try StreamBudget(
      gigabytes: gigabytes, shardByteCount: shardByteCount,
      noteByteCount: points.reduce(0) {
        $0 + StreamNote.byteCount(dIn: $1.width(in: model, contextSize: plan.contextSize))
      }, shardCount: plan.shardCount)
    let stream = try description(indices, budget)
    let end = StreamEnd(stream.folder, pipeline, combinations)
    let isRead = try end.isReached()
    var watch = LeaseWatch()
    guard try !isRead || stream.hasReaders(&watch) else {
      say("activations: nothing to do, all runs are finished (\(stream.folder.path))")
      return result(stream, StreamedShards(), tokensPerSecond: 0, didWork: false)
    }
    let taken = System.isDirectory(stream.folder.path) ? try stream.folder.content().slots.count : 0
    try DiskSpace.require(
      max(0, budget.slots - taken) * shardByteCount, at: pipeline.store,
      remedy: "lower cache.max_disk_gb")
    try CacheBill.checkMemory(
      CacheBill.memoryByteCount(settings, model, points, plan), limit: memoryLimit)
    try stream.write()
    say(
      "activations: \(plan.shardCount) shards pass through \(budget.slots) places of "
        + "\(Readable.bytes(shardByteCount)) (\(stream.folder.path))")
    let maker = try ShardMaker(
      modelFolder, plan: plan, tokens: tokens, settings: settings, hookPoints: points)
    var work = StreamWork(caching: self, stream: stream, indices: indices, maker: maker)
    let (made, speed) = try work.run(until: end)
    say("activations: \(made.sentence)")
    return result(stream, made, tokensPerSecond: speed, didWork: true)
  }

  private func result(
    _ stream: ActivationStream, _ made: StreamedShards, tokensPerSecond: Double, didWork: Bool
  ) -> CacheResult {
    CacheResult(
      folders: [stream.folder.path], rows: stream.manifest.rows, tokensPerSecond: tokensPerSecond,
      didWork: didWork, streamed: made)
  }

  /// What readers are told of the stream.
  private func description(_ indices: [Int], _ budget: StreamBudget) throws -> ActivationStream {
    let rows = try rowCounts()
    let (key, first) = (keys[indices[0]], indices[0])
    let shards = (0..<plan.shardCount).map { shard in
      Manifest.Shard(
        file: ActivationShard.fileName(shard), rows: rows[shard],
        bytes: CacheBill.byteCount(
          shard, of: hookPoints[first], model, plan, settings.dtype.tensorType), sha256: "")
    }
    var details = try details(first, rows: rows.reduce(0, +))
    details["sequences_per_shard"] = .integer(plan.sequencesPerShard)
    let targets = indices.dropFirst().first.map { index in
      ActivationStream.Targets(
        fingerprint: keys[index].fingerprint, hookName: hookPoints[index].name,
        dIn: hookPoints[index].width(in: model, contextSize: plan.contextSize))
    }
    return ActivationStream(
      Manifest(
        key: key, name: key.label, tool: "saeline-cache \(Product.version)", shards: shards,
        details: .object(details)), in: folders[first], slots: budget.slots, seats: budget.seats,
      targets: targets)
  }

  /// The rows of every shard, from the tokens alone.
  private func rowCounts() throws -> [Int] {
    let excluded = try tokens.excluded(settings)
    guard !excluded.isEmpty else { return (0..<plan.shardCount).map(plan.rows) }
    return try (0..<plan.shardCount).map { shard in
      let range = plan.sequences(shard)
      let ids = try tokens.tokens(
        range, below: model.vocabularySize, model: settings.modelName)
      return range.indices.reduce(0) { sum, sequence in
        let start = (sequence - range.lowerBound) * plan.contextSize
        return sum + plan.positions.count { !excluded.contains(ids[start + $0]) }
      }
    }
  }
}

/// What a worker has made of a stream.
package struct StreamedShards: Sendable, Equatable {
  package var count = 0
  /// Those of them that had been made before.
  package var again = 0

  package init(count: Int = 0, again: Int = 0) {
    self.count = count
    self.again = again
  }

  package var sentence: String {
    let shards = "made \(count) shard\(count == 1 ? "" : "s")"
    return again == 0 ? shards : "\(shards), \(again) of them again"
  }
}

/// A worker on a stream.
private struct StreamWork {
  /// Seconds between two looks at the readers while there is nothing to make.
  private static let pauses = (first: 0.02, longest: 0.5)

  let caching: Caching
  let stream: ActivationStream
  /// The hook points of the stream among all of them.
  let indices: [Int]
  let maker: ShardMaker
  private var watch = LeaseWatch()
  private var made = StreamedShards()
  private var rows = 0
  private var seconds = 0.0

  init(caching: Caching, stream: ActivationStream, indices: [Int], maker: ShardMaker) {
    self.caching = caching
    self.stream = stream
    self.indices = indices
    self.maker = maker
  }

  private var folder: StreamFolder { stream.folder }

  /// Works until `end` is reached; returns what was made, and tokens per second.
  mutating func run(until end: StreamEnd) throws -> (made: StreamedShards, speed: Double) {
    var pause = Self.pauses.first
    try folder.tidy(slots: stream.slots, &watch)
    while true {
      try Interrupted.checkBetweenShards()
      if try makeNext() {
        pause = Self.pauses.first
        continue
      }
      if try end.isReached(), try !stream.hasReaders(&watch) { break }
      try folder.tidy(slots: stream.slots, &watch)
      System.sleep(seconds: pause)
      pause = min(pause * 1.5, Self.pauses.longest)
    }
    try clear()
    return (made, seconds > 0 ? Double(rows) / seconds : 0)
  }

  /// What should be in the folder, and what is.
  private struct Sight {
    let demands: [StreamDemand]
    let present: Set<Int>
    /// The most urgent first.
    let wanted: [Int]
  }

  /// Looks at the folder first, then at the readers: what they have done with in between and removed is not taken for
  /// something that is lacking.
  private static func look(_ stream: ActivationStream, _ watch: inout LeaseWatch) throws -> Sight {
    let present = try stream.folder.content().present
    let demands = try StreamSeat.demands(of: stream.seats, in: stream.folder, &watch)
    return Sight(
      demands: demands, present: present,
      wanted: StreamPlan.wanted(demands, present: present, slots: stream.slots))
  }

  /// Makes the most urgent shard that nobody makes, if there is one and room for it.
  private mutating func makeNext() throws -> Bool {
    let sight = try Self.look(stream, &watch)
    for shard in sight.wanted
    where shard < caching.plan.shardCount && !sight.present.contains(shard) {
      guard try watch.look(at: folder.leasePath(shard)) == .free,
        let lease = try Lease.claim(folder.leasePath(shard))
      else { continue }
      defer { lease.release() }
      if folder.isThere(shard) { continue }
      // It may have been made, read and removed before its lease was taken.
      let now = try Self.look(stream, &watch)
      guard now.wanted.contains(shard) else { return true }
      guard try takePlace(for: shard, now) else { return false }
      do { try make(shard, lease) } catch is LostLease {
        // Another worker makes it by now, and readers wait for that one.
      }
      return true
    }
    return false
  }

  /// Takes a place, of a shard that is not wanted if need be; false where none can be had now.
  private mutating func takePlace(for shard: Int, _ sight: Sight) throws -> Bool {
    if try folder.takeSlot(for: shard, of: stream.slots) { return true }
    let candidates = try folder.content().present.subtracting(sight.wanted)
    // What nobody will come to goes first.
    let order = candidates.sorted { first, second in
      let isAsked = (
        sight.demands.contains { $0.contains(first) },
        sight.demands.contains { $0.contains(second) }
      )
      return isAsked.0 == isAsked.1 ? first > second : !isAsked.0
    }
    for candidate in order {
      let stream = stream
      var look = LeaseWatch()
      try folder.remove(candidate, &watch) {
        // A reader may have come to ask for it, and another worker have made it for that.
        try Self.look(stream, &look).wanted.contains(candidate)
      }
      if try folder.takeSlot(for: shard, of: stream.slots) { return true }
    }
    return false
  }

  private mutating func make(_ shard: Int, _ lease: Lease) throws {
    try folder.removeFiles(of: shard, lease)
    let start = System.uptime
    let isAgain = System.exists(folder.notePath(shard, part: 0))
    let parts = try maker.make(shard, hookPoints: Array(indices.indices)) { _ in }
    // The first hook point's file comes last: with it the shard is whole.
    for part in parts.sorted(by: { $0.hookPoint > $1.hookPoint }) {
      let path = folder.shardPath(shard, part: part.hookPoint)
      var file = try AtomicFile.create(path)
      let statistics = try caching.write(part, shard, indices[part.hookPoint], to: &file)
      let note = StreamNote(sha256: try file.digest(), statistics: statistics)
      let notePath = folder.notePath(shard, part: part.hookPoint)
      if let before = try StreamNote.read(notePath, dIn: statistics.dIn) {
        guard before.sha256 == note.sha256 else {
          throw ManifestError.madeOtherwise(
            path: path, sha256: note.sha256, expected: before.sha256, stage: .activations)
        }
      } else {
        try AtomicFile.replace(notePath, with: note.text)
      }
      try lease.requireHeld()
      _ = try file.publishIfAbsent()
    }
    rows += caching.plan.rows(shard)
    made.count += 1
    if isAgain { made.again += 1 }
    seconds += System.uptime - start
  }

  /// Removes the shards that no reader asks for.
  private mutating func clear() throws {
    let demands = try StreamSeat.demands(of: stream.seats, in: folder, &watch)
    for shard in try folder.content().present.sorted()
    where !demands.contains(where: { $0.contains(shard) }) {
      try folder.remove(shard, &watch)
    }
    try folder.tidy(slots: stream.slots, &watch)
  }
}
