// Files wherever they lie. Comes in: a path. Leaves: what is there, and bytes by ranges, from this
// machine or from a server.

/// Bytes that are read by ranges, wherever they lie.
package protocol ByteSource: AnyObject, Sendable {
  /// For people: a path, or `hf://datasets/owner/name@revision/file`.
  var path: String { get }
  var byteCount: Int { get }
  /// Reads bytes from `offset` on; fewer than `count` only at the end.
  func read(at offset: Int, count: Int) throws -> [UInt8]
  /// States what will be read, in order and from front to back, to a source that can fetch it ahead.
  func expect(_ ranges: [Range<Int>])
}

extension ByteSource {
  package func expect(_ ranges: [Range<Int>]) {}
}

/// What lies at a path.
package enum FileTreeEntry: Sendable, Equatable {
  case folder
  case file(byteCount: Int)
}

/// A folder's files by path, here or on a server; the path of the folder itself is empty.
package protocol FileTree: Sendable {
  /// What lies at a path; nil where nothing does.
  func entry(_ path: String) -> FileTreeEntry?
  /// The names in a folder, sorted by their bytes.
  func list(_ folder: String) throws -> [String]
  func open(_ path: String) throws -> any ByteSource
  /// What tells the content apart: `sha256:…` (LFS) or `git-sha1:…` (blob); nil where it has to be hashed.
  func identity(_ path: String) -> String?
  /// What tells a folder from those that it lies in; nil where no folder can lie in itself.
  func folderIdentity(_ path: String) -> String?
}

extension FileTree {
  package func folderIdentity(_ path: String) -> String? { nil }

  package func exists(_ path: String) -> Bool { entry(path) != nil }

  package func isFolder(_ path: String) -> Bool { entry(path) == .folder }
}

/// The files of this machine, by paths as libc takes them; the empty path is the working folder.
package struct LocalTree: FileTree {
  package init() {}

  package func entry(_ path: String) -> FileTreeEntry? {
    do throws(SystemError) {
      let status = try System.status(place(path))
      return status.isDirectory ? .folder : .file(byteCount: status.byteCount)
    } catch {
      // What cannot be looked at is there all the same: whoever opens it hears what is wrong.
      return error.isAbsence ? nil : .file(byteCount: 0)
    }
  }

  package func list(_ folder: String) throws -> [String] {
    try System.list(place(folder)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  package func open(_ path: String) throws -> any ByteSource { try InputFile(path) }

  package func identity(_ path: String) -> String? { nil }

  /// Links can make a folder lie in itself.
  package func folderIdentity(_ path: String) -> String? {
    guard let status = try? System.status(place(path)) else { return nil }
    return "\(status.device)-\(status.inode)"
  }

  private func place(_ path: String) -> String { path.isEmpty ? "." : path }
}
