// The files that a data set means. Comes in: `dataset_path`, `dataset_name`, `data_dir`, `data_files`
// and `split`. Leaves: the files of the splits in a fixed order, by the rules of Hugging Face's datasets.

/// The paths of a split's files, in the order in which they are read.
struct SplitPaths {
  let name: String
  let paths: [String]
  /// Why there is none; nil where there are some.
  var problem: DataError?
}

/// The splits that some settings mean, before any file is opened.
struct FoundSplits {
  /// What the paths are of.
  let tree: DataTree
  /// In the order in which `all` reads them.
  var splits: [SplitPaths]
  /// Splits that are only read where they are named.
  var further: [SplitPaths] = []
  /// How the files are read; nil where each tells it by itself.
  var builder: DataBuilder?
  /// Whether files of other kinds may be among them.
  var mayBeMixed = false
  var options = DataOptions()
  /// What a card says to their builder; nil where none does.
  var card: CardOptions?
  /// What is to be said of them, in sentences for a person.
  var notes: [String] = []
  /// What is said of a split that is not there.
  let missing: (String) -> DataError
}

package enum DataFiles {
  /// Every file that the settings mean, in the order in which it is read.
  package static func find(_ settings: PretokenizeSettings) throws -> [DataFile] {
    try DataSet.find(settings).files
  }

  /// The splits that the settings mean.
  static func splits(
    _ settings: PretokenizeSettings, in tree: DataTree
  ) throws -> FoundSplits {
    for pattern in settings.dataFiles?.patterns ?? [] where pattern.contains("://") {
      throw DataError.address(pattern)
    }
    if let builder = try builder(settings, tree) { return try named(builder, settings, tree) }
    let path = settings.datasetPath
    guard !path.isEmpty || !tree.isLocal, tree.exists(path) else {
      throw DataError.absent(tree.name(path))
    }
    let card = tree.isFolder(path) ? try DataCard.read(folder: path, of: tree) : nil
    if settings.dataFiles == nil, settings.dataDir ?? "" == "", let card,
      !tree.exists(DataTree.joined(path, "state.json")),
      !tree.exists(DataTree.joined(path, "dataset_dict.json"))
    {
      return try configured(try card.configuration(settings.datasetName), card, path, tree)
    }
    let base = try base(settings, card, tree)
    if let files = settings.dataFiles {
      guard tree.isFolder(base) else { throw DataError.absent(tree.name(base)) }
      return try listed(files, in: base, tree)
    }
    guard tree.isFolder(base) else { return lone(base, tree) }
    return try folder(base, settings, tree)
  }

  /// The builder of `datasets` that stands in the place of a path.
  ///
  /// Such a name comes before a folder of that name, as there, where files are named for it.
  private static func builder(
    _ settings: PretokenizeSettings, _ tree: DataTree
  ) throws(DataError) -> DataBuilder? {
    let name = settings.datasetPath
    let hasFiles = settings.dataFiles != nil || settings.dataDir ?? "" != ""
    guard hasFiles || !tree.exists(name) else { return nil }
    if DataBuilder.unread[name] != nil { throw .unreadBuilder(name, folder: nil) }
    guard let builder = DataBuilder(rawValue: name) else { return nil }
    guard hasFiles else { throw .builderWithoutFiles(name) }
    return builder
  }

  /// Whether a name is that of a builder of `datasets`, be it read or not.
  package static func isBuilder(_ name: String) -> Bool {
    DataBuilder(rawValue: name) != nil || DataBuilder.unread[name] != nil
  }

  /// The folder of a data set, beside whose files `sae_lens.json` may stand; nil where there is none.
  static func home(_ settings: PretokenizeSettings, in tree: DataTree) -> String? {
    if (try? builder(settings, tree)) != nil {
      return settings.dataDir.flatMap { tree.isFolder($0) ? $0 : nil }
    }
    let path = settings.datasetPath
    guard !path.isEmpty || !tree.isLocal else { return nil }
    let card = tree.isFolder(path) ? try? DataCard.read(folder: path, of: tree) : nil
    guard let base = try? base(settings, card ?? nil, tree), tree.exists(base) else { return nil }
    return tree.isFolder(base) ? base : Shared.folder(of: base)
  }

  /// The file or folder that the settings start from.
  ///
  /// Where no card says what configurations there are, one is a folder of its name.
  private static func base(
    _ settings: PretokenizeSettings, _ card: DataCard?, _ tree: DataTree
  ) throws -> String {
    var base = settings.datasetPath
    var parts = [settings.dataDir]
    if let card {
      if let name = settings.datasetName { _ = try card.configuration(name) }
    } else if settings.datasetName != "default" || tree.exists(DataTree.joined(base, "default")) {
      parts.insert(settings.datasetName, at: 0)
    }
    for part in parts.compactMap({ $0 }) where !part.isEmpty {
      base = part.hasPrefix("/") ? part : DataTree.joined(base, part)
      guard tree.exists(base) else { throw DataError.absent(tree.name(base)) }
    }
    return base
  }

  // MARK: - Ways to name files

  /// The files that are named for a builder, of whatever names.
  private static func named(
    _ builder: DataBuilder, _ settings: PretokenizeSettings, _ tree: DataTree
  ) throws -> FoundSplits {
    let base = settings.dataDir ?? ""
    var found: FoundSplits
    if let files = settings.dataFiles {
      guard base.isEmpty || tree.isFolder(base) else { throw DataError.absent(base) }
      found = FoundSplits(
        tree: tree, splits: try resolve(files, in: base.isEmpty ? nil : base, tree) { _ in true },
        missing: missing(files, "pretokenize.data_files"))
    } else {
      guard !base.isEmpty, tree.isFolder(base) else { throw DataError.absent(base) }
      found = try told(DataFolder.names(in: base, of: tree), base, tree)
    }
    found.builder = builder
    found.options.separator = UInt8(ascii: ",")
    found.options.textDocuments = .line
    return found
  }

  /// The files that a configuration of a card names.
  private static func configured(
    _ configuration: CardConfiguration, _ card: DataCard, _ path: String, _ tree: DataTree
  ) throws -> FoundSplits {
    let base = configuration.dataDir.map { DataTree.joined(path, $0) } ?? path
    guard tree.isFolder(base) else { throw DataError.absent(tree.name(base)) }
    var found: FoundSplits
    if let files = configuration.dataFiles {
      found = FoundSplits(
        tree: tree, splits: try resolve(files, in: base, tree, where: FileName.isData),
        missing: missing(files, "The configuration “\(configuration.name)” of \(card.path)"))
    } else {
      found = try told(
        DataFolder.names(in: base, of: tree).filter(FileName.isData), base, tree)
    }
    found.mayBeMixed = true
    found.card = configuration.options
    return found
  }

  /// The files of a folder that the settings list.
  private static func listed(
    _ files: DataFilePatterns, in base: String, _ tree: DataTree
  ) throws -> FoundSplits {
    var found = FoundSplits(
      tree: tree, splits: try resolve(files, in: base, tree, where: FileName.isData),
      missing: missing(files, "pretokenize.data_files"))
    found.options.textDocuments = .line
    return found
  }

  /// A file by itself.
  private static func lone(_ path: String, _ tree: DataTree) -> FoundSplits {
    var found = FoundSplits(
      tree: tree, splits: [SplitPaths(name: DataFilePatterns.mainSplit, paths: [path])],
      missing: { .onlyTrain(split: $0) })
    found.options.separator = FileName.separator(path)
    return found
  }

  /// All files of a folder.
  private static func folder(
    _ base: String, _ settings: PretokenizeSettings, _ tree: DataTree
  ) throws -> FoundSplits {
    let marks = ["dataset_dict.json", "state.json"].map { DataTree.joined(base, $0) }
    if marks.contains(where: tree.exists), let saved = try saved(base, settings, tree) {
      return saved
    }
    let all = try DataFolder.names(in: base, of: tree)
    var names = all.filter(FileName.isData)
    let hasData = names.contains { name in
      FileName.suffixes(name).contains { $0 == "zip" || isRead($0) }
    }
    // Names that only we know, such as those in capitals.
    if !hasData { names = all.filter(FileName.isText) }
    guard !names.isEmpty else { throw DataError.noFiles(folder: tree.name(base)) }
    var found = try told(names, base, tree)
    found.mayBeMixed = hasData
    found.options.textDocuments = .line
    return found
  }

  private static func isRead(_ suffix: String) -> Bool {
    if case .read? = DataBuilder.of(extension: suffix) { true } else { false }
  }

  /// The splits that `save_to_disk` wrote and that are asked for; nil for other folders.
  private static func saved(
    _ base: String, _ settings: PretokenizeSettings, _ tree: DataTree
  ) throws -> FoundSplits? {
    var splits: [SplitPaths] = []
    for term in try SplitExpression.terms(settings.split)
    where !splits.contains(where: { $0.name == term.split }) {
      guard let paths = try SavedFiles.paths(in: base, of: tree, split: term.split)
      else { return nil }
      splits.append(SplitPaths(name: term.split, paths: paths))
    }
    return FoundSplits(
      tree: tree, splits: splits, missing: { .emptySplit($0, folder: tree.name(base)) })
  }

  // MARK: - Splits

  /// The splits that the names of files tell.
  private static func told(
    _ names: [String], _ base: String, _ tree: DataTree
  ) throws -> FoundSplits {
    let folder = tree.name(base)
    guard !names.isEmpty else { throw DataError.noFiles(folder: folder) }
    let splits = DataSplits(FilePattern.sorted(names))
    let isLog = names.contains { $0.hasSuffix(".eval") }
    if !splits.isNumbered, isLog { throw DataError.unreadBuilder("eval", folder: folder) }
    func whole(_ split: SplitPaths) -> SplitPaths {
      SplitPaths(name: split.name, paths: split.paths.map { DataTree.joined(base, $0) })
    }
    return FoundSplits(
      tree: tree, splits: splits.all.map(whole), further: splits.stated.map(whole),
      missing: { name in
        splits.isUntold ? .onlyTrain(split: name) : .emptySplit(name, folder: folder)
      })
  }

  /// The files that names and patterns mean; of what a pattern meets, those that `isWanted` accepts,
  /// or all where it accepts none.
  ///
  /// A pattern that meets nothing is passed over where another one of its split meets a file.
  private static func resolve(
    _ files: DataFilePatterns, in base: String?, _ tree: DataTree,
    where isWanted: (String) -> Bool
  ) throws -> [SplitPaths] {
    try files.splits.map { split in
      var paths: [String] = []
      var problem: DataError?
      for pattern in split.patterns {
        do {
          paths += try resolve(pattern, in: base, tree, where: isWanted)
        } catch let error as DataError where pattern.contains(where: FilePattern.isWildcard) {
          problem = problem ?? error
        }
      }
      return SplitPaths(name: split.name, paths: paths, problem: paths.isEmpty ? problem : nil)
    }
  }

  private static func resolve(
    _ pattern: String, in base: String?, _ tree: DataTree, where isWanted: (String) -> Bool
  ) throws -> [String] {
    let found = try FilePattern.matches(pattern, in: base, of: tree)
    guard pattern.contains(where: FilePattern.isWildcard) else { return found }
    let kept = found.filter { !DataFolder.isIgnored($0) }
    let wanted = kept.filter(isWanted)
    return wanted.isEmpty ? kept : wanted
  }

  private static func missing(
    _ files: DataFilePatterns, _ place: String
  ) -> (String) -> DataError {
    let known = files.splits.map(\.name)
    guard known != [DataFilePatterns.mainSplit] else { return { .onlyTrain(split: $0) } }
    return { .unknownSplit($0, known: known, place: place) }
  }
}
