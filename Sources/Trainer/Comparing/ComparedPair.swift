// Two SAEs whose latents were matched. Comes in: their folders. Leaves: how much of each is found again in the
// other, as charts, rows of a table and JSON.

package import Shared

/// The matches of two of the compared runs.
package struct ComparedPair: Sendable, Equatable {
  /// The places of the runs among those compared.
  package let first: Int
  package let second: Int
  package let ofFirst: LatentMatching
  package let ofSecond: LatentMatching

  package init(
    first: Int, second: Int, ofFirst: LatentMatching, ofSecond: LatentMatching
  ) {
    self.first = first
    self.second = second
    self.ofFirst = ofFirst
    self.ofSecond = ofSecond
  }

  /// Cosines from which on a latent is said to be found again: alike, and the same.
  static let thresholds: [Float] = [0.7, 0.9]

  /// Matches the latents of two runs, those that were active on evaluated rows where that is known: what
  /// never learned is still as it was drawn, and two runs of one seed draw the same.
  package static func match(
    _ first: Int, _ second: Int, of runs: [ComparedRun]
  ) throws -> ComparedPair {
    let (own, other) = (alive(runs[first].folder), alive(runs[second].folder))
    let (ofFirst, ofSecond) = try LatentMatching.both(
      DecoderFile.read(runs[first].folder), DecoderFile.read(runs[second].folder),
      firstCounts: { own?.contains($0) ?? true }, secondCounts: { other?.contains($0) ?? true })
    return ComparedPair(first: first, second: second, ofFirst: ofFirst, ofSecond: ofSecond)
  }

  /// The latents that were active; nil where no evaluation says.
  private static func alive(_ folder: String) -> Set<Int>? {
    guard let fires = (try? Evaluation.read(run: folder))?.fires, !fires.isEmpty else { return nil }
    return Set(fires.indices.filter { fires[$0] > 0 })
  }

  /// The two directions: whose latents, whose matches, and the matching.
  var directions: [(own: Int, other: Int, matching: LatentMatching)] {
    [(first, second, ofFirst), (second, first, ofSecond)]
  }

  package func json(_ runs: [ComparedRun]) -> [JSON] {
    directions.map { own, other, matching in
      var members: [String: JSON] = [
        "latents_of": .string(runs[own].folder), "found_in": .string(runs[other].folder),
        "latents": .integer(matching.matches.count),
        "mean_cosine": matching.meanCosine.map { .number($0) } ?? .null,
      ]
      for threshold in ComparedPair.thresholds {
        let share = matching.share(above: threshold)
        members["share_above_\(threshold)"] = share.map { .number($0) } ?? .null
      }
      return .object(members)
    }
  }
}
