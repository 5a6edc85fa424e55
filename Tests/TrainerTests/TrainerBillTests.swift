import Shared
import Support
import Testing
import Trainer

@Suite("The bill of a run")
struct TrainerBillTests {
  private var settings: TrainSettings {
    var settings = TrainSettings()
    settings.architecture = .topk
    settings.dSae = 1000
    settings.k = 10
    settings.trainingTokens = 100_001
    settings.trainBatchSizeTokens = 100
    settings.threads = 2
    return settings
  }

  static let run = RunSpeed(step: 0.002, denseStep: 0.01, row: 1e-5, copy: 1e10, digest: 1e9)

  private func bill(_ settings: TrainSettings) -> TrainingBill {
    TrainingBill(
      settings, dIn: 100, rowsPerEpoch: ExpectedRows(count: 60_000, isExact: true),
      speed: BilledSpeed(run: Self.run, measuredRows: 60_000, rowByteCount: 400))
  }

  @Test("Steps, operations, memory, disk and time follow from the settings")
  func figures() throws {
    let json = bill(settings).bill().json
    #expect(json["disk_bytes"] == .integer(10_457_200))
    #expect(json["memory_bytes"] == .integer(28_575_632))
    #expect(json["operations"]?.double == 20_820_800_000)
    #expect(json["operations_dense"]?.double == 100_100_000_000)
    #expect(json["steps"] == .integer(1001) && json["tokens"] == .integer(100_100))
    #expect(json["epochs"] == .integer(2) && json["parameters"] == .integer(201_100))
    let parts = try #require(json["seconds_by_part"]?.object)
    // 1,001 steps, each of which brings 100 rows of 400 bytes into float32, twice; two threads.
    let reading: Double = 1001 * 100 * 1200 / 1e10 / Double(Parallel.threadCount)
    #expect(abs((parts["training"]?.double ?? 0) - 2.002 - reading) < 1e-9)
    #expect(abs((parts["checkpoints"]?.double ?? 0) - 3_217_600 * (2e-10 + 1e-9)) < 1e-9)
    #expect(abs((parts["evaluation"]?.double ?? 0) - 60_000 * (1e-5 + 4e-8)) < 1e-9)
    #expect(parts.count == 3)
  }

  @Test("The language model that measures the loss is billed, while training too")
  func lossMemory() throws {
    let folder = ModelFixtures.folder("gpt2")
    let model = try ModelDescription.open(folder: folder)
    var pipeline = Pipeline()
    pipeline.cache.hookNames = ["blocks.0.hook_resid_post"]
    pipeline.cache.modelBatchSize = 3
    let memory = try #require(LossMemory(pipeline, model: folder, contextSize: 16))
    let points = try ["blocks.0.hook_resid_post"].map { try HookPoint.find($0, in: model) }
    // Two of three sequences of a batch: 17 tokens fill no more.
    for (tokens, sequences) in [(17, 2), (1000, 3)] {
      let pass = ForwardPass.byteCount(
        model, sequenceLimit: sequences, contextSize: 16,
        hookPoints: points + [HookPoint(.logits)])
      #expect(
        memory.byteCount(tokens: tokens)
          == pass + 4 * 16 * sequences * (model.vocabularySize + 2 * model.width))
    }
    pipeline.evaluate.lossRecovered = false
    #expect(LossMemory(pipeline, model: folder, contextSize: 16) == nil)
    pipeline.evaluate.lossRecovered = nil
    #expect(LossMemory(pipeline, model: nil, contextSize: 16) == nil)

