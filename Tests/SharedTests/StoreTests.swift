import Shared
import Support
import Testing

private func key(
  _ stage: Stage = .tokens, label: String = "gpt2", settings: JSON = .object(["a": .integer(1)]),
  identities: [String: String] = ["t": "sha256:1"], input: String? = nil
) -> StageKey {
  StageKey(stage: stage, label: label, settings: settings, identities: identities, input: input)
}

private func finish(_ key: StageKey, in store: Store) throws {
  let folder = store.folder(key)
  try folder.finish(
    Manifest(key: key, name: key.label, tool: "test 1", shards: [], details: .object([:])))
}

@Suite struct StoreTests {
  @Test("A fingerprint is the SHA-256 of the canonical JSON of what determines the bytes")
  func fingerprint() {
    #expect(
      key(input: "ff").fingerprint
        == Digest.of(
          "{\"format_version\":1,\"identities\":{\"t\":\"sha256:1\"},\"input\":\"ff\","
            + "\"settings\":{\"a\":1},\"stage\":\"tokens\"}"))
  }

  @Test("Everything but the label changes the fingerprint")
  func sensitivity() {
    let base = key().fingerprint
    #expect(key(label: "other").fingerprint == base)
    #expect(key(settings: .object(["a": .number(1.0)])).fingerprint == base)
    let others = [
      key(.runs), key(settings: .object(["a": .integer(2)])), key(settings: .object([:])),
      key(identities: ["t": "sha256:2"]), key(identities: [:]), key(input: "ff"),
    ]
    #expect(Set(others.map(\.fingerprint) + [base]).count == others.count + 1)
  }

  @Test("A folder is named after the stage, the label and the fingerprint")
  func folderName() {
    let base = key()
    let folder = Store("/s").folder(base)
    #expect(folder.path == "/s/tokens/gpt2-\(base.fingerprint.prefix(16))")
    #expect(folder.stage == .tokens && folder.fingerprint == base.fingerprint)
    let odd = key(label: "../EleutherAI/pythia 70m:ü")
    #expect(odd.folderName == "-..-EleutherAI-pythia-70m---\(odd.fingerprint.prefix(16))")
    #expect(key(label: "").folderName.hasPrefix("--"))
  }

  @Test("A finished folder is found by its fingerprint, an unfinished one is not")
  func findByFingerprint() throws {
    let temporary = try TemporaryFolder()
    let store = Store(temporary.path)
    let base = key()
    #expect(try store.find(stage: .tokens, fingerprint: base.fingerprint) == nil)
    try System.createDirectories(store.folder(base).path)
    #expect(try store.find(stage: .tokens, fingerprint: base.fingerprint) == nil)
    try finish(base, in: store)
    let found = try store.find(stage: .tokens, fingerprint: base.fingerprint)
    #expect(found?.path == store.folder(base).path)
    #expect(try store.find(stage: .activations, fingerprint: base.fingerprint) == nil)
  }

  @Test("A folder with the fingerprint is the stage's whatever its label: a finished one first")
  func otherLabels() throws {
    let temporary = try TemporaryFolder()
    let store = Store(temporary.path)
    let (first, second) = (key(label: "first"), key(label: "second"))
    try System.createDirectories(store.folder(first).path)
    // Somebody has begun it under another name: both work on one folder.
    #expect(store.folder(second).path == store.folder(first).path)
    try finish(second, in: store)
    #expect(store.folder(second).path.hasSuffix("/" + first.folderName))
    #expect(try store.folder(second).manifest()?.name == "second")
    try System.createDirectories(temporary.file("tokens/" + second.folderName))
    #expect(store.folder(second).path.hasSuffix("/" + first.folderName))
    let other = key(label: "second", settings: .object(["a": .integer(2)]))
    #expect(store.folder(other).path.hasSuffix("/" + other.folderName))
  }

  @Test("Finished folders are found by their settings; several are an error that lists them")
  func findBySettings() throws {
    let temporary = try TemporaryFolder()
    let store = Store(temporary.path)
    let settings = key().settings
    #expect(try store.findOnly(stage: .tokens, settings: settings) == nil)
    try finish(key(), in: store)
    try finish(key(settings: .object(["a": .integer(2)])), in: store)
    #expect(
      try store.findOnly(stage: .tokens, settings: settings)?.path == store.folder(key()).path)
    let second = key(label: "other", identities: ["t": "sha256:2"])
    try finish(second, in: store)
    #expect(try store.find(stage: .tokens, settings: settings).count == 2)
    #expect(
      try store.findOnly(stage: .tokens, settings: settings, label: "other")?.path
        == store.folder(second).path)
    let error = #expect(throws: StoreError.self) {
      try store.findOnly(stage: .tokens, settings: settings)
    }
    #expect(
      error?.sentence
        == "Several folders of tokens were made with these settings from different inputs: "
        + "\(store.folder(key()).path), \(store.folder(second).path).")
    #expect(
      error?.hint
        == "Make model, tokenizer and data reachable, so that one can be told, "
        + "or remove the others.")
  }

  @Test("A folder with a manifest that cannot be read is passed over")
  func foreignFolder() throws {
    let temporary = try TemporaryFolder()
    let store = Store(temporary.path)
    try finish(key(), in: store)
    try System.createDirectories(temporary.file("tokens/odd"))
    try AtomicFile.replace(temporary.file("tokens/odd/manifest.json"), with: "{}")
    #expect(try store.find(stage: .tokens, settings: key().settings).count == 1)
  }

  @Test(
    "Where none is found, a manifest that cannot be read is named; one of another version is not")
  func unreadableManifest() throws {
    let temporary = try TemporaryFolder()
    let store = Store(temporary.path)
    let folder = store.folder(key()).path
    try System.createDirectories(folder)
    let path = folder + "/manifest.json"
    try AtomicFile.replace(path, with: "{\"format_version\": 2}")
    #expect(try store.find(stage: .tokens, fingerprint: key().fingerprint) == nil)
    try AtomicFile.replace(path, with: "{\"format_version\": 1, \"st")
    let cut = #expect(throws: ManifestError.self) {
      try store.find(stage: .tokens, fingerprint: key().fingerprint)
    }
    #expect(cut == .malformed(path: path))
    #expect(throws: ManifestError.malformed(path: path)) {
      try store.findOnly(stage: .tokens, settings: key().settings)
    }
    try System.remove(path)
    try System.createDirectories(path)
    let unread = #expect(throws: SystemError.self) {
      try store.find(stage: .tokens, fingerprint: key().fingerprint)
    }
    #expect(unread?.sentence == "\(path) is a folder where a file was expected.")
  }
}
