import Shared
import Support
import Testing

import Trainer

/// What a run says of itself while it trains.
@Suite("Evaluation while training")
struct RunningEvaluationTests {
  private static func cache(_ configure: (inout Pipeline) -> Void = { _ in }) throws -> ModelCache {
    let cache = try ModelCache()
    cache.change {
      $0.logger.logFrequency = 2
      $0.logger.evalEveryNWandbLogs = 3
      $0.logger.nEvalBatches = 1
      $0.logger.evalBatchSizePrompts = 4
      $0.train.featureSamplingWindow = 5
      configure(&$0)
    }
    return cache
  }

  private func log(_ cache: ModelCache) throws -> [RunLog.Entry] {
    let run = try Run(cache.pipeline, mode: .quiet)
    #expect(try run.run() == .trained)
    return try RunLog.read(run.folder.path + "/metrics.jsonl")
  }

  @Test("It comes when SAELens takes it, with its groups and its histograms")
  func schedule() throws {
    let log = try log(try Self.cache())
    let evaluations = log.filter { !$0.evaluation.isEmpty }
    #expect(evaluations.map(\.step) == [5, 11, 17])
    for entry in evaluations {
      #expect(
        Set(entry.evaluation.map(\.figure.group)) == [
          "model_behavior_preservation", "model_performance_preservation",
          "reconstruction_quality", "shrinkage", "sparsity", "token_stats",
        ])
      #expect(entry.evaluation[.lossTokens] == 64)
      #expect(entry.evaluation[.evaluatedRows] == 64)
      #expect(Set(entry.histograms.keys) == [.decoderNorms, .encoderBias])
      #expect(entry.histograms[.decoderNorms]?.total == 32)
    }
    // The last window is logged too, and its counts are those of the finished SAE.
    let windows = log.filter { $0.histograms[.featureDensity] != nil }
    #expect(windows.map(\.step) == [5, 10, 15, 20])
    #expect(windows.allSatisfy { $0.values[.meanLogSparsity] != nil })
  }

  @Test("Training does not notice it")
  func unchanged() throws {
    let often = try Self.cache()
    let never = try Self.cache { $0.logger.evalEveryNWandbLogs = 1000 }
    for name in ["sae_weights.safetensors", "sparsity.safetensors", "cfg.json"] {
      let files = try [often, never].map { cache in
        let run = try Run(cache.pipeline, mode: .quiet)
        _ = try run.run()
        return try MappedFile.contents(run.folder.path + "/" + name)
      }
      #expect(files[0] == files[1], "\(name)")
    }
  }

  @Test("The last evaluation of a run is that of its files")
  func last() throws {
    let cache = try Self.cache {
      $0.logger.evalEveryNWandbLogs = 10
      $0.logger.evalBatchSizePrompts = 1000
      $0.evaluate.lossTokens = 16_000
    }
    let last = try #require(try log(cache).last { !$0.evaluation.isEmpty })
    #expect(last.step == 19)
    let run = try Run(cache.pipeline, mode: .quiet)
    let final = try Evaluation.read(run: run.folder.path).figures
    for (figure, value) in last.evaluation {
      let twin = try #require(final[figure])
      #expect(abs(value - twin) <= 1e-5 * abs(twin), "\(figure.name)")
    }
  }

  @Test("Without a model there is no loss")
  func noModel() throws {
    let cache = try Self.cache { $0.cache.modelName = "/nowhere/gpt2" }
    let evaluations = try log(cache).filter { !$0.evaluation.isEmpty }
    #expect(evaluations.count == 3)
    for entry in evaluations {
      #expect(entry.evaluation[.lossScore] == nil)
      #expect(entry.evaluation[.finalExplainedVariance] != nil)
    }
  }

  @Test("Numbers beyond all bounds are never due")
  func overflow() {
    var pipeline = Pipeline()
    pipeline.logger.logFrequency = .max
    let schedule = EvaluationSchedule(pipeline, contextSize: 128)
    #expect(schedule.count(steps: 1_000_000) == 0)
    #expect(!schedule.isDue(afterStep: 0))
    pipeline.logger.logFrequency = 10
    #expect(EvaluationSchedule(pipeline, contextSize: 128).tokens == 10 * 32 * 128)
    #expect(EvaluationSchedule(pipeline, contextSize: 128).every == 1000)
  }
}
