// A block of rows as full matrices, with the products between them.

import Shared

/// The full matrices of a block of rows.
struct DenseWork: ~Copyable {
  private let configuration: SAEConfiguration
  /// What each latent multiplies its decoder row by `[block, D]`; 0 where it is not active.
  private var activations: Matrix
  /// dL/d(a·W_enc) `[block, D]`.
  private var gradients: Matrix
  /// What was selected, and dL/d of it, where there is a reconstruction by it `[block, D]`.
  private var selected: Matrix
  private var selectedGradients: Matrix
  /// What the latents of each reconstruction add, then the scaled errors `[R · block, o]`.
  private var parts: Matrix

  init(_ configuration: SAEConfiguration) {
    self.configuration = configuration
    let (rows, latents) = (DensePass.rowBlock, configuration.dSae)
    let selectedRows = configuration.selectedReconstruction == nil ? 0 : rows
    activations = Matrix(rows: rows, columns: latents)
    gradients = Matrix(rows: rows, columns: latents)
    selected = Matrix(rows: selectedRows, columns: latents)
    selectedGradients = Matrix(rows: selectedRows, columns: latents)
    parts = Matrix(
      rows: configuration.reconstructions.count * rows, columns: configuration.dOut)
  }

  /// Matrices `[block, D]` that there are.
  static func matrixCount(_ configuration: SAEConfiguration) -> Int {
    configuration.selectedReconstruction == nil ? 2 : 4
  }

  /// Fills errors, gradients of entries and what rows add to the loss; adds to the gradients of weights.
  mutating func run(
    _ block: DenseBlock, _ codes: borrowing SparseCodes, _ reads: borrowing StepReads,
    _ rows: inout RowWork, _ gradient: inout Parameters
  ) {
    let work = DenseRows(block, codes, reads, RowWrites(&rows))
    work.scatter(to: &activations, &selected)
    reconstruct(block, reads)
    work.measure(&parts)
    differentiate(block, reads)
    work.finish(&gradients, &selectedGradients)
    addGradients(block, reads, &gradient)
  }

  /// Fills what the latents of each reconstruction add.
  private mutating func reconstruct(_ block: DenseBlock, _ reads: borrowing StepReads) {
    for number in configuration.reconstructions.indices {
      let product = DenseProduct(configuration, number, block)
      switch product.reconstruction.source {
      case .activation: product.reconstruct(activations, reads.decoding.decoder, &parts)
      case .selected: product.reconstruct(selected, reads.decoding.decoder, &parts)
      }
    }
  }

  /// Fills dL/d(activation) of every latent, active or not.
  private mutating func differentiate(_ block: DenseBlock, _ reads: borrowing StepReads) {
    for number in configuration.reconstructions.indices {
      let product = DenseProduct(configuration, number, block)
      switch product.reconstruction.source {
      case .activation: product.differentiate(parts, reads.decoding.decoder, &gradients)
      case .selected: product.differentiate(parts, reads.decoding.decoder, &selectedGradients)
      }
    }
  }

  private func addGradients(
    _ block: DenseBlock, _ reads: borrowing StepReads, _ gradient: inout Parameters
  ) {
    for number in configuration.reconstructions.indices {
      let product = DenseProduct(configuration, number, block)
      switch product.reconstruction.source {
      case .activation: product.addDecoderGradient(activations, parts, &gradient.decoder)
      case .selected: product.addDecoderGradient(selected, parts, &gradient.decoder)
      }
    }
    let dIn = configuration.dIn
    let inputs = block.rows.lowerBound * dIn..<block.rows.upperBound * dIn
    var encoder = gradient.encoder.mutableSpan
    ChainProduct.product(
      rows: configuration.dSae, columns: dIn, inner: block.count, gradients.span, .transposed,
      reads.centered.extracting(inputs), .plain, into: &encoder, keep: 1)
  }
}

/// The products of one reconstruction of a block.
private struct DenseProduct {
  let reconstruction: RowReconstruction
  private let dSae: Int
  private let dOut: Int
  /// Rows of the block.
  private let count: Int
  /// The elements in `parts` of the reconstruction's rows.
  private let part: Range<Int>

  init(_ configuration: SAEConfiguration, _ number: Int, _ block: DenseBlock) {
    reconstruction = configuration.reconstructions[number]
    dSae = configuration.dSae
    dOut = configuration.dOut
    count = block.count
    let start = number * DensePass.rowBlock * dOut
    part = start..<start + count * dOut
  }

  private var latents: Range<Int> { reconstruction.latents }
  /// The elements of the latents in a matrix `[block, D]`, and in the decoder.
  private var columns: Range<Int> { latents.lowerBound..<count * dSae }
  private var rows: Range<Int> { latents.lowerBound * dOut..<latents.upperBound * dOut }

  func reconstruct(
    _ source: borrowing Matrix, _ decoder: Span<Float>, _ parts: inout Matrix
  ) {
    var target = parts.writer.slice(part)
    ChainProduct.product(
      rows: count, columns: dOut, inner: latents.count, source.span.extracting(columns), .plain,
      aStride: dSae, decoder.extracting(rows), .plain, into: &target)
  }

  func differentiate(
    _ parts: borrowing Matrix, _ decoder: Span<Float>, _ target: inout Matrix
  ) {
    var target = target.writer.slice(columns)
    ChainProduct.product(
      rows: count, columns: latents.count, inner: dOut, parts.span.extracting(part), .plain,
      decoder.extracting(rows), .transposed, into: &target, cStride: dSae)
  }

  func addDecoderGradient(
    _ source: borrowing Matrix, _ parts: borrowing Matrix, _ decoder: inout Matrix
  ) {
    var target = decoder.writer.slice(rows)
    ChainProduct.product(
      rows: latents.count, columns: dOut, inner: count, source.span.extracting(columns),
      .transposed, aStride: dSae, parts.span.extracting(part), .plain, into: &target, keep: 1)
  }
}
