import Shared
import Support
import Testing

/// The bounds of every way of screening against pre-activations in float32.
@Suite struct ScreeningTests {
  static let kinds = ScreeningKind.allCases.filter(\.isAvailable)
  private static let (rows, latents, width) = (45, 135, 75)

  private static var levels: [DotProduct.Level] {
    [.avx2, .avx512].filter { $0.rawValue <= DotProduct.Level.best.rawValue }
  }

  /// Pre-activations as the encoder computes them.
  private func exact(
    _ batch: [Float], _ weights: [Float], bias: [Float], norms: [Float]
  ) -> [Float] {
    var products = [Float](repeating: 0, count: Self.rows * Self.latents)
    var target = products.mutableSpan
    DotProduct.product(
      rows: Self.rows, columns: Self.latents, inner: Self.width, batch.span, weights.span,
      into: &target, stride: Self.latents)
    return products.indices.map { index in
      let sum = products[index] + bias[index % Self.latents]
      return norms.isEmpty ? sum : sum * norms[index % Self.latents]
    }
  }

  /// Lists what of a row is not excluded, with its bounds.
  private func screen(
    _ screening: borrowing Screening, _ tile: [Float], row: Int,
    _ terms: borrowing ScreeningTerms, limit: Float
  ) -> [Int: (lower: Float, upper: Float)] {
    let room = Self.latents + 32
    var indices = [Int32](repeating: 0, count: room)
    var upper = [Float](repeating: 0, count: room)
    var lower = [Float](repeating: 0, count: room)
    var found = ScreenedLatents(
      latents: indices.mutableSpan, upper: upper.mutableSpan, lower: lower.mutableSpan)
    var position = 0
    let stride = tile.count / (Self.rows + ScreeningOperands.rowPadding)
    screening.scan(
      tile.span.extracting(row * stride..<row * stride + Self.latents), row: row,
      latents: 0..<Self.latents, terms, limit: limit, position: &position, &found)
    #expect(position == Self.latents)
    let count = found.count
    return Dictionary(
      uniqueKeysWithValues: (0..<count).map { (Int(indices[$0]), (lower[$0], upper[$0])) })
  }

  @Test(arguments: kinds, AdversarialRows.allCases)
  func whatIsExcludedIsNotAboveTheLimit(kind: ScreeningKind, rows: AdversarialRows) {
    for weightKind in AdversarialRows.allCases {
      let batch = rows.values(rows: Self.rows, width: Self.width)
      let weights = weightKind.values(rows: Self.latents, width: Self.width, seed: 2)
      let bias = AdversarialRows.ordinary.values(rows: 1, width: Self.latents, seed: 3)
      for (hasNorms, magnitudes) in [(false, false), (true, false), (false, true), (true, true)] {
        let norms = hasNorms ? bias.map { abs($0) } : []
        check(kind, batch, weights, bias, norms, magnitudes: magnitudes)
      }
    }
  }

  private func check(
    _ kind: ScreeningKind, _ batch: [Float], _ weights: [Float], _ bias: [Float],
    _ norms: [Float], magnitudes: Bool
  ) {
    let exact = exact(batch, weights, bias: bias, norms: norms)
    var operands = ScreeningOperands(
      kind, rows: Self.rows, dIn: Self.width, dSae: Self.latents)
    operands.fill(rows: batch.span)
    operands.fill(weights: weights.span)
    let stride = 160
    var tile = [Float](
      repeating: 0, count: (Self.rows + ScreeningOperands.rowPadding) * stride)
    for level in Self.levels {
      let screening = Screening(operands, level: level)
      var target = tile.mutableSpan
      screening.fill(
        &target, stride: stride, rows: 0..<Self.rows, latents: 0..<Self.latents)
      let terms = ScreeningTerms(
        bias: bias.span, decoderNorms: norms.span, limits: Span(), comparesMagnitudes: magnitudes)
      for row in 0..<Self.rows {
        for limit: Float in [0, 0.7, 4] {
          let found = screen(screening, tile, row: row, terms, limit: limit)
          for latent in 0..<Self.latents {
            let number = exact[row * Self.latents + latent]
            let compared = magnitudes ? abs(number) : number
            guard let bounds = found[latent] else {
              #expect(!(compared > limit), "latent \(latent) of row \(row)")
              continue
            }
            #expect(!(compared > bounds.upper) && !(compared < bounds.lower))
          }
        }
      }
    }
  }

  @Test(arguments: kinds) func ofOrdinaryRowsLittleMoreIsLeftThanIsAboveTheLimit(
    kind: ScreeningKind
  ) {
    let batch = AdversarialRows.ordinary.values(rows: Self.rows, width: Self.width)
    let weights = AdversarialRows.ordinary.values(rows: Self.latents, width: Self.width, seed: 2)
    let bias = [Float](repeating: 0, count: Self.latents)
    let limit = Float(Self.width).squareRoot()
    let above = exact(batch, weights, bias: bias, norms: []).filter { $0 > limit }.count
    var operands = ScreeningOperands(
      kind, rows: Self.rows, dIn: Self.width, dSae: Self.latents)
    operands.fill(rows: batch.span)
    operands.fill(weights: weights.span)
    var tile = [Float](repeating: 0, count: (Self.rows + ScreeningOperands.rowPadding) * 160)
    let screening = Screening(operands)
    var target = tile.mutableSpan
    screening.fill(&target, stride: 160, rows: 0..<Self.rows, latents: 0..<Self.latents)
    let terms = ScreeningTerms(
      bias: bias.span, decoderNorms: Span(), limits: Span(), comparesMagnitudes: false)
    var left = 0
    for row in 0..<Self.rows {
      left += screen(screening, tile, row: row, terms, limit: limit).count
    }
    #expect(above > 500 && left >= above && Double(left) < 1.1 * Double(above))
  }

  @Test func aWishIsFollowedAlsoForNoScreening() {
    #expect(ScreeningChoice.chosen("off") { .int16AVX2 } == nil)
    #expect(ScreeningChoice.chosen(nil) { .int16AVX2 } == .int16AVX2)
    #expect(ScreeningChoice.chosen("fast") { .int16AVX2 } == .int16AVX2)
    for kind in Self.kinds { #expect(ScreeningChoice.chosen(kind.name) { nil } == kind) }
    #expect(ScreeningChoice.stated("") == nil)
    #expect(ScreeningChoice.stated("off") == "off")
  }

  @Test func wordsForWaysOfScreeningAreUnderstoodOrRefused() throws {
    #expect(try ScreeningChoice.wished("off") == nil)
    for kind in Self.kinds { #expect(try ScreeningChoice.wished(kind.name) == kind) }
    let unknown = #expect(throws: ScreeningError.self) { try ScreeningChoice.wished("fast") }
    #expect(
      unknown?.sentence == "SAELINE_SCREENING is \"fast\", which is no way of screening.")
    #expect(
      unknown?.hint == "Say off or one of bf16-amx, int16-avx512, int16-vnni, int16-avx2.")
    let unavailable = ScreeningError.unavailable(wish: "bf16-amx")
    #expect(
      unavailable.sentence
        == "SAELINE_SCREENING is \"bf16-amx\", which this processor cannot run.")
    #expect(
      unavailable.hint == "Leave it unset: the fastest way of this processor is then taken.")
  }
}
