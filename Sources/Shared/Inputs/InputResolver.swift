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
  /// The folder of a language model.
  package static func model(_ settings: CacheSettings) -> Resolved<String> {
    let name = settings.modelName
    guard System.isDirectory(name) else {
      return .missing(MissingInput(name: .model(name), failure: MissingModel(name: name)))
    }
    if let revision = settings.modelRevision, revision != PretrainedOptions.usualRevision {
      return .refused(RevisionOfFolder(folder: name, revision: revision))
    }
    return .here(name)
  }

  /// The file of a tokenizer that the others lie beside; nil where the settings name none.
  package static func tokenizer(_ settings: PretokenizeSettings) -> Resolved<String?> {
    guard let name = settings.tokenizerName else { return .here(nil) }
    do throws(TokenizerError) { return .here(try TokenizerLocation.find(name)) } catch {
      return .missing(MissingInput(name: .tokenizer(name), failure: error))
    }
  }

  /// The folder of an SAE that training starts from, or its one file.
  package static func sae(_ path: String) -> Resolved<String> {
    guard System.exists(path) else {
      return .missing(MissingInput(name: .sae(path), failure: MissingSAE(path: path)))
    }
    return .here(path)
  }

  /// The files of a text.
  package static func text(_ settings: PretokenizeSettings) -> Resolved<DataSet> {
    do { return .here(try DataSet.find(settings)) } catch {
      guard let error = error as? DataError, case .absent = error else { return .refused(error) }
      return .missing(MissingInput(name: .text(settings), failure: error))
    }
  }
}

/// Everything that a pipeline names, each looked for once.
package struct Inputs: Sendable {
  /// The folder of the model.
  package let model: Resolved<String>
  /// The file of the tokenizer; nil where none is named.
  package let tokenizer: Resolved<String?>
  package let text: Resolved<DataSet>

  package init(_ pipeline: Pipeline) {
    model = InputResolver.model(pipeline.cache)
    tokenizer = InputResolver.tokenizer(pipeline.pretokenize)
    text = InputResolver.text(pipeline.pretokenize)
  }
}
