// What a step reads and what it writes, as values with named members. Spans come in, writable views go
// out; each view is written in slices that do not overlap.
//
// B rows of a batch, R reconstructions of a row, E entries, d = d_in, D = d_sae, o = d_out.

import Shared

/// What a step reads.
struct StepReads: ~Escapable, Sendable {
  let configuration: SAEConfiguration
  /// What is encoded `[B, d]`: the input, normalized and without b_dec.
  let centered: Span<Float>
  /// What is to be reconstructed `[B, o]`.
  let targets: Span<Float>
  /// A target's row in units of the SAE is target · scale + shift.
  let targetScale: Span<Float>
  let targetShift: Span<Float>
  /// The gradient of a row's loss by its reconstruction is this times the error; see `RowScaling`.
  let rowSlopes: Span<Float>
  let decoding: DecodingInput
  let terms: LatentTerms

  @_lifetime(copy targets, borrow prepared, copy parameters, copy terms)
  init(
    _ configuration: SAEConfiguration, targets: Span<Float>, _ prepared: borrowing CenteredBatch,
    _ parameters: borrowing ParameterReader, _ terms: borrowing LatentTerms
  ) {
    self.configuration = configuration
    self.targets = targets
    centered = prepared.centered.span
    targetScale = prepared.scaling.targetScale.span
    targetShift = prepared.scaling.targetShift.span
    rowSlopes = prepared.scaling.slope.span
    decoding = DecodingInput(parameters, skipped: prepared.skipped.span)
    self.terms = copy terms
  }
}

/// What the passes over rows write.
struct RowWrites: ~Escapable, Sendable {
  /// x̂ − x of every reconstruction `[B · R, o]`, from which weights learn.
  let errors: Disjoint<Float>
  /// ‖x̂ − x‖² of every row and reconstruction, in units of the SAE `[B · R]`.
  let squaredErrors: Disjoint<Double>
  /// The sparsity loss of every row `[B]`, and what its architecture watches `[B, 2]`.
  let sparsity: Disjoint<Double>
  let watched: Disjoint<Double>
  /// Active latents of every row `[B]`.
  let activeLatents: Disjoint<Int32>
  /// Of every entry `[E]`: what it multiplies its decoder row by, and its gradients.
  let activations: Disjoint<Float>
  let preActivationGradients: Disjoint<Float>
  let decoderNormGradients: Disjoint<Float>
  let ownGradients: Disjoint<Float>

  @_lifetime(&work)
  init(_ work: inout RowWork) {
    errors = work.errors.writer
    squaredErrors = work.squaredErrors.writer
    sparsity = work.sparsity.writer
    watched = work.watched.writer
    activeLatents = work.activeLatents.writer
    activations = work.activations.writer
    preActivationGradients = work.preActivationGradients.writer
    decoderNormGradients = work.decoderNormGradients.writer
    ownGradients = work.ownGradients.writer
  }

  /// The gradients of some entries, which are those of a row.
  @_lifetime(copy self)
  func gradients(_ entries: Range<Int>) -> EntryGradients {
    EntryGradients(
      preActivation: preActivationGradients.slice(entries),
      decoderNorm: decoderNormGradients.slice(decoderNormGradients.count == 0 ? 0..<0 : entries),
      own: ownGradients.slice(ownGradients.count == 0 ? 0..<0 : entries))
  }

  /// Notes what a row adds to the loss, and how many latents are active in it.
  func finish(_ row: Int, _ sparsity: RowSparsity, active: Int32) {
    self.sparsity.set(row, sparsity.loss)
    watched.set(2 * row, sparsity.watched.x)
    watched.set(2 * row + 1, sparsity.watched.y)
    activeLatents.set(row, active)
  }
}

