import Shared
import Support
import Testing

/// The door to the Hub over a local one.
@Suite struct HubInputsTests {
  private func door(_ world: HubWorld, _ reach: HubInputs.Reach = .fetching) -> HubInputs {
    HubInputs(
      reach,
      environment: [
        "HF_ENDPOINT": world.hub.endpoint, "HF_HUB_CACHE": world.cache, "HOME": world.folder.path,
      ],
      progress: .quiet, terminal: world.terminal.terminal)
  }

  private func world() throws -> HubWorld {
    let world = try HubWorld()
    try world.hub.add(
      [
        "config.json": .text("{}"), "pytorch_model.bin": .text("weights"),
        "vocab.json": .text("{}"), "merges.txt": .text("#"), "README.md": .text("read"),
      ], to: "roneneldan/TinyStories-1Layer-21M")
    return world
  }

  private func names(_ folder: String) throws -> [String] { try System.list(folder) }

  @Test("A short name leads to the model, of which only what is needed is fetched")
  func shortName() throws {
    let world = try world()
    let folder = try door(world).fetchModel("tiny-stories-1L-21M", revision: nil)
    #expect(try names(folder) == ["config.json", "pytorch_model.bin"])
    #expect(try door(world).fetchTokenizer("tiny-stories-1L-21M", revision: nil) == folder)
    #expect(
      try names(folder) == ["config.json", "merges.txt", "pytorch_model.bin", "vocab.json"])
    #expect(try door(world, .cacheOnly).fetchModel("tiny-stories-1L-21M", revision: nil) == folder)
  }

  @Test("Who only asks gets the configuration, and the bytes that the weights have")
  func asking() throws {
    let world = try world()
    let name = "tiny-stories-1L-21M"
    let folder = try door(world, .asking).describeModel(name, revision: nil)
    #expect(try names(folder) == ["config.json"])
    #expect(
      failure { _ = try door(world, .asking).fetchModel(name, revision: nil) }
        == "The model roneneldan/TinyStories-1Layer-21M is not on this machine yet: 7 B are to be "
        + "downloaded from \(world.hub.endpoint). |  | 2")
    #expect(
      failure { _ = try door(world, .cacheOnly).fetchModel("me/none", revision: nil) }
        == "The model me/none is not on this machine. |  | 2")
    #expect(
      failure { _ = try door(world, .cacheOnly).fetchModel(name, revision: nil) }
        == "The model roneneldan/TinyStories-1Layer-21M is not on this machine. |  | 2")
  }

  @Test("The shards that an index lists are fetched, of the revision that is asked for")
  func shards() throws {
    let world = try HubWorld()
    try world.hub.add(["config.json": .text("{}")], to: "me/large")
    try world.hub.add(
      [
        "config.json": .text("{}"), "a.safetensors": .text("a"), "b.safetensors": .text("b"),
        "c.safetensors": .text("c"),
        "model.safetensors.index.json": .text(
          #"{"weight_map": {"x": "b.safetensors", "y": "a.safetensors"}}"#),
      ], to: "me/large", branch: "step1000")
    #expect(
      failure { _ = try door(world).fetchModel("me/large", revision: nil) }
        == "The repository me/large holds no weights: neither model.safetensors nor "
        + "pytorch_model.bin. | Name a repository that holds it, or a folder. | 2")
    let folder = try door(world).fetchModel("me/large", revision: "step1000")
    #expect(
      try names(folder)
        == ["a.safetensors", "b.safetensors", "config.json", "model.safetensors.index.json"])
    var settings = CacheSettings()
    settings.modelName = "me/large"
    settings.modelRevision = "step1000"
    #expect(InputResolver.model(settings, through: door(world)).value == folder)
    settings.modelName = "me/large@main"
    settings.modelRevision = nil
    #expect(InputResolver.model(settings, through: door(world)).value == nil)
  }

  @Test("An SAE is a folder of a repository, and a wrong one is told which there are")
  func sae() throws {
    let world = try HubWorld()
    try world.hub.add(
      [
        "blocks.8/cfg.json": .text("{}"), "blocks.8/sae_weights.safetensors": .text("w"),
        "blocks.9/cfg.json": .text("{}"), "blocks.9/sae_weights.safetensors": .text("w"),
      ], to: "me/saes")
    let folder = try door(world).fetchSAE("me/saes/blocks.8", revision: nil)
    #expect(folder.hasSuffix("/blocks.8"))
    #expect(try names(folder) == ["cfg.json", "sae_weights.safetensors"])
    #expect(
      failure { _ = try door(world).fetchSAE("me/saes/blocks.7", revision: nil) }
        == "blocks.7 of the repository me/saes holds no SAE. | It holds SAEs at blocks.8, blocks.9. "
        + "| 2")
  }

  @Test("A revision that a data set lacks is told apart from a data set that is not there")
  func revision() throws {
    let world = try HubWorld()
    try world.hub.add(["train.jsonl": .text("{}\n")], to: "me/lines", .dataset)
    #expect(throws: MissingRevision(id: "me/lines", revision: "refs/convert/parquet")) {
      try door(world).datasetTree("me/lines", revision: "refs/convert/parquet")
    }
    #expect(try door(world).datasetTree("me/lines", revision: nil).tree.list("") != [])
    #expect(
      failure { _ = try door(world).datasetTree("me/none", revision: nil) }.hasPrefix(
        "The data set me/none does not exist on the Hub, or is private."))
  }
}
