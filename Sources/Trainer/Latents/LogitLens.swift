// Which tokens a latent makes more and less likely by itself: its decoder direction through the model's last
// norm and unembedding. Comes in: the decoder and the model's folder. Leaves: ten tokens each way.

import Shared

/// A token, and how much its logit moves by a step of length one along a latent's direction.
package struct WeightedToken: Sendable, Equatable {
  package let token: UInt32
  package let weight: Float

  package init(token: UInt32, weight: Float) {
    self.token = token
    self.weight = weight
  }
}

/// The tokens at both ends of a direction's logits.
package struct DirectionTokens: Sendable, Equatable {
  package let promoted: [WeightedToken]
  package let suppressed: [WeightedToken]

  package init(promoted: [WeightedToken] = [], suppressed: [WeightedToken] = []) {
    self.promoted = promoted
    self.suppressed = suppressed
  }
}

/// Where the lens looks through, or why it cannot.
package enum LensPlace: Sendable, Equatable {
  case model(folder: String)
  case none(reason: String)

  /// The model of a place whose directions lie in its residual stream.
  package init(_ plan: SplicePlan) {
    let place = plan.target ?? plan.hookPoint
    switch place.site {
    case .embedding, .residualBefore, .residualBetween, .residualAfter, .attentionOutput,
      .mlpOutput:
      self = place.head == nil ? .model(folder: plan.folder) : .none(reason: LensPlace.words(place))
    default: self = .none(reason: LensPlace.words(place))
    }
  }

  private static func words(_ place: HookPoint) -> String {
    "\(place.name) is no place of the residual stream"
  }
}

/// Owns the end of a model and room for directions.
struct LogitLens: ~Copyable {
  static let count = 10
  /// Directions that go through the unembedding at once.
  static let block = 64

  private var unembedding: Unembedding
  private var directions: Matrix

  /// Opens the lens of a model for directions of `width`; nil where the model has no unembedding of that width.
  static func open(_ folder: String, width: Int) throws -> LogitLens? {
    guard let unembedding = try Unembedding.open(folder, rows: block), unembedding.width == width
    else { return nil }
    return LogitLens(unembedding, Matrix(rows: block, columns: width))
  }

  private init(_ unembedding: consuming Unembedding, _ directions: consuming Matrix) {
    self.unembedding = unembedding
    self.directions = directions
  }

  var vocabularySize: Int { unembedding.vocabularySize }

  /// The tokens of some latents, by the directions of length one of their rows of the decoder.
  mutating func read(
    _ latents: [Int], decoder: Span<Float>, norms: [Float]
  ) throws -> [DirectionTokens] {
    let inverse = norms.map { $0 > 0 ? 1 / $0 : 0 }
    let width = directions.columns
    var result: [DirectionTokens] = []
    for start in stride(from: 0, to: latents.count, by: LogitLens.block) {
      try Interrupted.check(while: LatentCollecting.activity)
      let part = latents[start..<min(start + LogitLens.block, latents.count)]
      Directions.copy(part, of: decoder, scaledBy: inverse, width: width, into: &directions)
      result += LogitLens.read(directions, rows: part.count, through: &unembedding)
    }
    return result
  }

  private static func read(
    _ directions: borrowing Matrix, rows: Int, through unembedding: inout Unembedding
  ) -> [DirectionTokens] {
    unembedding.read(
      directions.span.extracting(0..<rows * directions.columns), rows: rows)
    let (values, vocabulary) = (unembedding.logits.span, unembedding.vocabularySize)
    return Parallel.map(rows) { index in
      ends(values.extracting(index * vocabulary..<(index + 1) * vocabulary))
    }
  }

  /// The highest and the lowest of a row, as distances from its mean, which changes no prediction.
  private static func ends(_ logits: Span<Float>) -> DirectionTokens {
    let mean = Kernels.sum(logits) / Float(max(1, logits.count))
    var (high, low) = (HighestValues(count: count), HighestValues(count: count))
    for token in logits.indices {
      high.add(token, logits[token] - mean)
      low.add(token, mean - logits[token])
    }
    return DirectionTokens(
      promoted: high.entries.map { .init(token: UInt32($0.index), weight: $0.value) },
      suppressed: low.entries.map { .init(token: UInt32($0.index), weight: -$0.value) })
  }
}
