// The cache on disk, in huggingface_hub's own layout, so that Python's programs find what was downloaded
// here and the other way round:
//
//     models--owner--name/blobs/<hash>  snapshots/<commit>/<path> → ../../blobs/<hash>
//                         refs/<revision>  trees/<commit>.json  .no_exist/<commit>/<path>
//     .locks/models--owner--name/<hash>.lock

import Foundation

/// The part of the cache that belongs to one repository.
struct HubCache: Sendable {
  let root: String
  let repository: HubRepository
  private let allowsLinks: Bool

  init(_ environment: HubEnvironment, _ repository: HubRepository) {
    root = environment.cacheFolder
    allowsLinks = environment.allowsLinks
    self.repository = repository
  }

  private var folder: String { "\(root)/\(repository.folderName)" }
  private var reference: String { "\(folder)/refs/\(repository.revision)" }

  func snapshotFolder(_ commit: String) -> String { "\(folder)/snapshots/\(commit)" }
  func blob(_ file: HubFile) -> String { "\(folder)/blobs/\(file.digest.name)" }
  private func listing(_ commit: String) -> String { "\(folder)/trees/\(commit).json" }

  /// Where a file is to be found by its path.
  func place(_ file: HubFile, _ commit: String) -> String {
    "\(snapshotFolder(commit))/\(file.path)"
  }

  /// Whether a file lies there whole.
  func holds(_ file: HubFile, _ commit: String) -> Bool {
    HubCache.hasByteCount(file.byteCount, place(file, commit))
  }

  /// Whether the content lies there whole, under whatever path.
  func holdsBlob(_ file: HubFile) -> Bool {
    HubCache.hasByteCount(file.byteCount, blob(file))
  }

  private static func hasByteCount(_ byteCount: Int, _ path: String) -> Bool {
    guard let status = try? System.status(path) else { return false }
    return status.isRegularFile && status.byteCount == byteCount
  }

  /// The commit that the revision stood for when it was last asked for; nil where it never was.
  var commit: String? {
    if repository.isCommit { return repository.revision }
    guard let bytes = try? MappedFile.contents(reference) else { return nil }
    let text = String(decoding: bytes.prefix(256), as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    return HubFile.isHexadecimal(text, 40) ? text : nil
  }

  /// The files at a commit as they were listed once; nil where they were not.
  func listedFiles(_ commit: String) -> [HubFile]? {
    let path = listing(commit)
    guard let status = try? System.status(path), status.byteCount <= HubListing.Limit.byteCount,
      let bytes = try? MappedFile.contents(path)
    else { return nil }
    return HubListing.read(bytes, of: repository)
  }

  /// The files of a snapshot that are there; nil where there is none.
  func heldFiles(_ commit: String) -> [HubFile]? {
    guard System.isDirectory(snapshotFolder(commit)) else { return nil }
    var files: [HubFile] = []
    gather(commit, folder: "", &files)
    return files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  private func gather(_ commit: String, folder: String, _ files: inout [HubFile]) {
    let base = snapshotFolder(commit)
    for name in (try? System.list("\(base)/\(folder)")) ?? [] {
      let path = folder.isEmpty ? name : "\(folder)/\(name)"
      guard let status = try? System.status("\(base)/\(path)") else { continue }
      if status.isDirectory {
        gather(commit, folder: path, &files)
      } else if let digest = digest("\(base)/\(path)") {
        files.append(
          HubFile(
            path: path, byteCount: status.byteCount, digest: digest, blob: digest.name, xet: nil))
      }
    }
  }

  /// What the content is called: by its link, or where links were not possible by its bytes.
  private func digest(_ path: String) -> HubFile.Digest? {
    let name = System.linkTarget(path)?.split(separator: "/").last
    return name.flatMap { HubFile.Digest(name: String($0)) }
      ?? (try? Digest.ofFile(path)).map { .sha256($0) }
  }
}

// MARK: - Writing

extension HubCache {
  /// Makes the folders, marks the cache for backup programs, and notes what the revision stands for.
  func prepare(_ snapshot: HubSnapshot) throws {
    for folder in ["\(folder)/blobs", snapshotFolder(snapshot.commit), locks] {
      try System.createDirectories(folder)
    }
    let tag = "\(root)/CACHEDIR.TAG"
    if !System.exists(tag) {
      // The signature is that of https://bford.info/cachedir.
      try? AtomicFile.replace(
        tag,
        with: "Signature: 8a477f597d28d172789f06886806bc55\n# Files of the Hugging Face Hub.\n")
    }
    let listing = listing(snapshot.commit)
    if snapshot.origin == .hub, !System.exists(listing) {
      try System.createDirectories("\(folder)/trees")
      try AtomicFile.replace(listing, with: HubListing.kept(snapshot.files))
    }
    if !repository.isCommit, commit != snapshot.commit {
      try System.createDirectories(Shared.folder(of: reference))
      try AtomicFile.replace(reference, with: snapshot.commit)
    }
  }

  /// Notes that a commit has no such file, so that nobody asks again.
  func noteMissing(_ path: String, _ commit: String) {
    guard HubPath.isSafe(path) else { return }
    let note = "\(folder)/.no_exist/\(commit)/\(path)"
    try? System.createDirectories(Shared.folder(of: note))
    if let descriptor = try? System.createExclusively(note) { System.close(descriptor) }
  }

  private var locks: String { "\(root)/.locks/\(repository.folderName)" }

  /// Holds the lock of a content, which Python's programs respect, while `body` runs.
  func locked(_ file: HubFile, stop: StopFlag, _ body: () throws -> Void) throws {
    let path = "\(locks)/\(file.digest.name).lock"
    let isNew = !System.exists(path)
    var descriptor = try System.openForUpdating(path, mode: 0o664)
    // As there: everyone of the group may wait for it.
    if isNew { System.permit(0o664, descriptor) }
    defer { System.close(descriptor) }
    while true {
      let isFree: Bool
      do { isFree = try System.lock(descriptor, path: path) } catch {
        // A file system without locks: the work may be done twice, never wrong.
        return try body()
      }
      if isFree {
        let held = try System.status(of: descriptor, path: path)
        // Who held it may have removed the file: the lock of a removed file is worth nothing.
        if let named = try? System.status(path), named.inode == held.inode { return try body() }
        System.close(descriptor)
        descriptor = try System.openForUpdating(path, mode: 0o664)
        continue
      }
      guard !stop.isSet else { throw HTTPProblem.stopped }
      System.sleep(seconds: 0.05)
    }
  }

  /// Makes the content of a blob appear under the file's path.
  func link(_ file: HubFile, _ commit: String) throws {
    let (place, blob) = (place(file, commit), blob(file))
    guard !holds(file, commit) else { return }
    try System.createDirectories(Shared.folder(of: place))
    // What is there now points to nothing, or to content of another size.
    try System.remove(place)
    let up = String(repeating: "../", count: file.path.split(separator: "/").count + 1)
    if allowsLinks {
      do {
        return try System.symbolicLink("\(up)blobs/\(file.digest.name)", at: place)
      } catch {
        // Another process was as fast.
        if error.isFileExists { return }
        guard [EPERM, EOPNOTSUPP, ENOSYS, EACCES].contains(error.errno) else { throw error }
      }
    }
    var copy = try AtomicFile.create(place)
    let source = try InputFile(blob)
    var start = 0
    while start < source.byteCount {
      let bytes = try source.read(at: start, count: 1 << 20)
      try copy.write(bytes.span.raw)
      start += bytes.count
    }
    try copy.publishReplacing()
  }
}
