// One optimizer step. Comes in: a batch and the state. Leaves: the state after the step, and the
// step's figures. The sparse path is the one that runs; the dense path computes the same with
// products alone, is what the sparse one is checked against, and takes over while a batch of a ReLU
// SAE is still dense.

import Shared

/// Which arithmetic a step uses.
package enum StepPath: Sendable {
  case sparse
  case dense
}

/// Takes optimizer steps; owns the memory that they need.
package struct Engine: ~Copyable {
  package let configuration: SAEConfiguration
  private let path: StepPath
  private let optimizer: Optimizer
  private var encoder: Encoder
  private var auxiliary: AuxK
  private var sparse: SparsePass
  private var dense: DensePass?
  /// a = x − β·b_dec `[B, d]`.
  private var centred: Matrix
  /// x̂ − x `[B, d]`.
  private var error: Matrix
  /// ‖W_j‖ and its inverse `[D]`.
  private var norms: DecoderNorms
  private var inputSums: ColumnSums
  private var errorSums: ColumnSums
  /// Where the last step's time went.
  package private(set) var times = StepTimes()
  /// The gradient of the last step, before clipping.
  package private(set) var gradient: Parameters

  package init(_ configuration: SAEConfiguration, batchRows: Int, path: StepPath) {
    self.configuration = configuration
    self.path = path
    optimizer = Optimizer(beta1: configuration.adamBeta1, beta2: configuration.adamBeta2)
    encoder = Encoder(configuration, rows: batchRows)
    auxiliary = AuxK(configuration)
    sparse = SparsePass(configuration)
    centred = Matrix(rows: batchRows, columns: configuration.dIn)
    error = Matrix(rows: batchRows, columns: configuration.dIn)
    norms = DecoderNorms(count: configuration.dSae)
    inputSums = ColumnSums(rows: batchRows, columns: configuration.dIn)
    errorSums = ColumnSums(rows: batchRows, columns: configuration.dIn)
    gradient = Parameters(dIn: configuration.dIn, dSae: configuration.dSae)
  }

  /// Takes one step on a batch `[B, d]`.
  package mutating func step(
    _ batch: Span<Float>, state: inout TrainingState, learningRate: Double,
    sparsityCoefficient: Double
  ) -> StepReport {
    let report = differentiate(batch, state: &state, sparsityCoefficient: sparsityCoefficient)
    state.step += 1
    let start = System.uptime
    optimizer.update(
      &state, gradient, factor: optimizer.clippingFactor(gradient), step: state.step,
      learningRate: learningRate)
    times.update = System.uptime - start
    return report
  }

  /// Computes the figures and `gradient` of a batch and counts which latents were active.
  package mutating func differentiate(
    _ batch: Span<Float>, state: inout TrainingState, sparsityCoefficient: Double
  ) -> StepReport {
    let rows = batch.count / configuration.dIn
    precondition(batch.count == centred.count, "a batch of another size")
    times = StepTimes()
    var report = StepReport()
    report.deadLatents = state.deadLatentCount(window: configuration.deadFeatureWindow)
    let encoded = encode(batch, rows: rows, state.parameters)
    let sums =
      encoded
      ? sparse.run(
        encoder.codes, batch, centred, error, state.parameters, norms, gradient,
        sparsityCoefficient, &times)
      : runDense(batch, state.parameters, sparsityCoefficient)
    let start = System.uptime
    if configuration.architecture == .topk, configuration.auxLossCoefficient > 0 {
      report.auxiliary = auxiliary.addGradients(
        to: gradient, centred, error: error, rows: rows, state, norms)
    }
    times.auxiliary = System.uptime - start
    errorSums.measure(error.span)
    finishDecoderBias(state.parameters, rows: rows)
    countActivity(&state, rows: rows, isSparse: encoded)
    let mean = 1 / Double(rows)
    report.mse = sums.squaredError * mean
    report.l1 = sparsityCoefficient * sums.sparsity * mean
    report.l0 = sums.active * mean
    report.explainedVariance = 1 - sums.squaredError / inputSums.spread(batch)
    times.rest = System.uptime - start - times.auxiliary
    return report
  }

  /// Prepares a step; false where it must be a dense one.
  private mutating func encode(
    _ batch: Span<Float>, rows: Int, _ parameters: borrowing Parameters
  ) -> Bool {
    let start = System.uptime
    norms.measure(parameters.decoder)
    centre(batch, parameters)
    let isSparse = path == .sparse && encoder.encode(centred, rows: rows, parameters, norms)
    times.encode = System.uptime - start
    return isSparse
  }

  private mutating func runDense(
    _ batch: Span<Float>, _ parameters: borrowing Parameters, _ coefficient: Double
  ) -> StepSums {
    // Only early ReLU training is dense: the memory is taken when the first such batch comes.
    if dense == nil { dense = DensePass(configuration) }
    let start = System.uptime
    let sums = dense?.run(batch, centred, error, parameters, norms, gradient, coefficient)
    times.dense = System.uptime - start
    return sums ?? StepSums()
  }

  private mutating func centre(_ batch: Span<Float>, _ parameters: borrowing Parameters) {
    let dIn = configuration.dIn
    let bias = parameters.decoderBias.span
    let subtracts = configuration.applyBDecToInput
    let centred = centred.disjoint
    Parallel.forBlocks(batch.count / dIn, blockSize: 64) { rows in
      for row in rows {
        let range = row * dIn..<(row + 1) * dIn
        let values = batch.extracting(range)
        centred.withSlice(range) { target in
          for column in 0..<target.count { target[column] = values[column] }
          if subtracts { Vector.add(-1, bias, to: &target) }
        }
      }
    }
  }

  /// db_dec = (2/B)·Σ_b E_b − β·Σ_j db_enc_j·W_enc_j.
  private func finishDecoderBias(_ parameters: borrowing Parameters, rows: Int) {
    let dIn = configuration.dIn
    let sums = errorSums.totals.span
    let scale = 2 / Double(rows)
    gradient.decoderBias.disjoint.withAll { target in
      for column in 0..<dIn { target[column] = Float(scale * sums[column]) }
      guard configuration.applyBDecToInput else { return }
      Multiply.product(
        rows: 1, columns: dIn, inner: configuration.dSae, gradient.encoderBias.span, .plain,
        parameters.encoder.span, .plain, into: &target, scale: -1, keep: 1)
    }
  }

  private mutating func countActivity(
    _ state: inout TrainingState, rows: Int, isSparse: Bool
  ) {
    for latent in 0..<configuration.dSae {
      let count = isSparse ? sparse.activeRows(latent) : (dense?.activeRows(latent) ?? 0)
      state.activeCounts[latent] += count
      state.passesSinceFired[latent] = count > 0 ? 0 : state.passesSinceFired[latent] + 1
    }
    state.activeSamples += rows
  }
}

// MARK: - Without training

extension Engine {
  /// Encodes rows `[rows, d]`, at most the engine's batch, and lends codes and reconstruction.
  package mutating func encode<Result>(
    _ batch: Span<Float>, rows: Int, _ parameters: borrowing Parameters,
    _ body: (borrowing SparseCodes, Span<Float>) throws -> Result
  ) rethrows -> Result {
    let count = rows * configuration.dIn
    precondition(
      batch.count == count && count <= centred.count, "more rows than the engine's batch")
    norms.measure(parameters.decoder)
    centre(batch, parameters)
    encoder.encodeAll(
      centred, rows: rows, parameters, norms)
    sparse.reconstruct(encoder.codes, parameters, norms, into: error)
    return try body(encoder.codes, error.span.extracting(0..<count))
  }
}

/// What a pass over a batch adds up, in float64.
struct StepSums: Sendable {
  var squaredError = 0.0
  /// Σ_b S_b.
  var sparsity = 0.0
  /// Active latents over all rows.
  var active = 0.0

  static func + (one: StepSums, other: StepSums) -> StepSums {
    StepSums(
      squaredError: one.squaredError + other.squaredError,
      sparsity: one.sparsity + other.sparsity, active: one.active + other.active)
  }
}
