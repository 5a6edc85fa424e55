// Which latents of a row can be above a limit, from products in reduced precision. Comes in: rows and
// weights. Leaves: the latents that the bounds of the error cannot exclude, each with the bounds of its
// pre-activation. What is excluded is so by proof (docs/exactness.md).

/// Vectors in reduced precision.
struct ReducedVectors: ~Copyable {
  var values: AlignedBuffer<UInt16>
  /// What one step stands for.
  var scale: AlignedBuffer<Float>
  /// Of rows what multiplies a latent's norm, and its error's norm; of latents those.
  var first: AlignedBuffer<Float>
  var second: AlignedBuffer<Float>

  /// Vectors of `width` elements, and the elements of so many more.
  init(count: Int, width: Int, padding: Int = 0) {
    values = AlignedBuffer(count: (count + padding) * width)
    scale = AlignedBuffer(count: count)
    first = AlignedBuffer(count: count)
    second = AlignedBuffer(count: count)
  }
}

/// What is known of some latents in reduced precision.
struct LatentBounds: ~Escapable, Sendable {
  let scale: Span<Float>
  let first: Span<Float>
  let second: Span<Float>

  @_lifetime(borrow vectors)
  init(_ vectors: borrowing ReducedVectors, _ range: Range<Int>) {
    scale = vectors.scale.span.extracting(range)
    first = vectors.first.span.extracting(range)
    second = vectors.second.span.extracting(range)
  }

  @_lifetime(copy whole)
  init(_ whole: borrowing LatentBounds, _ range: Range<Int>) {
    scale = whole.scale.extracting(range)
    first = whole.first.extracting(range)
    second = whole.second.extracting(range)
  }
}

/// A row of a tile, and what its bounds are made of.
struct ScreenedRow: ~Escapable {
  let kind: ScreeningKind
  /// Products in reduced precision, as the kernels leave them.
  let numbers: Span<Float>
  let scale: Float
  let first: Float
  let second: Float
  /// What all bounds have at least.
  let floor: Float
  let latents: LatentBounds
  let bias: Span<Float>
  /// Empty where pre-activations are not multiplied by them.
  let decoderNorms: Span<Float>
  /// What each latent must exceed; empty where `limit` is what all must.
  let limits: Span<Float>
  let limit: Float
  let comparesMagnitudes: Bool

  /// A row of the numbers of some latents.
  @_lifetime(copy numbers, copy screening, copy terms)
  init(
    _ numbers: Span<Float>, _ screening: borrowing Screening, row: Int, latents: Range<Int>,
    _ terms: borrowing ScreeningTerms, limit: Float
  ) {
    kind = screening.kind
    self.numbers = numbers
    scale = screening.rowScale[row]
    first = screening.rowFirst[row]
    second = screening.rowSecond[row]
    floor = Float(screening.dIn + 64) * 0x1p-122
    self.latents = LatentBounds(screening.latentBounds, latents)
    bias = terms.bias.extracting(latents)
    let norms = terms.decoderNorms
    decoderNorms = norms.isEmpty ? norms : norms.extracting(latents)
    limits = terms.limits.isEmpty ? terms.limits : terms.limits.extracting(latents)
    self.limit = limit
    comparesMagnitudes = terms.comparesMagnitudes
  }
}

/// Latents that were not excluded, in their order, in memory of the caller.
package struct ScreenedLatents: ~Copyable, ~Escapable {
  package var count: Int
  /// Counted from the first one of the tile.
  package var latents: MutableSpan<Int32>
  /// What the pre-activation is not above, and not below.
  package var upper: MutableSpan<Float>
  package var lower: MutableSpan<Float>

  @_lifetime(copy latents, copy upper, copy lower)
  package init(
    count: Int = 0, latents: consuming MutableSpan<Int32>, upper: consuming MutableSpan<Float>,
    lower: consuming MutableSpan<Float>
  ) {
    self.count = count
    self.latents = latents
    self.upper = upper
    self.lower = lower
  }
}

/// What a row is compared with, and how.
package struct ScreeningTerms: ~Escapable, Sendable {
  /// Of all latents.
  let bias: Span<Float>
  let decoderNorms: Span<Float>
  let limits: Span<Float>
  let comparesMagnitudes: Bool

  /// `decoderNorms` and `limits` may be empty.
  @_lifetime(copy bias, copy decoderNorms, copy limits)
  package init(
    bias: Span<Float>, decoderNorms: Span<Float>, limits: Span<Float>, comparesMagnitudes: Bool
  ) {
    self.bias = bias
    self.decoderNorms = decoderNorms
    self.limits = limits
    self.comparesMagnitudes = comparesMagnitudes
  }
}

