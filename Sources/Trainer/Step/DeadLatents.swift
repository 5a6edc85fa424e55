// The latents that have been silent for too long, with their weights copied together, so that the
// losses that revive them cost products over them alone.

import Shared

/// Dead latents and the gradients of a loss over them.
struct DeadLatents: ~Copyable {
  /// Rows per product.
  static let rowBlock = 256

  private let configuration: SAEConfiguration
  private(set) var latents: [Int] = []
  private var encoder = Matrix(rows: 0, columns: 0)
  private var decoder = Matrix(rows: 0, columns: 0)
  private var encoderGradient = Matrix(rows: 0, columns: 0)
  private var decoderGradient = Matrix(rows: 0, columns: 0)
  /// A number per row of a block and dead latent `[block, n_dead]`.
  var activations = Matrix(rows: 0, columns: 0)
  var gradients = Matrix(rows: 0, columns: 0)
  /// What the latents reconstruct, then its distance from what it is to be `[block, o]`.
  var difference: Matrix

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    difference = Matrix(rows: Self.rowBlock, columns: configuration.dOut)
    latents.reserveCapacity(configuration.dSae)
  }

  var count: Int { latents.count }
  /// Latents that there is room for.
  var capacity: Int { encoder.rows }

  /// The blocks of a batch, one product each.
  static func blocks(_ rows: Int) -> [Range<Int>] {
    stride(from: 0, to: rows, by: rowBlock).map { $0..<min($0 + rowBlock, rows) }
  }

  /// Collects the dead latents of a range and clears their gradients.
  mutating func gather(_ range: Range<Int>, _ state: borrowing TrainingState) {
    latents.removeAll(keepingCapacity: true)
    for latent in range where state.passesSinceFired[latent] > configuration.deadFeatureWindow {
      latents.append(latent)
    }
    guard count > 0 else { return }
    if encoder.rows < count { reserve(min(configuration.dSae, max(2 * count, 64))) }
    for (index, latent) in latents.enumerated() {
      encoder.copyRow(latent, of: state.parameters.encoder, to: index)
      decoder.copyRow(latent, of: state.parameters.decoder, to: index)
      encoderGradient.clearRow(index)
      decoderGradient.clearRow(index)
    }
  }

  private mutating func reserve(_ count: Int) {
    let (dIn, dOut) = (configuration.dIn, configuration.dOut)
    encoder = Matrix(rows: count, columns: dIn)
    decoder = Matrix(rows: count, columns: dOut)
    encoderGradient = Matrix(rows: count, columns: dIn)
    decoderGradient = Matrix(rows: count, columns: dOut)
    activations = Matrix(rows: Self.rowBlock, columns: count)
    gradients = Matrix(rows: Self.rowBlock, columns: count)
  }

  /// What is encoded of some rows.
  @_lifetime(copy reads)
  private func inputs(_ rows: Range<Int>, _ reads: borrowing StepReads) -> Span<Float> {
    let dIn = configuration.dIn
    return reads.centered.extracting(rows.lowerBound * dIn..<rows.upperBound * dIn)
  }

  /// Fills the activations with pre-activations of some rows.
  mutating func encode(_ rows: Range<Int>, _ reads: borrowing StepReads) {
    Self.multiply(inputs(rows, reads), rows: rows.count, encoder, count: count, into: &activations)
    for (index, latent) in latents.enumerated() {
      let bias = reads.terms.biases[latent]
      for row in 0..<rows.count { activations.buffer[row * count + index] += bias }
    }
  }

  /// Activations ← ReLU(activations).
  mutating func clearBelowZero(rows: Int) {
    for index in 0..<rows * count where activations.buffer[index] < 0 {
      activations.buffer[index] = 0
    }
  }

  /// Fills `difference` with what the activations reconstruct.
  mutating func decode(rows: Int) {
    Self.reconstruct(activations, rows: rows, decoder, count: count, into: &difference)
  }

  /// Adds the gradients of a loss whose derivative by the reconstruction is `scale · difference`.
  ///
  /// `gradient` gives dL/d(a·W_enc) from dL/d(activation) and the activation.
  mutating func addReconstructionGradients(
    _ rows: Range<Int>, _ reads: borrowing StepReads, scale: Float, _ latents: inout LatentWork,
    gradient: (_ derivative: Float, _ activation: Float) -> Float
  ) {
    Self.differentiate(
      difference, rows: rows.count, decoder, count: count, scale: scale, into: &gradients)
    for index in 0..<rows.count * count {
      gradients.buffer[index] = gradient(gradients.buffer[index], activations.buffer[index])
    }
    addDecoderGradients(rows: rows.count, scale: scale)
    addEncoderGradients(rows, reads, &latents)
  }

  /// Adds the decoder's gradients of such a loss.
  mutating func addDecoderGradients(rows: Int, scale: Float) {
    Self.add(
      activations, difference, rows: rows, count: count, scale: scale, to: &decoderGradient)
  }

  /// Adds the gradients that come by dL/d(a·W_enc).
  mutating func addEncoderGradients(
    _ rows: Range<Int>, _ reads: borrowing StepReads, _ work: inout LatentWork
  ) {
    Self.add(gradients, inputs(rows, reads), rows: rows.count, count: count, to: &encoderGradient)
    for (index, latent) in latents.enumerated() {
      var total: Float = 0
      for row in 0..<rows.count { total += gradients.buffer[row * count + index] }
      work.gradient.encoderBias.buffer[latent] += total
      work.preActivationGradients[latent] += total
    }
  }

  /// Adds the collected gradients of weights to those of all latents.
  func scatter(into gradient: inout Parameters) {
    for (index, latent) in latents.enumerated() {
      gradient.encoder.addRow(index, of: encoderGradient, to: latent)
      gradient.decoder.addRow(index, of: decoderGradient, to: latent)
    }
  }
}

