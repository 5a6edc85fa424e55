// One optimizer step. Comes in: a batch and the state. Leaves: the state after the step, and the
// step's figures. The sparse path is the one that runs; the dense path computes the same with
// products, is what the sparse one is checked against, and takes over while a batch is still dense.

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
  private var sparse: SparsePass
  private var dense: DensePass?
  private var pursuit: MatchingPursuit?
  private var auxiliary: AuxK?
  private var ghosts: GhostGradients?
  private var preActivations: PreActivationLoss?
  private var work: EntryWork
  private var sums: LatentSums
  private var scaling: RowScaling
  /// a = x − β·b_dec `[B, d]`.
  private var centred: Matrix
  /// What the skip connection adds `[B, o]`.
  private var skipped: Matrix
  /// x̂ − x of every level `[B · levels, o]`.
  private var error: Matrix
  /// ‖W_j‖ and its inverse `[D]`.
  private var norms: DecoderNorms
  private var targetSums: ColumnSums
  private var errorSums: ColumnSums
  /// Where the last step's time went.
  package private(set) var times = StepTimes()
  /// The gradient of the last step, before clipping.
  package private(set) var gradient: Parameters

  package init(_ configuration: SAEConfiguration, batchRows: Int, path: StepPath) {
    let (dIn, dOut, levels) = (configuration.dIn, configuration.dOut, configuration.levels)
    let shape = configuration.shape
    self.configuration = configuration
    self.path = path
    optimizer = Optimizer(beta1: configuration.adamBeta1, beta2: configuration.adamBeta2)
    encoder = Encoder(configuration, rows: batchRows)
    sparse = SparsePass(configuration)
    if configuration.selection == .pursuit {
      pursuit = MatchingPursuit(configuration, rows: batchRows)
    }
    if configuration.isTopK, configuration.auxLossCoefficient > 0 {
      auxiliary = AuxK(configuration)
    }
    if configuration.usesGhostGrads { ghosts = GhostGradients(configuration) }
    if configuration.selection == .jumpReLU, configuration.preActLossCoefficient > 0 {
      preActivations = PreActivationLoss(configuration)
    }
    work = EntryWork(configuration, rows: batchRows)
    sums = LatentSums(count: configuration.dSae)
    scaling = RowScaling(rows: batchRows)
    centred = Matrix(rows: batchRows, columns: dIn)
    skipped = Matrix(rows: shape.hasSkip ? batchRows : 0, columns: dOut)
    error = Matrix(rows: batchRows * levels, columns: dOut)
    norms = DecoderNorms(configuration)
    targetSums = ColumnSums(rows: batchRows, columns: dOut)
    errorSums = ColumnSums(rows: batchRows * levels, columns: dOut)
    gradient = Parameters(shape)
  }

  /// Takes one step on a batch `[B, d]`, towards targets `[B, o]` in a transcoder.
  ///
  /// Steps of fine-tuning are counted from 1; 0 is any other step.
  package mutating func step(
    _ batch: Span<Float>, targets: Span<Float> = Span(), state: inout TrainingState,
    learningRate: Double, sparsityCoefficient: Double, finetuningStep: Int = 0
  ) -> StepReport {
    var report = differentiate(
      batch, targets: targets, state: &state, sparsityCoefficient: sparsityCoefficient)
    state.step += 1
    let start = System.uptime
    let trained = configuration.trained(isFinetuning: finetuningStep > 0)
    report.gradientNorm = optimizer.norm(gradient, of: trained)
    let factor = Optimizer.clippingFactor(norm: report.gradientNorm)
    if configuration.keepsUnitDecoder, configuration.projectsDecoderGradient {
      UnitDecoder.project(gradient.decoder, state.parameters.decoder, norms)
    }
    optimizer.update(
      &state, gradient, trained, factor: factor, step: state.step, finetuningStep: finetuningStep,
      learningRate: learningRate)
    if configuration.keepsUnitDecoder, configuration.projectsDecoderGradient {
      UnitDecoder.normalize(state.parameters.decoder)
    }
    times.update = System.uptime - start
    return report
  }

  /// Computes the figures and `gradient` of a batch and counts which latents were active.
  package mutating func differentiate(
    _ batch: Span<Float>, targets: Span<Float> = Span(), state: inout TrainingState,
    sparsityCoefficient: Double
  ) -> StepReport {
    let rows = batch.count / configuration.dIn
    let targets = targets.isEmpty ? batch : targets
    precondition(batch.count == centred.count, "a batch of another size")
    precondition(targets.count == rows * configuration.dOut, "targets of another size")
    times = StepTimes()
    prepare(&state.parameters)
    let start = System.uptime
    var report = StepReport()
    report.deadLatents = state.deadLatentCount(window: configuration.deadFeatureWindow)
    let spread = targetSums.spread(targets)
    scaling.measure(batch, rows: rows, configuration)
    if configuration.normalizesErrors {
      scaling.weigh(targets, rows: rows, targetSums)
    }
    norms.measure(state.parameters)
    centre(batch, rows: rows, state.parameters)
    times.encode = System.uptime - start
    run(batch, targets, rows: rows, state, sparsityCoefficient)
    revive(rows: rows, state, &report)
    let end = System.uptime
    finishDecoderBias(batch, rows: rows, state.parameters)
    countActivity(&state, rows: rows)
    summarise(rows: rows, spread: spread, &report)
    if let least = encoder.leastKept {
      let rate = configuration.topkThresholdLr
      state.topkThreshold = (1 - rate) * state.topkThreshold + rate * Double(least)
    }
    times.rest = System.uptime - end
    return report
  }

  /// Brings parameters into their range, as SAELens does before each forward pass.
  private func prepare(_ parameters: inout Parameters) {
    for latent in 0..<parameters.threshold.count where parameters.threshold.buffer[latent] < 0 {
      parameters.threshold.buffer[latent] = 0
    }
    if configuration.keepsUnitDecoder, !configuration.projectsDecoderGradient {
      UnitDecoder.normalize(parameters.decoder)
    }
  }

  private mutating func centre(
    _ batch: Span<Float>, rows: Int, _ parameters: borrowing Parameters
  ) {
    let dIn = configuration.dIn
    let bias = parameters.decoderBias.span
    let subtracts = configuration.applyBDecToInput
    let isPlain = configuration.rowNormalization == .none
    let centred = centred.disjoint
    let (scales, shifts) = (scaling.inScale.span, scaling.inShift.span)
    Parallel.forBlocks(rows, blockSize: 64) { rows in
      for row in rows {
        let range = row * dIn..<(row + 1) * dIn
        let values = batch.extracting(range)
        let (scale, shift) = (scales[row], shifts[row])
        centred.withSlice(range) { target in
          if isPlain {
            for column in 0..<target.count { target[column] = values[column] }
          } else {
            for column in 0..<target.count { target[column] = values[column] * scale + shift }
          }
          if subtracts { Vector.add(-1, bias, to: &target) }
        }
      }
    }
    guard skipped.rows > 0 else { return }
    skipped.disjoint.withAll { skipped in
      Multiply.product(
        rows: rows, columns: configuration.dOut, inner: dIn, batch, .plain, parameters.skip.span,
        .transposed, into: &skipped)
    }
  }
}

