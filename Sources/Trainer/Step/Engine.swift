// One optimizer step. Comes in: a batch and the state. Leaves: the state after the step, and the
// step's figures. The sparse path is the one that runs; the dense path computes the same with
// products, is what the sparse one is checked against, and takes over while a batch is still dense.

package import Shared

/// Which arithmetic a step uses.
package enum StepPath: Sendable {
  case sparse
  case dense
}

/// Takes optimizer steps; owns the memory that they need.
package struct Engine: ~Copyable {
  package let configuration: SAEConfiguration
  private let optimizer: Optimizer
  private var prepared: CenteredBatch
  private var work: StepWork
  private var norms: LatentNorms
  private var targetSums: ColumnSums
  private var errorSums: ColumnSums
  /// Where the last step's time went.
  package var times: StepTimes { work.times }

  /// An engine for batches of `batchRows` rows; how it screens latents changes no bit of what it does.
  package init(
    _ configuration: SAEConfiguration, batchRows: Int, path: StepPath,
    screening: ScreeningKind?
  ) {
    let reconstructions = configuration.reconstructions.count
    self.configuration = configuration
    optimizer = Optimizer(
      beta1: configuration.adamBeta1, beta2: configuration.adamBeta2,
      maxNorm: configuration.maxGradNorm,
      logarithmic: configuration.architecture.learnedByLogarithm)
    prepared = CenteredBatch(configuration, rows: batchRows)
    work = StepWork(configuration, rows: batchRows, path, screening: screening)
    norms = LatentNorms(configuration.shape)
    targetSums = ColumnSums(rows: batchRows, columns: configuration.dOut)
    errorSums = ColumnSums(rows: batchRows * reconstructions, columns: configuration.dOut)
  }

  /// An engine that screens latents in the way that is the fastest here.
  package init(_ configuration: SAEConfiguration, batchRows: Int, path: StepPath) {
    self.init(
      configuration, batchRows: batchRows, path: path,
      screening: ScreeningChoice.kind(dIn: configuration.dIn))
  }

  /// Lends the gradient of the last step, before clipping.
  package func withGradient<Result>(
    _ body: (borrowing Parameters) throws -> Result
  ) rethrows -> Result {
    try body(work.latents.gradient)
  }

  /// Takes one step on a batch `[B, d]`, towards targets `[B, o]` in a transcoder.
  ///
  /// Steps of fine-tuning are counted from 1; 0 is any other step.
  package mutating func step(
    _ batch: Span<Float>, targets: Span<Float> = Span(), state: inout TrainingState,
    learningRate: Double, sparsityCoefficient: Double, finetuningStep: Int = 0
  ) -> Figures {
    var figures = differentiate(
      batch, targets: targets, state: &state, sparsityCoefficient: sparsityCoefficient)
    state.step += 1
    let start = System.uptime
    let trained = configuration.trained(isFinetuning: finetuningStep > 0)
    let norm = optimizer.norm(work.latents.gradient, of: trained)
    figures[.gradientNorm] = norm
    let projects = configuration.keepsUnitDecoder && configuration.projectsDecoderGradient
    if projects {
      UnitDecoder.project(
        &work.latents.gradient.decoder, state.parameters.decoder, norms)
    }
    optimizer.update(
      &state, work.latents.gradient, trained, factor: optimizer.clippingFactor(norm: norm),
      step: state.step, finetuningStep: finetuningStep, learningRate: learningRate)
    if projects { UnitDecoder.normalize(&state.parameters.decoder) }
    work.times.update = System.uptime - start
    return figures
  }

  /// Computes the figures and the gradient of a batch and counts which latents were active.
  package mutating func differentiate(
    _ batch: Span<Float>, targets: Span<Float> = Span(), state: inout TrainingState,
    sparsityCoefficient: Double
  ) -> Figures {
    let count = batch.count / configuration.dIn
    let targets = targets.isEmpty ? batch : targets
    precondition(batch.count == prepared.centered.count, "a batch of another size")
    precondition(targets.count == count * configuration.dOut, "targets of another size")
    work.times = StepTimes()
    settle(&state.parameters)
    let start = System.uptime
    var figures = Figures()
    figures[.deadLatents] = Double(
      state.deadLatentCount(window: configuration.deadFeatureWindow))
    let deviations = targetSums.squaredDeviations(targets)
    prepared.measure(batch, rows: count)
    prepared.weigh(
      targets, rows: count, means: targetSums.means, squaredDeviations: deviations)
    norms.measure(state.parameters)
    prepared.fill(batch, rows: count, state.parameters)
    work.times.encode = System.uptime - start
    figures.merge(
      work.run(
        targets, prepared, norms, state, rowCoefficient: sparsityCoefficient / Double(count)))
    let end = System.uptime
    finishBiases(batch, count, state.parameters)
    optimizer.deriveByLogarithms(&work.latents.gradient, state.parameters)
    state.count(active: work.latents.activeRows.span, rows: count)
    summarize(count, deviations: deviations, &figures)
    carry(&state, rows: count)
    work.times.rest = System.uptime - end
    return figures
  }

  /// Brings parameters into their range, as SAELens does before each forward pass.
  private func settle(_ parameters: inout Parameters) {
    for latent in 0..<parameters.threshold.count where parameters.threshold.buffer[latent] < 0 {
      parameters.threshold.buffer[latent] = 0
    }
    if configuration.keepsUnitDecoder, !configuration.projectsDecoderGradient {
      UnitDecoder.normalize(&parameters.decoder)
    }
  }

  /// Brings what the architecture carries to the next step.
  private func carry(_ state: inout TrainingState, rows count: Int) {
    var watched = SIMD2<Double>()
    for row in 0..<count {
      watched += SIMD2(work.rows.watched[2 * row], work.rows.watched[2 * row + 1])
    }
    let facts = StepFacts(
      step: state.step, leastKept: work.passes.leastKept, watched: watched / Double(count))
    configuration.architecture.carry(&state.carried, facts)
  }
}

