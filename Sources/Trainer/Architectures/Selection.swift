// How the latents that take part are found among pre-activations: the ways there are, and what the
// encoder needs to know of each. An architecture that chooses row by row brings a RowSelection.

import Shared

/// How the latents that take part are found.
package enum Selection: Sendable {
  /// Those above a limit: all that an SAE with ReLU has.
  case above(Limit)
  /// Some of each row, by comparing its latents.
  case rows(any RowSelection)
  /// The k·B largest of a batch of B rows.
  case batch(k: Double)
  /// One after another, by what they explain of the rest.
  case search(PursuitLimits)

  /// What a pre-activation must exceed.
  package enum Limit: Sendable {
    case zero
    /// The latent's threshold, less half the band around it in training.
    case threshold(bandwidth: Double)
  }
}

/// A choice among the latents of a row, which pass by tile by tile.
///
/// Works in memory of its caller, with room for `capacity` candidates.
package protocol RowSelection: Sendable {
  /// Candidates that a row needs memory for.
  var capacity: Int { get }
  /// Latents that a row may have in the end.
  var most: Int { get }
  /// Looks at the numbers of latents from `first` on; `scratch` is working memory of their size.
  func scan(
    _ numbers: Span<Float>, first: Int, _ row: inout RowCandidates,
    _ scratch: inout MutableSpan<Float>)
  /// Leaves the chosen ones at the front, in order of latent.
  func finish(_ row: inout RowCandidates)
}

/// The candidates of a row so far.
package struct RowCandidates: ~Copyable, ~Escapable {
  package var count: Int
  /// What the next candidate must exceed.
  package var threshold: Float
  package var latents: MutableSpan<Int32>
  package var values: MutableSpan<Float>

  @_lifetime(copy latents, copy values)
  package init(
    count: Int = 0, threshold: Float = -.infinity, latents: consuming MutableSpan<Int32>,
    values: consuming MutableSpan<Float>
  ) {
    self.count = count
    self.threshold = threshold
    self.latents = latents
    self.values = values
  }

  /// Sorts the candidates by latent (Shell's sort: short lists, no memory).
  package mutating func sortByLatent() {
    var gap = count / 2
    while gap > 0 {
      for index in gap..<count {
        let latent = latents[index]
        let value = values[index]
        var place = index
        while place >= gap, latents[place - gap] > latent {
          latents[place] = latents[place - gap]
          values[place] = values[place - gap]
          place -= gap
        }
        latents[place] = latent
        values[place] = value
      }
      gap /= 2
    }
  }
}