/// A batch and weights in reduced precision.
package struct ScreeningOperands: ~Copyable {
  /// Beyond this width the products of int16 are not proven to stay in int32.
  package static let widthLimit = 1 << 15
  /// Tiles begin at multiples of this, and are padded to it.
  package static var panelLatents: Int { ScreeningKernels.panelLatents }
  /// Rows that a tile has room for besides its own.
  package static var rowPadding: Int { ScreeningKernels.rowPadding }

  package let kind: ScreeningKind
  fileprivate let dIn: Int
  fileprivate let dSae: Int
  fileprivate var rows: ReducedVectors
  fileprivate var latents: ReducedVectors

  /// Memory for `rows` rows of `dIn` elements, and for `dSae` latents.
  package init(_ kind: ScreeningKind, rows: Int, dIn: Int, dSae: Int) {
    precondition(dIn <= Self.widthLimit, "rows too wide to be screened")
    self.kind = kind
    self.dIn = dIn
    self.dSae = dSae
    let width = ScreeningKernels.width(dIn)
    self.rows = ReducedVectors(count: rows, width: width, padding: ScreeningKernels.rowPadding)
    latents = ReducedVectors(count: Self.padded(dSae), width: width)
  }

  /// A number of latents, rounded up to whole panels.
  package static func padded(_ latents: Int) -> Int {
    let panel = ScreeningKernels.panelLatents
    return (latents + panel - 1) / panel * panel
  }

  /// Numbers of four bytes that screening takes.
  package static func count(rows: Int, dIn: Int, dSae: Int) -> Int {
    let vectors = rows + ScreeningKernels.rowPadding + padded(dSae)
    return vectors * (ScreeningKernels.width(dIn) / 2 + 3)
  }

  /// Takes in a batch `[rows, d]`.
  package mutating func fill(rows batch: Span<Float>) {
    Self.fill(kind, rows: batch, dIn: dIn, &rows)
  }

  /// Takes in the weights `[D, d]`.
  package mutating func fill(weights: Span<Float>) {
    precondition(weights.count == dSae * dIn, "weights of another shape")
    Self.fill(kind, weights: weights, dIn: dIn, &latents)
  }

  private static func fill(
    _ kind: ScreeningKind, rows batch: Span<Float>, dIn: Int, _ target: inout ReducedVectors
  ) {
    let writer = ReducedWriter(&target)
    Parallel.forBlocks(batch.count / dIn, blockSize: 32) { rows in
      ScreeningKernels.reduceRows(kind, batch, rows, inner: dIn, writer)
    }
  }

  private static func fill(
    _ kind: ScreeningKind, weights: Span<Float>, dIn: Int, _ target: inout ReducedVectors
  ) {
    let panels = padded(weights.count / dIn) / ScreeningKernels.panelLatents
    let writer = ReducedWriter(&target)
    Parallel.forBlocks(panels, blockSize: 8) { block in
      for panel in block {
        ScreeningKernels.reducePanel(kind, weights, panel, inner: dIn, writer)
      }
    }
  }
}

/// A batch and weights in reduced precision, for threads that screen tiles.
package struct Screening: ~Escapable, Sendable {
  fileprivate let kind: ScreeningKind
  fileprivate let dIn: Int
  private let rowValues: Span<UInt16>
  fileprivate let rowScale: Span<Float>
  fileprivate let rowFirst: Span<Float>
  fileprivate let rowSecond: Span<Float>
  private let latentValues: Span<UInt16>
  fileprivate let latentBounds: LatentBounds
  private let level: DotProduct.Level

  @_lifetime(borrow operands)
  package init(_ operands: borrowing ScreeningOperands, level: DotProduct.Level = .best) {
    kind = operands.kind
    dIn = operands.dIn
    rowValues = operands.rows.values.span
    rowScale = operands.rows.scale.span
    rowFirst = operands.rows.first.span
    rowSecond = operands.rows.second.span
    latentValues = operands.latents.values.span
    latentBounds = LatentBounds(operands.latents, 0..<operands.latents.scale.count)
    self.level = level
  }

  /// Fills a tile with products in reduced precision; it has room for `ScreeningOperands.rowPadding`
  /// rows more, and its latents begin at a multiple of `panelLatents`.
  package func fill(
    _ tile: inout MutableSpan<Float>, stride: Int, rows: Range<Int>, latents: Range<Int>
  ) {
    let width = ScreeningKernels.width(dIn)
    let padded = ScreeningOperands.padded(latents.count)
    precondition(latents.lowerBound % ScreeningKernels.panelLatents == 0, "tile inside a panel")
    ScreeningKernels.product(
      kind, rows: rows.count, inner: dIn,
      rowValues.extracting(
        rows.lowerBound * width..<(rows.upperBound + ScreeningKernels.rowPadding) * width),
      panels: padded / ScreeningKernels.panelLatents,
      latentValues.extracting(
        latents.lowerBound * width..<(latents.lowerBound + padded) * width),
      into: &tile, stride: stride)
  }

  /// Appends the latents of a row of a tile that can be above the limit, while there is room for 32
  /// more; begins at `position`, and leaves there where it ended.
  package func scan(
    _ numbers: Span<Float>, row: Int, latents: Range<Int>, _ terms: borrowing ScreeningTerms,
    limit: Float, position: inout Int, _ found: inout ScreenedLatents
  ) {
    let screened = ScreenedRow(
      numbers, self, row: row, latents: latents, terms, limit: limit)
    ScreeningKernels.scan(screened, position: &position, &found, level: level)
  }
}
