// Finding a finished activation stage. Comes in: a pipeline file. Leaves: the folder of a hook point.

extension ActivationKey {
  /// The one finished cache with these settings whose inputs are those on this machine.
  ///
  /// A cache that was imported has no token stage behind it, and its model plays no part: it is taken
  /// where none was made of the model and text that are here. Where the model, or the tokenizer and the
  /// text, are not here, any will do, but only one.
  package static func finished(
    _ pipeline: Pipeline, _ inputs: Inputs, hookName: String
  ) throws -> StageFolder? {
    let store = Store(pipeline)
    let known = try KnownInputs(pipeline, inputs)
    let label = stageLabel(pipeline, hookName: hookName)
    var (made, imported): ([StageFolder], [StageFolder]) = ([], [])
    for folder in try store.find(
      stage: .activations, settings: settings(pipeline, hookName: hookName))
    {
      guard let manifest = try folder.manifest() else { continue }
      let isNamed = label == nil || manifest.name == label
      if manifest.input == nil {
        if isNamed { imported.append(folder) }
      } else if known.fit(manifest), isNamed || known.model != nil {
        // A model that is here is told by its files, whatever its folder is called.
        made.append(folder)
      }
    }
    let found = known.areAny && !made.isEmpty ? made : made + imported
    guard found.count <= 1 else { throw AmbiguousActivations(folders: found.map(\.path)) }
    return found.first
  }

  /// What the folder of a hook point is called; nil of a model that the settings do not name.
  private static func stageLabel(_ pipeline: Pipeline, hookName: String) -> String? {
    let name = pipeline.cache.modelName
    return name.isEmpty ? nil : label(name) + "." + hookName
  }

  /// The one stream of these settings whose inputs are those on this machine; nil where none has begun.
  package static func stream(
    _ pipeline: Pipeline, _ inputs: Inputs, hookName: String
  ) throws -> (stage: StageFolder, stream: ActivationStream)? {
    let parent = "\(pipeline.store)/\(Stage.activations.rawValue)"
    guard try System.isThere(parent) else { return nil }
    let known = try KnownInputs(pipeline, inputs)
    let label = stageLabel(pipeline, hookName: hookName)
    let wanted = settings(pipeline, hookName: hookName).canonical
    var found: [(stage: StageFolder, stream: ActivationStream)] = []
    for name in try System.list(parent).sorted() {
      let stage = StageFolder(path: parent + "/" + name, stage: .activations, fingerprint: nil)
      guard let stream = try ActivationStream.read(stage) else { continue }
      let isNamed = label == nil || stream.manifest.name == label
      guard stream.manifest.settings.canonical == wanted, known.fit(stream.manifest),
        isNamed || known.model != nil
      else { continue }
      found.append((stage, stream))
    }
    guard found.count <= 1 else { throw AmbiguousActivations(folders: found.map(\.stage.path)) }
    return found.first
  }
}

/// What can be told of the inputs of a cache on this machine.
private struct KnownInputs {
  /// The identities of the model's files.
  let model: [String: String]?
  /// The fingerprint of the token stage.
  let tokens: String?

  init(_ pipeline: Pipeline, _ inputs: Inputs) throws {
    // A model that fails to be looked at is not one that is not here.
    if let cause = inputs.model.problem as? SystemError, !cause.isAbsence { throw cause }
    model = try inputs.model.value.flatMap { model in
      try ActivationKey.known {
        try ActivationKey.identities(model: model, store: Store(pipeline))
      }
    }
    tokens = try ActivationKey.known { try PretokenizeKey.make(pipeline, inputs) }?.fingerprint
  }

  var areAny: Bool { model != nil || tokens != nil }

  func fit(_ manifest: Manifest) -> Bool {
    (model == nil || manifest.identities == model) && (tokens == nil || manifest.input == tokens)
  }
}

/// Several caches of one hook point, none of which is told from the others by what is here.
package struct AmbiguousActivations: Failure, Equatable {
  package let folders: [String]

  package var sentence: String {
    StoreError.ambiguous(stage: .activations, folders: folders).sentence
  }

  package var hint: String? {
    "Choose one by --activations FOLDER, or make model, tokenizer and data reachable."
  }
}
