// What a run will cost, before it starts. Comes in: settings, manifests and the speed of this machine.
// Leaves: steps, operations, memory, disk and time, as a table and as JSON. No row is read.

package import Shared

/// What a run will be billed for.
package struct BilledRows: Sendable {
  package let dIn: Int
  /// Nil where no cache says it.
  package let dOut: Int?
  package let perEpoch: ExpectedRows
  /// The caches, where they exist already.
  package let input: RunInput?
  /// The folder of the model; nil where it is not here.
  let model: String?

  /// Takes them from the caches that `found` looks up, where there are some, else from what the pipeline
  /// file or the model says.
  ///
  /// What is missing before the run can start goes to `missing`.
  init(
    _ pipeline: Pipeline, inputs: TrainInputs, found: () throws -> RunInput,
    missing: (any Failure) -> Void
  ) throws {
    do {
      let input = try found()
      let configuration = input.configuration(pipeline.train)
      self.init(
        dIn: configuration.dIn, dOut: configuration.dOut,
        perEpoch: input.source.expectedRows(pipeline.train), input: input, model: inputs.model)
      let plan = TrainingPlan(pipeline, input)
      do throws(LossRecoveredError) { try plan.requireLoss() } catch { missing(error) }
      do {
        try RowFilter.check(pipeline.train, input.source, store: Store(pipeline))
      } catch let error as RowFilterError { missing(error) }
    } catch let error as any Failure {
      guard let parts = TrainInputs.missing(error), let dIn = BilledRows.width(pipeline, inputs)
      else {
        throw error
      }
      for part in parts { missing(part) }
      self.init(
        dIn: dIn, dOut: nil,
        perEpoch: ExpectedRows(count: pipeline.cache.trainingTokens, isExact: true), input: nil,
        model: inputs.model)
    }
  }

  /// The width of activations that are not cached, as the file or the model says.
  private static func width(_ pipeline: Pipeline, _ inputs: TrainInputs) -> Int? {
    if let stated = pipeline.train.dIn ?? pipeline.cache.dIn { return stated }
    guard let name = pipeline.train.hookName ?? pipeline.cache.allHookNames.first,
      let folder = inputs.modelDescription(pipeline),
      let model = try? ModelDescription.open(folder: folder),
      let point = try? pipeline.cache.hookPoint(name, in: model)
    else { return nil }
    return point.width(in: model, contextSize: pipeline.pretokenize.contextSize)
  }

  private init(
    dIn: Int, dOut: Int?, perEpoch: ExpectedRows, input: RunInput?, model: String?
  ) {
    self.dIn = dIn
    self.dOut = dOut
    self.perEpoch = perEpoch
    self.input = input
    self.model = model
  }
}

/// What the time of a run depends on besides its settings.
package struct BilledSpeed: Sendable, Equatable {
  package let run: RunSpeed
  /// Seconds per token of three passes of the model whose predictions are compared; nil where no loss is
  /// measured.
  package let lossSeconds: Double?
  /// The rows that the finished SAE can be measured on.
  package let measuredRows: Int
  /// Bytes of a cached row.
  package let rowByteCount: Int

  package init(run: RunSpeed, lossSeconds: Double? = nil, measuredRows: Int, rowByteCount: Int) {
    self.run = run
    self.lossSeconds = lossSeconds
    self.measuredRows = measuredRows
    self.rowByteCount = rowByteCount
  }
}

