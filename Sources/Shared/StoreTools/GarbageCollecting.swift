// Removes from a store what nothing needs, each only where it still is so at that moment. Comes in: what was found.
// Leaves: what was removed; what somebody uses by now stays.

package struct GarbageCollecting: Sendable {
  private let rules: GarbageRules
  /// The time by the clock of the store's disk.
  private let now: @Sendable () -> Double

  package init(_ rules: GarbageRules, now: @escaping @Sendable () -> Double) {
    (self.rules, self.now) = (rules, now)
  }

  /// Removes one thing.
  ///
  /// - Returns: whether it is gone; false where somebody is at it by now.
  package func remove(_ garbage: Garbage) throws -> Bool {
    let path = garbage.path
    switch garbage.reason {
    case .mark, .checkpoints: try System.removeTree(path, orFile: true)
    case .leftover:
      if path.hasSuffix(Lease.suffix), let sight = LeaseSight.look(at: path), sight.isHeld(now()) {
        return false
      }
      try System.removeTree(path, orFile: true)
    case .stopped: return try removeStopped(path)
    case .unused: return try removeUnused(path)
    }
    return true
  }

  private func entry(_ path: String) -> StoreEntry? {
    guard let name = folder(of: path).split(separator: "/").last,
      let stage = Stage(rawValue: String(name)), System.isDirectory(path)
    else { return nil }
    return StoreEntry(path, stage: stage, now: now())
  }

  /// A folder that was begun, unless somebody goes on with it.
  private func removeStopped(_ path: String) throws -> Bool {
    guard let entry = entry(path), entry.state == .stopped,
      now() - entry.scan.newest > rules.patience
    else { return false }
    guard entry.kind == .runs else {
      try System.removeTree(path)
      LastUse.remove(path)
      return true
    }
    // Whoever trains the run holds this lease; while it is held here, nobody begins.
    let leasePath = path + "/run" + Lease.suffix
    var watch = LeaseWatch()
    guard try watch.look(at: leasePath) == .free, let lease = try Lease.claim(leasePath) else {
      return false
    }
    defer { lease.release() }
    guard try !System.isThere(path + "/" + Manifest.fileName) else { return false }
    for name in try System.list(path) where path + "/" + name != leasePath {
      try System.removeTree(path + "/" + name, orFile: true)
    }
    lease.release()
    try System.removeTree(path)
    LastUse.remove(path)
    return true
  }

  /// A finished folder; without its manifest it is not finished, whatever is left of it.
  private func removeUnused(_ path: String) throws -> Bool {
    guard let entry = entry(path), entry.state == .finished, !entry.isHeld(now()),
      now() - entry.lastUseTime > rules.patience
    else { return false }
    try System.remove(path + "/" + Manifest.fileName)
    try System.removeTree(path)
    LastUse.remove(path)
    return true
  }
}

extension System {
  /// Removes whatever lies at a path: a file, a link, or a folder with all in it.
  fileprivate static func removeTree(_ path: String, orFile: Bool) throws(SystemError) {
    if isDirectory(path), linkTarget(path) == nil {
      try removeTree(path)
    } else {
      try remove(path)
    }
  }
}
