// Writes copies of files, compared by their hashes, on any file system. Comes in: files. Leaves: files of the same
// bytes, which get their names once they are whole where the file system can rename.

struct CopyWriter {
  enum Way: Equatable {
    /// Under a temporary name first.
    case renaming
    /// From front to back under its own name, once: a mounted object store does no more.
    case once
  }

  private static let chunkByteCount = 1 << 20

  let way: Way

  /// Tries what the file system of a folder can do.
  init(in folder: String) throws {
    let probe = folder + "/.copy"
    do {
      try AtomicFile.replace(probe, with: "")
      way = .renaming
    } catch {
      guard error.lacksCall else { throw error }
      way = .once
    }
    try? System.remove(probe)
  }

  /// Copies a file, unless what is there has its bytes.
  ///
  /// - Throws: also where the source does not have the hash that it should have.
  func copy(_ source: String, to target: String, sha256: String?, _ onBytes: (Int) -> Void) throws {
    let byteCount = try System.status(source).byteCount
    if let there = try? System.status(target) {
      if there.byteCount == byteCount,
        try FileIdentity.interruptibleDigest(target)
          == sha256 ?? FileIdentity.interruptibleDigest(source)
      {
        return onBytes(byteCount)
      }
      try System.remove(target)
    }
    try System.createDirectories(folder(of: target))
    let digest =
      way == .renaming
      ? try rename(source, target, sha256, onBytes) : try write(source, target, sha256, onBytes)
    if digest != sha256 ?? digest {
      throw CopiedDamage(path: source, sha256: digest, expected: sha256 ?? "")
    }
  }

  private func rename(
    _ source: String, _ target: String, _ sha256: String?, _ onBytes: (Int) -> Void
  ) throws -> String {
    var file = try AtomicFile.create(target)
    let digest = try read(source, onBytes) { bytes throws(SystemError) in try file.write(bytes) }
    guard digest == sha256 ?? digest else { return digest }
    guard try file.digest() == digest else { throw CopyError.different(path: target) }
    try file.publishReplacing()
    return digest
  }

  private func write(
    _ source: String, _ target: String, _ sha256: String?, _ onBytes: (Int) -> Void
  ) throws -> String {
    let descriptor = try System.createExclusively(target)
    var digest = ""
    do {
      defer { System.close(descriptor) }
      digest = try read(source, onBytes) { bytes throws(SystemError) in
        try System.write(bytes, to: descriptor, path: target)
      }
      do { try System.synchronize(descriptor, path: target) } catch {
        guard error.lacksCall else { throw error }
      }
    } catch {
      try? System.remove(target)
      throw error
    }
    if digest != sha256 ?? digest {
      try System.remove(target)
    } else if try FileIdentity.interruptibleDigest(target) != digest {
      try System.remove(target)
      throw CopyError.different(path: target)
    }
    return digest
  }

  /// Reads a file from front to back; returns its hash.
  private func read(
    _ source: String, _ onBytes: (Int) -> Void, _ body: (RawSpan) throws(SystemError) -> Void
  ) throws -> String {
    let descriptor = try System.openForReading(source)
    defer { System.close(descriptor) }
    var digest = Digest()
    var offset = 0
    while true {
      if System.isInterrupted {
        throw Interrupted(
          "Interrupted; what is copied stays.", hint: "Run the same command again to continue.")
      }
      let bytes = try System.read(
        descriptor, byteCount: CopyWriter.chunkByteCount, offset: offset, path: source)
      digest.update(bytes.span.raw)
      try body(bytes.span.raw)
      onBytes(bytes.count)
      if bytes.count < CopyWriter.chunkByteCount { return digest.finish() }
      offset += bytes.count
    }
  }
}

/// A file that is not what its manifest says, found while it was copied.
package struct CopiedDamage: Failure, Equatable {
  package let path: String
  package let sha256: String
  package let expected: String

  package init(path: String, sha256: String, expected: String) {
    (self.path, self.sha256, self.expected) = (path, sha256, expected)
  }

  package var sentence: String {
    "\(path) has the SHA-256 \(sha256); its manifest says \(expected)."
  }

  package var hint: String? {
    "It was not copied; verify tells what else is damaged."
  }
}
