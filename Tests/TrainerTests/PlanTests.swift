import Foundation
import Shared
import Testing
import Trainer

/// What follows from settings and manifests reads no row.
@Suite("A plan")
struct PlanTests {
  private let speeds = RunSpeeds(fixed: TrainerBillTests.run)

  /// Leaves every shard its size and nothing else.
  private func damage(_ cache: SyntheticCache) throws {
    for shard in try cache.source.shards {
      let byteCount = try System.status(shard.path).byteCount
      try AtomicFile.replace(shard.path, with: String(repeating: "x", count: byteCount))
    }
  }

  static let needingRows: [@Sendable (inout TrainSettings) -> Void] = [
    { $0.evalFraction = 0.25 },
    { $0.excludeSpecialTokens = .ids([1, 2]) },
    { $0.seqposSlice = PositionSlice(setting: .array([.integer(4), .integer(8)])) ?? .all },
    { $0.maxNormMultiple = 2 },
    { $0.normalizeActivations = .covarianceWhitening },
    { $0.bDecInitMethod = .geometricMedian },
  ]

  @Test("A bill comes from the manifest alone, also where the run needs the rows first")
  func bill() throws {
    for change in Self.needingRows {
      let cache = try SyntheticCache()
      change(&cache.pipeline.train)
      try damage(cache)
      let estimate = try RunEstimate.make(cache.pipeline, speeds: speeds)
      #expect(estimate.bill.steps == 40)
      #expect(estimate.stage.missing == [])
      let plan = try Run(cache.pipeline, mode: .quiet).plan
      #expect(plan.steps == 40)
      // An initial b_dec is taken when there is no checkpoint to continue from.
      let isPrepared = cache.pipeline.train.bDecInitMethod != .zeros
      #expect(((try? plan.prepared()) != nil) == isPrepared)
    }
  }

  @Test("A filter makes the passes over the cache an estimate, and the bill says so")
  func estimate() throws {
    let cache = try SyntheticCache()
    func passes() throws -> String? {
      let stage = try RunEstimate.make(cache.pipeline, speeds: speeds).stage
      return stage.table.rows.first { $0[0] == "passes over the cache" }?[1]
    }
    cache.pipeline.train.trainingTokens = 1920
    #expect(try passes() == "1")
    cache.pipeline.train.evalFraction = 0.5
    #expect(try passes() == "about 2")
    cache.pipeline.train.seqposSlice =
      PositionSlice(setting: .array([.integer(4), .integer(8)])) ?? .all
    #expect(try passes() == "about 8")
    let source = try cache.source
    #expect(
      source.expectedRows(cache.pipeline.train) == ExpectedRows(count: 240, isExact: false))
    // How many rows have such tokens or norms only the rows say.
    cache.pipeline.train.excludeSpecialTokens = .ids([1])
    cache.pipeline.train.maxNormMultiple = 3
    #expect(
      source.expectedRows(cache.pipeline.train) == ExpectedRows(count: 240, isExact: false))
  }

  @Test("A finished run has nothing to do, and a finished sweep nothing to read")
  func finished() throws {
    let cache = try SyntheticCache()
    cache.pipeline.evaluate.evalTokens = 300
    cache.pipeline.train.excludeSpecialTokens = .ids([1])
    cache.pipeline.train.maxNormMultiple = 3
    let sweep = try #require(
      SweepAxes(setting: ["l1_coefficient": .array([.integer(1), .integer(2)])]))
    cache.pipeline.train.sweep = sweep
    let combinations = SweepPlan(cache.pipeline).combinations
    func open() throws -> Sweep {
      try Sweep(cache.pipeline, combinations: combinations, mode: .quiet)
    }
    #expect(try open().run().map(\.didWork) == [true, true])
    try damage(cache)
    #expect(try open().run().map(\.didWork) == [false, false])
    let bill = try SweepBill(combinations, speeds: speeds) { _ in }
    #expect(bill.lines.map(\.isFinished) == [true, true])
    let run = try Run(combinations[0].pipeline, mode: .quiet)
    #expect(try run.run() == .nothingToDo)
    try run.requireFinished()
  }

  @Test("A tokenizer that is lacking is missing in the bill, and stops the run")
  func tokenizer() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.excludeSpecialTokens = .special
    let expected = RowFilterError.noTokenizer(folder: try cache.source.folder)
    let estimate = try RunEstimate.make(cache.pipeline, speeds: speeds)
    #expect(estimate.stage.missing == [expected.sentence])
    #expect(throws: expected) { try Run(cache.pipeline, mode: .quiet).run() }
  }

  @Test("Runs of a sweep that see the same rows in the same order prepare them once")
  func shared() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.normalizeActivations = .covarianceWhitening
    cache.pipeline.train.maxNormMultiple = 3
    var rows = SharedRows()
    let first = try rows.prepare(TrainingPlan(cache.pipeline, source: cache.source))
    try damage(cache)
    cache.pipeline.train.lr = 1e-4
    cache.pipeline.train.dSae = 16
    let second = try rows.prepare(TrainingPlan(cache.pipeline, source: cache.source))
    #expect(second.rows.normalization.whitening === first.rows.normalization.whitening)
    // Another order of the same rows: they need not be counted again, but whitening comes from others.
    cache.pipeline.train.seed = 7
    #expect(throws: (any Error).self) {
      try rows.prepare(TrainingPlan(cache.pipeline, source: cache.source))
    }
    cache.pipeline.train.normalizeActivations = .none
    let third = try rows.prepare(TrainingPlan(cache.pipeline, source: cache.source))
    #expect(third.rows.order.sizes == first.rows.order.sizes)
    cache.pipeline.train.maxNormMultiple = 2
    #expect(throws: (any Error).self) {
      try rows.prepare(TrainingPlan(cache.pipeline, source: cache.source))
    }
  }

  @Test(
    "The memory of measuring is bounded and in the bill", arguments: [1, 1000, 32_768, 131_072])
  func memory(latents: Int) {
    let rows = TrainedSAE.batchRows(latents: latents)
    #expect(rows == min(1024, (1 << 25) / latents))
    var settings = TrainSettings()
    settings.dSae = latents
    settings.trainBatchSizeTokens = 1
    settings.trainingTokens = 1
    func bill(_ evaluation: EvaluateSettings) -> Int {
      TrainingBill(
        settings, evaluation, dIn: 4, rowsPerEpoch: ExpectedRows(count: 1, isExact: true),
        speed: nil
      ).memoryByteCount
    }
    var few = EvaluateSettings()
    few.evalTokens = 1
    // Codes are kept up to a limit, once by row and once by latent.
    let added = bill(EvaluateSettings()) - bill(few)
    #expect(added >= 0)
    #expect(added <= 2 * (1 << 24) * 8 + 200_000 * 64)
  }
}
