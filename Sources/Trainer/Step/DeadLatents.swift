// The latents that have been silent for too long, with their weights copied together, so that the
// losses that revive them cost products over them alone.

import Shared

/// Dead latents and the gradients of a loss over them.
struct DeadLatents: ~Copyable {
  /// Rows per product.
  static let rowBlock = 256

  private let configuration: SAEConfiguration
  private(set) var latents: [Int] = []
  private(set) var encoder = Matrix(rows: 0, columns: 0)
  private(set) var decoder = Matrix(rows: 0, columns: 0)
  private(set) var encoderGradient = Matrix(rows: 0, columns: 0)
  private(set) var decoderGradient = Matrix(rows: 0, columns: 0)
  /// A number per row of a block and dead latent `[block, n_dead]`.
  private(set) var amplitudes = Matrix(rows: 0, columns: 0)
  private(set) var slopes = Matrix(rows: 0, columns: 0)
  /// `[block, o]`.
  let difference: Matrix

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    difference = Matrix(rows: Self.rowBlock, columns: configuration.dOut)
    latents.reserveCapacity(configuration.dSae)
  }

  var count: Int { latents.count }

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
    amplitudes = Matrix(rows: Self.rowBlock, columns: count)
    slopes = Matrix(rows: Self.rowBlock, columns: count)
  }

  /// Fills the amplitudes with pre-activations of rows `[rows, d]`.
  func encode(_ centred: Span<Float>, rows: Int, _ biases: Span<Float>) {
    amplitudes.disjoint.withAll { amplitudes in
      Multiply.product(
        rows: rows, columns: count, inner: configuration.dIn, centred, .plain, encoder.span,
        .transposed, into: &amplitudes)
      for (index, latent) in latents.enumerated() {
        for row in 0..<rows { amplitudes[row * count + index] += biases[latent] }
      }
    }
  }

  /// Fills `difference` with what the amplitudes reconstruct.
  func decode(rows: Int) {
    difference.disjoint.withAll { difference in
      Multiply.product(
        rows: rows, columns: configuration.dOut, inner: count, amplitudes.span, .plain,
        decoder.span, .plain, into: &difference)
    }
  }

  /// Adds the gradients of a loss whose derivative by the reconstruction is `scale · difference`.
  ///
  /// `slope` gives dL/d(a·W_enc) from dL/d(amplitude) and the amplitude.
  func addReconstructionGradients(
    _ centred: Span<Float>, rows: Int, scale: Float, _ gradient: borrowing Parameters,
    _ sums: borrowing LatentSums, slope: (_ derivative: Float, _ amplitude: Float) -> Float
  ) {
    slopes.disjoint.withAll { slopes in
      let amplitudes = amplitudes.span
      Multiply.product(
        rows: rows, columns: count, inner: configuration.dOut, difference.span, .plain,
        decoder.span, .transposed, into: &slopes, scale: scale)
      for index in 0..<rows * count { slopes[index] = slope(slopes[index], amplitudes[index]) }
    }
    decoderGradient.disjoint.withAll { target in
      Multiply.product(
        rows: count, columns: configuration.dOut, inner: rows, amplitudes.span, .transposed,
        difference.span, .plain, into: &target, scale: scale, keep: 1)
    }
    addEncoderGradients(centred, rows: rows, gradient, sums)
  }

  /// Adds the gradients that come by the slopes.
  func addEncoderGradients(
    _ centred: Span<Float>, rows: Int, _ gradient: borrowing Parameters,
    _ sums: borrowing LatentSums
  ) {
    let slopes = slopes.span
    encoderGradient.disjoint.withAll { target in
      Multiply.product(
        rows: count, columns: configuration.dIn, inner: rows, slopes, .transposed, centred,
        .plain, into: &target, keep: 1)
    }
    gradient.encoderBias.disjoint.withAll { bias in
      sums.slopes.disjoint.withAll { totals in
        for (index, latent) in latents.enumerated() {
          var total: Float = 0
          for row in 0..<rows { total += slopes[row * count + index] }
          bias[latent] += total
          totals[latent] += total
        }
      }
    }
  }

  /// Adds the collected gradients of weights to those of all latents.
  func scatter(into gradient: borrowing Parameters) {
    for (index, latent) in latents.enumerated() {
      gradient.encoder.addRow(index, of: encoderGradient, to: latent)
      gradient.decoder.addRow(index, of: decoderGradient, to: latent)
    }
  }
}

extension Matrix {
  fileprivate func copyRow(_ source: Int, of other: borrowing Matrix, to row: Int) {
    clearRow(row)
    addRow(source, of: other, to: row)
  }

  fileprivate func clearRow(_ row: Int) {
    disjoint.withSlice(row * columns..<(row + 1) * columns) { target in
      for column in target.indices { target[column] = 0 }
    }
  }

  fileprivate func addRow(_ source: Int, of other: borrowing Matrix, to row: Int) {
    let values = other.row(source)
    disjoint.withSlice(row * columns..<(row + 1) * columns) { target in
      Vector.add(1, values, to: &target)
    }
  }
}

/// The errors that a loss of dead latents starts from.
struct Residuals: ~Escapable, Sendable {
  private let error: Span<Float>
  private let levels: Int
  private let width: Int

  /// The errors as a pass leaves them `[B · levels, o]`.
  @_lifetime(borrow error)
  init(_ error: borrowing Matrix, _ configuration: SAEConfiguration) {
    self.error = error.span
    levels = configuration.levels
    width = configuration.dOut
  }

  /// Adds x̂ − x of a row and level.
  func add(row: Int, level: Int, to target: inout MutableSpan<Float>) {
    let start = (row * levels + level) * width
    Vector.add(1, error.extracting(start..<start + width), to: &target)
    // A level's memory holds its error and those of the levels above.
    guard level + 1 < levels else { return }
    Vector.add(-1, error.extracting(start + width..<start + 2 * width), to: &target)
  }
}
