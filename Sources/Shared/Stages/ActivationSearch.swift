// Finding a finished activation stage. Comes in: a pipeline file. Leaves: the folder of a hook point.

extension ActivationKey {
  /// The one finished cache with these settings whose inputs are those on this machine.
  ///
  /// Where the model, or the tokenizer and the text, are not here, any will do, but only one. A
  /// cache that was imported has no token stage behind it, and its model plays no part.
  package static func finished(
    _ pipeline: Pipeline, _ inputs: Inputs, hookName: String
  ) throws -> StageFolder? {
    let model = pipeline.cache.modelName
    let label = model.isEmpty ? nil : self.label(model) + "." + hookName
    let store = Store(pipeline.store)
    let identities = inputs.model.value.flatMap { try? self.identities(model: $0, store: store) }
    let tokens = (try? PretokenizeKey.make(pipeline, inputs))?.fingerprint
    let folders = try store.find(
      stage: .activations, settings: settings(pipeline, hookName: hookName), label: label
    ).filter {
      guard let manifest = try $0.manifest() else { return false }
      if manifest.input == nil { return true }
      return (identities == nil || manifest.identities == identities)
        && (tokens == nil || manifest.input == tokens)
    }
    guard folders.count <= 1 else {
      throw StoreError.ambiguous(stage: .activations, folders: folders.map(\.path))
    }
    return folders.first
  }
}
