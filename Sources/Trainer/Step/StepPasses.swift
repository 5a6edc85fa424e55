// The passes of a step and which of them run: a sparse one, a dense one while a batch is dense, or that
// of a search.

import Shared

struct StepPasses: ~Copyable {
  private let configuration: SAEConfiguration
  private let path: StepPath
  private var encoder: Encoder
  private var sparse: SparsePass
  /// Only early training is dense: the memory is taken when the first such batch comes.
  private var dense: DensePass?
  private var search: PursuitSearch?
  private var pursuit: PursuitPass?

  init(_ configuration: SAEConfiguration, rows: Int, _ path: StepPath) {
    self.configuration = configuration
    self.path = path
    encoder = Encoder(configuration, rows: rows)
    sparse = SparsePass(configuration)
    if case .search(let limits) = configuration.selection {
      search = PursuitSearch(configuration, limits, rows: rows)
      pursuit = PursuitPass(configuration, rows: rows)
    }
  }

  /// The least value that a choice over the last batch kept.
  var leastKept: Float? { encoder.leastKept }

  /// Fills the errors, the gradients but those of b_dec and W_skip, and what is known of rows.
  mutating func run(
    _ input: borrowing EncodingInput, _ reads: borrowing StepReads, _ rows: inout RowWork,
    _ latents: inout LatentWork, _ times: inout StepTimes
  ) {
    if search != nil { return runSearch(input, reads, &rows, &latents, &times) }
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

  private mutating func runSearch(
    _ input: borrowing EncodingInput, _ reads: borrowing StepReads, _ rows: inout RowWork,
    _ latents: inout LatentWork, _ times: inout StepTimes
  ) {
    let start = System.uptime
    let count = input.centered.count / configuration.dIn
    search?.search(
      input.centered, rows: count, reads.decoding.decoder, width: configuration.dIn)
    times.encode += System.uptime - start
    // Both are there or none.
    guard var found = search.take(), var pass = pursuit.take() else { return }
    pass.run(found.findings, rows: count, reads.decoding.decoder, rows: &rows, latents: &latents)
    search = consume found
    pursuit = consume pass
    times.rows = System.uptime - start - times.encode
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
        if loss.coefficient > 0 { auxiliary = AuxK(configuration, loss) }
      case .ghostGradients: ghosts = GhostGradients(configuration)
      case .preActivations(let coefficient):
        preActivations = PreActivationLoss(configuration, coefficient: coefficient)
      }
    }
    self.hasAuxiliary = hasAuxiliary
  }

  /// Adds the gradients of all, and their figures.
  mutating func addGradients(
    to latents: inout LatentWork, _ reads: borrowing StepReads, _ entries: borrowing EntryReads,
    _ state: borrowing TrainingState, weights: Span<Float>, _ figures: inout Figures
  ) {
    if hasAuxiliary { figures[.auxiliary] = 0 }
    let rows = weights.count
    if let loss = auxiliary?.addGradients(to: &latents, reads, entries, state, rows: rows) {
      figures[.auxiliary] = loss
    }
    if let loss = ghosts?.addGradients(to: &latents, reads, entries, state, weights: weights) {
      figures[.ghost] = loss
    }
    if let loss = preActivations?.addGradients(to: &latents, reads, state, rows: rows) {
      figures[.preAct] = loss
    }
  }
}
