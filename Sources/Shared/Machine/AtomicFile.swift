// A file that appears whole or not at all: temp sibling → write → fsync → rename or link → fsync
// of the folder. Where the file system has no links, a rename that replaces nothing stands for one.

/// Owns a temporary sibling of `path` until it is published; thrown away when it never is.
package struct AtomicFile: ~Copyable {
  package let path: String
  private let temporary: String
  private let descriptor: Int32
  private var isPublished = false

  private init(path: String, temporary: String, descriptor: Int32) {
    self.path = path
    self.temporary = temporary
    self.descriptor = descriptor
  }

  /// Starts a file that will be published as `path`.
  package static func create(_ path: String) throws(SystemError) -> AtomicFile {
    let temporary = TemporaryName.sibling(of: path)
    // A process that died may have had the same machine, process number and count.
    try System.remove(temporary)
    return AtomicFile(
      path: path, temporary: temporary, descriptor: try System.createExclusively(temporary))
  }

  deinit {
    System.close(descriptor)
    if !isPublished { try? System.remove(temporary) }
  }

  package mutating func write(_ bytes: RawSpan) throws(SystemError) {
    try System.write(bytes, to: descriptor, path: path)
  }

  package mutating func write(_ text: String) throws(SystemError) {
    let bytes = Array(text.utf8)
    try write(bytes.span.raw)
  }

  /// The SHA-256 of what was written so far, in hexadecimal.
  package borrowing func digest() throws(SystemError) -> String {
    try Digest.ofFile(temporary)
  }

  /// Gives the file its name, in place of any file that had it.
  package consuming func publishReplacing() throws(SystemError) {
    try System.synchronize(descriptor, path: path)
    try System.rename(temporary, to: path)
    isPublished = true
    try System.synchronizeDirectory(folder(of: path))
  }

  /// Gives the file its name unless another file has it already.
  ///
  /// - Returns: whether this file won the name.
  package consuming func publishIfAbsent() throws(SystemError) -> Bool {
    try System.synchronize(descriptor, path: path)
    do {
      guard try System.nameUnlessTaken(temporary, as: path) else { return false }
    } catch {
      // Who finds the work finished may have cleared this file away.
      if error.isNotFound, System.exists(path) { return false }
      throw error
    }
    try System.synchronizeDirectory(folder(of: path))
    return true
  }

  /// Writes `text` as the whole of `path`.
  package static func replace(_ path: String, with text: String) throws(SystemError) {
    var file = try create(path)
    try file.write(text)
    try file.publishReplacing()
  }
}

/// The folder that holds `path`.
package func folder(of path: String) -> String {
  guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}
