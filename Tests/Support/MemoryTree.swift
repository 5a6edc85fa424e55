// Files that lie in memory, as if on a server. Comes in: contents by path. Leaves: a tree that counts what
// is read, and a door to repositories of such trees.

package import Shared
import Synchronization

/// A tree of files in memory.
package final class MemoryTree: FileTree {
  private let files: [String: [UInt8]]
  private let folders: [String: Set<String>]
  private let counted = Mutex<[String: [Int]]>([:])

  package init(_ files: [String: [UInt8]]) {
    self.files = files
    var folders: [String: Set<String>] = ["": []]
    for path in files.keys {
      var child = path[...]
      while !child.isEmpty {
        let slash = child.lastIndex(of: "/")
        let parent = slash.map { child[..<$0] } ?? ""
        folders[String(parent), default: []].insert(
          String(slash.map { child[child.index(after: $0)...] } ?? child))
        child = parent
      }
    }
    self.folders = folders
  }

  /// The bytes of every read of a file so far.
  package func reads(_ path: String) -> [Int] { counted.withLock { $0[path] ?? [] } }

  /// The bytes that were read of all files.
  package var byteCount: Int { counted.withLock { $0.values.reduce(0) { $0 + $1.reduce(0, +) } } }

  package func entry(_ path: String) -> FileTreeEntry? {
    if let file = files[path] { return .file(byteCount: file.count) }
    return folders[path] == nil ? nil : .folder
  }

  package func list(_ folder: String) throws -> [String] {
    (folders[folder] ?? []).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  package func open(_ path: String) throws -> any ByteSource {
    guard let bytes = files[path] else { throw SystemError(call: "open", path: path, errno: 2) }
    return Source(path: path, bytes: bytes) { count in
      self.counted.withLock { $0[path, default: []].append(count) }
    }
  }

  package func identity(_ path: String) -> String? {
    files[path].map { bytes in
      var digest = Digest()
      digest.update(bytes.span.raw)
      return "sha256:" + digest.finish()
    }
  }

  private final class Source: ByteSource {
    let path: String
    let byteCount: Int
    private let bytes: [UInt8]
    private let count: @Sendable (Int) -> Void

    init(path: String, bytes: [UInt8], count: @escaping @Sendable (Int) -> Void) {
      self.path = path
      self.bytes = bytes
      byteCount = bytes.count
      self.count = count
    }

    func read(at offset: Int, count: Int) throws -> [UInt8] {
      let start = min(max(0, offset), byteCount)
      let read = Array(bytes[start..<min(byteCount, start + max(0, count))])
      self.count(read.count)
      return read
    }
  }
}

/// A door to repositories in memory, by `name` or `name@revision`.
package final class MemoryHub: HubDoor {
  private let repositories: [String: MemoryTree]
  /// Where files that are fetched are written.
  private let folder: String
  private let asked = Mutex<[String]>([])

  package init(_ repositories: [String: MemoryTree], folder: String = "") {
    self.repositories = repositories
    self.folder = folder
  }

  package var cached: any HubDoor { self }

  /// What was fetched, in order.
  package var fetched: [String] { asked.withLock { $0 } }

  /// What is said of a repository that there is not.
  package struct Unknown: Failure, Equatable {
    package let id: String
    package var sentence: String { "There is no repository \(id)." }
    package var hint: String? { "Check the name." }
  }

  package func datasetTree(
    _ id: String, revision: String?
  ) throws -> (tree: any FileTree, commit: String) {
    guard repositories[id] != nil else { throw Unknown(id: id) }
    let name = revision.map { $0 == "main" || $0 == "c0ffee" ? id : id + "@" + $0 } ?? id
    guard let tree = repositories[name] else {
      throw MissingRevision(id: id, revision: revision ?? "main")
    }
    return (tree, "c0ffee")
  }

  package func fetchDataset(_ id: String, revision: String?, paths: [String]) throws -> String {
    let tree = try datasetTree(id, revision: revision).tree
    for path in paths {
      asked.withLock { $0.append(path) }
      let source = try tree.open(path)
      try System.createDirectories(Shared.folder(of: folder + "/" + path))
      try AtomicFile.replace(
        folder + "/" + path,
        with: String(decoding: try source.read(at: 0, count: source.byteCount), as: UTF8.self))
    }
    return folder
  }

  package func describeModel(_ name: String, revision: String?) throws -> String {
    throw Unknown(id: name)
  }
  package func fetchModel(_ name: String, revision: String?) throws -> String {
    throw Unknown(id: name)
  }
  package func fetchTokenizer(_ name: String, revision: String?) throws -> String {
    throw Unknown(id: name)
  }
  package func fetchSAE(_ name: String, revision: String?) throws -> String {
    throw Unknown(id: name)
  }
}
