import Shared
import Testing
import Trainer

@Suite("The bill of a sweep")
struct SweepBillTests {
  private let speeds = RunSpeeds(fixed: TrainerBillTests.run)

  private func combinations(_ pipeline: Pipeline, _ axes: JSON) throws -> [Combination] {
    var pipeline = pipeline
    pipeline.train.sweep = try #require(SweepAxes(setting: axes))
    return SweepPlan(pipeline).combinations
  }

  private var pipeline: Pipeline {
    var pipeline = Pipeline()
    pipeline.store = "/nonexistent/store"
    pipeline.cache.hookName = "blocks.0.hook_mlp_out"
    pipeline.cache.dIn = 100
    pipeline.cache.trainingTokens = 60_000
    pipeline.train.architecture = .topk
    pipeline.train.dSae = 1000
    pipeline.train.trainingTokens = 100_001
    pipeline.train.trainBatchSizeTokens = 100
    pipeline.train.threads = 2
    return pipeline
  }

  @Test("Every combination has a line, and the total is their sum but for memory")
  func table() throws {
    var missing: [String] = []
    let axes: JSON = [
      "k": .array([.integer(10), .integer(20)]),
      "training_tokens": .array([.integer(100_001), .integer(500)]),
    ]
    let bill = try SweepBill(combinations(pipeline, axes), speeds: speeds) {
      missing.append($0.sentence)
    }
    #expect(
      bill.table.text() == """
        Training, 4 runs
                  k  training_tokens  steps  operations   memory     disk   time
          1      10           100001   1001      20.8 G  28.6 MB  10.5 MB  3.0 s
          2      10              500      5       104 M  28.6 MB  10.5 MB  0.6 s
          3      20           100001   1001      21.6 G  33.9 MB  10.5 MB  3.0 s
          4      20              500      5       108 M  33.9 MB  10.5 MB  0.6 s
          total                        2012      42.7 G  33.9 MB  41.8 MB  7.3 s
        """)
    #expect(missing.count == 1)
    var alone = pipeline
    alone.train.k = 20
    #expect(bill.lines[2].bill == (try RunEstimate.make(alone, speeds: speeds).bill))
    let json = bill.json(missing: ["something"])
    #expect(json["missing"] == .array([.string("something")]) && json["stage"] == .string("runs"))
    #expect(json["finished"] == .bool(false) && json["seconds"]?.double != nil)
    #expect(json["runs"]?.array?.count == 4)
    #expect(
      json["runs"]?.array?[1]["sweep"]
        == ["k": .number(10), "training_tokens": .integer(500)])
    #expect(json["steps"] == .integer(2012))
    #expect(json["disk_bytes"] == .integer(4 * 10_457_200))
  }

  @Test("Runs that share a stream take memory together, in each stream for itself")
  func shared() throws {
    let axes: JSON = [
      "lr": .array([.number(1e-3), .number(1e-4)]), "seed": .array([.integer(1), .integer(2)]),
    ]
    let bill = try SweepBill(combinations(pipeline, axes), mode: .shared, speeds: speeds) { _ in }
    #expect(
      bill.memoryByteCount
        == max(2 * bill.lines[0].bill.trainingByteCount, bill.lines[0].bill.measuringByteCount))
  }

  @Test("Finished runs cost nothing")
  func finished() throws {
    let cache = try SyntheticCache()
    cache.pipeline.evaluate.evalTokens = 300
    let combinations = try combinations(
      cache.pipeline, ["l1_coefficient": .array([.integer(1), .integer(2)])])
    _ = try Run(combinations[0].pipeline, mode: .quiet).run()
    let bill = try SweepBill(combinations, speeds: speeds) { _ in }
    #expect(bill.lines.map(\.isFinished) == [true, false])
    #expect(bill.diskByteCount == bill.lines[1].bill.diskByteCount)
    #expect(bill.table.rows[0].last == "finished")
    #expect(bill.table.rows[2].first == "total without 1 finished")
    #expect(bill.json()["steps"] == .integer(40))
  }

  @Test("A combination without a cache is named where hook points are swept")
  func missing() throws {
    var pipeline = pipeline
    pipeline.cache.dIn = nil
    pipeline.cache.hookNames = ["blocks.1.hook_mlp_out"]
    let hooks: JSON = [
      "hook_name": .array([.string("blocks.1.hook_mlp_out"), .string("blocks.0.hook_mlp_out")])
    ]
    let swept = try combinations(pipeline, hooks)
    do {
      _ = try SweepBill(swept, speeds: speeds) { _ in }
      Issue.record("a bill without a width")
    } catch let error as SweepError {
      #expect(
        error.sentence
          == "hook_name=blocks.1.hook_mlp_out: The store /nonexistent/store holds no activations "
          + "of blocks.1.hook_mlp_out that were cached with these settings.")
    }
    let plain = try combinations(pipeline, ["k": .array([.integer(1)])])
    #expect(throws: TrainingSourceError.self) { try SweepBill(plain, speeds: speeds) { _ in } }
  }
}