/// Owns what the passes over rows write; members as in `RowWrites`.
struct RowWork: ~Copyable {
  private let kinds: EntryGradientKinds
  fileprivate(set) var errors: Matrix
  fileprivate(set) var squaredErrors: AlignedBuffer<Double>
  fileprivate(set) var sparsity: AlignedBuffer<Double>
  fileprivate(set) var watched: AlignedBuffer<Double>
  fileprivate(set) var activeLatents: AlignedBuffer<Int32>
  fileprivate(set) var activations = AlignedBuffer<Float>(count: 0)
  fileprivate(set) var preActivationGradients = AlignedBuffer<Float>(count: 0)
  fileprivate(set) var decoderNormGradients = AlignedBuffer<Float>(count: 0)
  fileprivate(set) var ownGradients = AlignedBuffer<Float>(count: 0)

  init(_ configuration: SAEConfiguration, rows: Int) {
    let reconstructions = configuration.reconstructions.count
    kinds = configuration.entryGradients
    errors = Matrix(rows: rows * reconstructions, columns: configuration.dOut)
    squaredErrors = AlignedBuffer(count: rows * reconstructions)
    sparsity = AlignedBuffer(count: rows)
    watched = AlignedBuffer(count: 2 * rows)
    activeLatents = AlignedBuffer(count: rows)
  }

  /// Entries that there is room for.
  var capacity: Int { activations.count }

  /// Makes room for entries; what was there is lost.
  mutating func reserve(_ capacity: Int) {
    guard activations.count < capacity else { return }
    activations = AlignedBuffer(count: capacity)
    preActivationGradients = AlignedBuffer(count: capacity)
    decoderNormGradients = AlignedBuffer(count: kinds.contains(.decoderNorm) ? capacity : 0)
    ownGradients = AlignedBuffer(count: kinds.contains(.own) ? capacity : 0)
  }

  /// Numbers of four bytes for each entry.
  static func numbersPerEntry(_ kinds: EntryGradientKinds) -> Int {
    2 + (kinds.contains(.decoderNorm) ? 1 : 0) + (kinds.contains(.own) ? 1 : 0)
  }
}

/// What the passes over rows left, for those over latents.
struct EntryReads: ~Escapable, Sendable {
  let errors: Span<Float>
  let activations: Span<Float>
  let preActivation: Span<Float>
  let decoderNorm: Span<Float>
  let own: Span<Float>

  @_lifetime(borrow work)
  init(_ work: borrowing RowWork) {
    errors = work.errors.span
    activations = work.activations.span
    preActivation = work.preActivationGradients.span
    decoderNorm = work.decoderNormGradients.span
    own = work.ownGradients.span
  }
}

/// What the passes over latents write.
struct LatentWrites: ~Escapable, Sendable {
  /// The rows in which each latent is active, and Σ_b dL/d(a·W_enc) `[D]`.
  let activeRows: Disjoint<Int32>
  let preActivationGradients: Disjoint<Float>
  let gradient: ParameterWriter

  @_lifetime(&work)
  init(_ work: inout LatentWork) {
    activeRows = work.activeRows.writer
    preActivationGradients = work.preActivationGradients.writer
    gradient = ParameterWriter(&work.gradient)
  }

  /// Writes what a latent has one number of.
  func write(_ sums: LatentSums, of latent: Int, _ reads: borrowing StepReads) {
    activeRows.set(latent, sums.active)
    preActivationGradients.set(latent, sums.preActivation)
    reads.configuration.architecture.write(sums, of: latent, reads.terms, to: gradient)
  }
}

/// Owns what the passes over latents write; members as in `LatentWrites`.
struct LatentWork: ~Copyable {
  fileprivate(set) var activeRows: AlignedBuffer<Int32>
  var preActivationGradients: AlignedBuffer<Float>
  var gradient: Parameters

  init(_ shape: ParameterShape) {
    activeRows = AlignedBuffer(count: shape.dSae)
    preActivationGradients = AlignedBuffer(count: shape.dSae)
    gradient = Parameters(shape)
  }
}