/// The bill of a training run.
package struct TrainingBill: Sendable, Equatable {
  package let steps: Int
  package let tokens: Int
  package let epochs: Int
  /// Whether `epochs` follows from what is known; else it is an estimate.
  package let hasExactEpochs: Bool
  package let parameters: Int
  /// Operations of the whole run if every latent took part everywhere.
  package let denseOperations: Double
  /// Operations of the whole run at `expectedL0` active latents per row.
  package let sparseOperations: Double
  package let expectedL0: Int
  package let trainingByteCount: Int
  package let measuringByteCount: Int
  package let diskByteCount: Int
  /// How this machine screens latents, in a word; nil where its speed was not measured.
  package let screening: String?
  /// The time on this machine by what it goes to; empty where its speed was not measured.
  package let parts: [StageBill.Part]
  package var seconds: Double? {
    parts.isEmpty ? nil : parts.reduce(0) { $0 + $1.seconds }
  }

  /// The latents that a run of these settings is expected to have active on a row in the end.
  static func expectedL0(_ settings: TrainSettings, _ configuration: SAEConfiguration) -> Int {
    let steps = max(1, settings.stepCount)
    return Int(LatentDecay(settings, configuration).l0(step: steps))
  }

  /// The bill of a run over rows that were looked up.
  package init(_ pipeline: Pipeline, _ rows: BilledRows, speed: BilledSpeed?) {
    self.init(
      pipeline.train, pipeline.evaluate, dIn: rows.dIn, dOut: rows.dOut,
      contextSize: rows.input?.source.facts.contextSize, rowsPerEpoch: rows.perEpoch,
      whileTraining: EvaluationSchedule(
        pipeline,
        contextSize: rows.input?.source.facts.contextSize ?? pipeline.pretokenize.contextSize),
      loss: rows.canHaveLoss
        ? LossMemory(
          pipeline, model: rows.model, contextSize: rows.input?.source.facts.contextSize) : nil,
      speed: speed)
  }

  /// The bill of a run over a cache that exists.
  package init(_ plan: TrainingPlan, speed: BilledSpeed? = nil) {
    self.init(
      plan.pipeline.train, plan.pipeline.evaluate, dIn: plan.configuration.dIn,
      dOut: plan.configuration.dOut, contextSize: plan.source.facts.contextSize,
      rowsPerEpoch: plan.source.expectedRows(plan.pipeline.train),
      whileTraining: EvaluationSchedule(
        plan.pipeline, contextSize: plan.source.facts.contextSize),
      loss: plan.source.tokens == nil
        ? nil
        : LossMemory(
          plan.pipeline, model: plan.input.model.value,
          contextSize: plan.source.facts.contextSize), speed: speed)
  }

  /// The bill of a run over rows of width `dIn`; without a speed it names no time.
  package init(
    _ settings: TrainSettings, _ evaluation: EvaluateSettings = EvaluateSettings(), dIn: Int,
    dOut: Int? = nil, contextSize: Int? = nil, rowsPerEpoch: ExpectedRows,
    whileTraining: EvaluationSchedule? = nil, loss: LossMemory? = nil, speed: BilledSpeed?
  ) {
    let batchRows = settings.trainBatchSizeTokens
    let configuration = SAEConfiguration(settings, dIn: dIn, dOut: dOut)
    let latents = configuration.dSae
    steps = (settings.trainingTokens + settings.finetuningTokens + batchRows - 1) / batchRows
    tokens = steps * batchRows
    let rows = max(1, rowsPerEpoch.count)
    epochs = (tokens + rows - 1) / rows
    hasExactEpochs = rowsPerEpoch.isExact
    expectedL0 = TrainingBill.expectedL0(settings, configuration)
    parameters = configuration.shape.count
    // Per row: the encoder's product, the decoder's, and three products of the backward pass. A
    // latent that matching pursuit finds costs an encoder's product of its own.
    let product = 2 * Double(dIn) * Double(latents)
    let activeProduct = 2 * Double(dIn) * Double(expectedL0)
    var searches = 1.0
    if case .search = configuration.selection { searches = Double(expectedL0) }
    denseOperations = (4 + searches) * product * Double(tokens)
    sparseOperations = (searches * product + 4 * activeProduct) * Double(tokens)
    let threads = settings.threads > 0 ? settings.threads : Parallel.threadCount
    let evaluations = whileTraining?.count(steps: steps) ?? 0
    var running = 0
    if evaluations > 0, let whileTraining {
      running =
        EvaluationMemory.runningByteCount(configuration, threads: threads)
        + (loss?.byteCount(tokens: whileTraining.tokens) ?? 0)
    }
    trainingByteCount =
      StepMemory.byteCount(configuration, rows: batchRows, threads: threads) + running
    measuringByteCount =
      EvaluationMemory.byteCount(configuration, evaluation, threads: threads)
      + LatentMemory.byteCount(configuration, rows: min(evaluation.evalTokens, rows))
      + (loss?.byteCount(tokens: evaluation.lossTokens) ?? 0)
    // A checkpoint holds weights and two moments, and the weights once more for SAELens; while one
    // is written, the one that it replaces is still there.
    let checkpoints = min(settings.nCheckpoints, steps) + settings.keepCheckpoints + 1
    diskByteCount = 4 * parameters * (1 + 4 * checkpoints)
    screening = speed.flatMap { $0.run.screening.isEmpty ? nil : $0.run.screening }
    guard let speed else {
      parts = []
      return
    }
    parts =
      RunTime(
        speed, settings, evaluation, configuration, steps: steps, whileTraining: whileTraining
      ).parts
  }

  /// The memory of the run, whose SAE is measured once training has given up its own.
  package var memoryByteCount: Int { max(trainingByteCount, measuringByteCount) }

  /// The bill in the shape of all programs.
  package func bill(isFinished: Bool = false) -> StageBill {
    var lines: [StageBill.Line] = [
      .init("steps", String(steps), key: "steps", .integer(steps)),
      .init(
        "passes over the cache", hasExactEpochs ? "\(epochs)" : "about \(epochs)", key: "epochs",
        .integer(epochs)),
      .init("parameters", Readable.count(parameters), key: "parameters", .integer(parameters)),
      .init("active latents", "\(expectedL0)", key: "expected_l0", .integer(expectedL0)),
      .init(
        "operations, dense", Readable.count(denseOperations), key: "operations_dense",
        .number(denseOperations)),
    ]
    if let screening {
      lines.append(.init("screening", screening, key: "screening", .string(screening)))
    }
    return StageBill(
      .runs, isFinished: isFinished, tokens: tokens, lines: lines, diskByteCount: diskByteCount,
      memoryByteCount: memoryByteCount, operations: sparseOperations, parts: parts)
  }
}