// MARK: - The pass

extension Engine {
  private mutating func run(
    _ batch: Span<Float>, _ targets: Span<Float>, rows: Int, _ state: borrowing TrainingState,
    _ coefficient: Double
  ) {
    let start = System.uptime
    if pursuit != nil {
      pursuit?.encode(centred, rows: rows, state.parameters)
      times.encode += System.uptime - start
      pursuit?.differentiate(rows: rows, state.parameters, gradient, work, sums)
      times.rows = System.uptime - start - times.encode
      return
    }
    let isEncoded = encoder.encode(
      centred, rows: rows, state.parameters, norms, .training(step: state.step, firstRow: 0))
    times.encode += System.uptime - start
    if isEncoded, path == .sparse {
      work.reserve(encoder.entryRoom)
      sparse.run(
        encoder.codes, targets, centred, skipped, scaling, error, state.parameters, norms,
        coefficient, work, gradient, sums, &times)
    } else {
      runDense(targets, rows: rows, state, coefficient, isEncoded: isEncoded)
    }
  }

  private mutating func runDense(
    _ targets: Span<Float>, rows: Int, _ state: borrowing TrainingState, _ coefficient: Double,
    isEncoded: Bool
  ) {
    // Only early training is dense: the memory is taken when the first such batch comes.
    if dense == nil { dense = DensePass(configuration) }
    let start = System.uptime
    work.reserve(max(encoder.entryRoom, dense?.entryCapacity ?? 0))
    dense?.run(
      encoder.codes, isEncoded: isEncoded, targets, centred, skipped, scaling, error,
      state.parameters, norms, coefficient, work, gradient, sums, rows: rows, step: state.step)
    times.dense = System.uptime - start
  }

  /// Adds the losses that revive dead latents.
  private mutating func revive(
    rows: Int, _ state: borrowing TrainingState, _ report: inout StepReport
  ) {
    let start = System.uptime
    report.auxiliary =
      auxiliary?.addGradients(
        to: gradient, sums, centred, error: error, rows: rows, state, norms) ?? 0
    report.ghost =
      ghosts?.addGradients(
        to: gradient, sums, centred, error: error, rows: rows, state, scaling) ?? 0
    report.preAct =
      preActivations?.addGradients(
        to: gradient, sums, centred, rows: rows, state, norms) ?? 0
    times.auxiliary = System.uptime - start
  }

