// A folder that appears whole or not at all: temporary sibling → files → rename.

/// Owns a temporary sibling of `path` until it is published; removed when it never is.
package struct AtomicFolder: ~Copyable {
  package let path: String
  /// Where its files go until then.
  package let temporary: String
  private var isPublished = false

  private init(path: String, temporary: String) {
    self.path = path
    self.temporary = temporary
  }

  /// Starts a folder that will be published as `path`, where nothing or an empty folder may be.
  ///
  /// What processes of this machine left of the same folder when they died is removed.
  package static func create(_ path: String) throws(SystemError) -> AtomicFolder {
    let parent = folder(of: path)
    try System.createDirectories(parent)
    for name in try System.list(parent) {
      guard let found = TemporaryName(name), found.isAbandoned,
        path == found.base || path.hasSuffix("/" + found.base)
      else { continue }
      try System.removeTree(parent + "/" + name)
    }
    let temporary = TemporaryName.sibling(of: path)
    if System.exists(temporary) { try System.removeTree(temporary) }
    try System.createDirectories(temporary)
    return AtomicFolder(path: path, temporary: temporary)
  }

  deinit { if !isPublished { try? System.removeTree(temporary) } }

  /// Gives the folder its name; fails where a folder with files has it.
  package consuming func publish() throws(SystemError) {
    try System.synchronizeDirectory(temporary)
    try rename()
  }

  /// Gives the folder its name, also where a folder with files has it.
  ///
  /// Between the two there is neither, which a process that is killed there leaves.
  package consuming func publishReplacing() throws(SystemError) {
    try System.synchronizeDirectory(temporary)
    try System.removeTree(path)
    try rename()
  }

  private mutating func rename() throws(SystemError) {
    try System.rename(temporary, to: path)
    isPublished = true
    try System.synchronizeDirectory(folder(of: path))
  }
}
