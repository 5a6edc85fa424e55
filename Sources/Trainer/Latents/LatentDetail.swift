// All that is shown of one latent. Comes in: its contexts, its histogram and what its weights say. Leaves: JSON, in
// the report itself or in the folder beside it.

package import Shared

/// One latent in full.
package struct LatentDetail: Sendable, Equatable {
  package let latent: Int
  /// Why it stands in the report; empty elsewhere.
  package let reasons: [String]
  /// Rows by activation, in equal bins from 0 to the highest.
  package let histogram: [Int]
  package let highest: [LatentContext]
  /// Contexts of each quarter of its activations, the highest first; empty where they are few.
  package let quarters: [[LatentContext]]
  /// The activations at which these quarters begin and the last one ends, falling.
  package let bounds: [Float]
  package let tokens: DirectionTokens
  package let neighbors: [LatentNeighbor]

  static let binCount = 20

  package init(
    latent: Int, reasons: [String] = [], histogram: [Int], highest: [LatentContext],
    quarters: [[LatentContext]] = [], bounds: [Float] = [],
    tokens: DirectionTokens = DirectionTokens(),
    neighbors: [LatentNeighbor] = []
  ) {
    self.latent = latent
    self.reasons = reasons
    self.histogram = histogram
    self.highest = highest
    self.quarters = quarters
    self.bounds = bounds
    self.tokens = tokens
    self.neighbors = neighbors
  }

  /// The tokens whose text is needed to show the latent.
  var shownTokens: Set<UInt32> {
    Set((highest + quarters.flatMap(\.self)).flatMap(\.tokens)).union(directionTokens)
  }

  var directionTokens: [UInt32] { (tokens.promoted + tokens.suppressed).map(\.token) }

  /// The members that are not empty, with the tokens of contexts inside or beside.
  package func json(_ place: LatentContext.TokenPlace) -> JSON {
    func contexts(_ contexts: [LatentContext]) -> JSON { .array(contexts.map { $0.json(place) }) }
    func weighted(_ tokens: [WeightedToken]) -> JSON {
      .array(
        tokens.map { .array([.integer(Int($0.token)), .number(Significant.four($0.weight))]) })
    }
    var members: [String: JSON] = ["latent": .integer(latent)]
    if !reasons.isEmpty { members["why"] = .array(reasons.map { .string($0) }) }
    if !histogram.isEmpty { members["histogram"] = .array(histogram.map { .integer($0) }) }
    if !highest.isEmpty { members["highest"] = contexts(highest) }
    if !quarters.isEmpty {
      members["quarters"] = .array(quarters.map(contexts))
      members["bounds"] = .array(bounds.map { .number(Significant.four($0)) })
    }
    if !tokens.promoted.isEmpty {
      members["promoted"] = weighted(tokens.promoted)
      members["suppressed"] = weighted(tokens.suppressed)
    }
    if !neighbors.isEmpty {
      members["nearest"] = .array(
        neighbors.map { .array([.integer($0.latent), .number(Significant.four($0.cosine))]) })
    }
    return .object(members)
  }
}
