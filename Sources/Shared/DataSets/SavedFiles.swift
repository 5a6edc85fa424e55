// A folder that `save_to_disk` of Hugging Face's datasets wrote. Comes in: a folder. Leaves: the files
// of its splits in the order that its state.json lists.

enum SavedFiles {
  /// The paths of a split's files; nil for other folders.
  static func paths(in folder: String, split: String) throws -> [String]? {
    if System.exists(folder + "/dataset_dict.json") {
      let inner = folder + "/" + split
      guard System.exists(inner + "/state.json") else {
        throw DataError.emptySplit(split, folder: folder)
      }
      return try list(inner)
    }
    guard let paths = try list(folder) else { return nil }
    guard split == DataFilePatterns.mainSplit else { throw DataError.onlyTrain(split: split) }
    return paths
  }

  /// The files that a state.json lists; nil where there is no such file.
  private static func list(_ folder: String) throws -> [String]? {
    let state = folder + "/state.json"
    guard System.exists(state),
      let list = (try? JSON(parsing: MappedFile.contents(state)))?["_data_files"]?.array
    else { return nil }
    return try list.map { item in
      guard let name = item["filename"]?.string, !name.contains("/"), !name.hasPrefix(".") else {
        throw DataError.badState(path: state)
      }
      return folder + "/" + name
    }
  }
}