  /// db_dec = Σ_b G_b − β·Σ_j (Σ_b dL/dz_j)·W_enc_j, with G the derivative by the reconstructions;
  /// dW_skip = Gᵀ·x.
  private func finishDecoderBias(
    _ batch: Span<Float>, rows: Int, _ parameters: borrowing Parameters
  ) {
    guard configuration.selection != .pursuit else { return }
    let (dIn, dOut) = (configuration.dIn, configuration.dOut)
    let levels = configuration.levels
    // The lowest level of a matryoshka SAE holds the sum of all; gated has two reconstructions.
    errorSums.measure(error.span, weights: scaling.slope.span, stride: levels)
    gradient.decoderBias.disjoint.withAll { target in
      for column in 0..<dOut { target[column] = Float(errorSums.totals[column]) }
      guard configuration.selection == .gate else { return }
      errorSums.measure(
        error.span.extracting(dOut..<error.count), weights: scaling.slope.span, stride: levels)
      for column in 0..<dOut { target[column] += Float(errorSums.totals[column]) }
    }
    gradient.decoderBias.disjoint.withAll { target in
      guard configuration.applyBDecToInput else { return }
      Multiply.product(
        rows: 1, columns: dIn, inner: configuration.dSae, sums.slopes.span, .plain,
        parameters.encoder.span, .plain, into: &target, scale: -1, keep: 1)
    }
    guard skipped.rows > 0 else { return }
    // Transcoders have one level and rows of one weight.
    gradient.skip.disjoint.withAll { target in
      Multiply.product(
        rows: dOut, columns: dIn, inner: rows, error.span, .transposed, batch, .plain,
        into: &target, scale: scaling.slope[0])
    }
  }

  private mutating func countActivity(_ state: inout TrainingState, rows: Int) {
    for latent in 0..<configuration.dSae {
      let count = sums.active[latent]
      state.activeCounts[latent] += count
      state.passesSinceFired[latent] = count > 0 ? 0 : state.passesSinceFired[latent] + 1
    }
    state.activeSamples += rows
  }

  private func summarise(rows: Int, spread: Double, _ report: inout StepReport) {
    let levels = configuration.levels
    let isGated = configuration.selection == .gate
    let outer = isGated ? 0 : levels - 1
    let mean = 1 / Double(rows)
    var (squared, weighted, active, sparsity) = (0.0, 0.0, 0, 0.0)
    var inner = [Double](repeating: 0, count: isGated ? 1 : levels - 1)
    for row in 0..<rows {
      let scale = Double(scaling.outScale[row]) * Double(scaling.outScale[row])
      let weight = scale * Double(scaling.weight[row])
      squared += scale * work.errors[row * levels + outer]
      weighted += weight * work.errors[row * levels + outer]
      for level in inner.indices {
        inner[level] += weight * work.errors[row * levels + (isGated ? 1 : level)]
      }
      active += Int(work.active[row])
      sparsity += work.sparsity[row]
    }
    report.mse = weighted * mean
    report.sparsity = sparsity
    if isGated {
      report.auxiliary = inner[0] * mean
    } else {
      report.inner = inner.map { $0 * mean }
    }
    report.l0 = Double(active) * mean
    report.explainedVariance = 1 - squared / spread
  }
}

// MARK: - Without training

extension Engine {
  /// Encodes rows `[rows, d]`, at most the engine's batch, and lends codes and reconstruction
  /// `[rows, o]`.
  package mutating func encode<Result>(
    _ batch: Span<Float>, rows: Int, _ parameters: borrowing Parameters,
    _ body: (borrowing SparseCodes, Span<Float>) throws -> Result
  ) rethrows -> Result {
    precondition(
      batch.count == rows * configuration.dIn && batch.count <= centred.count,
      "more rows than the engine's batch")
    scaling.measure(batch, rows: rows, configuration)
    norms.measure(parameters)
    centre(batch, rows: rows, parameters)
    if pursuit == nil {
      encoder.encodeAll(centred, rows: rows, parameters, norms, .inference)
    } else {
      pursuit?.encode(centred, rows: rows, parameters)
      pursuit?.fill(&encoder, rows: rows)
    }
    work.reserve(encoder.codes.capacity)
    sparse.reconstruct(encoder.codes, parameters, norms, skipped, work, into: error)
    encoder.finishActivations(parameters, norms)
    restore(rows: rows)
    return try body(
      encoder.codes, error.span.extracting(0..<rows * configuration.dOut))
  }

  /// From the SAE's units to those of the rows.
  private func restore(rows: Int) {
    guard configuration.rowNormalization != .none else { return }
    let dOut = configuration.dOut
    error.disjoint.withAll { output in
      for row in 0..<rows {
        for column in row * dOut..<(row + 1) * dOut {
          output[column] = output[column] * scaling.outScale[row] + scaling.outShift[row]
        }
      }
    }
  }
}