    pipeline.logger.logFrequency = 1
    let schedule = EvaluationSchedule(pipeline, contextSize: 16)
    func bytes(_ loss: LossMemory?) -> (training: Int, measuring: Int) {
      let bill = TrainingBill(
        settings, dIn: 100, rowsPerEpoch: ExpectedRows(count: 60_000, isExact: true),
        whileTraining: schedule, loss: loss, speed: nil)
      return (bill.trainingByteCount, bill.measuringByteCount)
    }
    let (with, without) = (bytes(memory), bytes(nil))
    #expect(with.training - without.training == memory.byteCount(tokens: schedule.tokens))
    #expect(
      with.measuring - without.measuring
        == memory.byteCount(tokens: EvaluateSettings().lossTokens))
  }

  @Test("A ReLU SAE is billed by the L0 that it falls to, sooner under a stronger loss")
  func fallingL0() {
    var settings = settings
    settings.architecture = .standard
    #expect(bill(settings).expectedL0 == 71)
    settings.l1Coefficient = 5
    #expect(bill(settings).expectedL0 == 20)
    settings.l1Coefficient = 0
    #expect(bill(settings).expectedL0 == 500)
    settings.architecture = .jumprelu
    settings.lr = 1e-3
    #expect(bill(settings).expectedL0 == 17)
    settings.dSae = 5
    #expect(bill(settings).expectedL0 == 5)
  }

  @Test("Steps are billed as dense until their L0 has fallen below an eighth of the latents")
  func denseSteps() throws {
    var settings = settings
    settings.architecture = .standard
    settings.l1Coefficient = 0
    let dense = try #require(bill(settings).parts.first)
    #expect(dense.name == "training" && dense.seconds > 1001 * 0.01)
    settings.l1Coefficient = 1e6
    let sparse = try #require(bill(settings).parts.first)
    #expect(sparse.seconds < 1001 * 0.0021)
  }

  @Test(
    "Steps are billed for the latents that are expected to be dead, until they have been revived")
  func deadLatents() throws {
    func training(_ settings: TrainSettings, revival: Double) throws -> Double {
      let speed = RunSpeed(
        step: 0.002, denseStep: 0.002, revival: revival, row: 1e-5, copy: 1e10, digest: 1e9)
      let bill = TrainingBill(
        settings, dIn: 100, rowsPerEpoch: ExpectedRows(count: 60_000, isExact: true),
        speed: BilledSpeed(run: speed, measuredRows: 60_000, rowByteCount: 400))
      return try #require(bill.parts.first).seconds
    }
    var settings = settings
    settings.lr = 1e-3
    settings.deadFeatureWindow = 200
    let alive = try training(settings, revival: 0)
    // exp(−0.63) of 1,000 latents after 200 steps, falling with τ = 389: ∫ = 0.533·389·(1 − e^(−801/389)).
    let dead = try training(settings, revival: 0.01)
    #expect(abs((dead - alive) / (2 * 0.01) - 181) < 2)
    settings.deadFeatureWindow = 2000
    #expect(try training(settings, revival: 0.01) == alive)
    settings.deadFeatureWindow = 200
    settings.auxLossCoefficient = 0
    #expect(try training(settings, revival: 0.01) == alive)
  }

  @Test("The table names every figure")
  func table() {
    #expect(
      bill(settings).bill().table.text() == """
        runs: the bill
          tokens                 100 k
          steps                  1001
          passes over the cache  2
          parameters             201 k
          active latents         10
          operations, dense      100 G
          disk                   10.5 MB
          memory                 28.6 MB
          operations             20.8 G
          time                   about 2.6 s
            training             2.0 s
            checkpoints          0.0 s
            evaluation           0.6 s
        """)
  }

  @Test("Without a cache the bill comes from what the pipeline file says")
  func withoutCache() throws {
    var pipeline = Pipeline()
    pipeline.store = "/nonexistent/store"
    pipeline.cache.hookName = "blocks.0.hook_mlp_out"
    pipeline.cache.dIn = 100
    pipeline.cache.trainingTokens = 60_000
    pipeline.train = settings
    pipeline.logger.evalEveryNWandbLogs = 1_000_000
    let speeds = RunSpeeds(fixed: Self.run)
    let estimate = try RunEstimate.make(pipeline, speeds: speeds)
    #expect(estimate.bill == bill(settings))
    #expect(
      estimate.stage.missing == [
        "The store /nonexistent/store holds no activations of blocks.0.hook_mlp_out that were "
          + "cached with these settings."
      ])
    pipeline.cache.dIn = nil
    #expect(throws: TrainingSourceError.self) { try RunEstimate.make(pipeline, speeds: speeds) }
    // The model knows the width where the file does not.
    pipeline.cache.modelName = ModelFixtures.folder("gpt2")
    #expect(try RunEstimate.make(pipeline, speeds: speeds).bill.parameters == 2 * 24_000 + 1024)
  }

  @Test("A finished run is called so and costs nothing")
  func finished() throws {
    let cache = try SyntheticCache()
    cache.pipeline.evaluate.evalTokens = 300
    #expect(
      try RunEstimate.make(cache.pipeline, speeds: RunSpeeds(fixed: Self.run)).isFinished == false)
    _ = try Run(cache.pipeline, mode: .quiet).run()
    let estimate = try RunEstimate.make(cache.pipeline, speeds: RunSpeeds(fixed: Self.run))
    #expect(estimate.isFinished && estimate.missing.isEmpty)
    #expect(estimate.stage.json["seconds"]?.double == 0)
    #expect(estimate.stage.json["disk_bytes"] == .integer(0))
    #expect(estimate.stage.table.text().hasPrefix("runs: the bill, finished\n"))
  }

  @Test(
    "A trial of a run measures steps, rows and bytes",
    arguments: [
      Architecture.topk, .standard, .jumprelu, .matryoshkaBatchtopk, .matchingPursuit, .gated,
    ])
  func trial(architecture: Architecture) {
    var settings = settings
    settings.architecture = architecture
    settings.dSae = 64
    settings.matryoshkaWidths = WholeNumbers([16, 64])
    let speed = StepTrial.measure(settings, dIn: 16, dOut: nil, l0: 8)
    for number in [speed.step, speed.denseStep, speed.row, 1 / speed.copy, 1 / speed.digest] {
      #expect(number > 0 && number < 1)
    }
    let revives = [.topk, .matryoshkaBatchtopk].contains(architecture)
    #expect(revives ? speed.revival > 0 : speed.revival == 0)
  }

  @Test("A disk that is too small is refused before anything is written")
  func disk() throws {
    #expect(throws: DiskSpaceError.self) {
      try DiskSpace.require(.max, at: "/tmp/not/there/yet")
    }
    try DiskSpace.require(1, at: "/tmp/not/there/yet")
    let error = DiskSpaceError(path: "store", needed: 5_000_000, free: 1_000_000)
    #expect(
      error.sentence == "The disk of store is too small: 5.0 MB are needed and 1.0 MB are free.")
    #expect(error.hint == "Free some space, or set store to a folder on another disk.")
  }
}
