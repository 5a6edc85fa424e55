// What lies in a folder of a store, in all depths. Comes in: a path. Leaves: bytes, times, leases and what writers
// left; nothing is opened, written or removed.

/// The files of a folder, counted and told apart by name.
package struct FolderScan: Sendable, Equatable {
  /// Folders within folders, at most.
  private static let depthLimit = 16

  package private(set) var byteCount = 0
  /// The time of the newest change, in seconds since 1970 by the clock of the disk.
  package private(set) var newest = 0.0
  package private(set) var leases: [String] = []
  /// Files and folders that are being written, or that a writer left.
  package private(set) var temporaries: [String] = []
  /// Files that are neither, by path.
  package private(set) var files: [String] = []

  package init(_ path: String) {
    if let status = try? System.status(path) { see(status) }
    visit(path, depth: 0, isTemporary: false)
  }

  private mutating func visit(_ path: String, depth: Int, isTemporary: Bool) {
    guard depth < FolderScan.depthLimit, let names = try? System.list(path) else { return }
    for name in names {
      let child = path + "/" + name
      // Another process may be at work in the folder: what is gone counts nothing.
      guard let status = try? System.status(child) else { continue }
      see(status)
      let isOne = TemporaryName(name) != nil
      if isOne, !isTemporary { temporaries.append(child) }
      if status.isDirectory {
        visit(child, depth: depth + 1, isTemporary: isTemporary || isOne)
        continue
      }
      byteCount += status.byteCount
      if isTemporary || isOne { continue }
      if name.hasSuffix(Lease.suffix) { leases.append(child) } else { files.append(child) }
    }
  }

  private mutating func see(_ status: System.Status) {
    newest = max(newest, Double(status.modifiedNanoseconds) * 1e-9)
  }
}
