// The names of a folder's files, and the kind that most of them are. Comes in: a folder. Leaves: names
// relative to it, as Hugging Face's datasets sees them.

enum DataFolder {
  /// What `datasets`, SAELens and the store write beside the data.
  private static let ignoredNames: Set = [
    "README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip",
    "dataset_dict.json", "state.json", "sae_lens.json",
  ]

  /// Whether a file is passed over unless it is named.
  static func isIgnored(_ path: String) -> Bool {
    ignoredNames.contains(path.split(separator: "/").last.map { String($0) } ?? path)
  }

  /// A repository of more files is read only by names and patterns.
  static let countLimit = 200_000

  /// The files of a folder and of those in it; hidden ones are left out, and links to a folder that
  /// they lie in.
  static func names(in folder: String, of tree: DataTree) throws -> [String] {
    var found: [String] = []
    var folders: [(path: String, outer: [String])] = [("", [])]
    while let (prefix, outer) = folders.popLast() {
      let place = prefix.isEmpty ? folder : DataTree.joined(folder, prefix)
      let identity = tree.files.folderIdentity(place)
      if let identity, outer.contains(identity) { continue }
      for name in try tree.files.list(place) {
        guard !name.hasPrefix("."), !ignoredNames.contains(name) else { continue }
        let relative = prefix.isEmpty ? name : prefix + "/" + name
        if tree.isFolder(DataTree.joined(folder, relative)) {
          guard !name.hasPrefix("__") else { continue }
          folders.append((relative, outer + [identity].compactMap { $0 }))
        } else {
          found.append(relative)
        }
      }
      guard tree.isLocal || found.count <= countLimit else {
        throw DataError.tooManyFiles(folder: tree.name(folder), limit: countLimit)
      }
    }
    return found
  }

  /// What most files of a split are for: a builder, and what separates the fields of a table.
  struct Majority {
    let builder: DataBuilder
    let separator: UInt8
  }

  /// Which of two extensions as frequent as each other comes first.
  private static let favorites = ["csv", "json", "jsonl", "arrow", "vortex", "lance", "parquet"]

  /// The kind of most files; nil where no name tells one.
  static func majority(_ paths: [String], folder: String) throws(DataError) -> Majority? {
    struct Extension: Hashable { let (name, isMetadata): (String, Bool) }
    var counts: [Extension: Int] = [:]
    for path in paths {
      let name = path.split(separator: "/").last.map { String($0) } ?? path
      let isMetadata = FileName.metadata.contains(name)
      for suffix in FileName.suffixes(path) {
        counts[Extension(name: suffix.lowercased(), isMetadata: isMetadata), default: 0] += 1
      }
    }
    func rank(_ found: Extension) -> (Int, Int, Int, [UInt8]) {
      (
        found.isMetadata ? 0 : 1, counts[found] ?? 0, favorites.firstIndex(of: found.name) ?? -1,
        Array(found.name.utf8)
      )
    }
    let ordered = counts.keys.sorted { first, second in
      let (a, b) = (rank(first), rank(second))
      if (a.0, a.1, a.2) != (b.0, b.1, b.2) { return (a.0, a.1, a.2) > (b.0, b.1, b.2) }
      return b.3.lexicographicallyPrecedes(a.3)
    }
    for found in ordered {
      switch DataBuilder.of(extension: found.name) {
      case .read(let builder)?:
        let separator: UInt8 = found.name == "tsv" ? 0x09 : UInt8(ascii: ",")
        return Majority(builder: builder, separator: separator)
      case .unread(let name)?: throw .unreadBuilder(name, folder: folder)
      case nil where found.name == "zip":
        let archive = paths.first { $0.lowercased().hasSuffix(".zip") }
        throw .unreadFormat(path: archive ?? folder, .zip)
      case nil: continue
      }
    }
    return nil
  }
}
