// The files of a snapshot as a tree that is read over the network.

/// A repository at one commit; listing costs no request.
package struct RemoteTree: FileTree {
  private let session: HubSession
  private let snapshot: HubSnapshot
  private let folders: [String: [String]]

  init(_ session: HubSession, _ snapshot: HubSnapshot) {
    self.session = session
    self.snapshot = snapshot
    var folders: [String: Set<String>] = ["": []]
    for file in snapshot.files {
      var child = file.path[...]
      while true {
        let slash = child.lastIndex(of: "/")
        let parent = slash.map { child[..<$0] } ?? ""
        let name = slash.map { child[child.index(after: $0)...] } ?? child
        // A folder that is known is known to all above it.
        let isKnown = folders[String(parent)] != nil
        folders[String(parent), default: []].insert(String(name))
        guard !isKnown, slash != nil else { break }
        child = parent
      }
    }
    self.folders = folders.mapValues { names in
      names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
  }

  package func entry(_ path: String) -> FileTreeEntry? {
    if let file = snapshot.file(path) { return .file(byteCount: file.byteCount) }
    return folders[path] == nil ? nil : .folder
  }

  package func list(_ folder: String) throws -> [String] {
    guard let names = folders[folder] else {
      throw HubError.noFile(snapshot.repository, folder)
    }
    return names
  }

  package func open(_ path: String) throws -> any ByteSource {
    guard let file = snapshot.file(path) else {
      throw HubError.noFile(snapshot.repository, path)
    }
    let cache = HubCache(session.environment, snapshot.repository)
    if cache.holds(file, snapshot.commit) {
      return try InputFile(cache.place(file, snapshot.commit))
    }
    if cache.holdsBlob(file) { return try InputFile(cache.blob(file)) }
    switch snapshot.origin {
    case .hub: return RemoteFile(session, snapshot, file)
    case .cache, .cacheInstead: throw snapshot.absence(of: path, session.environment)
    }
  }

  package func identity(_ path: String) -> String? { snapshot.file(path)?.digest.identity }
}

extension HubSnapshot {
  /// Why a file that is not there cannot be fetched.
  func absence(of path: String, _ environment: HubEnvironment) -> HubError {
    switch origin {
    case .hub: .noFile(repository, path)
    case .cache:
      .offlineFile(repository, path, "\(environment.offlineVariable) forbids the network")
    case .cacheInstead: .offlineFile(repository, path, "\(environment.endpoint) does not give it")
    }
  }
}
