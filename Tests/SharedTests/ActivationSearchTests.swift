import Shared
import Support
import Testing

/// Which of several caches with equal settings a program takes.
@Suite("Finding activations")
final class ActivationSearchTests {
  private static let hook = "blocks.0.hook_mlp_out"
  private let temporary: TemporaryFolder

  init() throws { temporary = try TemporaryFolder() }

  private func pipeline(_ model: String) -> Pipeline {
    var pipeline = Pipeline()
    pipeline.store = temporary.file("store")
    pipeline.cache.modelName = model
    pipeline.cache.hookName = Self.hook
    return pipeline
  }

  /// Makes a finished cache; one without `tokens` was imported.
  private func finish(
    _ pipeline: Pipeline, identities: [String: String], tokens: String?
  ) throws -> String {
    let key = StageKey(
      stage: .activations, label: ActivationKey.label(pipeline.cache.modelName) + "." + Self.hook,
      settings: ActivationKey.settings(pipeline, hookName: Self.hook), identities: identities,
      input: tokens)
    let folder = Store(pipeline.store).folder(key)
    try folder.finish(
      Manifest(key: key, name: key.label, tool: "test 1", shards: [], details: .object([:])))
    return folder.path
  }

  private func found(_ pipeline: Pipeline) throws -> String? {
    try ActivationKey.finished(pipeline, Inputs(pipeline), hookName: Self.hook)?.path
  }

  private static let tokens = String(repeating: "7", count: 64)

  @Test("A model whose folder was renamed is told by its files")
  func renamed() throws {
    let model = ModelFixtures.folder("gpt2")
    let identities = try ActivationKey.identities(model: model, store: Store(temporary.path))
    let made = try finish(
      pipeline("elsewhere/other-name"), identities: identities, tokens: Self.tokens)
    #expect(try found(pipeline(model)) == made)
    #expect(try found(pipeline("elsewhere/third-name")) == nil)
    _ = try finish(pipeline(model), identities: ["config.json": "sha256:0"], tokens: Self.tokens)
    #expect(try found(pipeline(model)) == made)
  }

  @Test("A cache that was made of the model at hand goes before one that was imported")
  func imported() throws {
    let model = ModelFixtures.folder("gpt2")
    let identities = try ActivationKey.identities(model: model, store: Store(temporary.path))
    let imported = try finish(pipeline(model), identities: ["data.arrow": "sha256:1"], tokens: nil)
    #expect(try found(pipeline(model)) == imported)
    let made = try finish(pipeline(model), identities: identities, tokens: Self.tokens)
    #expect(try found(pipeline(model)) == made)
  }

  @Test("Where neither model nor text is here, several caches are an error that says how to choose")
  func ambiguous() throws {
    let absent = pipeline("models/absent")
    let first = try finish(absent, identities: ["config.json": "sha256:1"], tokens: Self.tokens)
    let second = try finish(absent, identities: ["data.arrow": "sha256:2"], tokens: nil)
    let error = #expect(throws: AmbiguousActivations.self) { try found(absent) }
    #expect(
      error?.sentence
        == "Several folders of activations were made with these settings from different inputs: "
        + [first, second].sorted().joined(separator: ", ") + ".")
    #expect(
      error?.hint
        == "Choose one by --activations FOLDER, or make model, tokenizer and data reachable.")
  }
}

@Suite("The tokenizer and the model")
struct TokenizerAgreementTests {
  private func pipeline(tokenizer: String, model: String) -> Pipeline {
    var pipeline = Pipeline()
    pipeline.pretokenize.tokenizerName = tokenizer
    pipeline.cache.modelName = model
    return pipeline
  }

  @Test("A tokenizer that gives other ids than the model's own is warned about")
  func warning() throws {
    let temporary = try TemporaryFolder()
    let (own, other) = (temporary.file("model"), temporary.file("other"))
    let plain = ProjectFiles.root + "/Tests/Fixtures/tokenizer/plain"
    let neox = ProjectFiles.root + "/Tests/Fixtures/tokenizer/neox"
    for (folder, source) in [(own, plain), (other, neox)] {
      try System.createDirectories(folder)
      let bytes = try MappedFile.contents(source + "/tokenizer.json")
      try AtomicFile.replace(
        folder + "/tokenizer.json", with: String(decoding: bytes, as: UTF8.self))
    }
    #expect(TokenizerAgreement.warning(pipeline(tokenizer: own, model: own)) == nil)
    #expect(TokenizerAgreement.warning(pipeline(tokenizer: plain, model: own)) == nil)
    #expect(
      TokenizerAgreement.warning(pipeline(tokenizer: other, model: own))
        == "pretokenize.tokenizer_name \(other) gives other token ids than the tokenizer of the model "
        + "\(own); activations of such tokens mean little")
    #expect(TokenizerAgreement.warning(pipeline(tokenizer: other, model: "not here")) == nil)
  }

  @Test("Of tokenizers on the Hub those that were fetched before are compared, and none is fetched")
  func names() throws {
    let world = try HubWorld()
    for (name, fixture) in [("me/model", "plain"), ("me/same", "plain"), ("me/other", "neox")] {
      let path = ProjectFiles.root + "/Tests/Fixtures/tokenizer/\(fixture)/tokenizer.json"
      let text = String(decoding: try MappedFile.contents(path), as: UTF8.self)
      try world.hub.add(["config.json": .text("{}"), "tokenizer.json": .text(text)], to: name)
    }
    func warning(tokenizer: String) -> String? {
      let door = HubInputs(
        environment: [
          "HF_ENDPOINT": world.hub.endpoint, "HF_HUB_CACHE": world.cache,
          "HOME": world.folder.path,
        ], progress: .quiet, terminal: world.terminal.terminal)
      return TokenizerAgreement.warning(
        pipeline(tokenizer: tokenizer, model: "me/model"), through: door)
    }
    #expect(warning(tokenizer: "me/other") == nil)
    #expect(world.hub.requests.isEmpty)
    for name in ["me/model", "me/same", "me/other"] {
      let client = try world.client()
      try client.download(
        ["config.json", "tokenizer.json"], of: client.snapshot(HubRepository(.model, name)))
    }
    let count = world.hub.requests.count
    #expect(warning(tokenizer: "me/model") == nil)
    #expect(warning(tokenizer: "me/same") == nil)
    #expect(
      warning(tokenizer: "me/other")
        == "pretokenize.tokenizer_name me/other gives other token ids than the tokenizer of the model "
        + "me/model; activations of such tokens mean little")
    #expect(world.hub.requests.count == count)
  }
}
