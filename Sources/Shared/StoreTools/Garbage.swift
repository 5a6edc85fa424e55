// What in a store nothing needs any more. Comes in: what lies in the store, what runs and pipeline files need, and
// how long something must have been left alone. Leaves: paths with reasons and bytes; nothing is removed here.

/// Something that nothing needs.
package struct Garbage: Sendable, Equatable {
  package enum Reason: String, Sendable {
    case leftover = "left by a process that is gone"
    case stopped = "begun and given up"
    case checkpoints = "checkpoints of a finished run"
    case unused = "no run needs it"
    case mark = "about a folder that is gone"
  }

  package let path: String
  package let reason: Reason
  package let byteCount: Int

  package init(path: String, reason: Reason, byteCount: Int) {
    (self.path, self.reason, self.byteCount) = (path, reason, byteCount)
  }

  init(_ path: String, _ reason: Reason) {
    let scan = FolderScan(path)
    let ownBytes = (try? System.status(path)).map { $0.isDirectory ? 0 : $0.byteCount } ?? 0
    self.init(path: path, reason: reason, byteCount: scan.byteCount + ownBytes)
  }
}

/// What is looked for.
package struct GarbageRules: Sendable {
  /// Whether checkpoints that were asked for go as well, of finished runs.
  package var takesCheckpoints = false
  /// Whether tokens and activations that no run needs go as well.
  package var takesUnused = false
  /// What was in use within so many seconds stays.
  package var patience = 7.0 * 86_400
  /// The settings of tokens and activations that pipeline files need, as canonical JSON.
  package var keptSettings: Set<String> = []

  package init() {}

  /// Keeps what a pipeline file reads and makes, whatever its inputs.
  package mutating func keep(_ pipeline: Pipeline) {
    keptSettings.insert(pipeline.pretokenize.fingerprintSettings.canonical)
    for hook in pipeline.cache.allHookNames {
      keptSettings.insert(ActivationKey.settings(pipeline, hookName: hook).canonical)
    }
  }
}

/// The search through one store.
package struct GarbageSearch: Sendable {
  private let store: String
  private let entries: [StoreEntry]
  private let rules: GarbageRules
  private let now: Double
  private let needs: StoreNeeds

  /// - Parameters:
  ///   - listing: the store.
  ///   - others: further stores whose runs may need what is in this one.
  ///   - rules: what is looked for.
  ///   - now: the time by the clock of the store's disk.
  package init(
    _ listing: StoreListing, others: [StoreEntry] = [], rules: GarbageRules, now: Double
  ) {
    store = listing.store
    entries = listing.entries
    self.rules = rules
    self.now = now
    needs = StoreNeeds(listing.entries + others, rules: rules, now: now)
  }

  /// Why tokens or activations stay although none is known to need them.
  package var remarks: [String] { rules.takesUnused ? needs.remarks : [] }

  package func found() throws -> [Garbage] {
    try entries.flatMap(garbage) + besides()
  }

  private func isOld(_ path: String) -> Bool {
    now - FolderScan(path).newest > rules.patience
  }

  private func isLeft(_ path: String) -> Bool {
    guard let name = path.split(separator: "/").last, let temporary = TemporaryName(String(name))
    else { return false }
    return temporary.isAbandoned || isOld(path)
  }

  private func garbage(of entry: StoreEntry) throws -> [Garbage] {
    // What is a link leads elsewhere.
    guard System.linkTarget(entry.path) == nil, entry.kind != .sweeps else { return [] }
    switch entry.state {
    case .damaged, .closed: return []
    case .inTheMaking: return leftovers(of: entry)
    case .stopped:
      guard now - entry.scan.newest > rules.patience else { return leftovers(of: entry) }
      return [Garbage(entry.path, .stopped)]
    case .finished:
      guard !entry.isHeld(now) else { return leftovers(of: entry) }
      if rules.takesUnused, entry.kind != .runs, !needs.has(entry) {
        return [Garbage(entry.path, .unused)]
      }
      return leftovers(of: entry) + finishedLeftovers(of: entry) + checkpoints(of: entry)
    }
  }

  /// Temporary files, and leases of processes that are gone.
  private func leftovers(of entry: StoreEntry) -> [Garbage] {
    let leases = entry.scan.leases.filter { path in
      LeaseSight.look(at: path).map { !$0.isHeld(now) } ?? false
    }
    return (entry.scan.temporaries.filter(isLeft) + leases).map { Garbage($0, .leftover) }
  }

  /// What only served to make a folder that is finished.
  private func finishedLeftovers(of entry: StoreEntry) -> [Garbage] {
    let work = entry.path + "/work"
    let isBlocks = entry.kind == .tokens && System.isDirectory(work)
    let notes = (entry.manifest?.shards ?? []).map {
      "\(entry.path)/\($0.file)\(ShardDigest.suffix)"
    }
    return ((isBlocks ? [work] : []) + notes.filter(System.exists)).map { Garbage($0, .leftover) }
  }

  private func checkpoints(of entry: StoreEntry) -> [Garbage] {
    let path = entry.path + "/checkpoints"
    guard entry.kind == .runs, System.isDirectory(path),
      rules.takesCheckpoints || asked(entry) == 0, (try? System.list(path))?.isEmpty == false
    else { return [] }
    return [Garbage(path, .checkpoints)]
  }

  /// How many checkpoints a run was asked to keep; nil where it does not say.
  private func asked(_ entry: StoreEntry) -> Int? {
    let bytes = try? MappedFile.contents(entry.path + "/pipeline.json")
    return bytes.flatMap { try? JSON(parsing: $0) }?["train"]?["n_checkpoints"]?.integer
  }

  /// What lies in the store beside the folders of stages.
  private func besides() throws -> [Garbage] {
    var found: [Garbage] = []
    let parents =
      [store]
      + (Stage.allCases.map(\.rawValue) + [LastUse.folderName, ".identities"]).map {
        "\(store)/\($0)"
      }
    for parent in parents where System.isDirectory(parent) {
      let paths = try System.list(parent).map { parent + "/" + $0 }
      found += paths.filter(isLeft).map { Garbage($0, .leftover) }
    }
    let marks = store + "/" + LastUse.folderName
    for name in (try? System.list(marks)) ?? [] where TemporaryName(name) == nil {
      let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
      guard parts.count == 2, !System.exists("\(store)/\(parts[0])/\(parts[1])") else { continue }
      found.append(Garbage("\(marks)/\(name)", .mark))
    }
    return found
  }
}
