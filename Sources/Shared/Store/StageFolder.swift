// One folder of the store. Comes in: shards in the making. Leaves: a folder with a manifest, the
// same whoever and however many made it.

/// A stage's folder, finished or not.
package struct StageFolder: Sendable, Equatable {
  package let path: String
  package let stage: Stage
  /// The fingerprint that its manifest must state; nil where the folder was found by other means.
  package let fingerprint: String?

  /// Whether its store is the one that is written to.
  package let access: Access

  package enum Access: Sendable { case written, read }

  package init(path: String, stage: Stage, fingerprint: String?, access: Access = .written) {
    self.access = access
    self.path = path
    self.stage = stage
    self.fingerprint = fingerprint
  }

  var manifestPath: String { path + "/" + Manifest.fileName }

  /// Whether a manifest is there, whatever it says; also where that cannot be told, which shows once it is read.
  var hasManifest: Bool { (try? System.isThere(manifestPath)) ?? true }

  /// How much of a folder is compared with its manifest.
  package enum Verification: Sendable { case sizes, digests }

  /// The manifest of a finished folder, once the shards agree with it; nil where it is not done.
  package func manifest(verify: Verification = .sizes) throws -> Manifest? {
    guard let manifest = try readManifest() else { return nil }
    for shard in manifest.shards { try check(shard, verify) }
    try checkFiles(manifest)
    return manifest
  }

  /// Compares the files that hold no rows with a manifest of this folder; they are small, so it is done by digest.
  package func checkFiles(_ manifest: Manifest) throws {
    for file in manifest.files {
      let whole = path + "/" + file.name
      guard try System.isThere(whole), try System.status(whole).byteCount == file.bytes,
        try Digest.ofFile(whole) == file.sha256
      else { throw ManifestError.damagedFile(path: whole, stage: stage) }
    }
  }

  /// What a manifest says about a file of this folder that holds no rows.
  package func file(_ name: String) throws -> Manifest.File {
    let whole = path + "/" + name
    return Manifest.File(
      name: name, bytes: try System.status(whole).byteCount, sha256: try Digest.ofFile(whole))
  }

  /// Refuses a folder in which nothing may be written.
  package func requireWritten() throws(StoreError) {
    if access == .read { throw .onlyRead(folder: path) }
  }

  /// Removes the shards of a finished folder that are not what its manifest says, so that they can
  /// be made again; returns a sentence for each.
  ///
  /// - Throws: what is damaged, where the folder is only read.
  package func removeDamagedShards(verify: Verification) throws -> [String] {
    var damages: [String] = []
    for shard in try readManifest()?.shards ?? [] {
      do { try check(shard, verify) } catch let error as ManifestError {
        if access == .read { throw error }
        damages.append(error.sentence)
        let file = path + "/" + shard.file
        if System.exists(file) { try System.remove(file) }
      }
    }
    return damages
  }

  /// Whether the manifest and all of its shards are there.
  package func isFinished() throws -> Bool {
    guard let manifest = try readManifest() else { return false }
    return try manifest.shards.allSatisfy { try System.isThere(path + "/" + $0.file) }
  }

  /// The manifest as it is written; nil where there is none.
  package func readManifest() throws -> Manifest? {
    // In one look: a manifest may come between two.
    guard let bytes = try MappedFile.contents(ifThere: manifestPath) else { return nil }
    let manifest = try Manifest(parsing: bytes, path: manifestPath)
    guard manifest.stage == stage else {
      throw ManifestError.wrongStage(
        path: manifestPath, stage: manifest.stage, expected: stage)
    }
    if let fingerprint, manifest.fingerprint != fingerprint {
      throw ManifestError.wrongFingerprint(
        path: manifestPath, fingerprint: manifest.fingerprint, expected: fingerprint)
    }
    return manifest
  }

  /// Compares a file with what a manifest of this folder says about it.
  package func check(_ shard: Manifest.Shard, _ verify: Verification) throws {
    let file = path + "/" + shard.file
    let byteCount: Int
    do { byteCount = try System.status(file).byteCount } catch {
      guard error.isNotFound else { throw error }
      throw ManifestError.missingShard(path: file, stage: stage)
    }
    guard byteCount == shard.bytes else {
      throw ManifestError.wrongSize(
        path: file, byteCount: byteCount, expected: shard.bytes, stage: stage)
    }
    guard verify == .digests else { return }
    let sha256 = try FileIdentity.interruptibleDigest(file)
    guard sha256 == shard.sha256 else {
      throw ManifestError.wrongDigest(
        path: file, sha256: sha256, expected: shard.sha256, stage: stage)
    }
  }

  /// What a manifest says about a file of this folder.
  package func shard(_ file: String, rows: Int) throws -> Manifest.Shard {
    let whole = path + "/" + file
    return Manifest.Shard(
      file: file, rows: rows, bytes: try System.status(whole).byteCount,
      sha256: try ShardDigest.of(whole))
  }

  /// Writes the manifest, unless another worker has, and clears away what the work left.
  package func finish(_ manifest: Manifest) throws {
    try System.createDirectories(path)
    var file = try AtomicFile.create(manifestPath)
    try file.write(manifest.json.pretty)
    _ = try file.publishIfAbsent()
    try removeLeftovers(of: manifest)
  }

  /// Removes what a worker left that died between the manifest and its clearing up.
  ///
  /// Where the store cannot be written to, that stays as it is.
  package func clearUp(_ manifest: Manifest) throws {
    if access == .read { return }
    do { try removeLeftovers(of: manifest) } catch let error as SystemError {
      guard error.isAbsence || error.isReadOnly else { throw error }
    }
  }

  /// Removes the leases, digests and temporary files of a finished folder.
  func removeLeftovers(of manifest: Manifest) throws {
    let files = Set(
      manifest.shards.map(\.file) + manifest.files.map(\.name) + [Manifest.fileName])
    func isOfFile(_ name: String, _ suffixes: [String]) -> Bool {
      suffixes.contains { suffix in
        name.hasSuffix(suffix) && files.contains(String(name.dropLast(suffix.count)))
      }
    }
    for name in try System.list(path) {
      let isLeftover =
        if let temporary = TemporaryName(name) {
          // A late worker elsewhere that misses its file finds the finished one instead.
          temporary.isAbandoned || isOfFile(temporary.base, ["", Lease.suffix])
        } else {
          isOfFile(name, [Lease.suffix, ShardDigest.suffix]) || isAbandonedLease(name)
        }
      if isLeftover { try System.remove(path + "/" + name) }
    }
  }

  /// Whether a file is a lease on the whole folder whose owner is gone.
  private func isAbandonedLease(_ name: String) -> Bool {
    guard name.hasSuffix(Lease.suffix), let content = try? MappedFile.contents(path + "/" + name)
    else { return false }
    return LeaseRecord(lastOf: content)?.isDead == true
  }
}

