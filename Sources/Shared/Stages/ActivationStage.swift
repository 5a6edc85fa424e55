// What determines the activation stage of a pipeline: its keys in the store, one per hook point, and
// the token stage behind it. The cacher writes the folders, the trainer finds them by the same keys.

package enum ActivationKey {
  /// The finished token stage that a pipeline reads; nil where there is none.
  ///
  /// By its key where tokenizer and text are on this machine, else by its settings.
  package static func tokens(_ pipeline: Pipeline, _ inputs: Inputs) throws -> StageFolder? {
    let store = Store(pipeline)
    if let key = try known({ try PretokenizeKey.make(pipeline, inputs) }) {
      return try store.find(stage: .tokens, fingerprint: key.fingerprint)
    }
    let settings = pipeline.pretokenize.fingerprintSettings
    return try store.findOnly(stage: .tokens, settings: settings, label: pipeline.name)
      ?? store.findOnly(stage: .tokens, settings: settings)
  }

  /// What can be told of the files of this machine; nil where they are not here.
  ///
  /// Files that are here and that cannot be read are no files that are not here.
  package static func known<Value>(_ body: () throws -> Value) throws -> Value? {
    do { return try body() } catch let error as SystemError where !error.isAbsence {
      throw error
    } catch let stop as Interrupted {
      throw stop
    } catch {
      return nil
    }
  }

  /// The settings that determine the bytes of one hook point.
  package static func settings(_ pipeline: Pipeline, hookName: String) -> JSON {
    var members = pipeline.cache.fingerprintSettings.object ?? [:]
    members["hook_name"] = .string(hookName)
    if let head = pipeline.cache.hookHeadIndex { members["hook_head_index"] = .integer(head) }
    return .object(members)
  }

  /// The identities of a model's files: config.json and the weights.
  package static func identities(model folder: String, store: Store) throws -> [String: String] {
    var identities: [String: String] = [:]
    for name in try fileNames(model: folder) {
      identities[name] = try FileIdentity.of(folder + "/" + name, store: store)
    }
    return identities
  }

  /// The files that these identities are of.
  package static func files(model folder: String) throws -> [String] {
    try fileNames(model: folder).map { folder + "/" + $0 }
  }

  private static func fileNames(model folder: String) throws -> [String] {
    try [ModelFiles.configuration] + WeightFiles.names(folder: folder)
  }

  /// The key of one hook point's folder; `tokens` is the fingerprint of the token stage.
  package static func make(
    _ pipeline: Pipeline, hookName: String, identities: [String: String], tokens: String
  ) -> StageKey {
    StageKey(
      stage: .activations, label: label(pipeline.cache.modelName) + "." + hookName,
      settings: settings(pipeline, hookName: hookName), identities: identities, input: tokens)
  }

  /// The last part of a path or of a Hugging Face name.
  package static func label(_ modelName: String) -> String {
    modelName.split(separator: "/").last.map { String($0) } ?? modelName
  }
}
