import ActivationCacher
import Shared
import Support
import Testing

@Suite struct CacheBillTests {
  private let speed = CacheSpeed(secondsPerToken: 1e-6, shardBytesPerSecond: 1e9)

  private func pipeline(_ model: String, hooks: [String]) -> Pipeline {
    var pipeline = Pipeline()
    pipeline.store = "/nowhere/store"
    pipeline.pretokenize.tokenizerName = "not here"
    pipeline.pretokenize.contextSize = 16
    pipeline.cache.modelName = model
    pipeline.cache.hookName = hooks[0]
    pipeline.cache.hookNames = Array(hooks.dropFirst())
    pipeline.cache.trainingTokens = 1_600_000
    pipeline.cache.modelBatchSize = 4
    return pipeline
  }

  @Test func theBillOfAModelThatIsHereIsComplete() throws {
    let estimate = try Estimate.make(
      pipeline(
        ModelFixtures.folder("gpt2"), hooks: ["blocks.0.hook_resid_post", "blocks.0.mlp.hook_post"]),
      speed: speed)
    #expect(
      estimate.missing.map(\.sentence) == [CacheError.noTokens(store: "/nowhere/store").sentence])
    // 24·72 + 24·24 + 2·24·96 weights, twice, and 24 · 8.5 keys for scores and values, twice each.
    let operations: Double = 1_600_000 * (2 * 6912 + 4 * 24 * 8.5)
    #expect(estimate.bill.operations == operations)
    // Token, sequence and position take 2 + 4 + 2 bytes; the header what the statistics need.
    #expect(
      estimate.bill.byteCount == 1_600_000 * (24 * 4 + 8 + 96 * 4 + 8) + 2 * 8192 + 50 * (24 + 96))
    #expect(
      estimate.stage.table.text()
        == """
        activations: the bill
          tokens                    1.6 M
          sequences                 100 k of 16
          shards                    1 per hook point
          blocks.0.hook_resid_post  166 MB
          blocks.0.mlp.hook_post    627 MB
          weights                   17.5 kB, mapped
          disk                      794 MB
          memory                    794 MB
          operations                23.4 G
          time                      about 2.4 s
            model                   1.6 s
            shards                  0.8 s
        """)
    let json = estimate.stage.json
    #expect(abs((json["seconds_by_part"]?["model"]?.double ?? 0) - 1.6) < 1e-9)
    #expect(json["hook_points"]?.object?.count == 2)
    #expect(json["missing"]?.array?.count == 1)
  }

  @Test func theBillOfAModelThatIsNotHereSaysWhatIsMissing() throws {
    var absent = pipeline("openai-community/gpt2", hooks: ["blocks.8.hook_resid_pre"])
    absent.cache.dIn = 768
    let estimate = try Estimate.make(absent)
    #expect(
      estimate.missing.map(\.sentence) == [
        MissingModel(name: "openai-community/gpt2").sentence,
        CacheError.noTokens(store: "/nowhere/store").sentence,
      ])
    // Token, sequence and position of three shards take 4 + 4 + 2 bytes a row.
    #expect(
      estimate.bill.byteCount == 1_600_000 * (768 * 4 + 10) + 3 * (8192 + 50 * 768))
    #expect(estimate.bill.operations == nil)
    #expect(estimate.stage.json["memory_bytes"] == .null)
    #expect(estimate.stage.json["seconds"] == .null)
    absent.cache.dtype = .int8
    let narrow = try Estimate.make(absent)
    #expect(narrow.bill.byteCount == 1_600_000 * (768 + 4 + 10) + 8192 + 50 * 768)
    absent.cache.dIn = nil
    let vague = try Estimate.make(absent)
    #expect(vague.stage.table.text().contains("unknown without d_in"))
    #expect(vague.stage.table.text().contains("unknown without the model"))
  }

  @Test func aDiskThatIsTooSmallIsRefused() throws {
    let error = #expect(throws: DiskSpaceError.self) {
      try DiskSpace.require(.max, at: "/tmp/nowhere", remedy: CacheBill.diskRemedy)
    }
    #expect(
      error?.hint
        == "Free some space, set store to a folder on another disk, or lower cache.training_tokens."
    )
  }

  @Test func memoryCountsTheShardsOfAllHookPoints() throws {
    func memory(_ hooks: String...) throws -> Int {
      let estimate = try Estimate.make(
        pipeline(ModelFixtures.folder("gpt2"), hooks: hooks), speed: speed)
      return try #require(estimate.bill.memoryByteCount)
    }
    let plain = try memory("blocks.0.hook_resid_post")
    let wide = try memory("blocks.0.hook_resid_post", "blocks.0.attn.hook_pattern")
    #expect(wide - plain > 1_600_000 * 3 * 16 * 4)
    try CacheBill.checkMemory(wide, limit: wide)
    let error = #expect(throws: CacheError.self) {
      try CacheBill.checkMemory(wide, limit: wide - 1)
    }
    #expect(error == .memoryTooSmall(needed: wide, available: wide - 1))
  }

  @Test func memoryCountsWeightsInBFloat16() throws {
    func memory(_ hook: String, autocast: Bool) throws -> Int {
      var pipeline = pipeline(ModelFixtures.folder("gpt2"), hooks: [hook])
      pipeline.cache.autocastLM = autocast
      return try #require(try Estimate.make(pipeline, speed: speed).bill.memoryByteCount)
    }
    func added(_ autocast: Bool) throws -> Int {
      try memory("blocks.1.hook_resid_post", autocast: autocast)
        - memory("blocks.0.hook_resid_post", autocast: autocast)
    }
    // Two bytes for the weights of a layer, [96, 32] + [32, 32] + [96, 32] + [32, 96] once padded.
    #expect(try added(true) - added(false) == 2 * (96 * 32 + 32 * 32 + 2 * 96 * 32))
  }

  @Test func aContextSizeOfMinusOneIsThatOfTheTokens() throws {
    var any = pipeline(ModelFixtures.folder("gpt2"), hooks: ["blocks.0.hook_resid_post"])
    any.cache.contextSize = -1
    let estimate = try Estimate.make(any, speed: speed)
    #expect(estimate.bill.plan.contextSize == 16)
    #expect(estimate.bill.plan.rowCount == 1_600_000)
  }

  @Test func thisMachineMultiplies() {
    #expect(Multiply.measurePeak() > 1e8)
  }
}

@Suite struct HookListTests {
  @Test func everyHookPointIsListedWithItsShape() throws {
    let list = HookList(try ModelDescription.open(folder: ModelFixtures.folder("tied")))
    let lines = list.text.split(separator: "\n")
    #expect(
      lines.first == "hook_embed                               24            model.embed_tokens")
    #expect(
      lines.contains(
        "blocks.0.attn.hook_q                     6 × 4 = 24    model.layers.0.self_attn.q_proj"))
    #expect(lines.contains("blocks.0.attn.hook_pattern               6 × context"))
    #expect(lines.contains("blocks.0.attn.hook_result                6 × 24 = 144"))
    #expect(lines.contains("unembed.hook_out                         53            lm_head"))
    #expect(lines.last == "model.layers.0.mlp.act_fn                40")
    #expect(
      list.json.array?[7]
        == .object([
          "name": .string("blocks.0.attn.hook_rot_q"), "shape": .array([.integer(6), .integer(4)]),
          "modules": .array([]),
        ]))
  }
}
