// One folder of a store as those see it who look after the store. Comes in: a path. Leaves: what it is, whose, how
// large, in which state; nothing is written or taken away.

/// A folder of a store.
package struct StoreEntry: Sendable, Equatable {
  package enum Kind: String, Sendable {
    case tokens, activations, runs
    /// The page of a sweep, which lies among the runs.
    case sweeps
  }

  /// Who works on a folder.
  package struct Holder: Sendable, Hashable {
    package let user: String
    package let host: String
    package let process: Int32
  }

  package enum State: Sendable, Equatable {
    case finished
    /// Some of it is held by these, the first of them for so many seconds.
    case inTheMaking(by: [Holder], seconds: Double)
    /// Begun, and nobody is at it.
    case stopped
    /// What its manifest says is not so.
    case damaged(String)
    /// It cannot be told from here.
    case closed(String)
  }

  package let path: String
  package let kind: Kind
  package let label: String
  /// The fingerprint, of folders without a manifest its first digits; empty of a sweep.
  package let fingerprint: String
  package let state: State
  package let scan: FolderScan
  package let owner: String
  package let lastUse: LastUse?
  package let manifest: Manifest?

  package var name: String { path.split(separator: "/").last.map(String.init) ?? path }
  /// Seconds since 1970: of the mark, of the last change where there is none.
  package var lastUseTime: Double { max(lastUse?.time ?? 0, scan.newest) }

  /// Looks at a folder; `now` is the time by the clock of the disk.
  package init(_ path: String, stage: Stage, now: Double) {
    self.path = path
    scan = FolderScan(path)
    owner = (try? System.status(path)).map { System.userName($0.owner) } ?? ""
    lastUse = LastUse.read(path)
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    let digits = parts.last.map(String.init) ?? ""
    let start = parts.dropLast().joined(separator: "-")
    if stage == .runs, name.hasPrefix(StoreEntry.sweepPrefix),
      !System.exists(path + "/" + Manifest.fileName)
    {
      (kind, label, fingerprint) = (.sweeps, String(start.dropFirst(6)), "")
      (state, manifest) = (.finished, nil)
      return
    }
    kind = Kind(rawValue: stage.rawValue) ?? .runs
    let (manifest, state) = StoreEntry.judged(path, stage, scan, now)
    (self.manifest, self.state) = (manifest, state)
    label = manifest?.name ?? start
    fingerprint = manifest?.fingerprint ?? digits
  }

  private static let sweepPrefix = "sweep-"

  private static func judged(
    _ path: String, _ stage: Stage, _ scan: FolderScan, _ now: Double
  ) -> (Manifest?, State) {
    let folder = StageFolder(path: path, stage: stage, fingerprint: nil)
    do {
      guard let manifest = try folder.readManifest() else { return (nil, work(scan, now)) }
      do {
        _ = try folder.manifest()
        return (manifest, .finished)
      } catch let error as ManifestError { return (manifest, .damaged(error.sentence)) }
    } catch let error as ManifestError {
      return (nil, error.isForeign ? .closed(error.sentence) : .damaged(error.sentence))
    } catch { return (nil, .closed((error as? any Failure)?.sentence ?? "\(error)")) }
  }

  /// Who is at a folder without a manifest.
  private static func work(_ scan: FolderScan, _ now: Double) -> State {
    let sights = scan.leases.compactMap(LeaseSight.look).filter { $0.isHeld(now) }
    guard !sights.isEmpty else { return .stopped }
    let holders = Set(
      sights.map { Holder(user: $0.user, host: $0.host, process: $0.process) }
    ).sorted { ($0.host, $0.process) < ($1.host, $1.process) }
    return .inTheMaking(by: holders, seconds: sights.map { $0.heldSeconds(now) }.max() ?? 0)
  }

  /// Whether anybody holds a lease in the folder, finished or not.
  package func isHeld(_ now: Double) -> Bool {
    scan.leases.compactMap(LeaseSight.look).contains { $0.isHeld(now) }
  }
}
