// A text on the Hub whose branch moves between two runs of a stage, and what stands beside one that is tokenized.

import Pretokenizer
import Shared
import Support
import Testing

@Suite(.serialized) struct MovedInputTests {
  /// Rows whose text is short and whose files are longer than half a block.
  private static func rows(_ end: String) -> LocalHubContent {
    let filler = String(repeating: "x", count: 1 << 17)
    let row =
      "{\"text\": \"The river carries a lantern past the stone garden.\", \"filler\": \"\(filler)\"}\n"
    return .text(String(repeating: row, count: 72) + end)
  }

  private func pipeline(_ folder: borrowing TemporaryFolder) -> Pipeline {
    var pipeline = Pipeline()
    pipeline.name = "test"
    pipeline.store = folder.file("store")
    pipeline.pretokenize.tokenizerName = ProjectFiles.root + "/Tests/Fixtures/tokenizer/plain"
    pipeline.pretokenize.datasetPath = "me/set"
    pipeline.pretokenize.streaming = true
    pipeline.pretokenize.contextSize = 16
    return pipeline
  }

  private func door(_ world: HubWorld) -> HubInputs {
    HubInputs(
      environment: [
        "HF_ENDPOINT": world.hub.endpoint, "HF_HUB_CACHE": world.cache, "HOME": world.folder.path,
      ],
      progress: .quiet, terminal: world.terminal.terminal)
  }

  private func run(_ pipeline: Pipeline, _ world: HubWorld) throws -> PretokenizeResult {
    try Pretokenizing(
      pipeline, through: door(world), mode: .quiet, terminal: world.terminal.terminal
    ).run()
  }

  @Test("Where the branch has moved a run begins anew and says how to finish what was begun")
  func moved() throws {
    let world = try HubWorld()
    let first = try world.hub.add(
      ["a.jsonl": Self.rows(""), "b.jsonl": Self.rows("broken\n")], to: "me/set", .dataset)
    let folder = try TemporaryFolder()
    var pipeline = pipeline(folder)
    #expect(throws: (any Error).self) { try run(pipeline, world) }
    let tokens = folder.file("store/tokens")
    let begun = try tokens + "/" + #require(System.list(tokens).first)
    #expect(try System.list(begun + "/work").contains("block-00000.safetensors"))
    // A stage of other settings is none that was begun.
    pipeline.pretokenize.seed = 7
    #expect(throws: (any Error).self) { try run(pipeline, world) }
    pipeline.pretokenize.seed = 42
    #expect(world.terminal.writes == [])

    let second = try world.hub.add(["b.jsonl": Self.rows("")], to: "me/set", .dataset)
    let anew = try run(pipeline, world)
    #expect(anew.folder != begun)
    #expect(
      world.terminal.writes == [
        "warning: me/set has moved at “main” since \(begun) was begun with commit \(first): this run begins "
          + "anew with \(second.prefix(7)). To finish the former, name me/set@\(first); else remove it.\n"
      ])
    #expect(!System.exists(anew.folder + "/work"))

    // The commit by its name is the stage that was begun: its blocks are not read again.
    world.hub.forgetRequests()
    pipeline.pretokenize.datasetPath = "me/set@" + first
    #expect(throws: (any Error).self) { try run(pipeline, world) }
    let read = world.hub.requests.filter { $0.path.hasSuffix("a.jsonl") }
    #expect(read.reduce(0) { $0 + $1.sentByteCount } < 1 << 20)
    #expect(try System.list(tokens).count == 3)
  }

  @Test("A branch that moves while its files stay the same changes nothing")
  func sameFiles() throws {
    let world = try HubWorld()
    let line = "{\"text\": \"The river carries a lantern past the stone garden.\"}\n"
    let rows = LocalHubContent.text(String(repeating: line, count: 90))
    try world.hub.add(["a.jsonl": rows], to: "me/set", .dataset)
    let folder = try TemporaryFolder()
    let first = try run(pipeline(folder), world)
    try world.hub.add(["README.md": .text("# Set\n")], to: "me/set", .dataset)
    let second = try run(pipeline(folder), world)
    #expect(second.folder == first.folder && !second.didWork)
    #expect(world.terminal.writes == [])
  }

  @Test("The record beside a tokenized data set of the Hub is compared with the settings")
  func record() throws {
    let world = try HubWorld()
    let row = JSON.object(["input_ids": .array((1...20).map { .integer($0) })]).canonical + "\n"
    try world.hub.add(
      [
        "data/train.jsonl": .text(String(repeating: row, count: 9)),
        "sae_lens.json": .text(
          "{\"context_size\": 20, \"tokenizer_name\": \"me/plain\", \"begin_batch_token\": null}"),
      ], to: "me/set", .dataset)
    let folder = try TemporaryFolder()
    for streaming in [true, false] {
      var pipeline = pipeline(folder)
      pipeline.store = folder.file(streaming ? "streamed" : "downloaded")
      pipeline.pretokenize.streaming = streaming
      _ = try run(pipeline, world)
      let path = "hf://datasets/me/set/sae_lens.json"
      #expect(
        world.terminal.writes.suffix(2) == [
          "warning: \(path) records context_size 20, but pretokenize.context_size is 16.\n",
          "warning: \(path) records begin_batch_token null, but pretokenize.begin_batch_token is "
            + "\"bos\".\n",
        ])
    }
  }
}
