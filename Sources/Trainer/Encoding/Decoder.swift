// From active latents to reconstructions, row by row; training starts its errors from the same sums.

import Shared

/// Adds multiples of rows to a row, four at a time.
struct RowSum {
  private var scales = SIMD4<Float>()
  private var starts = SIMD4<Int>()
  private var count = 0

  /// Adds `scale` times the row of `matrix` that begins at `start`, now or with later ones.
  @inline(__always)
  mutating func append(
    _ scale: Float, _ start: Int, of matrix: Span<Float>, to target: inout MutableSpan<Float>
  ) {
    scales[count] = scale
    starts[count] = start
    count += 1
    guard count == 4 else { return }
    Vector.add(scales, rowsOf: matrix, from: starts, to: &target)
    count = 0
  }

  /// Adds what is left.
  mutating func finish(of matrix: Span<Float>, to target: inout MutableSpan<Float>) {
    for index in 0..<count {
      let row = starts[index]..<starts[index] + target.count
      Vector.add(scales[index], matrix.extracting(row), to: &target)
    }
    count = 0
  }
}

/// What reconstructions consist of.
struct DecodingInput: ~Escapable, Sendable {
  let decoder: Span<Float>
  let bias: Span<Float>
  /// What the skip connection adds `[B, o]`; empty where there is none.
  let skipped: Span<Float>

  @_lifetime(copy parameters, copy skipped)
  init(_ parameters: borrowing ParameterReader, skipped: Span<Float>) {
    decoder = parameters.decoder
    bias = parameters.decoderBias
    self.skipped = skipped
  }

  /// Fills `target` with what no latent adds: b_dec and the skip connection.
  func start(_ row: Int, _ target: inout MutableSpan<Float>) {
    for column in 0..<target.count { target[column] = bias[column] }
    guard !skipped.isEmpty else { return }
    let start = row * target.count
    for column in 0..<target.count { target[column] += skipped[start + column] }
  }

  /// Adds the decoder rows of entries, those with latents from `range` alone.
  func add(
    _ latents: Span<Int32>, _ factors: Span<Float>, in range: Range<Int>,
    to target: inout MutableSpan<Float>
  ) {
    var rows = RowSum()
    for index in latents.indices {
      let latent = Int(latents[index])
      guard range.contains(latent) else { continue }
      rows.append(factors[index], latent * target.count, of: decoder, to: &target)
    }
    rows.finish(of: decoder, to: &target)
  }
}

/// Reconstructs the rows of a batch for others than training.
struct Decoding: ~Escapable, Sendable {
  private static let rowBlock = 32

  private let configuration: SAEConfiguration
  private let codes: CodeReader
  private let input: DecodingInput
  private let terms: LatentTerms
  private let activations: Disjoint<Float>
  private let target: Disjoint<Float>

  /// - Parameters:
  ///   - configuration: of the SAE.
  ///   - codes: the entries of the rows.
  ///   - input: what reconstructions consist of.
  ///   - terms: the numbers of latents.
  ///   - activations: memory for a number of each entry.
  ///   - target: filled with the SAE's output `[rows, o]`, in its units.
  @_lifetime(borrow codes, copy input, copy terms, &activations, &target)
  init(
    _ configuration: SAEConfiguration, _ codes: borrowing SparseCodes,
    _ input: borrowing DecodingInput, _ terms: borrowing LatentTerms,
    _ activations: inout AlignedBuffer<Float>, _ target: inout Matrix
  ) {
    self.configuration = configuration
    self.codes = CodeReader(codes)
    self.input = copy input
    self.terms = copy terms
    self.activations = activations.writer
    self.target = target.writer
  }

  func run() {
    Parallel.forBlocks(codes.rows, blockSize: Self.rowBlock) { rows in
      for row in rows { reconstruct(row) }
    }
  }

  private func reconstruct(_ row: Int) {
    let (entries, width) = (codes.entries(row), configuration.dOut)
    let latents = codes.latents.extracting(entries)
    var activations = activations.slice(entries)
    configuration.architecture.activate(
      RowEntries(latents: latents, selected: codes.values.extracting(entries)), terms,
      &activations)
    var target = target.slice(row * width..<(row + 1) * width)
    input.start(row, &target)
    input.add(latents, activations.span, in: 0..<configuration.dSae, to: &target)
  }
}
