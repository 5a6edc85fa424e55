// A blob of the cache that is still arriving: `<hash>.incomplete`, which the next run goes on with.

/// Owns a file that grows from its beginning, and the hash of what it holds.
///
/// Used by one thread. Bytes are written to their places, so that a second process that does the same
/// for want of locks changes nothing.
final class PartialBlob {
  private let path: String
  private let file: HubFile
  private let descriptor: Int32
  private var digest: ContentDigest
  private(set) var byteCount = 0

  /// Bytes that are read at once from what is there already.
  private static let readByteCount = 1 << 20

  init(_ path: String, of file: HubFile) throws {
    self.path = path
    self.file = file
    digest = ContentDigest(of: file)
    descriptor = try System.openForUpdating(path)
    // From here on the descriptor is closed by deinit.
    let there = try System.status(of: descriptor, path: path).byteCount
    if there > file.byteCount { try restart() }
    while there <= file.byteCount, byteCount < there {
      let bytes = try System.read(
        descriptor, byteCount: min(there - byteCount, PartialBlob.readByteCount),
        offset: byteCount, path: path)
      guard !bytes.isEmpty else { break }
      digest.update(bytes.span.raw)
      byteCount += bytes.count
    }
  }

  deinit { System.close(descriptor) }

  private func restart() throws {
    try System.truncate(descriptor, byteCount: 0, path: path)
    digest = ContentDigest(of: file)
    byteCount = 0
  }

  /// Makes ready for bytes of the file from `start` on: those that are missing, or all of them.
  func begin(_ start: Int) throws {
    if start == byteCount { return }
    guard start == 0 else { throw WrongContent(what: "the server sent another range") }
    try restart()
  }

  func append(_ bytes: RawSpan) throws {
    guard byteCount + bytes.byteCount <= file.byteCount else {
      throw WrongContent(what: "it has more than \(file.byteCount) bytes")
    }
    try System.write(bytes, at: byteCount, to: descriptor, path: path)
    digest.update(bytes)
    byteCount += bytes.byteCount
  }

  /// Checks the hash and gives the file its name.
  func publish(as blob: String) throws {
    let name = digest.finish()
    guard name == file.digest.name else {
      throw WrongContent(what: "its hash is \(name) and not \(file.digest.name)")
    }
    try System.synchronize(descriptor, path: path)
    do { try System.rename(path, to: blob) } catch {
      // Where there are no locks, another process may have been as far.
      guard error.isNotFound, System.exists(blob) else { throw error }
    }
    try System.synchronizeDirectory(folder(of: blob))
  }

  func discard() throws { try System.remove(path) }
}

/// The running hash of a file's content, as its repository names it.
struct ContentDigest: ~Copyable {
  private var digest: Digest

  init(of file: HubFile) {
    switch file.digest {
    case .sha256: digest = Digest(.sha256)
    case .gitBlob:
      digest = Digest(.sha1)
      let head = Array("blob \(file.byteCount)\0".utf8)
      digest.update(head.span.raw)
    }
  }

  mutating func update(_ bytes: RawSpan) { digest.update(bytes) }

  mutating func finish() -> String { digest.finish() }
}
