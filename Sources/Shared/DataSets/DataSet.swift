// A data set, on this machine or in a repository. Comes in: settings. Leaves: its files, which rows of them are
// meant, how they are read, and where they are at home.

/// Some files of a data set that are read one after the other, and which of their rows.
package struct DataPart: Sendable, Equatable {
  /// Places in the list of files.
  package let files: Range<Int>
  /// nil where all rows are meant.
  package let slice: SplitSlice?

  package init(files: Range<Int>, slice: SplitSlice? = nil) {
    self.files = files
    self.slice = slice
  }
}

/// The files of a text.
package struct DataSet: Sendable, Equatable {
  /// In the order in which they are read; at least one.
  package let files: [DataFile]
  /// What of the files is read, in order.
  package let parts: [DataPart]
  package let options: DataOptions
  /// The folder beside whose files `sae_lens.json` may stand; nil where there is none.
  package let home: String?
  /// The repository that the files are of; nil for files of this machine.
  package var repository: RepositoryVersion?
  /// What is left out of the choice, in sentences for a person.
  package let notes: [String]
  /// What is one document of a text file, where that was left to the rules; nil elsewhere.
  package let documentNote: String?

  /// All rows of some files, each of which tells how it is read.
  package init(
    files: [DataFile], parts: [DataPart]? = nil, options: DataOptions = DataOptions(),
    home: String? = nil, notes: [String] = [], documentNote: String? = nil
  ) {
    self.files = files
    self.parts = parts ?? [DataPart(files: files.indices)]
    self.options = options
    self.home = home
    self.notes = notes
    self.documentNote = documentNote
  }

  /// Every file that the settings mean, of a tree in which `dataset_path` is a path.
  package static func find(
    _ settings: PretokenizeSettings, in tree: DataTree = .local
  ) throws -> DataSet {
    try find(settings) { try DataFiles.splits(settings, in: tree) }
  }

  /// Every file that the settings mean, of the tree of a converted branch.
  package static func findConverted(
    _ settings: PretokenizeSettings, in tree: DataTree
  ) throws -> DataSet {
    try find(settings) { try ConvertedFiles.splits(settings.datasetName, in: tree) }
  }

  private static func find(
    _ settings: PretokenizeSettings, _ splits: () throws -> FoundSplits
  ) throws -> DataSet {
    let terms = try SplitExpression.terms(settings.split)
    let found = try splits()
    var choice = DataChoice(found, folder: found.tree.name(settings.datasetPath))
    for term in terms { try choice.add(term) }
    return choice.dataSet(settings)
  }

  /// The same content in files of this machine: those of `folder` at their paths.
  package func fetched(to folder: String) -> DataSet {
    var text = DataSet(
      files: files.map { $0.fetched(to: DataTree.joined(folder, $0.pathInTree)) }, parts: parts,
      options: options, home: home, notes: notes, documentNote: documentNote)
    text.repository = repository
    return text
  }

  /// Whether only some rows of a split are meant.
  package var isSliced: Bool { parts.contains { $0.slice != nil } }

  /// What determines which rows these are and how they are read, besides the files themselves and the
  /// settings; empty for whole files that are read as they tell.
  package func identities(_ settings: PretokenizeSettings) -> [String: String] {
    var identities: [String: String] = [:]
    if settings.textDocuments == nil, let documents = options.textDocuments, documents != .file,
      files.contains(where: { $0.kind == .text })
    {
      identities["text_documents"] = documents.rawValue
    }
    if isSliced {
      identities["parts"] = parts.map { String($0.files.count) }.joined(separator: "+")
    }
    return identities.merging(options.identities(Set(files.map(\.kind)))) { $1 }
  }
}

/// The files of the splits that an expression names, as they are gathered.
private struct DataChoice {
  private let found: FoundSplits
  private let folder: String
  private var options: DataOptions
  private var files: [DataFile] = []
  private var parts: [DataPart] = []
  private var notes: [String] = []

  init(_ found: FoundSplits, folder: String) {
    self.found = found
    self.folder = folder
    options = found.options
    notes = found.notes
  }

  mutating func add(_ term: SplitTerm) throws {
    if term == SplitTerm(split: "all", slice: nil),
      !found.splits.contains(where: { $0.name == "all" })
    {
      for split in found.splits { try add(split.paths, nil) }
      return
    }
    let names = [term.split, DataSplits.canonical(term.split)]
    let splits = found.splits + found.further
    let split = names.lazy.compactMap { name in splits.first { $0.name == name } }.first
    guard let split else { throw found.missing(term.split) }
    if let problem = split.problem { throw problem }
    try add(split.paths, term.slice)
  }

  private mutating func add(_ paths: [String], _ slice: SplitSlice?) throws {
    var builder = found.builder
    var wanted = paths
    if builder == nil {
      // How files are read that lie beside each other is told by most of them.
      let majority =
        found.mayBeMixed
        ? try DataFolder.majority(paths, folder: folder)
        : try? DataFolder.majority(paths, folder: folder)
      if found.mayBeMixed, let majority {
        builder = majority.builder
        wanted = paths.filter { FileName.belongs($0, to: majority.builder) }
        if wanted.count < paths.count {
          note(paths.filter { !FileName.belongs($0, to: majority.builder) }, builder)
        }
      }
      options.separator = options.separator ?? majority?.separator
    }
    if let card = found.card {
      try card.apply(builder, to: &options)
      options.textDocuments = options.textDocuments ?? .line
    }
    let first = files.count
    files += try DataFile.open(wanted, as: builder?.kind, in: found.tree)
    parts.append(DataPart(files: first..<files.count, slice: slice))
  }

  private mutating func note(_ leftOut: [String], _ builder: DataBuilder?) {
    guard let builder, let example = leftOut.first else { return }
    let count = leftOut.count == 1 ? "1 file is" : "\(leftOut.count) files are"
    let sentence =
      "\(count) not read, such as \(found.tree.name(example)): most files are of the kind \(builder.rawValue)."
    if !notes.contains(sentence) { notes.append(sentence) }
  }

  func dataSet(_ settings: PretokenizeSettings) -> DataSet {
    var options = options
    let isLeft = settings.textDocuments == nil && options.textDocuments == .line
    if let documents = settings.textDocuments, documents != options.textDocuments {
      (options.textDocuments, options.lineEnds) = (documents, .usual)
    }
    let isNoted = isLeft && found.builder == nil && files.contains { $0.kind == .text }
    return DataSet(
      files: files, parts: parts, options: options,
      home: found.tree.isLocal ? DataFiles.home(settings, in: found.tree) : nil, notes: notes,
      documentNote: isNoted ? DataChoice.documentNote : nil)
  }

  private static let documentNote =
    "Every line of a text file is a document, as in datasets; with text_documents: \"file\" every file "
    + "is one."
}