// MARK: - Products, each into memory of its own

extension DeadLatents {
  /// target ← inputs·W_encᵀ.
  private static func multiply(
    _ inputs: Span<Float>, rows: Int, _ encoder: borrowing Matrix, count: Int,
    into target: inout Matrix
  ) {
    var values = target.mutableSpan
    Multiply.product(
      rows: rows, columns: count, inner: encoder.columns, inputs, .plain, encoder.span,
      .transposed, into: &values)
  }

  /// target ← activations·W_dec.
  private static func reconstruct(
    _ activations: borrowing Matrix, rows: Int, _ decoder: borrowing Matrix, count: Int,
    into target: inout Matrix
  ) {
    let width = target.columns
    var values = target.mutableSpan
    Multiply.product(
      rows: rows, columns: width, inner: count, activations.span, .plain, decoder.span, .plain,
      into: &values)
  }

  /// target ← scale·difference·W_decᵀ.
  private static func differentiate(
    _ difference: borrowing Matrix, rows: Int, _ decoder: borrowing Matrix, count: Int,
    scale: Float, into target: inout Matrix
  ) {
    var values = target.mutableSpan
    Multiply.product(
      rows: rows, columns: count, inner: decoder.columns, difference.span, .plain, decoder.span,
      .transposed, into: &values, scale: scale)
  }

  /// target ← target + scale·gradientsᵀ·inputs.
  private static func add(
    _ gradients: borrowing Matrix, _ inputs: Span<Float>, rows: Int, count: Int, scale: Float = 1,
    to target: inout Matrix
  ) {
    let width = target.columns
    var values = target.mutableSpan
    Multiply.product(
      rows: count, columns: width, inner: rows, gradients.span, .transposed, inputs, .plain,
      into: &values, scale: scale, keep: 1)
  }

  /// As `add`, of inputs that are a matrix.
  private static func add(
    _ gradients: borrowing Matrix, _ inputs: borrowing Matrix, rows: Int, count: Int,
    scale: Float, to target: inout Matrix
  ) {
    add(gradients, inputs.span, rows: rows, count: count, scale: scale, to: &target)
  }
}

extension Matrix {
  fileprivate mutating func copyRow(_ source: Int, of other: borrowing Matrix, to row: Int) {
    clearRow(row)
    addRow(source, of: other, to: row)
  }

  fileprivate mutating func clearRow(_ row: Int) {
    for index in row * columns..<(row + 1) * columns { buffer[index] = 0 }
  }

  fileprivate mutating func addRow(_ source: Int, of other: borrowing Matrix, to row: Int) {
    Self.add(other.row(source), to: &buffer, at: row * columns)
  }

  private static func add(
    _ values: Span<Float>, to target: inout AlignedBuffer<Float>, at start: Int
  ) {
    var row = target.writer.slice(start..<start + values.count)
    Vector.add(1, values, to: &row)
  }
}

/// The errors that a loss of dead latents starts from.
struct Residuals: ~Escapable, Sendable {
  private let errors: Span<Float>
  private let reconstructions: [RowReconstruction]
  private let width: Int

  @_lifetime(copy entries)
  init(_ entries: borrowing EntryReads, _ configuration: SAEConfiguration) {
    errors = entries.errors
    reconstructions = configuration.reconstructions
    width = configuration.dOut
  }

  /// Adds x̂ − x of a row and reconstruction.
  func add(row: Int, _ number: Int, to target: inout MutableSpan<Float>) {
    let start = (row * reconstructions.count + number) * width
    Vector.add(1, errors.extracting(start..<start + width), to: &target)
    // The memory of one holds its error and those that continue it.
    guard number + 1 < reconstructions.count, reconstructions[number + 1].continues else { return }
    Vector.add(-1, errors.extracting(start + width..<start + 2 * width), to: &target)
  }
}
