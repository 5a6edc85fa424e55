// What goes up: a path in a repository and bytes that lie in memory or in a file of this machine.

import Synchronization

/// A file for a repository.
package struct UploadFile: Sendable {
  package let path: String
  let content: any ByteSource

  /// Bytes that the Hub judges files by.
  private static let sampleByteCount = 512
  /// Bytes that are hashed at a time.
  private static let hashedByteCount = 1 << 20

  package init(_ path: String, bytes: [UInt8]) {
    self.path = path
    content = HeldBytes(path, bytes)
  }

  package init(_ path: String, text: String) { self.init(path, bytes: Array(text.utf8)) }

  /// A file of this machine, which must stay as it is until it has been added.
  package init(_ path: String, file: String) throws {
    self.path = path
    content = try InputFile(file)
  }

  package var byteCount: Int { content.byteCount }

  func sample() throws -> [UInt8] { try content.read(at: 0, count: UploadFile.sampleByteCount) }

  func bytes() throws -> [UInt8] {
    let bytes = try content.read(at: 0, count: byteCount)
    guard bytes.count == byteCount else { throw ChangedFile(path: content.path) }
    return bytes
  }

  /// The SHA-256 by which large files are stored.
  func sha256() throws -> String {
    var digest = Digest()
    try forEachPiece { digest.update($0) }
    return digest.finish()
  }

  /// Whether a file of the repository has the same bytes.
  func isSame(as file: HubFile) throws -> Bool {
    guard file.byteCount == byteCount else { return false }
    var digest = ContentDigest(of: file)
    try forEachPiece { digest.update($0) }
    return digest.finish() == file.digest.name
  }

  private func forEachPiece(_ body: (RawSpan) -> Void) throws {
    for offset in stride(from: 0, to: byteCount, by: UploadFile.hashedByteCount) {
      let count = min(UploadFile.hashedByteCount, byteCount - offset)
      let bytes = try content.read(at: offset, count: count)
      guard bytes.count == count else { throw ChangedFile(path: content.path) }
      body(bytes.span.raw)
    }
  }
}

/// Bytes in memory as a source.
private final class HeldBytes: ByteSource {
  let path: String
  private let bytes: [UInt8]

  init(_ path: String, _ bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }

  var byteCount: Int { bytes.count }

  func read(at offset: Int, count: Int) -> [UInt8] { Array(bytes.dropFirst(offset).prefix(count)) }
}

/// A source that counts what is read of it for the first time.
final class CountedSource: ByteSource {
  private let source: any ByteSource
  private let progress: Progress
  /// How far each part has been read, by its beginning.
  private let reached = Mutex<[Int: Int]>([:])
  /// Bytes from one beginning of a part to the next.
  private let partByteCount: Int

  init(_ source: any ByteSource, partByteCount: Int, progress: Progress) {
    self.source = source
    self.partByteCount = max(1, partByteCount)
    self.progress = progress
  }

  var path: String { source.path }
  var byteCount: Int { source.byteCount }

  func read(at offset: Int, count: Int) throws -> [UInt8] {
    let bytes = try source.read(at: offset, count: count)
    let (start, end) = (offset / partByteCount * partByteCount, offset + bytes.count)
    let new = reached.withLock { reached in
      let before = reached[start] ?? start
      reached[start] = max(before, end)
      return max(0, end - before)
    }
    progress.advance(new)
    return bytes
  }
}
