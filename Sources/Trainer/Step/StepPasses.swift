// The passes of a step and which of them run: a sparse one, a dense one while a batch is dense, or that
// of a search; then the losses that revive dead latents.

import Shared

/// Owns what the work on a batch needs and leaves.
struct StepWork: ~Copyable {
  private let configuration: SAEConfiguration
  private(set) var passes: StepPasses
  private var revivals: Revivals
  private(set) var rows: RowWork
  var latents: LatentWork
  var times = StepTimes()

  init(
    _ configuration: SAEConfiguration, rows count: Int, _ path: StepPath, screening: ScreeningKind?
  ) {
    self.configuration = configuration
    passes = StepPasses(configuration, rows: count, path, screening: screening)
    revivals = Revivals(configuration)
    rows = RowWork(configuration, rows: count)
    latents = LatentWork(configuration.shape)
  }

  /// Fills the gradient of a batch, the losses that revive dead latents included, but for that of
  /// b_dec and W_skip; returns the figures of those losses.
  mutating func run(
    _ targets: Span<Float>, _ prepared: borrowing CenteredBatch, _ norms: borrowing LatentNorms,
    _ state: borrowing TrainingState, rowCoefficient: Double
  ) -> Figures {
    let parameters = ParameterReader(state.parameters)
    let terms = LatentTerms(
      parameters, norms, rowCoefficient: rowCoefficient, step: state.step)
    let reads = StepReads(configuration, targets: targets, prepared, parameters, terms)
    let input = EncodingInput(centered: prepared.centered.span, parameters, norms)
    passes.run(input, reads, &rows, &latents, &times)
    let start = System.uptime
    let figures = revivals.addGradients(to: &latents, reads, rows, state, prepared.scaling)
    times.auxiliary = System.uptime - start
    return figures
  }
}

struct StepPasses: ~Copyable {
  private let configuration: SAEConfiguration
  private let path: StepPath
  private var encoder: Encoder
  private var sparse: SparsePass
  /// Only early training is dense: the memory is taken when the first such batch comes.
  private var dense: DensePass?
  private var pursuit: PursuitPass?

  init(
    _ configuration: SAEConfiguration, rows: Int, _ path: StepPath, screening: ScreeningKind?
  ) {
    self.configuration = configuration
    self.path = path
    encoder = Encoder(configuration, rows: rows, screening: screening)
    sparse = SparsePass(configuration)
    if case .search(let limits) = configuration.selection {
      pursuit = PursuitPass(configuration, limits, rows: rows)
    }
  }

  /// The least value that a choice over the last batch kept.
  var leastKept: Float? { encoder.leastKept }

  /// Fills the errors, the gradients but those of b_dec and W_skip, and what is known of rows.
  mutating func run(
    _ input: borrowing EncodingInput, _ reads: borrowing StepReads, _ rows: inout RowWork,
    _ latents: inout LatentWork, _ times: inout StepTimes
  ) {
    guard pursuit == nil else {
      pursuit?.run(input, reads, rows: &rows, latents: &latents, &times)
      return
    }
    let start = System.uptime
    let count = input.centered.count / configuration.dIn
    let isEncoded = encoder.encode(
      input, rows: count, .training(step: reads.terms.step, firstRow: 0))
    times.encode += System.uptime - start
    if isEncoded, path == .sparse {
      rows.reserve(encoder.entryRoom)
      sparse.run(encoder.codes, reads, rows: &rows, latents: &latents, &times)
      return
    }
    if dense == nil { dense = DensePass(configuration) }
    let denseStart = System.uptime
    rows.reserve(max(encoder.entryRoom, dense?.entryCapacity ?? 0))
    dense?.run(
      encoder.codes, isEncoded: isEncoded, input, reads, rows: &rows, latents: &latents)
    times.dense = System.uptime - denseStart
  }
}

/// The losses that revive dead latents, those that there are.
struct Revivals: ~Copyable {
  private var auxiliary: AuxK?
  private var ghosts: GhostGradients?
  private var preActivations: PreActivationLoss?
  private let hasAuxiliary: Bool

  init(_ configuration: SAEConfiguration) {
    var hasAuxiliary = false
    for revival in configuration.architecture.revivals {
      switch revival {
      case .auxiliary(let loss):
        hasAuxiliary = true
        if revival.isActive { auxiliary = AuxK(configuration, loss) }
      case .ghostGradients: ghosts = GhostGradients(configuration)
      case .preActivations(let coefficient):
        preActivations = PreActivationLoss(configuration, coefficient: coefficient)
      }
    }
    self.hasAuxiliary = hasAuxiliary
  }

  /// Adds the gradients of all, and returns their figures.
  mutating func addGradients(
    to latents: inout LatentWork, _ reads: borrowing StepReads, _ rows: borrowing RowWork,
    _ state: borrowing TrainingState, _ scaling: borrowing RowScaling
  ) -> Figures {
    var figures = Figures()
    if hasAuxiliary { figures[.auxiliary] = 0 }
    let entries = EntryReads(rows)
    let weights = scaling.weight.span
    let count = weights.count
    let hasOneWeight = reads.configuration.errorNormalization == .variance
    let auxiliaryRows = AuxiliaryRows(
      count: count, weight: hasOneWeight ? Double(weights[0]) : 1)
    if let loss = auxiliary?.addGradients(
      to: &latents, reads, entries, state, rows: auxiliaryRows)
    {
      figures[.auxiliary] = loss
    }
    if let loss = ghosts?.addGradients(to: &latents, reads, entries, state, weights: weights) {
      figures[.ghost] = loss
    }
    if let loss = preActivations?.addGradients(to: &latents, reads, state, rows: count) {
      figures[.preAct] = loss
    }
    return figures
  }
}
