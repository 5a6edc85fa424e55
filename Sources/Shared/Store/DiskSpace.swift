// The check, before a stage starts, that its files will fit on the disk.

/// A disk that is too small for what a stage is about to write.
package struct DiskSpaceError: Failure, Equatable {
  package let path: String
  package let needed: Int
  package let free: Int
  /// What else would help, as "lower cache.training_tokens".
  package let remedy: String?

  package init(path: String, needed: Int, free: Int, remedy: String? = nil) {
    self.path = path
    self.needed = needed
    self.free = free
    self.remedy = remedy
  }

  package var sentence: String {
    "The disk of \(path) is too small: \(Readable.bytes(needed)) are needed and "
      + "\(Readable.bytes(free)) are free."
  }

  package var hint: String? {
    let place = "set store to a folder on another disk"
    return remedy.map { "Free some space, \(place), or \($0)." } ?? "Free some space, or \(place)."
  }
}

package enum DiskSpace {
  /// Refuses where fewer than `byteCount` bytes are free for files in the folder `path`, which
  /// need not exist yet; `remedy` is what else would help.
  package static func require(
    _ byteCount: Int, at path: String, remedy: String? = nil
  ) throws {
    var existing = path
    while !System.isDirectory(existing), existing != ".", existing != "/" {
      existing = folder(of: existing)
    }
    let free = try System.freeByteCount(existing)
    guard free >= byteCount else {
      throw DiskSpaceError(path: path, needed: byteCount, free: free, remedy: remedy)
    }
  }
}