/// The digest of a shard beside it, while its stage is not finished: a cache of a derivable fact.
enum ShardDigest {
  static let suffix = ".sha256"

  /// Notes the digest of a file that was just published.
  ///
  /// Where that fails, whoever finishes the stage computes it.
  static func note(_ sha256: String, of path: String) {
    let sidecar = path + suffix
    try? System.remove(sidecar)
    guard let mark = try? mark(path), let descriptor = try? System.createExclusively(sidecar)
    else { return }
    defer { System.close(descriptor) }
    let line = Array("\(sha256) \(mark)\n".utf8)
    try? System.write(line.span.raw, to: descriptor, path: sidecar)
  }

  /// The digest of a file, from the note beside it where that is about the same bytes.
  static func of(_ path: String) throws(SystemError) -> String {
    let sidecar = path + suffix
    if let file = try? MappedFile.open(sidecar) {
      let words = String(decoding: file.bytes.copied(), as: UTF8.self).split(separator: " ")
      let isHere = words.count == 2 && words[0].count == 64
      if isHere, words[1] == (try mark(path)) + "\n" { return String(words[0]) }
    }
    return try Digest.ofFile(path)
  }

  /// What changes when a path gets other bytes.
  private static func mark(_ path: String) throws(SystemError) -> String {
    let status = try System.status(path)
    return "\(status.inode)-\(status.byteCount)-\(status.modifiedNanoseconds)"
  }
}
