// The calls of libc that are about files. EINTR is retried and errno is read at once; what the world did
// wrong is thrown as a SystemError.

import Foundation

/// A libc call that failed, with the path it was about.
package struct SystemError: Failure, Equatable {
  package let call: String
  package let path: String
  package let errno: Int32

  package init(call: String, path: String, errno: Int32) {
    self.call = call
    self.path = path
    self.errno = errno
  }

  package var isFileExists: Bool { errno == EEXIST }
  package var isNotFound: Bool { errno == ENOENT }

  /// Whether nothing lies at the path.
  var isNothing: Bool { [ENOENT, ENOTDIR, ENAMETOOLONG].contains(errno) }

  /// Whether the disk or the machine failed, rather than that the file is not what it should be.
  package var isBreakdown: Bool { !isAbsence && errno != EISDIR }

  /// Whether a folder could not take its name, since another one with files has it.
  package var isOccupied: Bool { errno == ENOTEMPTY || errno == EEXIST }
  /// Whether a network file system has forgotten an open file.
  var isStale: Bool { errno == ESTALE }
  package var isReadOnly: Bool { errno == EROFS }

  /// Whether there is nothing for this process at the path, rather than something that it failed to read.
  package var isAbsence: Bool {
    [ENOENT, ENOTDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG].contains(errno)
  }

  /// Whether a link failed because the file system has none.
  var lacksLinks: Bool { [EPERM, EOPNOTSUPP, ENOSYS].contains(errno) }

  /// Whether a call failed because the file system has no such thing.
  var lacksCall: Bool { [EPERM, EOPNOTSUPP, ENOSYS, EINVAL].contains(errno) }

  /// Whether the file system has neither links nor renames that replace nothing.
  private var lacksNaming: Bool {
    call == "renameat2" && [EINVAL, EOPNOTSUPP, ENOSYS].contains(errno)
  }

  package var sentence: String {
    if lacksNaming {
      return "\(path) lies on a file system where several processes cannot work together: it has "
        + "neither hard links nor renames that replace nothing."
    }
    return switch errno {
    case ENOENT: "\(path) does not exist."
    case ENOSPC, EDQUOT, EFBIG: "\(fullness): \(path) could not be written."
    case EACCES, EPERM: "\(path) may not be accessed (\(call): permission denied)."
    case EROFS: "\(path) lies on a read-only file system."
    case EISDIR: "\(path) is a folder where a file was expected."
    case ENOTDIR: "\(path) does not lie in a folder."
    default: "\(path): \(call) failed: \(unsafe String(cString: strerror(errno)))."
    }
  }

  /// Whether a file could not be written for want of room.
  package var isFull: Bool { errno == ENOSPC || errno == EDQUOT || errno == EFBIG }

  /// What there is no room in.
  private var fullness: String {
    switch errno {
    case EDQUOT: "The disk quota is used up"
    case EFBIG: "The file would be larger than the system allows"
    default: "The disk is full"
    }
  }

  /// What happened, for a sentence that says itself what it happened to.
  package var cause: String {
    isFull ? fullness : "\(call) failed: \(unsafe String(cString: strerror(errno)))"
  }

  /// What to do before the same is tried again.
  package var remedy: String {
    if errno == EFBIG { return "Raise the limit on the size of files (ulimit -f)" }
    return isFull ? "Free some space" : "Mend that"
  }

  package var hint: String? {
    if lacksNaming { return "Set store to a folder on another file system." }
    return switch errno {
    case ENOENT: "Check the path."
    case ENOSPC, EDQUOT, EFBIG:
      "\(remedy) and run the same command again; finished shards are kept."
    case EACCES, EPERM: "Check the owner and the mode of the file and of its folder."
    default: nil
    }
  }

  package var exitCode: ExitCode {
    if lacksNaming { return .wrongInput }
    return switch errno {
    case ENOENT, ENOSPC, EDQUOT, EFBIG, EACCES, EPERM, EROFS, EISDIR, ENOTDIR: .wrongInput
    default: .failed
    }
  }
}

