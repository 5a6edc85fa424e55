// The calls of libc that folders shared with others need: the names in them, names that are given once, and for the
// cache of other programs symbolic links, locks that Python's programs respect, files that are filled by places; and the
// end of whole folders.

import Foundation

extension System {
  /// The names in a folder, sorted, without `.` and `..`.
  package static func list(_ path: String) throws(SystemError) -> [String] {
    var names: [String] = []
    try forEachName(path) { names.append($0) }
    return names.sorted()
  }

  /// The names in a folder, to look others up in.
  package static func names(_ path: String) throws(SystemError) -> Set<String> {
    var names: Set<String> = []
    try forEachName(path) { names.insert($0) }
    return names
  }

  /// Calls `body` with each name in a folder, in no order, without `.` and `..`.
  package static func forEachName(
    _ path: String, _ body: (String) -> Void
  ) throws(SystemError) {
    var opened = unsafe opendir(path)
    while unsafe opened == nil, errno == EINTR { unsafe opened = opendir(path) }
    guard let folder = unsafe opened else {
      throw SystemError(call: "opendir", path: path, errno: errno)
    }
    defer { unsafe closedir(folder) }
    while true {
      errno = 0
      guard let entry = unsafe readdir(folder) else {
        // A list that breaks off is none.
        let code = errno
        if code == EINTR { continue }
        if code != 0 { throw SystemError(call: "readdir", path: path, errno: code) }
        break
      }
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { body(name) }
    }
  }

  /// Gives a file a second name; fails where that name exists.
  package static func link(_ from: String, to: String) throws(SystemError) {
    _ = try retrying("link", to) { unsafe Foundation.link(from, to) }
  }

  /// Gives a file with a temporary name its own, unless another file has that name; the temporary one may stay.
  ///
  /// By a link, or where the file system has none by a rename that replaces nothing.
  ///
  /// - Returns: whether the file has the name.
  package static func nameUnlessTaken(
    _ temporary: String, as path: String
  ) throws(SystemError) -> Bool {
    do {
      try link(temporary, to: path)
      return true
    } catch {
      // Where a network file system loses its answer, a link that was made is reported as there.
      if error.isFileExists { return isSame(temporary, path) }
      guard error.lacksLinks else { throw error }
    }
    do {
      try renameUnlessTaken(temporary, path)
      return true
    } catch {
      if error.isFileExists { return false }
      throw error
    }
  }

  private typealias Renaming =
    @convention(c) (
      Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
    ) -> Int32

  /// The call is one of Linux that its headers show to C alone.
  private static func renameUnlessTaken(_ from: String, _ to: String) throws(SystemError) {
    guard let symbol = unsafe dlsym(nil, "renameat2") else {
      throw SystemError(call: "renameat2", path: to, errno: ENOSYS)
    }
    let rename = unsafe unsafeBitCast(symbol, to: Renaming.self)
    // RENAME_NOREPLACE
    _ = try retrying("renameat2", to) { unsafe rename(AT_FDCWD, from, AT_FDCWD, to, 1) }
  }

  private static func isSame(_ first: String, _ second: String) -> Bool {
    guard let first = try? status(first), let second = try? status(second) else { return false }
    return first.device == second.device && first.inode == second.inode
  }

  /// Makes a symbolic link; `isFileExists` tells that the name is taken.
  package static func symbolicLink(_ target: String, at path: String) throws(SystemError) {
    _ = try retrying("symlink", path) { unsafe symlink(target, path) }
  }

  /// What a symbolic link says; nil where there is none.
  package static func linkTarget(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe bytes.baseAddress.map { unsafe readlink(path, $0, 4_096) } ?? -1
    }
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// Opens a file for reading and writing, made where it does not exist.
  package static func openForUpdating(
    _ path: String, mode: UInt32 = 0o666
  ) throws(SystemError) -> Int32 {
    try retrying("open", path) { unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode) }
  }

  /// Lets others into a file, whatever the mask of this process; nothing where that is not allowed.
  package static func permit(_ mode: UInt32, _ descriptor: Int32) { _ = fchmod(descriptor, mode) }

  package static func write(
    _ bytes: RawSpan, at offset: Int, to descriptor: Int32, path: String
  ) throws(SystemError) {
    var done = 0
    while done < bytes.byteCount {
      let start = done
      done += try retrying("write", path) {
        unsafe bytes.withUnsafeBytes { buffer in
          unsafe buffer.baseAddress.map {
            unsafe pwrite(descriptor, $0 + start, buffer.count - start, off_t(offset + start))
          } ?? 0
        }
      }
    }
  }

  package static func truncate(
    _ descriptor: Int32, byteCount: Int, path: String
  ) throws(SystemError) {
    _ = try retrying("ftruncate", path) { ftruncate(descriptor, off_t(byteCount)) }
  }

  /// Takes the lock of an open file for this process alone, without waiting.
  ///
  /// - Returns: whether it was free. It is given back when the file is closed.
  package static func lock(_ descriptor: Int32, path: String) throws(SystemError) -> Bool {
    do {
      _ = try retrying("flock", path) { flock(descriptor, LOCK_EX | LOCK_NB) }
      return true
    } catch {
      // Some network file systems say EACCES for a lock that is taken.
      if error.errno == EWOULDBLOCK || error.errno == EACCES { return false }
      throw error
    }
  }

  /// Removes a folder and all in it; what is already gone, or goes meanwhile, is no error.
  package static func removeTree(_ path: String) throws(SystemError) {
    try unlessGone {
      () throws(SystemError) in
      for name in try list(path) {
        let child = path + "/" + name
        try unlessGone {
          () throws(SystemError) in
          var raw = stat()
          _ = try retrying("lstat", child) { unsafe lstat(child, &raw) }
          if raw.st_mode & S_IFMT == S_IFDIR { try removeTree(child) } else { try remove(child) }
        }
      }
      _ = try retrying("rmdir", path) { unsafe rmdir(path) }
    }
  }

  private static func unlessGone(
    _ body: () throws(SystemError) -> Void
  ) throws(SystemError) {
    do { try body() } catch { if !error.isNotFound { throw error } }
  }
}
