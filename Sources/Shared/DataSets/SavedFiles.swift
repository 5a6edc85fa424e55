// A folder that `save_to_disk` of Hugging Face's datasets wrote. Comes in: a folder. Leaves: the files
// of its splits in the order that its state.json lists.

enum SavedFiles {
  /// A longer state.json is none: it lists a file per shard.
  private static let stateLimit = 64 << 20

  /// The paths of a split's files; nil for other folders.
  static func paths(
    in folder: String, of tree: DataTree, split: String
  ) throws -> [String]? {
    if tree.exists(DataTree.joined(folder, "dataset_dict.json")) {
      let inner = DataTree.joined(folder, split)
      guard tree.exists(inner + "/state.json") else {
        throw DataError.emptySplit(split, folder: tree.name(folder))
      }
      return try list(inner, tree)
    }
    guard let paths = try list(folder, tree) else { return nil }
    guard split == DataFilePatterns.mainSplit else { throw DataError.onlyTrain(split: split) }
    return paths
  }

  /// The files that a state.json lists; nil where there is no such file.
  private static func list(_ folder: String, _ tree: DataTree) throws -> [String]? {
    let state = DataTree.joined(folder, "state.json")
    guard case .file(let byteCount)? = tree.files.entry(state), byteCount <= stateLimit
    else { return nil }
    let bytes = try tree.contents(state)
    guard let list = (try? JSON(parsing: bytes))?["_data_files"]?.array
    else { return nil }
    return try list.map { item in
      guard let name = item["filename"]?.string, name.isPlainName, !name.hasPrefix(".") else {
        throw DataError.badState(path: tree.name(state))
      }
      return DataTree.joined(folder, name)
    }
  }
}
