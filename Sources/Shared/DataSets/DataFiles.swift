// The files that a data set means. Comes in: `dataset_path`, `dataset_name`, `data_dir`, `data_files`
// and `split`. Leaves: files in a fixed order, by the rules of Hugging Face's datasets.

package enum DataFiles {
  /// Names of `datasets` for files that `data_files` lists, instead of a path.
  private static let builders: [String: DataFile.Kind] = [
    "json": .jsonLines, "text": .text, "parquet": .parquet, "arrow": .arrow,
  ]

  /// Every file that the settings mean, in the order in which it is read.
  package static func find(_ settings: PretokenizeSettings) throws -> [DataFile] {
    guard !settings.split.contains(where: { "[+%".contains($0) }) else {
      throw DataError.slicedSplit(settings.split)
    }
    let path = settings.datasetPath
    let builder = System.exists(path) ? nil : builders[path]
    let base = try base(settings, isBuilder: builder != nil)
    if let patterns = settings.dataFiles {
      guard builder != nil || System.isDirectory(base ?? "") else {
        throw DataError.absent(base ?? path)
      }
      try requireTrain(settings.split)
      return try patterns.flatMap { pattern in
        let whole = pattern.hasPrefix("/") ? pattern : base.map { joined($0, pattern) } ?? pattern
        return try FilePattern.matches(whole).map { try DataFile.open($0, as: builder) }
      }
    }
    guard let base, System.exists(base) else { throw DataError.absent(base ?? path) }
    guard System.isDirectory(base) else {
      try requireTrain(settings.split)
      return [try DataFile.open(base)]
    }
    return try files(in: base, split: settings.split, as: builder)
  }

  /// The folder of a data set, beside whose files `sae_lens.json` may stand; nil where there is none.
  static func home(_ settings: PretokenizeSettings) -> String? {
    let isBuilder =
      !System.exists(settings.datasetPath) && builders[settings.datasetPath] != nil
    guard let base = try? base(settings, isBuilder: isBuilder), System.exists(base) else {
      return nil
    }
    return System.isDirectory(base) ? base : folder(of: base)
  }

  /// The file or folder that the settings start from; nil for a builder without `data_dir`.
  private static func base(_ settings: PretokenizeSettings, isBuilder: Bool) throws -> String? {
    var base = isBuilder ? nil : settings.datasetPath
    for part in [settings.datasetName, settings.dataDir].compactMap({ $0 }) where !part.isEmpty {
      let next = part.hasPrefix("/") ? part : base.map { joined($0, part) } ?? part
      guard System.exists(next) else { throw DataError.absent(next) }
      base = next
    }
    return base
  }

  private static func requireTrain(_ split: String) throws(DataError) {
    guard split == "train" else { throw .onlyTrain(split: split) }
  }

  private static func joined(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }

  /// What `datasets`, SAELens and the store write beside the data.
  private static let ignoredNames: Set = [
    "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "sae_lens.json",
  ]

  private static func files(
    in folder: String, split: String, as builder: DataFile.Kind?
  ) throws -> [DataFile] {
    if let saved = try savedFiles(in: folder, split: split) { return saved }
    let names = try columnar(names(in: folder).filter(FileName.isData)).sorted()
    guard !names.isEmpty else { throw DataError.noFiles(folder: folder) }
    let splits = DataSplits(names)
    var chosen = splits.files(of: split)
    if chosen.isEmpty {
      guard splits.isUntold else { throw DataError.emptySplit(split, folder: folder) }
      try requireTrain(split)
      chosen = names
    }
    return try chosen.map { try DataFile.open(joined(folder, $0), as: builder) }
  }

  /// Only the Parquet or Arrow files where there are any; other files then describe them.
  private static func columnar(_ names: [String]) throws -> [String] {
    for kind in [DataFile.Kind.parquet, .arrow] {
      let chosen = names.filter { (try? FileName.kind($0)) == kind }
      if !chosen.isEmpty { return chosen }
    }
    return names
  }

  /// The files of a folder that `save_to_disk` wrote; nil for other folders.
  private static func savedFiles(in folder: String, split: String) throws -> [DataFile]? {
    let splits = folder + "/dataset_dict.json"
    if System.exists(splits) {
      let inner = joined(folder, split)
      guard System.exists(inner + "/state.json") else {
        throw DataError.emptySplit(split, folder: folder)
      }
      return try savedFiles(in: inner, split: "train")
    }
    let state = folder + "/state.json"
    guard System.exists(state),
      let list = (try? JSON(parsing: MappedFile.contents(state)))?["_data_files"]?.array
    else { return nil }
    try requireTrain(split)
    return try list.map { item in
      guard let name = item["filename"]?.string, !name.contains("/"), !name.hasPrefix(".") else {
        throw DataError.badState(path: state)
      }
      return try DataFile.open(joined(folder, name))
    }
  }

  /// The files of a folder and of those in it, relative to it; hidden ones are left out, and links
  /// to a folder that they lie in.
  private static func names(
    in folder: String, below prefix: String = "", within outer: [System.Status] = []
  ) throws -> [String] {
    let place = prefix.isEmpty ? folder : joined(folder, prefix)
    let status = try System.status(place)
    guard !outer.contains(where: { ($0.device, $0.inode) == (status.device, status.inode) })
    else { return [] }
    return try System.list(place).flatMap { name -> [String] in
      guard !name.hasPrefix("."), !ignoredNames.contains(name) else { return [] }
      let relative = prefix.isEmpty ? name : prefix + "/" + name
      guard System.isDirectory(joined(folder, relative)) else { return [relative] }
      guard !name.hasPrefix("__") else { return [] }
      return try names(in: folder, below: relative, within: outer + [status])
    }
  }
}
