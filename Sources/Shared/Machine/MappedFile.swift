// A file mapped read-only into memory. Comes in: a path. Leaves: lent bytes, for as long as the
// owner lives.

/// Owns a read-only mapping of a whole file.
@safe package struct MappedFile: ~Copyable, @unchecked Sendable {
  // Read-only for its whole life, so sharing it between threads is safe.
  private let address: UnsafeRawPointer?
  package let byteCount: Int
  package let path: String

  private init(address: UnsafeRawPointer?, byteCount: Int, path: String) {
    unsafe self.address = address
    self.byteCount = byteCount
    self.path = path
  }

  /// Maps the file at `path`; an empty file gives an empty mapping.
  package static func open(_ path: String) throws(SystemError) -> MappedFile {
    let descriptor = try System.openForReading(path)
    defer { System.close(descriptor) }
    let status = try System.status(of: descriptor, path: path)
    guard !status.isDirectory else { throw SystemError(call: "open", path: path, errno: 21) }
    guard status.byteCount > 0 else {
      return unsafe MappedFile(address: nil, byteCount: 0, path: path)
    }
    let address = unsafe try System.map(descriptor, byteCount: status.byteCount, path: path)
    return unsafe MappedFile(address: address, byteCount: status.byteCount, path: path)
  }

  deinit {
    if let address = unsafe address { unsafe System.unmap(address, byteCount: byteCount) }
  }

  /// The bytes of the file.
  package var bytes: RawSpan {
    @_lifetime(borrow self) get {
      let span = unsafe RawSpan(
        _unsafeStart: address ?? UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped,
        byteCount: byteCount)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }
}

extension MappedFile {
  /// The whole of a small file as an array.
  package static func contents(_ path: String) throws(SystemError) -> [UInt8] {
    let descriptor = try System.openForReading(path)
    defer { System.close(descriptor) }
    let status = try System.status(of: descriptor, path: path)
    return try System.read(descriptor, byteCount: status.byteCount, offset: 0, path: path)
  }

  /// The whole of a small file; nil where there is none, but not where it cannot be read.
  package static func contents(ifThere path: String) throws(SystemError) -> [UInt8]? {
    do { return try contents(path) } catch {
      if error.isNothing { return nil }
      throw error
    }
  }
}
