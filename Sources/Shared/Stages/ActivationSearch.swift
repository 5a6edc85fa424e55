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
    let known = KnownInputs(
      model: try inputs.model.value.flatMap { model in
        try self.known { try self.identities(model: model, store: store) }
      },
      tokens: try known { try PretokenizeKey.make(pipeline, inputs) }?.fingerprint)
    let name = pipeline.cache.modelName
    let label = name.isEmpty ? nil : self.label(name) + "." + hookName
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
}

/// What can be told of the inputs of a cache on this machine.
private struct KnownInputs {
  /// The identities of the model's files.
  let model: [String: String]?
  /// The fingerprint of the token stage.
  let tokens: String?

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
