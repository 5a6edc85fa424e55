// The check, before a stage starts, that its files will fit on the disk.

/// A disk that is too small for what a stage is about to write.
package struct DiskSpaceError: Failure, Equatable {
  package let path: String
  package let needed: Int
  package let free: Int

  package init(path: String, needed: Int, free: Int) {
    self.path = path
    self.needed = needed
    self.free = free
  }

  package var sentence: String {
    "The disk of \(path) is too small: \(Readable.bytes(needed)) are needed and "
      + "\(Readable.bytes(free)) are free."
  }

  package var hint: String? { "Free some space, or set store to a folder on another disk." }
}

package enum DiskSpace {
  /// Refuses where fewer than `byteCount` bytes are free for files in the folder `path`, which
  /// need not exist yet.
  package static func require(_ byteCount: Int, at path: String) throws {
    var existing = path
    while !System.isDirectory(existing), existing != ".", existing != "/" {
      existing = folder(of: existing)
    }
    let free = try System.freeByteCount(existing)
    guard free >= byteCount else {
      throw DiskSpaceError(path: path, needed: byteCount, free: free)
    }
  }
}
