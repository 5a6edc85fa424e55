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

  /// Takes them from the cache where there is one, else from what the pipeline file says.
  ///
  /// What is missing before the run can start goes to `missing`.
  package init(_ pipeline: Pipeline, missing: (any Failure) -> Void) throws {
    var inputs = TrainInputs(pipeline)
    try self.init(pipeline, found: { try inputs.input(pipeline) }, missing: missing)
  }

  /// As above, with caches that `found` looks up.
  init(
    _ pipeline: Pipeline, found: () throws -> RunInput, missing: (any Failure) -> Void
  ) throws {
    do {
      let input = try found()
      let configuration = input.configuration(pipeline.train)
      self.init(
        dIn: configuration.dIn, dOut: configuration.dOut,
        perEpoch: input.source.expectedRows(pipeline.train), input: input)
      let plan = TrainingPlan(pipeline, input)
      do throws(LossRecoveredError) { try plan.requireLoss() } catch { missing(error) }
      do {
        try RowFilter.check(pipeline.train, input.source, store: Store(pipeline.store))
      } catch let error as RowFilterError { missing(error) }
    } catch let error as any Failure {
      guard let parts = TrainInputs.missing(error),
        let dIn = pipeline.train.dIn ?? pipeline.cache.dIn
      else { throw error }
      for part in parts { missing(part) }
      self.init(
        dIn: dIn, dOut: nil,
        perEpoch: ExpectedRows(count: pipeline.cache.trainingTokens, isExact: true), input: nil)
    }
  }

  private init(dIn: Int, dOut: Int?, perEpoch: ExpectedRows, input: RunInput?) {
    self.dIn = dIn
    self.dOut = dOut
    self.perEpoch = perEpoch
    self.input = input
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
  /// Time on this machine, where its speed was measured.
  package let seconds: Double?

  /// The L0 that is assumed where the settings do not fix it.
  static let assumedL0 = 64

  /// The bill of a pipeline file, from the cache where there is one, else from what the file says.
  ///
  /// What is missing before the run can start goes to `missing`.
  package init(
    _ pipeline: Pipeline, speed: MachineSpeed, missing: (any Failure) -> Void
  ) throws {
    self.init(pipeline, try BilledRows(pipeline, missing: missing), speed: speed)
  }

  /// The bill of a run over rows that were looked up.
  package init(_ pipeline: Pipeline, _ rows: BilledRows, speed: MachineSpeed) {
    self.init(
      pipeline.train, pipeline.evaluate, dIn: rows.dIn, dOut: rows.dOut,
      contextSize: rows.input?.source.facts.contextSize, rowsPerEpoch: rows.perEpoch, speed: speed)
  }

  /// The bill of a run over a cache that exists.
  package init(_ plan: TrainingPlan, speed: MachineSpeed? = nil) {
    self.init(
      plan.pipeline.train, plan.pipeline.evaluate, dIn: plan.configuration.dIn,
      dOut: plan.configuration.dOut, contextSize: plan.source.facts.contextSize,
      rowsPerEpoch: plan.source.expectedRows(plan.pipeline.train), speed: speed)
  }

  /// The bill of a run over rows of width `dIn`; without a speed it names no time.
  package init(
    _ settings: TrainSettings, _ evaluation: EvaluateSettings = EvaluateSettings(), dIn: Int,
    dOut: Int? = nil, contextSize: Int? = nil, rowsPerEpoch: ExpectedRows, speed: MachineSpeed?
  ) {
    let batchRows = settings.trainBatchSizeTokens
    let configuration = SAEConfiguration(settings, dIn: dIn, dOut: dOut)
    let latents = configuration.dSae
    steps = (settings.trainingTokens + settings.finetuningTokens + batchRows - 1) / batchRows
    tokens = steps * batchRows
    let rows = max(1, rowsPerEpoch.count)
    epochs = (tokens + rows - 1) / rows
    hasExactEpochs = rowsPerEpoch.isExact
    expectedL0 = min(latents, configuration.architecture.fixedL0 ?? TrainingBill.assumedL0)
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
    trainingByteCount = StepMemory.byteCount(configuration, rows: batchRows, threads: threads)
    measuringByteCount = EvaluationMemory.byteCount(
      configuration, evaluation, contextSize: contextSize, threads: threads)
    // A checkpoint holds weights and two moments, and the weights once more for SAELens; while one
    // is written, the one that it replaces is still there.
    let checkpoints = min(settings.nCheckpoints, steps) + settings.keepCheckpoints + 1
    diskByteCount = 4 * parameters * (1 + 4 * checkpoints)
    seconds = speed.map { [tokens, steps, parameters, searches] speed in
      // The active part runs from memory at about a quarter of a product's speed; Adam reads
      // weight, gradient and two moments and writes three of them.
      let arithmetic = (searches * product + 4 * 4 * activeProduct) * Double(tokens) / speed.product
      return arithmetic + 7 * 4 * Double(parameters) * Double(steps) / speed.copy
    }
  }

  /// The memory of the run, whose SAE is measured once training has given up its own.
  package var memoryByteCount: Int { max(trainingByteCount, measuringByteCount) }

  /// The bill for people.
  package var table: Table {
    var table = Table(
      title: "Training", columns: [.init("quantity"), .init("amount", .right)])
    for (name, value) in lines { table.add([name, value]) }
    return table
  }

  private var lines: [(String, String)] {
    [
      ("steps", String(steps)), ("tokens", Readable.count(tokens)),
      ("passes over the cache", hasExactEpochs ? "\(epochs)" : "about \(epochs)"),
      ("parameters", Readable.count(parameters)),
      ("operations, dense", Readable.count(denseOperations)),
      ("operations, sparse at L0 \(expectedL0)", Readable.count(sparseOperations)),
      ("memory", Readable.bytes(memoryByteCount)),
      ("disk, checkpoints included", Readable.bytes(diskByteCount)),
    ]
      + (seconds.map { [("time on this machine", "about " + Readable.duration(seconds: $0))] } ?? [])
  }

  package var json: JSON {
    .object([
      "steps": .integer(steps), "tokens": .integer(tokens), "epochs": .integer(epochs),
      "parameters": .integer(parameters), "flops_dense": .number(denseOperations),
      "flops_sparse": .number(sparseOperations), "expected_l0": .integer(expectedL0),
      "memory_bytes": .integer(memoryByteCount), "disk_bytes": .integer(diskByteCount),
      "seconds": seconds.map { .number($0) } ?? .null,
    ])
  }
}
