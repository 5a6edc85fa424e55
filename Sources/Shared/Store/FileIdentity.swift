// The identity of model, tokenizer and data files: the SHA-256 of their content. Comes in: a path.
// Leaves: "sha256:…", computed once per content where a store remembers it.

/// Something that is neither a file nor a folder.
package struct NoFile: Failure, Equatable {
  package let path: String

  package init(path: String) { self.path = path }

  package var sentence: String { "\(path) is neither a file nor a folder." }
  package var hint: String? { "Write what it gives into a file, and name that." }
}

/// Identities of files and folders.
package enum FileIdentity {
  /// Files below this size are hashed each time.
  static let rememberedByteCount = 64 << 20

  /// The identity of a file's content, or of a folder's names and contents.
  ///
  /// Of a folder, names that begin with a dot are left out. Large files are looked up in `store`
  /// by device, inode, size and times, and noted there.
  package static func of(_ path: String, store: Store? = nil) throws -> String {
    "sha256:" + (try digest(path, store))
  }

  private static func digest(_ path: String, _ store: Store?) throws -> String {
    let status = try System.status(path)
    // A device or a pipe has no content that could be told again.
    guard status.isDirectory || status.isRegularFile else { throw NoFile(path: path) }
    guard status.isDirectory else { return try fileDigest(path, status, store) }
    var digest = Digest()
    for name in try System.list(path) where !name.hasPrefix(".") {
      let line = Array("\(name)\n\(try Self.digest(path + "/" + name, store))\n".utf8)
      digest.update(line.span.raw)
    }
    return digest.finish()
  }

  private static func fileDigest(
    _ path: String, _ status: System.Status, _ store: Store?
  ) throws -> String {
    guard let store, status.byteCount >= rememberedByteCount else {
      return try interruptibleDigest(path)
    }
    let folder = store.path + "/.identities"
    let note =
      "\(folder)/\(status.device)-\(status.inode)-\(status.byteCount)-"
      + "\(status.modifiedNanoseconds)-\(status.changedNanoseconds)"
    if let known = try? MappedFile.contents(note), known.count == 64,
      known.allSatisfy({ "0123456789abcdef".utf8.contains($0) })
    {
      return String(decoding: known, as: UTF8.self)
    }
    let digest = try interruptibleDigest(path)
    // A store that cannot be written to still gives identities.
    try? System.createDirectories(folder)
    try? AtomicFile.replace(note, with: digest)
    return digest
  }

  /// The digest of a file, which may take long: whoever asks the program to stop is heard.
  static func interruptibleDigest(_ path: String) throws -> String {
    var digest = Digest()
    guard try digest.update(file: path, unless: { System.isInterrupted }) else {
      throw Interrupted(
        "Interrupted while \(path) was read.", hint: "Run the same command again to continue.")
    }
    return digest.finish()
  }
}
