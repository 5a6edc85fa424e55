// What a test puts on the local Hub: repositories with their files, or a folder full of them. Contents come
// in, hashes of commits leave.

import Shared
import Synchronization

extension LocalHub {
  /// Adds files to a branch of a repository, which is made where it is missing.
  ///
  /// - Returns: the hash of the commit.
  @discardableResult
  package func add(
    _ files: [String: LocalHubContent], to id: String, _ kind: LocalHubKind = .model,
    branch: String = "main", removing removed: [String] = [], access: LocalHubAccess? = nil,
    title: String = "Add files"
  ) throws -> String {
    var changes: [String: LocalHubFile?] = [:]
    for (path, content) in files { changes[path] = try file(content, at: path) }
    for path in removed { changes.updateValue(nil, forKey: path) }
    return try state.withLock { state in
      let key = Self.key(kind, id)
      var repository =
        try state.repositories[key] ?? LocalHubRepository(kind, id, access: access ?? .open)
      if let access { repository.access = access }
      let commit = try repository.commit(changes, to: branch, title: title)
      state.repositories[key] = repository
      return commit
    }
  }

  package func addTag(_ tag: String, at commit: String, of id: String, _ kind: LocalHubKind) {
    state.withLock { $0.repositories[Self.key(kind, id)]?.setTag(tag, to: commit) }
  }

  /// Makes a former name lead to a repository.
  package func addFormerName(_ name: String, of id: String, _ kind: LocalHubKind) {
    state.withLock { $0.names[Self.key(kind, name)] = id }
  }

  /// The bytes of a file; nil where the repository, the revision or the file is not there.
  package func contents(
    of path: String, in id: String, _ kind: LocalHubKind = .model, revision: String = "main"
  ) throws -> [UInt8]? {
    let file = state.withLock {
      $0.repositories[Self.key(kind, id)]?.commit(revision)?.files[path]
    }
    return try file.map { try $0.content.read(0..<$0.byteCount) }
  }

  /// The paths of all files, sorted by bytes; nil where the repository or the revision is not there.
  package func paths(
    in id: String, _ kind: LocalHubKind = .model, revision: String = "main"
  ) -> [String]? {
    state.withLock { $0.repositories[Self.key(kind, id)]?.commit(revision)?.paths }
  }

  /// Serves a folder: `models/OWNER/NAME/…` and `datasets/OWNER/NAME/…`; `NAME@BRANCH`, percent-encoded, is
  /// another branch of the same repository, and a repository without an owner lies one folder higher.
  package func serve(folder: String) throws {
    for (name, kind) in [("models", LocalHubKind.model), ("datasets", .dataset)] {
      let root = "\(folder)/\(name)"
      guard System.isDirectory(root) else { continue }
      for owner in try System.list(root) where System.isDirectory("\(root)/\(owner)") {
        let inner = try System.list("\(root)/\(owner)")
        if inner.contains(where: { !System.isDirectory("\(root)/\(owner)/\($0)") }) {
          try serve(repository: "\(root)/\(owner)", as: owner, kind)
        } else {
          for name in inner {
            try serve(repository: "\(root)/\(owner)/\(name)", as: "\(owner)/\(name)", kind)
          }
        }
      }
    }
  }

  private func serve(repository path: String, as name: String, _ kind: LocalHubKind) throws {
    let halves = name.split(separator: "@", maxSplits: 1)
    var files: [String: LocalHubContent] = [:]
    try collect(path, "", &files)
    try add(
      files, to: String(halves[0]), kind,
      branch: halves.count > 1 ? LocalHTTPRequest.decoded(halves[1]) : "main")
  }

  private func collect(
    _ folder: String, _ prefix: String, _ files: inout [String: LocalHubContent]
  ) throws {
    for name in try System.list(folder) {
      let path = "\(folder)/\(name)"
      if System.isDirectory(path) {
        try collect(path, prefix + name + "/", &files)
      } else {
        files[prefix + name] = .file(path)
      }
    }
  }

  /// A file as it lies in a commit: by its name or its size a large one.
  func file(_ content: LocalHubContent, at path: String) throws -> LocalHubFile {
    let isLarge = try isLarge(path, byteCount: content.byteCount())
    return try LocalHubFile(content, isLarge: isLarge)
  }

  /// Whether a file of this name and size is kept outside of git, as by the Hub's default `.gitattributes`.
  func isLarge(_ path: String, byteCount: Int) -> Bool {
    let ending = path.split(separator: ".").last.map { String($0) } ?? ""
    return byteCount >= options.largeByteCount || Self.largeEndings.contains(ending)
  }

  private static let largeEndings: Set<String> = [
    "7z", "arrow", "bin", "bz2", "ckpt", "ftz", "gz", "h5", "joblib", "lz4", "mds", "mlmodel",
    "model", "msgpack", "npy", "npz", "onnx", "ot", "parquet", "pb", "pickle", "pkl", "pt", "pth",
    "rar", "safetensors", "tar", "tflite", "tgz", "wasm", "xz", "zip", "zst",
  ]

  /// What a new repository says about its large files.
  static var attributes: String {
    largeEndings.sorted().map { "*.\($0) filter=lfs diff=lfs merge=lfs -text\n" }.joined()
  }

  static func key(_ kind: LocalHubKind, _ id: String) -> String { "\(kind.rawValue)s/\(id)" }
}
