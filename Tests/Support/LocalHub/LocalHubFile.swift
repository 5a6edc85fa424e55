// A file on the local Hub: where its bytes are and what names them. Content comes in, sizes, digests and
// ranges of bytes leave; nothing large is ever in memory.

import Shared
import Synchronization

/// Where the bytes of a file are.
package enum LocalHubContent: Sendable {
  case bytes([UInt8])
  /// A file of this machine, which is read when it is asked for.
  case file(String)
  /// Bytes that are computed range by range.
  case generated(byteCount: Int, @Sendable (Range<Int>) -> [UInt8])

  package static func text(_ text: String) -> LocalHubContent { .bytes(Array(text.utf8)) }

  /// A text that is repeated up to a size.
  package static func repeated(_ text: String, byteCount: Int) -> LocalHubContent {
    let unit = Array(text.utf8)
    let block = [[UInt8]](repeating: unit, count: (1 << 20) / unit.count + 2).joined()
    let bytes = Array(block)
    return .generated(byteCount: byteCount) { range in
      var made: [UInt8] = []
      while made.count < range.count {
        let start = (range.lowerBound + made.count) % unit.count
        made += bytes[start..<min(bytes.count, start + range.count - made.count)]
      }
      return made
    }
  }

  func byteCount() throws -> Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .file(let path): try System.status(path).byteCount
    case .generated(let byteCount, _): byteCount
    }
  }

  /// The bytes of a range that lies within the content.
  func read(_ range: Range<Int>) throws -> [UInt8] {
    switch self {
    case .bytes(let bytes): return Array(bytes[range])
    case .generated(_, let make): return make(range)
    case .file(let path):
      let descriptor = try System.openForReading(path)
      defer { System.close(descriptor) }
      return try System.read(
        descriptor, byteCount: range.count, offset: range.lowerBound, path: path)
    }
  }
}

/// A file of a commit, with the digests that name it, which are computed when they are first asked for.
final class LocalHubFile: Sendable {
  let content: LocalHubContent
  let byteCount: Int
  /// Whether git holds a pointer only, as for large files.
  let isLarge: Bool
  /// Whether the digest was given with the content.
  private let isNamed: Bool
  private let known: Mutex<(sha256: String?, blob: String?)>

  init(_ content: LocalHubContent, isLarge: Bool, sha256: String? = nil) throws {
    self.content = content
    self.isLarge = isLarge
    isNamed = sha256 != nil
    byteCount = try content.byteCount()
    known = Mutex((sha256, nil))
  }

  /// SHA-256 of the bytes, in hexadecimal.
  func sha256() throws -> String {
    try known.withLock { known in
      if let digest = known.sha256 { return digest }
      var digest = Digest()
      for start in stride(from: 0, to: byteCount, by: 1 << 20) {
        let piece = try content.read(start..<min(byteCount, start + 1 << 20))
        digest.update(piece.span.raw)
      }
      let text = digest.finish()
      known.sha256 = text
      return text
    }
  }

  /// What git names the file, which is what it names the pointer where the file is large.
  func blob() throws -> String {
    if let blob = known.withLock({ $0.blob }) { return blob }
    let blob = SHA1.ofBlob(isLarge ? Array(try pointer().utf8) : try content.read(0..<byteCount))
    known.withLock { $0.blob = blob }
    return blob
  }

  /// What the Hub gives as ETag, without quotes.
  func etag() throws -> String { isLarge ? try sha256() : try blob() }

  /// The text that stands in git for a large file.
  func pointer() throws -> String {
    "version https://git-lfs.github.com/spec/v1\noid sha256:\(try sha256())\nsize \(byteCount)\n"
  }

  /// What tells this content from another one without reading a file of this machine.
  func stamp() throws -> String {
    if isNamed { return try sha256() }
    return switch content {
    case .bytes: try blob()
    case .generated: "generated \(byteCount)"
    case .file(let path): "\(byteCount) \(try System.status(path).modifiedNanoseconds)"
    }
  }
}
