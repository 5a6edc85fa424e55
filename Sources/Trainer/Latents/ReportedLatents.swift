// Which latents stand in the report itself, and why. Comes in: how often and how strongly each fires, and the best
// latents of categories. Leaves: different latents, each with its reasons.

import Shared

/// A latent that is shown, and why this one.
package struct ReportedLatent: Sendable, Equatable {
  package let latent: Int
  package var reasons: [String]

  package init(_ latent: Int, because reasons: [String]) {
    self.latent = latent
    self.reasons = reasons
  }
}

/// Chooses latents to show.
package enum ReportedLatents {
  /// Latents that fire on more than this share of the rows say little by their top contexts.
  static let densityLimit = 0.1
  /// The latents that are shown for each extreme.
  static let extremes = 2

  /// The best latents of the categories; then, over the densities of latents that fire at least `contexts`
  /// times and are not dense, by falling density, those at equal distances in rank, until there are `count` or as
  /// many as categories if these are more; then the extremes.
  ///
  /// - Parameters:
  ///   - count: how many to choose before the extremes.
  ///   - columns: what is known of every latent.
  ///   - rows: the number of rows.
  ///   - contexts: the contexts shown per latent.
  ///   - named: the best latents of categories, the most telling one first.
  /// - Returns: different latents, the named ones first, then by falling density, then extremes.
  package static func choose(
    _ count: Int, _ columns: LatentColumns, rows: Int, contexts: Int,
    named: [(latent: Int, category: String)]
  ) -> [ReportedLatent] {
    guard count > 0 else { return [] }
    var chosen: [ReportedLatent] = []
    for (latent, category) in named {
      add(latent, "the best latent of the category \(category)", to: &chosen)
    }
    let spread = spread(
      max(0, count - chosen.count), columns.fires, rows: rows, contexts: contexts,
      without: Set(chosen.map(\.latent)))
    for (place, latent) in spread.enumerated() {
      add(latent, "number \(place + 1) of \(spread.count) spread over the densities", to: &chosen)
    }
    for (words, order) in columns.orders {
      for latent in order.prefix(extremes) { add(latent, words, to: &chosen) }
    }
    return chosen
  }

  private static func add(_ latent: Int, _ reason: String, to chosen: inout [ReportedLatent]) {
    if let place = chosen.firstIndex(where: { $0.latent == latent }) {
      chosen[place].reasons.append(reason)
    } else {
      chosen.append(ReportedLatent(latent, because: [reason]))
    }
  }

  private static func spread(
    _ count: Int, _ fires: [Int], rows: Int, contexts: Int, without named: Set<Int>
  ) -> [Int] {
    let limit = Double(rows) * densityLimit
    var candidates = fires.indices.filter { fires[$0] >= contexts && Double(fires[$0]) <= limit }
    // A run of few rows, or one whose latents are all dense, still shows something.
    if candidates.count < count { candidates = fires.indices.filter { fires[$0] > 0 } }
    candidates.removeAll(where: named.contains)
    candidates.sort { (fires[$1], $0) < (fires[$0], $1) }
    let places = min(count, candidates.count)
    return (0..<max(0, places)).map { candidates[(2 * $0 + 1) * candidates.count / (2 * places)] }
  }
}