/// The libc calls, each once.
package enum System {
  /// What a file looks like from outside.
  package struct Status: Sendable, Equatable {
    package let byteCount: Int
    package let isDirectory: Bool
    package let isRegularFile: Bool
    package let device: UInt64
    package let inode: UInt64
    package let modifiedNanoseconds: Int64
    package let changedNanoseconds: Int64
    /// The number of the user whose it is.
    package let owner: UInt32
  }

  /// Runs a call that answers -1 on failure, again for as long as a signal interrupts it.
  static func retrying<Result: SignedInteger>(
    _ call: String, _ path: String, _ body: () -> Result
  ) throws(SystemError) -> Result {
    while true {
      let result = body()
      if result != -1 { return result }
      let code = errno
      if code == EINTR { continue }
      precondition(code != EBADF && code != EFAULT, "\(call) on \(path): programming error \(code)")
      throw SystemError(call: call, path: path, errno: code)
    }
  }

  package static func status(_ path: String) throws(SystemError) -> Status {
    var raw = stat()
    _ = try retrying("stat", path) { unsafe stat(path, &raw) }
    return status(raw)
  }

  /// The status of a file that is opened for it, which a network file system asks its server for.
  package static func freshStatus(_ path: String) throws(SystemError) -> Status {
    let descriptor = try openForReading(path)
    defer { close(descriptor) }
    return try status(of: descriptor, path: path)
  }

  package static func status(of descriptor: Int32, path: String) throws(SystemError) -> Status {
    var raw = stat()
    _ = try retrying("fstat", path) { unsafe fstat(descriptor, &raw) }
    return status(raw)
  }

  private static func status(_ raw: stat) -> Status {
    Status(
      byteCount: Int(raw.st_size),
      isDirectory: raw.st_mode & S_IFMT == S_IFDIR,
      isRegularFile: raw.st_mode & S_IFMT == S_IFREG,
      device: UInt64(raw.st_dev), inode: UInt64(raw.st_ino),
      modifiedNanoseconds: Int64(raw.st_mtim.tv_sec) * 1_000_000_000 + Int64(raw.st_mtim.tv_nsec),
      changedNanoseconds: Int64(raw.st_ctim.tv_sec) * 1_000_000_000 + Int64(raw.st_ctim.tv_nsec),
      owner: raw.st_uid)
  }

  package static func openForReading(_ path: String) throws(SystemError) -> Int32 {
    try retrying("open", path) { unsafe open(path, O_RDONLY | O_CLOEXEC) }
  }

  /// Creates a file that did not exist; `isFileExists` tells a lost race.
  package static func createExclusively(_ path: String) throws(SystemError) -> Int32 {
    let descriptor = try retrying("open", path) {
      unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    }
    share(descriptor, path)
    return descriptor
  }

  package static func openForAppending(_ path: String) throws(SystemError) -> Int32 {
    let descriptor = try retrying("open", path) {
      unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    }
    share(descriptor, path)
    return descriptor
  }

  /// Lets the group into a file of a folder that the group may write, whatever the mask of this process.
  ///
  /// The file gets the folder's group, where it has not got that from the bit which does so. Elsewhere, and in
  /// folders such as /tmp where everybody keeps to themselves, the mask says who may do what.
  private static func share(_ descriptor: Int32, _ path: String) {
    var raw = stat()
    guard let group = sharedGroup(folder(of: path)), unsafe fstat(descriptor, &raw) == 0 else {
      return
    }
    if raw.st_gid != group, fchown(descriptor, uid_t.max, group) != 0 { return }
    if raw.st_mode & 0o060 != 0o060 { _ = fchmod(descriptor, raw.st_mode & 0o7777 | 0o060) }
  }

  /// The group that works together in a folder; nil where none does.
  private static func sharedGroup(_ folder: String) -> gid_t? {
    var raw = stat()
    guard unsafe stat(folder, &raw) == 0, raw.st_mode & S_IWGRP != 0, raw.st_mode & S_ISVTX == 0
    else { return nil }
    return raw.st_gid
  }

  package static func close(_ descriptor: Int32) {
    _ = Foundation.close(descriptor)
  }

  package static func write(
    _ bytes: RawSpan, to descriptor: Int32, path: String
  ) throws(SystemError) {
    var done = 0
    while done < bytes.byteCount {
      let chunk = min(bytes.byteCount - done, 1 << 30)
      let start = done
      done += try retrying("write", path) {
        unsafe bytes.withUnsafeBytes { buffer in
          unsafe buffer.baseAddress.map { unsafe Foundation.write(descriptor, $0 + start, chunk) }
            ?? 0
        }
      }
    }
  }

  /// Reads up to `byteCount` bytes at `offset`; fewer only at the end of the file.
  package static func read(
    _ descriptor: Int32, byteCount: Int, offset: Int, path: String
  ) throws(SystemError) -> [UInt8] {
    var failure: SystemError?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      count = 0
      do throws(SystemError) {
        while count < byteCount {
          guard let base = buffer.baseAddress else { return }
          let start = count
          let got = try retrying("read", path) {
            unsafe pread(descriptor, base + start, byteCount - start, off_t(offset + start))
          }
          if got == 0 { return }
          count += got
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Reads on from where the descriptor stands, which may be a pipe, up to `limit` bytes.
  package static func readStream(
    _ descriptor: Int32, atMost limit: Int, path: String
  ) throws(SystemError) -> [UInt8] {
    var (bytes, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
    while bytes.count < limit {
      let got = try retrying("read", path) {
        unsafe chunk.withUnsafeMutableBytes {
          unsafe Foundation.read(descriptor, $0.baseAddress, 65_536)
        }
      }
      if got == 0 { break }
      bytes += chunk[..<min(got, limit - bytes.count)]
    }
    return bytes
  }

  /// Reads up to `byteCount` bytes at `offset` to the beginning of `target`.
  ///
  /// - Returns: the bytes read; fewer only at the end of the file.
  package static func read(
    _ descriptor: Int32, byteCount: Int, into target: borrowing Disjoint<UInt8>, offset: Int,
    path: String
  ) throws(SystemError) -> Int {
    var count = 0
    while count < byteCount {
      let (from, left) = (off_t(offset + count), byteCount - count)
      let got = try retrying("read", path) {
        target.withSlice(count..<byteCount) { slice in
          unsafe slice.withUnsafeMutableBufferPointer {
            unsafe pread(descriptor, $0.baseAddress, left, from)
          }
        }
      }
      if got == 0 { break }
      count += got
    }
    return count
  }

  package static func synchronize(_ descriptor: Int32, path: String) throws(SystemError) {
    _ = try retrying("fsync", path) { fsync(descriptor) }
  }

  package static func synchronizeDirectory(_ path: String) throws(SystemError) {
    let descriptor = try openForReading(path)
    defer { close(descriptor) }
    do { try synchronize(descriptor, path: path) } catch {
      // Some file systems have nothing to write back of a folder, and say so by this.
      guard error.errno == EINVAL || error.errno == EOPNOTSUPP else { throw error }
    }
  }

  package static func rename(_ from: String, to: String) throws(SystemError) {
    _ = try retrying("rename", to) { unsafe Foundation.rename(from, to) }
  }

  /// Removes a file; one that is already gone is no error.
  package static func remove(_ path: String) throws(SystemError) {
    do { _ = try retrying("unlink", path) { unsafe unlink(path) } } catch {
      if !error.isNotFound { throw error }
    }
  }

  /// Creates a folder and those above it; one that exists is no error.
  package static func createDirectories(_ path: String) throws(SystemError) {
    if isDirectory(path) { return }
    if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      try createDirectories(String(path[..<slash]))
    }
    do { _ = try retrying("mkdir", path) { unsafe mkdir(path, 0o777) } } catch {
      if !(error.isFileExists && isDirectory(path)) { throw error }
      return
    }
    var raw = stat()
    guard let group = sharedGroup(folder(of: path)), unsafe stat(path, &raw) == 0 else { return }
    let inherits = raw.st_mode & S_ISGID != 0 || raw.st_gid != group
    if raw.st_gid != group, unsafe chown(path, uid_t.max, group) != 0 { return }
    // What the group may do in the folder above it may do here, and in what is made here.
    _ = unsafe chmod(path, raw.st_mode & 0o7777 | (inherits ? S_ISGID : 0) | 0o070)
  }

  /// The bytes a user may still write on the file system that holds `path`.
  package static func freeByteCount(_ path: String) throws(SystemError) -> Int {
    var raw = statvfs()
    _ = try retrying("statvfs", path) { unsafe statvfs(path, &raw) }
    return Int(raw.f_bavail) * Int(raw.f_frsize)
  }

  /// Maps `byteCount` bytes of a file read-only.
  @unsafe package static func map(
    _ descriptor: Int32, byteCount: Int, path: String
  ) throws(SystemError) -> UnsafeRawPointer {
    guard let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0),
      unsafe address != MAP_FAILED
    else { throw SystemError(call: "mmap", path: path, errno: errno) }
    return UnsafeRawPointer(address)
  }

  @unsafe package static func unmap(_ address: UnsafeRawPointer, byteCount: Int) {
    _ = unsafe munmap(UnsafeMutableRawPointer(mutating: address), byteCount)
  }
}
