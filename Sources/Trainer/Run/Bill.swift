// What a run will cost, before it starts. Comes in: the plan and two short measurements of this
// machine. Leaves: steps, operations, memory, disk and time, as a table and as JSON.

package import Shared

/// What this machine does per second.
package struct MachineSpeed: Sendable, Equatable {
  /// Floating-point operations per second of a matrix product.
  package let product: Double
  /// Bytes per second of a copy, read and written counted once each.
  package let copy: Double

  package init(product: Double, copy: Double) {
    self.product = product
    self.copy = copy
  }

  /// Measures both; takes well under a second.
  package static func measure() -> MachineSpeed {
    let size = 768
    let left = Matrix(rows: size, columns: size)
    var result = Matrix(rows: size, columns: size)
    let product = best(of: 3) {
      var target = result.mutableSpan
      Multiply.product(
        rows: size, columns: size, inner: size, left.span, .plain, left.span, .plain, into: &target)
    }
    let source = AlignedBuffer<Float>(count: 8 << 20)
    var target = AlignedBuffer<Float>(count: source.count)
    let copy = best(of: 3) {
      let from = source.span
      var to = target.mutableSpan
      for index in from.indices { to[index] = from[index] }
    }
    return MachineSpeed(
      product: 2 * Double(size * size * size) / product, copy: Double(8 * source.count) / copy)
  }

  private static func best(of count: Int, _ body: () -> Void) -> Double {
    (0..<count).map { _ in
      let start = System.uptime
      body()
      return max(System.uptime - start, 1e-9)
    }.min() ?? 1
  }
}

/// The rows that a run will be billed for.
package struct BilledRows: Sendable {
  package let dIn: Int
  /// Nil where no cache says it.
  package let dOut: Int?
  package let perEpoch: Int
  /// The caches, where they exist already.
  package let input: RunInput?

  /// Looks them up in the cache where there is one, else takes what the pipeline file says.
  ///
  /// What is missing before the run can start goes to `missing`.
  package init(_ pipeline: Pipeline, missing: (any Failure) -> Void) throws {
    do {
      let input = try RunInput.find(pipeline)
      let plan = try TrainingPlan(pipeline, source: input.source, targets: input.targets)
      dIn = plan.configuration.dIn
      dOut = plan.configuration.dOut
      perEpoch = plan.order.rowsPerEpoch
      self.input = input
      do throws(LossRecoveredError) { try SplicePlan.require(plan) } catch { missing(error) }
    } catch let error as TrainingSourceError {
      guard case .notCached = error, let dIn = pipeline.train.dIn ?? pipeline.cache.dIn else {
        throw error
      }
      missing(error)
      self.dIn = dIn
      dOut = nil
      perEpoch = pipeline.cache.trainingTokens
      input = nil
    }
  }
}

/// The bill of a training run.
package struct Bill: Sendable, Equatable {
  package let steps: Int
  package let tokens: Int
  package let epochs: Int
  package let parameters: Int
  /// Operations of the whole run if every latent took part everywhere.
  package let denseOperations: Double
  /// Operations of the whole run at `expectedL0` active latents per row.
  package let sparseOperations: Double
  package let expectedL0: Int
  package let memoryByteCount: Int
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
    self.init(pipeline.train, try BilledRows(pipeline, missing: missing), speed: speed)
  }

  /// The bill of a run over rows that were looked up.
  package init(_ settings: TrainSettings, _ rows: BilledRows, speed: MachineSpeed) {
    self.init(
      settings, dIn: rows.dIn, dOut: rows.dOut, rowsPerEpoch: rows.perEpoch, speed: speed)
  }

  /// The bill of a run over a cache that exists.
  package init(_ plan: TrainingPlan, speed: MachineSpeed? = nil) {
    self.init(
      plan.pipeline.train, dIn: plan.configuration.dIn, dOut: plan.configuration.dOut,
      rowsPerEpoch: plan.order.rowsPerEpoch, speed: speed)
  }

  /// The bill of a run over `rowsPerEpoch` rows of width `dIn`; without a speed it names no time.
  package init(
    _ settings: TrainSettings, dIn: Int, dOut: Int? = nil, rowsPerEpoch: Int, speed: MachineSpeed?
  ) {
    let batchRows = settings.trainBatchSizeTokens
    let configuration = SAEConfiguration(settings, dIn: dIn, dOut: dOut)
    let latents = configuration.dSae
    steps = (settings.trainingTokens + settings.finetuningTokens + batchRows - 1) / batchRows
    tokens = steps * batchRows
    epochs = (tokens + rowsPerEpoch - 1) / max(1, rowsPerEpoch)
    expectedL0 = min(latents, configuration.architecture.fixedL0 ?? Bill.assumedL0)
    parameters = configuration.shape.count
    // Per row: the encoder's product, the decoder's, and three products of the backward pass. A
    // latent that matching pursuit finds costs an encoder's product of its own.
    let product = 2 * Double(dIn) * Double(latents)
    let activeProduct = 2 * Double(dIn) * Double(expectedL0)
    var searches = 1.0
    if case .search = configuration.selection { searches = Double(expectedL0) }
    denseOperations = (4 + searches) * product * Double(tokens)
    sparseOperations = (searches * product + 4 * activeProduct) * Double(tokens)
    memoryByteCount = StepMemory.byteCount(
      configuration, rows: batchRows,
      threads: settings.threads > 0 ? settings.threads : Parallel.threadCount)
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
      ("passes over the cache", String(epochs)), ("parameters", Readable.count(parameters)),
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
