// A file that is read by ranges, without mapping it: what was read stays out of the process's memory.

/// Owns an open file.
package final class InputFile: ByteSource {
  package let path: String
  package let byteCount: Int
  /// What another file of the same name would not have.
  package let inode: UInt64
  private let descriptor: Int32

  package init(_ path: String) throws(SystemError) {
    let descriptor = try System.openForReading(path)
    let status: System.Status
    do throws(SystemError) { status = try System.status(of: descriptor, path: path) } catch {
      System.close(descriptor)
      throw error
    }
    guard !status.isDirectory else {
      System.close(descriptor)
      throw SystemError(call: "open", path: path, errno: 21)
    }
    self.path = path
    self.descriptor = descriptor
    byteCount = status.byteCount
    inode = status.inode
  }

  deinit { System.close(descriptor) }

  /// Reads bytes from `offset` on; fewer than `count` only at the end of the file.
  package func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
    try System.read(
      descriptor, byteCount: max(0, min(count, byteCount - offset)), offset: offset, path: path)
  }

  /// Reads up to `count` bytes from `offset` on to the beginning of `target`.
  ///
  /// - Returns: the bytes read; fewer only at the end of the file.
  package func read(
    at offset: Int, count: Int, into target: borrowing Disjoint<UInt8>
  ) throws(SystemError) -> Int {
    try System.read(descriptor, byteCount: count, into: target, offset: offset, path: path)
  }
}

/// A file that became another one while it was read.
package struct ChangedFile: Failure, Equatable {
  package let path: String

  package init(path: String) { self.path = path }

  package var sentence: String { "\(path) changed while it was read." }
  package var hint: String? { "Run the same command again once the file stays as it is." }
  package var exitCode: ExitCode { .failed }
}
