// The files that hold the text. Comes in: `dataset_path`, `data_files` and `split`. Leaves: files in
// a fixed order, each with how it is read.

/// A file of text.
package struct DataFile: Sendable, Equatable {
  /// How documents lie in a file.
  package enum Kind: String, Sendable {
    /// One JSON object per line, one of whose fields is the document.
    case jsonLines = "jsonl"
    /// The whole file is one document.
    case text = "txt"
  }

  package let path: String
  package let kind: Kind
  package let byteCount: Int

  package init(path: String, kind: Kind, byteCount: Int) {
    self.path = path
    self.kind = kind
    self.byteCount = byteCount
  }
}

package enum DataFiles {
  /// Names of `datasets` for files that `data_files` lists, instead of a path.
  private static let builders: [String: DataFile.Kind] = ["json": .jsonLines, "text": .text]

  /// Every file that the settings mean, in the order in which it is read.
  package static func find(_ settings: PretokenizeSettings) throws -> [DataFile] {
    let path = settings.datasetPath
    guard !settings.split.contains(where: { "[+%".contains($0) }) else {
      throw DataError.slicedSplit(settings.split)
    }
    let isFolder = System.isDirectory(path)
    if let patterns = settings.dataFiles {
      let builder = System.exists(path) ? nil : builders[path]
      guard isFolder || builder != nil else { throw DataError.absent(path) }
      try requireTrain(settings.split)
      return try patterns.flatMap { pattern in
        let whole = pattern.hasPrefix("/") || !isFolder ? pattern : joined(path, pattern)
        return try matches(whole).map { try file($0, as: builder) }
      }
    }
    guard System.exists(path) else { throw DataError.absent(path) }
    guard isFolder else {
      try requireTrain(settings.split)
      return [try file(path, as: nil)]
    }
    return try files(in: path, split: settings.split)
  }

  private static func requireTrain(_ split: String) throws(DataError) {
    guard split == "train" else { throw .onlyTrain(split: split) }
  }

  private static func joined(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }

  // MARK: - Kinds

  private static let jsonExtensions: Set = ["jsonl", "ndjson", "json"]
  /// Kinds that hold text in a form that is not read.
  private static let unreadExtensions = [
    "parquet": "a Parquet file", "arrow": "an Arrow file", "gz": "a gzip file",
    "zst": "a Zstandard file", "bz2": "a bzip2 file", "xz": "an xz file", "zip": "a zip archive",
    "tar": "a tar archive", "csv": "a CSV file", "tsv": "a TSV file",
  ]
  private static let unreadStarts: [(bytes: [UInt8], kind: String)] = [
    (Array("PAR1".utf8), "a Parquet file"), (Array("ARROW1".utf8), "an Arrow file"),
    ([0x1F, 0x8B], "a gzip file"), ([0x28, 0xB5, 0x2F, 0xFD], "a Zstandard file"),
    (Array("PK\u{3}\u{4}".utf8), "a zip archive"), (Array("BZh".utf8), "a bzip2 file"),
  ]

  private static func pathExtension(_ path: String) -> String {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return "" }
    return name[name.index(after: dot)...].lowercased()
  }

  /// A file with the kind that is given, or else told by its name or its first bytes.
  private static func file(_ path: String, as given: DataFile.Kind?) throws -> DataFile {
    let suffix = pathExtension(path)
    if let kind = unreadExtensions[suffix] { throw DataError.unreadKind(path: path, kind: kind) }
    let status = try System.status(path)
    guard !status.isDirectory else { throw SystemError(call: "open", path: path, errno: 21) }
    let descriptor = try System.openForReading(path)
    defer { System.close(descriptor) }
    let start = try System.read(descriptor, byteCount: 4096, offset: 0, path: path)
    if let unread = unreadStarts.first(where: { start.starts(with: $0.bytes) }) {
      throw DataError.unreadKind(path: path, kind: unread.kind)
    }
    let first = start.first { $0 > 0x20 }
    let isJSON = jsonExtensions.contains(suffix) || suffix != "txt" && first == UInt8(ascii: "{")
    let kind = given ?? (isJSON ? .jsonLines : .text)
    if kind == .jsonLines, first == UInt8(ascii: "[") {
      throw DataError.unreadKind(path: path, kind: "one JSON array")
    }
    return DataFile(path: path, kind: kind, byteCount: status.byteCount)
  }

  // MARK: - Folders

  /// What `datasets` and the store write beside the text.
  private static let ignoredNames: Set = [
    "dataset_info.json", "dataset_infos.json", "state.json", "sae_lens.json",
  ]

  private static func files(in folder: String, split: String) throws -> [DataFile] {
    let names = try names(in: folder, below: "").filter { name in
      let suffix = pathExtension(name)
      return jsonExtensions.contains(suffix) || suffix == "txt" || unreadExtensions[suffix] != nil
    }
    let tagged = names.map { (name: $0, split: Split(naming: $0)) }
    guard tagged.contains(where: { $0.split != nil }) else {
      guard !names.isEmpty else { throw DataError.noFiles(folder: folder) }
      try requireTrain(split)
      return try names.map { try file(joined(folder, $0), as: nil) }
    }
    let wanted = Split(naming: split)
    let chosen = tagged.filter { $0.split != nil && $0.split == wanted }
    guard !chosen.isEmpty else { throw DataError.emptySplit(split, folder: folder) }
    return try chosen.map { try file(joined(folder, $0.name), as: nil) }
  }

  /// The files of a folder and of those in it, relative to it; hidden ones are left out.
  private static func names(in folder: String, below prefix: String) throws -> [String] {
    try System.list(joined(folder, prefix)).flatMap { name -> [String] in
      guard !name.hasPrefix("."), !ignoredNames.contains(name) else { return [] }
      let relative = prefix.isEmpty ? name : prefix + "/" + name
      guard System.isDirectory(joined(folder, relative)) else { return [relative] }
      return try names(in: folder, below: relative)
    }
  }

  /// The splits that `datasets` reads out of file names.
  private enum Split: CaseIterable {
    case train, validation, test

    private var words: Set<Substring> {
      switch self {
      case .train: ["train", "training"]
      case .validation: ["validation", "valid", "dev", "val"]
      case .test: ["test", "testing", "eval", "evaluation"]
      }
    }

    init?(naming name: String) {
      let parts = Set(name.lowercased().split { !$0.isLetter })
      guard let split = Split.allCases.first(where: { !$0.words.isDisjoint(with: parts) })
      else { return nil }
      self = split
    }
  }

  // MARK: - Patterns

  /// The files that a path with `*` and `?` means, sorted; at least one.
  private static func matches(_ pattern: String) throws -> [String] {
    guard pattern.contains(where: { $0 == "*" || $0 == "?" }) else {
      guard System.exists(pattern) else { throw DataError.noMatch(pattern: pattern) }
      return [pattern]
    }
    // What stands before the first part with a wildcard is taken as it is.
    let wildcard = pattern.firstIndex { $0 == "*" || $0 == "?" } ?? pattern.startIndex
    let slash = pattern[..<wildcard].lastIndex(of: "/")
    var found = [slash.map { String(pattern[...$0]) } ?? ""]
    let rest = slash.map { pattern[pattern.index(after: $0)...] } ?? pattern[...]
    for part in rest.split(separator: "/") {
      found = try found.flatMap { folder -> [String] in
        guard part.contains(where: { $0 == "*" || $0 == "?" }) else {
          return [folder.isEmpty ? String(part) : joined(folder, String(part))]
        }
        guard System.isDirectory(folder.isEmpty ? "." : folder) else { return [] }
        let names = try System.list(folder.isEmpty ? "." : folder)
        return names.filter { !$0.hasPrefix(".") && matches(Array(part), Array($0)) }
          .map { folder.isEmpty ? $0 : joined(folder, $0) }
      }
    }
    found = found.filter { System.exists($0) && !System.isDirectory($0) }
    guard !found.isEmpty else { throw DataError.noMatch(pattern: pattern) }
    return found
  }

  /// Whether a name fits a pattern, tried from the last `*` on.
  private static func matches(_ pattern: [Character], _ name: [Character]) -> Bool {
    var (p, n) = (0, 0)
    var retry: (pattern: Int, name: Int)?
    while n < name.count {
      if p < pattern.count, pattern[p] == "?" || pattern[p] == name[n], pattern[p] != "*" {
        (p, n) = (p + 1, n + 1)
      } else if p < pattern.count, pattern[p] == "*" {
        retry = (p, n)
        p += 1
      } else if let last = retry {
        retry = (last.pattern, last.name + 1)
        (p, n) = (last.pattern + 1, last.name + 1)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }
}
