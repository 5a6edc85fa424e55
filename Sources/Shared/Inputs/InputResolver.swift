// The one door between names and files. Comes in: the names of a pipeline file. Leaves: folders and
// files on this machine, or what is missing. Whatever else gives files to a name, such as a download,
// stands behind this door: nobody else takes a name for a path.

/// What came of looking for a name.
package enum Resolved<Value: Sendable>: Sendable {
  case here(Value)
  case missing(MissingInput)
  /// Something is there and cannot be used.
  case refused(any Error)

  package var value: Value? {
    if case .here(let value) = self { value } else { nil }
  }

  /// What stands against it; nil where it is here.
  package var problem: (any Error)? {
    switch self {
    case .here: nil
    case .missing(let missing): missing
    case .refused(let error): error
    }
  }

  /// The value, or what stands against it with the name that it was looked for by.
  package func required() throws -> Value {
    switch self {
    case .here(let value): value
    case .missing(let missing): throw missing
    case .refused(let error): throw error
    }
  }

  /// The value, or what is said where nothing else is missing.
  package func get() throws -> Value {
    switch self {
    case .here(let value): value
    case .missing(let missing): throw missing.failure
    case .refused(let error): throw error
    }
  }
}

package enum InputResolver {
  // Each takes the door to the Hub, where names are looked for that are not here; nil: nowhere.

  /// The folder of a language model, which is fetched where it is not here.
  package static func model(
    _ settings: CacheSettings, through door: (any HubDoor)? = nil
  ) -> Resolved<String> {
    let name = settings.modelName
    let found: System.Status?
    // A folder that fails to be looked at is no name to be sought elsewhere.
    do { found = try System.find(name) } catch { return .refused(error) }
    guard let found, found.isDirectory else {
      if let door, let sought = soughtModel(settings) {
        return fetched(.model(name)) {
          try door.fetchModel(sought.name, revision: sought.revision)
        }
      }
      return .missing(MissingInput(name: .model(name), failure: MissingModel(name: name)))
    }
    if let revision = settings.modelRevision, revision != PretrainedOptions.usualRevision {
      return .refused(RevisionOfFolder(folder: name, revision: revision))
    }
    return .here(name)
  }

  /// A folder with the configuration of a model whose weights need not be here; nil where it is nowhere.
  package static func modelDescription(
    _ settings: CacheSettings, through door: (any HubDoor)?
  ) -> String? {
    if System.isDirectory(settings.modelName) { return settings.modelName }
    guard let door, let sought = soughtModel(settings) else { return nil }
    return try? door.describeModel(sought.name, revision: sought.revision)
  }

  /// The file of a model's own tokenizer, whose weights need not be here; nil where it is nowhere.
  package static func modelTokenizer(
    _ settings: CacheSettings, through door: (any HubDoor)?
  ) -> String? {
    if System.isDirectory(settings.modelName) {
      return try? TokenizerLocation.find(settings.modelName)
    }
    guard let door, let sought = soughtModel(settings) else { return nil }
    return try? TokenizerLocation.find(
      door.fetchTokenizer(sought.name, revision: sought.revision))
  }

  /// The model that the Hub may have, and its revision: that behind the name's `@` comes first.
  private static func soughtModel(
    _ settings: CacheSettings
  ) -> (name: String, revision: String?)? {
    soughtName(settings.modelName).map { ($0.name, $0.revision ?? settings.modelRevision) }
  }

  /// The file of a tokenizer that the others lie beside; nil where the settings name none.
  package static func tokenizer(
    _ settings: PretokenizeSettings, through door: (any HubDoor)? = nil
  ) -> Resolved<String?> {
    guard let name = settings.tokenizerName else { return .here(nil) }
    do { return .here(try TokenizerLocation.find(name)) } catch let error as TokenizerError {
      if let door, !System.exists(name), let sought = soughtName(name) {
        return fetched(.tokenizer(name)) {
          try TokenizerLocation.find(
            door.fetchTokenizer(sought.name, revision: sought.revision))
        }
      }
      return .missing(MissingInput(name: .tokenizer(name), failure: error))
    } catch { return .refused(error) }
  }

  /// The folder of an SAE that training starts from, or its one file.
  package static func sae(
    _ path: String, through door: (any HubDoor)? = nil
  ) -> Resolved<String> {
    let isHere: Bool
    do { isHere = try System.isThere(path) } catch { return .refused(error) }
    guard isHere else {
      if let door, !path.hasPrefix("/"), !path.hasPrefix("."), path.contains("/") {
        return fetched(.sae(path)) { try door.fetchSAE(path, revision: nil) }
      }
      return .missing(MissingInput(name: .sae(path), failure: MissingSAE(path: path)))
    }
    return .here(path)
  }

  /// The files of a text; those of the Hub are found, and none is downloaded.
  package static func text(
    _ settings: PretokenizeSettings, through door: (any HubDoor)? = nil
  ) -> Resolved<DataSet> {
    do {
      if let door, let text = HubText(settings) { return .here(try text.find(door)) }
      return .here(try DataSet.find(settings))
    } catch let missing as MissingInput {
      return .missing(missing)
    } catch {
      guard let error = error as? DataError, case .absent(let path) = error else {
        return .refused(error)
      }
      // Inside of a repository that is there, a wrong name is an error.
      if path.hasPrefix(RepositoryName.scheme) { return .refused(error) }
      return .missing(MissingInput(name: .text(settings), failure: error))
    }
  }

  /// The text as it is read: where it lies on the Hub and is not streamed, its files are downloaded first.
  package static func readable(
    _ text: DataSet, _ settings: PretokenizeSettings, through door: (any HubDoor)?
  ) throws -> DataSet {
    guard !settings.streaming, let door, let repository = text.repository,
      text.files.contains(where: { !$0.isLocal })
    else { return text }
    var seen: Set<String> = []
    let paths = text.files.map(\.pathInTree).filter { seen.insert($0).inserted }
    return text.fetched(
      to: try door.fetchDataset(repository.id, revision: repository.commit, paths: paths))
  }

  /// A name that the Hub may have, and the revision behind its `@`.
  private static func soughtName(_ name: String) -> (name: String, revision: String?)? {
    let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard RepositoryRules.isName(String(parts[0])), parts.last != "" else { return nil }
    return (String(parts[0]), parts.count == 2 ? String(parts[1]) : nil)
  }

  private static func fetched<Value>(
    _ name: InputName, _ body: () throws -> Value
  ) -> Resolved<Value> {
    do { return .here(try body()) } catch let error as any Failure where !(error is Interrupted) {
      return .missing(MissingInput(name: name, failure: error, isSought: true))
    } catch { return .refused(error) }
  }
}

/// Everything that a pipeline names, each looked for once.
package struct Inputs: Sendable {
  /// The folder of the model.
  package let model: Resolved<String>
  /// The file of the tokenizer; nil where none is named.
  package let tokenizer: Resolved<String?>
  package let text: Resolved<DataSet>

  /// Looks for the model through one door, and for what was made into tokens through another.
  package init(
    _ pipeline: Pipeline, through door: (any HubDoor)?, text textDoor: (any HubDoor)?
  ) {
    model = InputResolver.model(pipeline.cache, through: door)
    tokenizer = InputResolver.tokenizer(pipeline.pretokenize, through: textDoor)
    text = InputResolver.text(pipeline.pretokenize, through: textDoor)
  }

  package init(_ pipeline: Pipeline) { self.init(pipeline, through: nil, text: nil) }
}
