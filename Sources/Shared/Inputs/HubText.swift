// The text of a repository of the Hub. Comes in: settings and the door to the Hub. Leaves: the files that
// they mean, none of which is downloaded yet: the listing, the card and the beginnings of files are read.

/// A data set's name on the Hub, with the settings as they are inside of the repository.
struct HubText {
  let name: RepositoryName
  private let settings: PretokenizeSettings

  /// Reads what `dataset_path` or `data_files` name; nil where they name files of this machine.
  init?(_ settings: PretokenizeSettings) {
    var inside = settings
    let patterns = settings.dataFiles?.patterns ?? []
    if !patterns.isEmpty, patterns.allSatisfy({ $0.hasPrefix(RepositoryName.scheme) }) {
      let names = patterns.compactMap { RepositoryName($0) }
      guard let first = names.first, names.count == patterns.count,
        names.allSatisfy({ ($0.id, $0.revision) == (first.id, first.revision) })
      else { return nil }
      name = RepositoryName(id: first.id, revision: first.revision)
      inside.dataFiles = settings.dataFiles?.map { RepositoryName($0)?.path ?? $0 }
      if !DataFiles.isBuilder(settings.datasetPath) { inside.datasetPath = "" }
    } else {
      guard !DataFiles.isBuilder(settings.datasetPath),
        settings.datasetPath.hasPrefix(RepositoryName.scheme)
          || !LocalTree().exists(settings.datasetPath),
        let found = RepositoryName(settings.datasetPath)
      else { return nil }
      name = found
      inside.datasetPath = found.path
    }
    self.settings = inside
  }

  /// The files that are meant, or the converted ones where those of the repository are not read.
  func find(_ door: any HubDoor) throws -> DataSet {
    let (files, commit) = try sought { try door.datasetTree(name.id, revision: name.revision) }
    let tree = DataTree.repository(files, address: name.address)
    let script = (name.id.split(separator: "/").last ?? "") + ".py"
    let hasScript = files.exists(String(script)) && settings.dataFiles == nil
    var problem: (any Failure)?
    if !hasScript {
      do {
        var text = try DataSet.find(settings, in: tree)
        text.repository = RepositoryVersion(
          id: name.id, revision: name.revision, commit: commit)
        return text
      } catch let error as DataError where isConvertible(error) {
        problem = error
      }
    }
    var unread = UnreadRepository(
      address: name.address, script: hasScript ? String(script) : nil, failure: problem)
    // The converted branch is made of the main one.
    guard name.revision ?? "main" == "main", name.path.isEmpty, settings.dataDir ?? "" == "" else {
      unread.isConvertedSought = false
      throw problem ?? unread
    }
    return try converted(door, instead: unread)
  }

  /// Whether a converted branch may have what is not found or not read.
  private func isConvertible(_ error: DataError) -> Bool {
    guard settings.dataFiles == nil else { return false }
    if case .absent = error { return settings.datasetName != nil }
    return error.isOfFormats
  }

  private func converted(_ door: any HubDoor, instead unread: UnreadRepository) throws -> DataSet {
    let name = RepositoryName(id: name.id, revision: ConvertedFiles.revision)
    do {
      let (files, commit) = try sought { try door.datasetTree(name.id, revision: name.revision) }
      let tree = DataTree.repository(files, address: name.address)
      var text = try DataSet.findConverted(settings, in: tree)
      text.repository = RepositoryVersion(
        id: name.id, revision: name.revision, commit: commit)
      return text
    } catch is MissingRevision { throw unread }
  }

  /// Tells what the Hub did not give from what it gave and cannot be read.
  private func sought<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as MissingRevision where isConverted(error) {
      throw error
    } catch let error as any Failure where !(error is Interrupted) {
      throw MissingInput(name: .text(settings), failure: error, isSought: true)
    }
  }

  private func isConverted(_ error: MissingRevision) -> Bool {
    error.revision == ConvertedFiles.revision && name.revision != ConvertedFiles.revision
  }
}
