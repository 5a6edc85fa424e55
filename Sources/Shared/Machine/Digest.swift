// SHA-256, from OpenSSL: for fingerprints, shards and downloads; SHA-1 where git names content by it, and
// MD5 where W&B does. The only import of COpenSSL.

internal import COpenSSL

/// A running SHA-256, SHA-1 or MD5.
@safe package struct Digest: ~Copyable {
  /// SHA-1 and MD5 tell what others store, and nothing that has to be safe.
  package enum Algorithm: Sendable {
    case sha256, sha1, md5

    fileprivate var byteCount: Int {
      switch self {
      case .sha256: 32
      case .sha1: 20
      case .md5: 16
      }
    }
  }

  private let context: OpaquePointer
  private let byteCount: Int

  package init(_ algorithm: Algorithm = .sha256) {
    let method =
      switch algorithm {
      case .sha256: unsafe EVP_sha256()
      case .sha1: unsafe EVP_sha1()
      case .md5: unsafe EVP_md5()
      }
    guard let context = unsafe EVP_MD_CTX_new(),
      unsafe EVP_DigestInit_ex(context, method, nil) == 1
    else { preconditionFailure("libcrypto does not offer \(algorithm)") }
    unsafe self.context = context
    byteCount = algorithm.byteCount
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  package mutating func update(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { buffer in
      _ = unsafe EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
    }
  }

  /// The digest; nothing may be added after.
  package mutating func finishBytes() -> [UInt8] {
    var raw = [UInt8](repeating: 0, count: byteCount)
    var count: UInt32 = 0
    _ = unsafe EVP_DigestFinal_ex(context, &raw, &count)
    return raw
  }

  /// The digest in lower-case hexadecimal, two characters a byte; nothing may be added after.
  package mutating func finish() -> String {
    let raw = finishBytes()
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in raw { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }

  /// Bytes per second of this machine.
  package static func measureSpeed() -> Double {
    let bytes = [UInt8](repeating: 7, count: 8 << 20)
    let start = System.uptime
    var digest = Digest()
    digest.update(bytes.span.raw)
    _ = digest.finish()
    return Double(bytes.count) / max(System.uptime - start, 1e-9)
  }

  /// The digest of a text's UTF-8 bytes.
  package static func of(_ text: String, _ algorithm: Algorithm = .sha256) -> String {
    var digest = Digest(algorithm)
    let bytes = Array(text.utf8)
    digest.update(bytes.span.raw)
    return digest.finish()
  }

  /// Bytes that are read at once: a mapping of a large file would fill the memory.
  private static let readByteCount = 1 << 18

  /// The digest of a file's bytes.
  package static func ofFile(_ path: String) throws(SystemError) -> String {
    var digest = Digest()
    try digest.update(file: path)
    return digest.finish()
  }

  /// Adds the bytes of a file.
  ///
  /// - Returns: whether it came to the end, before which `isStopped` may end it.
  @discardableResult
  package mutating func update(
    file path: String, unless isStopped: () -> Bool = { false }
  ) throws(SystemError) -> Bool {
    let descriptor = try System.openForReading(path)
    defer { System.close(descriptor) }
    var offset = 0
    while true {
      let bytes = try System.read(
        descriptor, byteCount: Digest.readByteCount, offset: offset, path: path)
      update(bytes.span.raw)
      if bytes.count < Digest.readByteCount { return true }
      if isStopped() { return false }
      offset += bytes.count
    }
  }
}
