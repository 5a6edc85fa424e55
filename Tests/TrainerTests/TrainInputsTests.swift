import Shared
import Support
import Testing
import Trainer

@Suite("What the runs of a pipeline file read")
struct TrainInputsTests {
  private func words(_ body: () throws -> Void) -> [String?] {
    do {
      try body()
      return []
    } catch let failure as any Failure {
      return [failure.sentence, failure.hint]
    } catch { return ["\(error)"] }
  }

  private let advice = "Run saeline-cache with the same pipeline file first (make cache CONFIG=…)."

  private func notCached(_ hook: String, _ cache: SyntheticCache) -> String {
    "The store \(cache.pipeline.store) holds no activations of \(hook) that were cached with these "
      + "settings."
  }

  @Test("Two hook points and an SAE that are missing are told together, with the model if asked")
  func together() throws {
    let cache = try SyntheticCache()
    cache.pipeline.cache.seed = 7
    cache.pipeline.train.architecture = .transcoder
    cache.pipeline.train.hookNameOut = "blocks.1.hook_mlp_out"
    cache.pipeline.train.fromPretrainedPath = cache.folder + "/no-sae"
    let lacking = [
      notCached("blocks.0.hook_mlp_out", cache), notCached("blocks.1.hook_mlp_out", cache),
      "train.from_pretrained_path: there is no folder \(cache.folder)/no-sae.",
    ]
    let hint =
      "\(advice) \(advice) Give a folder with cfg.json and sae_weights.safetensors, or one on the "
      + "Hugging Face Hub (owner/name/folder)."
    #expect(
      words { _ = try Run(cache.pipeline, mode: .quiet) }
        == [lacking.joined(separator: " "), hint])
    cache.pipeline.cache.modelName = cache.folder + "/no-model"
    cache.pipeline.evaluate.lossRecovered = true
    let model =
      "The model \(cache.folder)/no-model is not on this machine: there is no such folder."
    #expect(
      words { _ = try Run(cache.pipeline, mode: .quiet) }.first
        == (lacking + [model]).joined(separator: " "))
  }

  @Test("A bill names each of them, once the width is known")
  func bill() throws {
    let cache = try SyntheticCache()
    cache.pipeline.cache.seed = 7
    cache.pipeline.train.dIn = 8
    cache.pipeline.train.fromPretrainedPath = cache.folder + "/no-sae"
    let estimate = try RunEstimate.make(
      cache.pipeline, speeds: RunSpeeds(fixed: TrainerBillTests.run))
    #expect(
      estimate.stage.missing == [
        notCached("blocks.0.hook_mlp_out", cache),
        "train.from_pretrained_path: there is no folder \(cache.folder)/no-sae.",
      ])
  }

  @Test("Combinations of a sweep whose caches are missing are told together")
  func sweep() throws {
    let cache = try SyntheticCache()
    cache.pipeline.cache.hookNames = ["blocks.1.hook_mlp_out", "blocks.2.hook_mlp_out"]
    cache.pipeline.train.sweep = try #require(
      SweepAxes(setting: [
        "hook_name": .array([
          .string("blocks.1.hook_mlp_out"), .string(SyntheticCache.hook),
          .string("blocks.2.hook_mlp_out"),
        ])
      ]))
    let combinations = SweepPlan(cache.pipeline).combinations
    #expect(
      words { _ = try Sweep(cache.pipeline, combinations: combinations, mode: .quiet) }.first
        == [1, 2].map {
          "hook_name=blocks.\($0).hook_mlp_out: " + notCached("blocks.\($0).hook_mlp_out", cache)
        }.joined(separator: " "))
  }

  @Test("What all combinations lack is told once")
  func once() throws {
    let cache = try SyntheticCache()
    cache.pipeline.cache.seed = 7
    cache.pipeline.train.sweep = try #require(
      SweepAxes(setting: ["l1_coefficient": .array([.integer(1), .integer(2)])]))
    let combinations = SweepPlan(cache.pipeline).combinations
    #expect(
      words { _ = try Sweep(cache.pipeline, combinations: combinations, mode: .quiet) }
        == [notCached(SyntheticCache.hook, cache), advice])
  }

  @Test("A folder that the command line chose is taken, whatever the store has besides")
  func chosen() throws {
    let cache = try SyntheticCache()
    let folder = try Run(cache.pipeline, mode: .quiet).plan.source.folder
    // With these settings nothing would be found.
    cache.pipeline.cache.seed = 7
    cache.pipeline.chosenActivations = folder
    #expect(try Run(cache.pipeline, mode: .quiet).plan.source.folder == folder)
    cache.pipeline.train.hookName = "blocks.1.hook_mlp_out"
    #expect(
      words { _ = try Run(cache.pipeline, mode: .quiet) } == [
        "train.hook_name is blocks.1.hook_mlp_out, but the cached activations in \(folder) are of "
          + "blocks.0.hook_mlp_out.", "Remove train.hook_name or make it agree.",
      ])
    cache.pipeline.chosenActivations = "/nowhere"
    #expect(
      words { _ = try Run(cache.pipeline, mode: .quiet) } == [
        "--activations: /nowhere holds no finished activations.",
        "Give a folder of the store's activations, with a manifest.json.",
      ])
  }
}
