// The end of the work on a folder. Comes in: a folder whose shards are all there. Leaves: its manifest, which one of
// many workers makes while the others wait for it, since that asks for every shard.

extension StageFolder {
  /// Seconds between two looks at a manifest that another process makes: at first, and at most.
  private static let firstPause = 0.05
  private static let longestLocalPause = 0.2
  private static let longestPause = 2.0
  /// Seconds for which a network file system's client believes what it has seen, at most, as they are set usually.
  private static let longestMemory = 90.0

  /// Writes the manifest of shards that are all there, waits for another worker to write it, or compares the shards
  /// with the one that is there.
  ///
  /// Shards that were made again with other bytes are removed, so that the folder stays unfinished.
  package func finish(_ manifest: () throws -> Manifest) throws {
    try System.createDirectories(path)
    let leasePath = manifestPath + Lease.suffix
    var watch = LeaseWatch()
    let begun = System.uptime
    var pause = Self.firstPause
    var hasStood = true
    while true {
      // One that comes meanwhile is not read: all who wait for it would at once, and of many shards it is long.
      let isThere = try System.isThere(manifestPath)
      if !isThere { hasStood = false }
      var longest = Self.longestPause
      switch try watch.look(at: leasePath) {
      case .held(let isLocal):
        // Whoever has written it clears up.
        if isThere, !hasStood { return }
        // Who has waited long may wait a tenth longer: all who look take the time from the one who works.
        let patience = (System.uptime - begun) / 10
        if isLocal { longest = min(longest, max(Self.longestLocalPause, patience)) }
      case .free:
        if isThere {
          guard hasStood, try hasLeftovers() else { return }
          if let standing = try readManifest() { return try compare(with: standing) }
          break
        }
        guard let lease = try Lease.claim(leasePath) else { break }
        defer { lease.release() }
        if try !System.isThere(manifestPath) { try finish(whenAllIsSeen(manifest)) }
        return
      }
      try Interrupted.checkBetweenShards()
      System.sleep(seconds: pause)
      pause = min(pause * 1.5, longest)
    }
  }

  /// Asks again for what the folder lists and yet is said not to be there.
  ///
  /// The client of a network file system may remember for a minute that a name was free.
  private func whenAllIsSeen(_ manifest: () throws -> Manifest) throws -> Manifest {
    let end = System.uptime + Self.longestMemory
    while true {
      do { return try manifest() } catch let error as SystemError where error.isNotFound {
        let isListed = try System.names(path).contains { path + "/" + $0 == error.path }
        guard isListed, System.uptime < end, !System.isInterrupted else { throw error }
        System.sleep(seconds: Self.longestPause)
      }
    }
  }

  /// Whether somebody made something again, or died before the clearing up.
  private func hasLeftovers() throws(SystemError) -> Bool {
    var found = false
    try System.forEachName(path) { name in
      let isLeftover =
        name.hasSuffix(ShardDigest.suffix) || name.hasSuffix(Lease.suffix)
        || TemporaryName(name) != nil
      found = found || isLeftover
    }
    return found
  }

  /// Compares what was made again with the manifest that was there before.
  ///
  /// That is what has a digest beside it: whoever finishes a folder removes them all.
  private func compare(with standing: Manifest) throws {
    let names = try System.names(path)
    var failure: ManifestError?
    for shard in standing.shards {
      let file = path + "/" + shard.file
      guard names.contains(shard.file) else {
        throw ManifestError.missingShard(path: file, stage: stage)
      }
      guard names.contains(shard.file + ShardDigest.suffix) else { continue }
      let found = try self.shard(shard.file, rows: shard.rows)
      guard found.sha256 != shard.sha256 else { continue }
      try System.remove(file)
      failure =
        failure
        ?? .madeOtherwise(
          path: file, sha256: found.sha256, expected: shard.sha256, stage: stage)
    }
    if let failure { throw failure }
    try finish(standing)
  }
}
