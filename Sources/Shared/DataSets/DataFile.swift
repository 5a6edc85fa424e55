// One file of a data set and how it is read, told by what is in it and then by its name.

/// A file of text or of token ids.
package struct DataFile: Sendable, Equatable {
  /// How documents lie in a file.
  package enum Kind: String, Sendable, CaseIterable {
    /// One JSON object per line, one of whose fields is the document; where the file is compressed,
    /// perhaps one JSON array.
    case jsonLines = "jsonl"
    /// One JSON array of such objects.
    case jsonArray = "json"
    /// The whole file is one document, or every line.
    case text = "txt"
    case parquet
    /// Apache Arrow's stream or file format.
    case arrow
  }

  /// What must be undone before a file is read.
  package enum Compression: String, Sendable {
    case none
    case gzip = "gz"
    case zstandard = "zst"
  }

  package let path: String
  package let kind: Kind
  package let compression: Compression
  /// Bytes on the disk.
  package let byteCount: Int

  package init(
    path: String, kind: Kind, compression: Compression = .none, byteCount: Int
  ) {
    self.path = path
    self.kind = kind
    self.compression = compression
    self.byteCount = byteCount
  }
}

extension DataFile {
  /// Looks into a file; `given` settles the kind of one whose content does not.
  package static func open(_ path: String, as given: Kind? = nil) throws -> DataFile {
    let status = try System.status(path)
    guard !status.isDirectory else { throw SystemError(call: "open", path: path, errno: 21) }
    let descriptor = try System.openForReading(path)
    defer { System.close(descriptor) }
    let start = try System.read(descriptor, byteCount: 4096, offset: 0, path: path)
    if let unread = unreadStarts.first(where: { start.starts(with: $0.bytes) }) {
      throw DataError.unreadKind(path: path, kind: unread.kind)
    }
    let compression = compression(start)
    let kind: Kind
    if compression == .none {
      kind = try self.kind(start, named: path, as: given)
    } else {
      kind = try given ?? compressedKind(path)
    }
    return DataFile(
      path: path, kind: kind, compression: compression, byteCount: status.byteCount)
  }

  private static let unreadStarts: [(bytes: [UInt8], kind: String)] = [
    (Array("PK\u{3}\u{4}".utf8), "a zip archive"), (Array("BZh".utf8), "a bzip2 file"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "an xz file"), (Array("PARE".utf8), "an encrypted file"),
  ]

  private static func compression(_ start: [UInt8]) -> Compression {
    if start.starts(with: [0x1F, 0x8B]) { return .gzip }
    // A frame, or one that is to be skipped.
    if start.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return .zstandard }
    let isSkippable =
      start.count > 4 && start[0] & 0xF0 == 0x50 && start[1...3] == [0x2A, 0x4D, 0x18]
    return isSkippable ? .zstandard : .none
  }

  private static func kind(_ start: [UInt8], named path: String, as given: Kind?) throws -> Kind {
    if start.starts(with: Array("PAR1".utf8)) { return .parquet }
    if start.starts(with: Array("ARROW1".utf8)) || start.starts(with: [0xFF, 0xFF, 0xFF, 0xFF]) {
      return .arrow
    }
    let text = start.starts(with: [0xEF, 0xBB, 0xBF]) ? start.dropFirst(3) : start[...]
    let signs = text.lazy.filter { $0 > 0x20 }.prefix(2)
    let isArray = signs.first == UInt8(ascii: "[")
    let named = try given ?? FileName.kind(path)
    switch named {
    case .jsonLines, .jsonArray: return isArray ? .jsonArray : .jsonLines
    case .parquet, .arrow:
      throw DataError.notOfItsKind(path: path, kind: named == .parquet ? "Parquet" : "Arrow")
    case .text: return .text
    case nil:
      if isArray, Array(signs) == Array("[{".utf8) { return .jsonArray }
      return signs.first == UInt8(ascii: "{") ? .jsonLines : .text
    }
  }

  private static func compressedKind(_ path: String) throws -> Kind {
    switch try FileName.kind(path) {
    case .jsonLines, nil: .jsonLines
    case .parquet: throw DataError.unreadKind(path: path, kind: "a compressed Parquet file")
    case .arrow: throw DataError.unreadKind(path: path, kind: "a compressed Arrow file")
    case let kind?: kind
    }
  }
}

/// What the name of a file says.
enum FileName {
  private static let kinds: [String: DataFile.Kind] = [
    "jsonl": .jsonLines, "ndjson": .jsonLines, "json": .jsonLines, "txt": .text, "text": .text,
    "parquet": .parquet, "arrow": .arrow,
  ]
  private static let compressions: Set = ["gz", "gzip", "zst", "zstd"]
  private static let unread = [
    "bz2": "a bzip2 file", "xz": "an xz file", "zip": "a zip archive", "tar": "a tar archive",
    "csv": "a CSV file", "tsv": "a TSV file",
  ]

  /// The extensions of a name from the last on, in small letters.
  private static func extensions(_ path: String) -> [String] {
    let name = path.split(separator: "/").last ?? ""
    return name.drop { $0 == "." }.split(separator: ".").dropFirst().reversed().map {
      $0.lowercased()
    }
  }

  /// The extension before that of a compression.
  private static func inner(_ path: String) -> String? {
    extensions(path).first { !compressions.contains($0) }
  }

  /// Whether a file in a folder is one of data, or of a kind that is refused rather than passed over.
  static func isData(_ path: String) -> Bool {
    guard let inner = inner(path) else { return false }
    return kinds[inner] != nil || unread[inner] != nil
  }

  /// The kind that a name tells; nil where it tells none.
  static func kind(_ path: String) throws(DataError) -> DataFile.Kind? {
    guard let inner = inner(path) else { return nil }
    if let kind = unread[inner] { throw .unreadKind(path: path, kind: kind) }
    return kinds[inner]
  }
}
