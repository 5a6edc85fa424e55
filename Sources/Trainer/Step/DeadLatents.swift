// The latents that have been silent for too long, with their weights copied together, so that the
// losses that revive them cost products over them alone.

import Shared

/// Dead latents and the gradients of a loss over them.
struct DeadLatents: ~Copyable {
  /// Rows per product.
  static let rowBlock = 256

  private let configuration: SAEConfiguration
  private(set) var latents: [Int] = []
  /// b_enc and ‖W_j‖ of each `[n_dead]`.
  private(set) var biases = AlignedBuffer<Float>(count: 0)
  private(set) var norms = AlignedBuffer<Float>(count: 0)
  private var encoder = Matrix(rows: 0, columns: 0)
  private var decoder = Matrix(rows: 0, columns: 0)
  private var encoderGradient = Matrix(rows: 0, columns: 0)
  private var decoderGradient = Matrix(rows: 0, columns: 0)
  /// A number per row of a block and dead latent `[block, n_dead]`.
  var activations = Matrix(rows: 0, columns: 0)
  var gradients = Matrix(rows: 0, columns: 0)
  /// Σ over a block's rows of the gradients `[n_dead]`.
  var totals = AlignedBuffer<Float>(count: 0)
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
  mutating func gather(
    _ range: Range<Int>, _ state: borrowing TrainingState, _ terms: borrowing LatentTerms
  ) {
    latents.removeAll(keepingCapacity: true)
    for latent in range where state.passesSinceFired[latent] > configuration.deadFeatureWindow {
      latents.append(latent)
    }
    guard count > 0 else { return }
    if encoder.rows < count { reserve(min(configuration.dSae, max(2 * count, 64))) }
    for (index, latent) in latents.enumerated() {
      biases[index] = terms.biases[latent]
      norms[index] = terms.norms[latent]
    }
    encoder.copyRows(latents, of: state.parameters.encoder)
    decoder.copyRows(latents, of: state.parameters.decoder)
    encoderGradient.clearRows(count)
    decoderGradient.clearRows(count)
  }

  private mutating func reserve(_ count: Int) {
    let (dIn, dOut) = (configuration.dIn, configuration.dOut)
    biases = AlignedBuffer(count: count)
    norms = AlignedBuffer(count: count)
    totals = AlignedBuffer(count: count)
    encoder = Matrix(rows: count, columns: dIn)
    decoder = Matrix(rows: count, columns: dOut)
    encoderGradient = Matrix(rows: count, columns: dIn)
    decoderGradient = Matrix(rows: count, columns: dOut)
    activations = Matrix(rows: Self.rowBlock, columns: count)
    gradients = Matrix(rows: Self.rowBlock, columns: count)
  }

  /// Numbers that all of it takes while every latent is dead.
  static func numberCount(_ configuration: SAEConfiguration) -> Int {
    let (dIn, dOut) = (configuration.dIn, configuration.dOut)
    return configuration.dSae * (3 + 2 * (dIn + dOut) + 2 * rowBlock) + rowBlock * dOut
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
    DeadRows(&self, rows: rows.count).addBiases()
  }

  /// Fills `difference` with what the activations reconstruct.
  mutating func decode(rows: Int) {
    Self.reconstruct(activations, rows: rows, decoder, count: count, into: &difference)
  }

  /// Adds the gradients of a loss whose derivative by the reconstruction is `scale · difference`.
  ///
  /// `finish` turns dL/d(activation) of all rows into dL/d(a·W_enc).
  mutating func addReconstructionGradients(
    _ rows: Range<Int>, _ reads: borrowing StepReads, scale: Float, _ latents: inout LatentWork,
    finish: (borrowing DeadRows) -> Void
  ) {
    Self.differentiate(
      difference, rows: rows.count, decoder, count: count, scale: scale, into: &gradients)
    finish(DeadRows(&self, rows: rows.count))
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
    DeadRows(&self, rows: rows.count).sumGradients()
    for (index, latent) in latents.enumerated() {
      work.gradient.encoderBias.buffer[latent] += totals[index]
      work.preActivationGradients[latent] += totals[index]
    }
  }

  /// Adds the collected gradients of weights to those of all latents.
  func scatter(into gradient: inout Parameters) {
    gradient.encoder.addRows(of: encoderGradient, to: latents)
    gradient.decoder.addRows(of: decoderGradient, to: latents)
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
    ChainProduct.product(
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
    ChainProduct.product(
      rows: rows, columns: width, inner: count, activations.span, .plain, decoder.span, .plain,
      into: &values)
  }

  /// target ← scale·difference·W_decᵀ.
  private static func differentiate(
    _ difference: borrowing Matrix, rows: Int, _ decoder: borrowing Matrix, count: Int,
    scale: Float, into target: inout Matrix
  ) {
    var values = target.mutableSpan
    ChainProduct.product(
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
    ChainProduct.product(
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
  private static var rowBlock: Int { 32 }

  /// The first rows ← some rows of another matrix.
  fileprivate mutating func copyRows(_ rows: [Int], of other: borrowing Matrix) {
    let width = columns
    let source = other.span
    let target = writer
    Parallel.forBlocks(rows.count, blockSize: Self.rowBlock) { block in
      for index in block {
        var row = target.slice(index * width..<(index + 1) * width)
        Kernels.copy(
          source.extracting(rows[index] * width..<(rows[index] + 1) * width), to: &row)
      }
    }
  }

  fileprivate mutating func clearRows(_ count: Int) {
    let numbers = 0..<count * columns
    var rows = writer.slice(numbers)
    for index in rows.indices { rows[index] = 0 }
  }

  /// Some rows, all different, ← themselves + the first rows of another matrix.
  fileprivate mutating func addRows(of other: borrowing Matrix, to rows: [Int]) {
    let width = columns
    let source = other.span
    let target = writer
    Parallel.forBlocks(rows.count, blockSize: Self.rowBlock) { block in
      for index in block {
        var row = target.slice(rows[index] * width..<(rows[index] + 1) * width)
        Kernels.add(source.extracting(index * width..<(index + 1) * width), to: &row)
      }
    }
  }
}
