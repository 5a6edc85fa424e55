// Formats that are recognized and not read, and what makes of them something that is.

/// A format of a file, or of what a file is packed in.
package enum UnreadFormat: Sendable, CaseIterable {
  case zip, bzip2, xz, lz4, brotli, tar, encrypted

  /// The bytes that a file begins with; nil where those do not tell.
  private var start: [UInt8]? {
    switch self {
    case .zip: Array("PK\u{3}\u{4}".utf8)
    case .bzip2: Array("BZh".utf8)
    case .xz: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
    case .lz4: [0x04, 0x22, 0x4D, 0x18]
    case .brotli, .tar: nil
    case .encrypted: Array("PARE".utf8)
    }
  }

  /// Whether the first bytes of a file tell the format.
  func begins(_ bytes: [UInt8]) -> Bool { start.map(bytes.starts) ?? false }

  var words: String {
    switch self {
    case .zip: "a zip archive"
    case .bzip2: "a bzip2 file"
    case .xz: "an xz file"
    case .lz4: "an LZ4 file"
    case .brotli: "a Brotli file"
    case .tar: "a tar archive"
    case .encrypted: "an encrypted file"
    }
  }

  /// What to do with a file.
  func remedy(_ path: String) -> String {
    let command: String? =
      switch self {
      case .zip: "unzip \(path)"
      case .bzip2: "bunzip2 --keep \(path)"
      case .xz: "unxz --keep \(path)"
      case .lz4: "unlz4 \(path)"
      case .brotli: "brotli --decompress --keep \(path)"
      case .tar: "tar -xf \(path)"
      case .encrypted: nil
      }
    return command.map { "Unpack it first: \($0); gzip and zstd are read as they are." }
      ?? "Write it again without encryption."
  }

  /// The format of a file that only its name tells: its last extension.
  static func told(by path: String) -> UnreadFormat? {
    guard let format = FileName.lastExtension(path).flatMap(named), format.start == nil else {
      return nil
    }
    return format
  }

  /// The format that an extension tells.
  static func named(_ name: String) -> UnreadFormat? {
    switch name {
    case "zip": .zip
    case "bz2": .bzip2
    case "xz": .xz
    case "lz4": .lz4
    case "br": .brotli
    case "tar", "tgz": .tar
    default: nil
    }
  }
}
