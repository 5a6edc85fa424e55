// One file of a data set and how it is read, told by what is in it and then by its name.

import Synchronization

/// A file of text or of token ids.
package struct DataFile: Sendable {
  /// How documents lie in a file.
  package enum Kind: String, Sendable, CaseIterable {
    /// JSON objects, one of whose fields is the document, each within a line; where the file is
    /// compressed, perhaps one JSON array or objects over several lines.
    case jsonLines = "jsonl"
    /// JSON objects that go on over several lines.
    case jsonObjects = "json-objects"
    /// One JSON array of such objects, of texts or of lists of ids.
    case jsonArray = "json"
    /// Records of fields between separators, below a line of their names.
    case table = "csv"
    /// The whole file is one document, or every line, or every paragraph.
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

  /// Where it lies, as people are told it: a path, or `hf://datasets/owner/name@revision/file`.
  package let path: String
  package let kind: Kind
  package let compression: Compression
  /// Bytes on the disk.
  package let byteCount: Int
  /// What tells its content apart; nil where that has to be hashed.
  package let identity: String?
  private let tree: DataTree

  package init(
    path: String, kind: Kind, compression: Compression = .none, byteCount: Int,
    identity: String? = nil, tree: DataTree = .local
  ) {
    self.path = path
    self.kind = kind
    self.compression = compression
    self.byteCount = byteCount
    self.identity = identity
    self.tree = tree
  }

  /// Whether it lies on this machine.
  package var isLocal: Bool { tree.isLocal }

  /// Its path inside of its tree.
  package var pathInTree: String { tree.path(named: path) }

  /// Opens it for reading by ranges.
  package func open() throws -> any ByteSource { try tree.files.open(pathInTree) }

  /// The same content in a file of this machine.
  package func fetched(to path: String) -> DataFile {
    DataFile(
      path: path, kind: kind, compression: compression, byteCount: byteCount, identity: identity)
  }
}

extension DataFile: Equatable {
  package static func == (first: DataFile, second: DataFile) -> Bool {
    (first.path, first.kind, first.compression, first.byteCount, first.identity)
      == (second.path, second.kind, second.compression, second.byteCount, second.identity)
  }
}

extension DataFile {
  /// Looks into a file; `given` settles the kind of one whose content does not.
  package static func open(
    _ place: String, as given: Kind? = nil, in tree: DataTree = .local
  ) throws -> DataFile {
    let source = try tree.files.open(place)
    let start = try source.read(at: 0, count: windowByteCount)
    let path = tree.name(place)
    let told = UnreadFormat.allCases.first { $0.begins(start) } ?? UnreadFormat.told(by: path)
    if let unread = told {
      throw DataError.unreadFormat(path: path, unread)
    }
    let compression = compression(start)
    let kind: Kind
    if compression == .none {
      kind = try self.kind(start, named: path, as: given)
    } else {
      kind = try given ?? compressedKind(path)
    }
    return DataFile(
      path: path, kind: kind, compression: compression, byteCount: source.byteCount,
      identity: tree.files.identity(place), tree: tree)
  }

  /// Looks into some files, in order; into those of a server at the same time.
  static func open(
    _ places: [String], as given: Kind?, in tree: DataTree
  ) throws -> [DataFile] {
    guard !tree.isLocal else { return try places.map { try open($0, as: given, in: tree) } }
    let found = Mutex<[Result<DataFile, any Error>?]>(Array(repeating: nil, count: places.count))
    let next = Counter()
    Parallel.onThreads(min(places.count, requestsAtOnce)) { _ in
      while true {
        let place = next.take()
        guard place < places.count else { return }
        let file = Result { try open(places[place], as: given, in: tree) }
        found.withLock { $0[place] = file }
      }
    }
    return try found.withLock { $0 }.compactMap { try $0?.get() }
  }

  private static let requestsAtOnce = 8

  /// So much of a file is looked at.
  private static let windowByteCount = 4096

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
    let named = try given ?? FileName.kind(path)
    switch named {
    case .jsonLines, .jsonObjects, .jsonArray: return jsonKind(start)
    case .parquet, .arrow:
      throw DataError.notOfItsKind(path: path, kind: named == .parquet ? "Parquet" : "Arrow")
    case .text, .table: return named ?? .text
    case nil:
      if Array(signs) == Array("[{".utf8) { return .jsonArray }
      return signs.first == UInt8(ascii: "{") ? jsonKind(start) : .text
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

  /// How the objects of a file of JSON lie in it, told by its first bytes.
  package static func jsonKind(_ start: [UInt8]) -> Kind {
    let text = start.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(start.dropFirst(3)) : start
    var scanner = JSONScanner(text.span, grammar: .python)
    scanner.skipSpace()
    if scanner.next == UInt8(ascii: "[") { return .jsonArray }
    guard scanner.next == UInt8(ascii: "{") else { return .jsonLines }
    let first = scanner.position
    var end = text.count
    do {
      end = try scanner.skipValue().upperBound
    } catch {
      // What does not end where the bytes end is wrong in itself; what does may go on.
      guard start.count >= windowByteCount, scanner.isAtEnd else {
        return .jsonLines
      }
    }
    return text[first..<end].contains(0x0A) ? .jsonObjects : .jsonLines
  }
}