// MARK: - Biases and figures

extension Engine {
  /// db_dec = Σ_b G_b − β·Σ_j (Σ_b dL/dz_j)·W_enc_j, with G the derivative by the reconstructions;
  /// dW_skip = Gᵀ·x.
  private mutating func finishBiases(
    _ batch: Span<Float>, _ count: Int, _ parameters: borrowing Parameters
  ) {
    if case .search = configuration.selection { return }
    let (dIn, dOut) = (configuration.dIn, configuration.dOut)
    let reconstructions = configuration.reconstructions
    for column in 0..<dOut { work.latents.gradient.decoderBias.buffer[column] = 0 }
    // The memory of a reconstruction holds the errors of those that continue it as well.
    for number in reconstructions.indices where !reconstructions[number].continues {
      errorSums.measure(
        work.rows.errors, from: number, weights: prepared.scaling, stride: reconstructions.count)
      for column in 0..<dOut {
        work.latents.gradient.decoderBias.buffer[column] += Float(errorSums.totals[column])
      }
    }
    if configuration.applyBDecToInput { work.latents.subtractInputGradient(parameters.encoder) }
    guard configuration.shape.has(.skip) else { return }
    // Transcoders have one reconstruction and rows of one weight.
    work.latents.addSkipGradient(
      work.rows.errors, batch, rows: count, dIn: dIn, slope: prepared.scaling.slope[0])
  }

  private func summarize(_ count: Int, deviations: Double, _ figures: inout Figures) {
    let reconstructions = configuration.reconstructions
    let final = configuration.finalReconstruction
    let mean = 1 / Double(count)
    var (squared, active, sparsity) = (0.0, 0, 0.0)
    var explained = MeanAndDeviation()
    var weighted = [Double](repeating: 0, count: reconstructions.count)
    for row in 0..<count {
      let scale =
        Double(prepared.scaling.outScale[row]) * Double(prepared.scaling.outScale[row])
      let weight = scale * Double(prepared.scaling.weight[row])
      let error = scale * work.rows.squaredErrors[row * reconstructions.count + final]
      squared += error
      let deviation = targetSums.deviations[row]
      if deviation > 0 { explained.add(1 - error / deviation) }
      for number in reconstructions.indices {
        weighted[number] += weight * work.rows.squaredErrors[row * reconstructions.count + number]
      }
      active += Int(work.rows.activeLatents[row])
      sparsity += work.rows.sparsity[row]
    }
    for number in reconstructions.indices {
      let figure = reconstructions[number].figure ?? .mse
      figures[figure] = weighted[number] * mean
    }
    if let loss = configuration.architecture.sparsity { figures[loss.lossFigure] = sparsity }
    figures[.overall] = overall(figures)
    figures[.l0] = Double(active) * mean
    figures[.explainedVariance] = 1 - squared / deviations
    figures[.explainedVarianceOfRows] = explained.mean
    figures[.explainedVarianceDeviation] = explained.deviation
  }
}

extension Engine {
  /// The sum of all losses.
  private func overall(_ figures: Figures) -> Double {
    let sparsity = configuration.architecture.sparsity?.lossFigure
    let parts = [.mse, sparsity, .auxiliary, .ghost, .preAct].compactMap { $0 }
    let inner = configuration.reconstructions.compactMap(\.figure).filter { $0 != .auxiliary }
    let sums = [parts, inner].map { $0.reduce(0) { $0 + (figures[$1] ?? 0) } }
    return sums[0] + sums[1]
  }
}

extension LatentWork {
  /// db_dec −= Σ_j (Σ_b dL/dz_j)·W_enc_j.
  fileprivate mutating func subtractInputGradient(_ encoder: borrowing Matrix) {
    Self.subtract(preActivationGradients, encoder, from: &gradient.decoderBias)
  }

  private static func subtract(
    _ gradients: borrowing AlignedBuffer<Float>, _ encoder: borrowing Matrix,
    from bias: inout Matrix
  ) {
    var target = bias.mutableSpan
    ChainProduct.product(
      rows: 1, columns: encoder.columns, inner: encoder.rows, gradients.span, .plain,
      encoder.span, .plain, into: &target, scale: -1, keep: 1)
  }

  fileprivate mutating func addSkipGradient(
    _ errors: borrowing Matrix, _ batch: Span<Float>, rows: Int, dIn: Int, slope: Float
  ) {
    var target = gradient.skip.mutableSpan
    ChainProduct.product(
      rows: errors.columns, columns: dIn, inner: rows, errors.span, .transposed, batch, .plain,
      into: &target, scale: slope)
  }
}
