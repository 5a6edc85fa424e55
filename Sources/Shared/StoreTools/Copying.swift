// Copies a finished folder into another store, its manifest last. Comes in: a folder and a store, which may be a
// mounted object store. Leaves: the folder there, every file compared by its hash; what is stopped goes on.

/// Why a folder is not copied.
package enum CopyError: Failure, Equatable {
  case notFinished(path: String)
  case intoItself(path: String)
  case inTheMaking(path: String, by: String)
  case different(path: String)

  package var sentence: String {
    switch self {
    case .notFinished(let path): "\(path) is not finished: it has no manifest."
    case .intoItself(let path): "\(path) lies in that store already."
    case .inTheMaking(let path, let holder): "\(path) is being made by \(holder)."
    case .different(let path): "\(path) reads back as something else than was written to it."
    }
  }

  package var hint: String? {
    switch self {
    case .notFinished: "Finish it first: run the program that made it again."
    case .intoItself: nil
    case .inTheMaking: "Wait for it, or stop it."
    case .different: "Check the disk, and run the same command again."
    }
  }

  package var exitCode: ExitCode {
    if case .different = self { return .failed }
    return .wrongInput
  }
}

/// The copy of one folder.
package struct Copying: Sendable {
  /// A file of the folder, by its path within it.
  private struct Item: Sendable {
    let path: String
    let byteCount: Int
    let sha256: String?
  }

  private let source: String
  /// Where the copy goes.
  package let target: String
  private let items: [Item]
  /// Whether the other store has it.
  package let isThere: Bool

  package init(_ source: String, stage: Stage, to store: String) throws {
    let folder = StageFolder(path: source, stage: stage, fingerprint: nil)
    guard let manifest = try folder.manifest() else { throw CopyError.notFinished(path: source) }
    self.source = source
    let found = try Store(store).find(stage: stage, fingerprint: manifest.fingerprint)
    isThere = found != nil
    let digits = "-" + manifest.fingerprint.prefix(StageKey.shownDigits)
    let own = source.split(separator: "/").last.map(String.init) ?? ""
    let name = own.hasSuffix(digits) ? own : StageKey.plain(manifest.name) + digits
    target = found?.path ?? "\(store)/\(stage.rawValue)/\(name)"
    if let found, try System.status(found.path) == System.status(source) {
      throw CopyError.intoItself(path: source)
    }
    var digests: [String: String] = [:]
    for shard in manifest.shards { digests[shard.file] = shard.sha256 }
    for file in manifest.files { digests[file.name] = file.sha256 }
    items = try Copying.files(of: source).filter { Copying.belongs($0, digests) }.map { path in
      Item(
        path: path, byteCount: try System.status(source + "/" + path).byteCount,
        sha256: digests[path])
    }
  }

  /// The files of a folder in all depths, by their paths within it.
  private static func files(of root: String, in folder: String = "") throws -> [String] {
    try System.list(root + "/" + folder).flatMap { name -> [String] in
      let path = folder + name
      guard TemporaryName(name) == nil else { return [] }
      return System.isDirectory(root + "/" + path) ? try files(of: root, in: path + "/") : [path]
    }
  }

  /// Whether a file is part of what the folder is, rather than of the work on it.
  private static func belongs(_ path: String, _ digests: [String: String]) -> Bool {
    if path == Manifest.fileName || path.hasSuffix(Lease.suffix) || path == "upload.json" {
      return false
    }
    let isNote =
      path.hasSuffix(ShardDigest.suffix)
      && digests[String(path.dropLast(ShardDigest.suffix.count))] != nil
    return !isNote && !path.hasPrefix("work/") && !path.hasPrefix("upload/")
  }

  package var byteCount: Int { items.reduce(0) { $0 + $1.byteCount } }

  /// Copies what is not there yet; `onBytes` is told of every byte that is there.
  package func run(_ onBytes: (Int) -> Void = { _ in }) throws {
    if isThere { return }
    let now = StoreClock.now(in: folder(of: target))
    for sight in FolderScan(target).leases.compactMap(LeaseSight.look) where sight.isHeld(now) {
      throw CopyError.inTheMaking(path: target, by: sight.holder)
    }
    let missing = items.reduce(0) { sum, item in
      let there = (try? System.status(target + "/" + item.path))?.byteCount
      return there == item.byteCount ? sum : sum + item.byteCount
    }
    try System.createDirectories(target)
    let writer = try CopyWriter(in: target)
    if writer.way == .renaming { try DiskSpace.require(missing, at: target) }
    for item in items {
      try writer.copy(
        source + "/" + item.path, to: target + "/" + item.path, sha256: item.sha256, onBytes)
    }
    let manifest = "/" + Manifest.fileName
    try writer.copy(source + manifest, to: target + manifest, sha256: nil) { _ in }
  }
}
