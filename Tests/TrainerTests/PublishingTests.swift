import Shared
import Support
import Testing
import Trainer

/// A folder with the files of a finished run.
private func writeRun(_ folder: borrowing TemporaryFolder, _ name: String) throws -> String {
  let path = folder.file(name)
  try System.createDirectories(path)
  try AtomicFile.replace(path + "/cfg.json", with: SampleRun.sae.pretty)
  try AtomicFile.replace(path + "/runner_cfg.json", with: SampleRun.settings.pretty)
  try AtomicFile.replace(path + "/manifest.json", with: "{}")
  try folder.write(Array("weights of \(name)".utf8), to: name + "/sae_weights.safetensors")
  try folder.write([1, 2], to: name + "/sparsity.safetensors")
  var log = try RunLog.open(path + "/metrics.jsonl")
  for entry in SampleRun.log { try log.append(entry) }
  try SampleRun.evaluation.write(run: path)
  try Report.write(run: path)
  return path
}

private func publish(
  _ saes: [PublishedSAE], _ hub: LocalHub, _ folder: borrowing TemporaryFolder,
  terminal: RecordedTerminal = RecordedTerminal(isInteractive: false)
) throws -> PublishingResult {
  try Publishing(
    saes, to: HubRepository(.model, "me/saes"), visibility: .everyone,
    environment: [
      "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.options.token, "HF_HOME": folder.file("home"),
    ], terminal: terminal.terminal
  ).run()
}

private func card(_ hub: LocalHub) throws -> String {
  String(decoding: try hub.contents(of: "README.md", in: "me/saes") ?? [], as: UTF8.self)
}

@Suite("SAEs go up to the Hub")
struct PublishingTests {
  @Test("A run becomes the folder that SAE.from_pretrained takes, with a card above it")
  func layout() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let path = try writeRun(folder, "demo-0123456789abcdef")
    let sae = try PublishedSAE(folder: path, path: "blocks.1.hook_resid_post")
    let result = try publish([sae], hub, folder)
    #expect(
      result.json == [
        "repository": "me/saes", "revision": "main", "page": .string(hub.endpoint + "/me/saes"),
        "sae_ids": .array(["blocks.1.hook_resid_post"]), "did_work": true,
      ])
    let names = [
      "cfg.json", "curves.svg", "evaluation.json", "report.html", "runner_cfg.json",
      "sae_weights.safetensors", "sparsity.safetensors",
    ]
    #expect(
      hub.uploadedPaths(in: "me/saes") == ["README.md"]
        + names.map { "blocks.1.hook_resid_post/\($0)" })
    for name in names where name != "curves.svg" {
      #expect(
        try hub.contents(of: "blocks.1.hook_resid_post/\(name)", in: "me/saes")
          == contents(of: path + "/" + name))
    }
  }

  @Test("The card tells figures and how the SAE is loaded")
  func card() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let path = try writeRun(folder, "demo-0123456789abcdef")
    _ = try publish([PublishedSAE(folder: path, path: "resid/1")], hub, folder)
    let text = try TrainerTests.card(hub)
    #expect(
      text.hasPrefix(
        "---\nlibrary_name: saelens\ntags:\n- sparse-autoencoder\n- mechanistic-interpretability\n---\n"
      ))
    for line in [
      "# me/saes", "## resid/1", "| model | `tiny` |  |",
      "| hook point | `blocks.1.hook_resid_post` |  |", "| architecture | topk, k = 2 |  |",
      "| d_in → d_sae | 64 → 4 |  |",
      "| explained variance | 0.9412 | over 1.0 k held-out rows |",
      "![Explained variance and L0 over the steps of training](resid/1/curves.svg)",
      "sae = SAE.from_pretrained(\"me/saes\", \"resid/1\")",
    ] {
      #expect(text.split(separator: "\n").contains { $0 == line }, "\(line) is missing")
    }
  }

  @Test("A second upload sends nothing, and another SAE is told of beside the first")
  func again() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let first = try PublishedSAE(folder: writeRun(folder, "b"), path: "b")
    _ = try publish([first], hub, folder)
    hub.forgetRequests()
    #expect(try !publish([first], hub, folder).didWork)
    #expect(hub.requests.allSatisfy { $0.method == "GET" })
    let second = try PublishedSAE(folder: writeRun(folder, "a"), path: "a")
    _ = try publish([second], hub, folder)
    let headings = try TrainerTests.card(hub).split(separator: "\n").filter { $0.hasPrefix("## ") }
    #expect(headings == ["## a", "## b"])
  }

  @Test("A card of somebody's own stays, and that is said")
  func foreignCard() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    try hub.add(["README.md": .text("# Mine\n")], to: "me/saes")
    let terminal = RecordedTerminal(isInteractive: false)
    let sae = try PublishedSAE(folder: writeRun(folder, "a"), path: "a")
    _ = try publish([sae], hub, folder, terminal: terminal)
    #expect(try TrainerTests.card(hub) == "# Mine\n")
    #expect(
      terminal.writes.joined().contains(
        "note: README.md of me/saes is not ours and stays as it is."))
  }

  @Test("A folder of SAELens's has no figures, and is published all the same")
  func otherFolder() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    try System.createDirectories(folder.file("sae"))
    try folder.write(Array(#"{"d_in": 8, "d_sae": 16}"#.utf8), to: "sae/cfg.json")
    try folder.write([1], to: "sae/sae_weights.safetensors")
    _ = try publish([PublishedSAE(folder: folder.file("sae"), path: "x")], hub, folder)
    #expect(
      hub.uploadedPaths(in: "me/saes") == ["README.md", "x/cfg.json", "x/sae_weights.safetensors"])
  }

  @Test("What is not finished or no SAE is refused")
  func refused() throws {
    let folder = try TemporaryFolder()
    let path = try writeRun(folder, "a")
    try System.remove(path + "/manifest.json")
    #expect(throws: TrainedSAEError.notFinished(folder: path)) {
      try PublishedSAE(folder: path, path: "a")
    }
    try System.createDirectories(folder.file("empty"))
    let error = PublishingError.noSAE(folder: folder.file("empty"), file: "cfg.json")
    #expect(throws: error) { try PublishedSAE(folder: folder.file("empty"), path: "a") }
    #expect(error.sentence == "\(folder.file("empty")) holds no SAE: cfg.json is not there.")
    #expect(error.hint == "Give a run's folder, or any folder that SAELens opens.")
  }

  @Test("Places on the Hub are read with and without a folder")
  func targets() throws {
    let plain = try PublishingTarget("me/saes", revision: nil)
    #expect(plain.repository.id == "me/saes" && plain.path == nil)
    let deep = try PublishingTarget("me/saes/resid/8", revision: "v2")
    #expect(deep.repository.revision == "v2" && deep.path == "resid/8")
    for text in ["me/saes/", "me/saes/../x", "/saes", "me//x", "a b/c"] {
      #expect(throws: PublishingError.noTarget(text)) {
        try PublishingTarget(text, revision: nil)
      }
    }
    #expect(
      PublishingError.noTarget("a b").sentence == "“a b” names no place on the Hub.")
    #expect(
      PublishingError.noTarget("a b").hint
        == "Write --to OWNER/NAME, or --to OWNER/NAME/PATH for a folder of the repository.")
    #expect(
      PublishingError.twoOfOnePath("k-2").sentence
        == "Two of these runs would be uploaded as k-2.")
  }
}
