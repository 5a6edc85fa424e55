// Chooses where a latent is shown: its highest activations, and some of each quarter of them. Comes in: the
// entries of all latents, the sequences of tokens. Leaves: contexts, the same whatever the order of the rows.

import Shared

/// The contexts of latents.
struct LatentContexts: Sendable {
  /// Contexts of each quarter of a latent's activations.
  static let perQuarter = 2

  let entries: LatentEntries
  /// The tokens of the sequences that the entries' rows belong to.
  let sequences: [UInt32: [UInt32]]
  /// The tokens that stand for no text.
  let special: Set<UInt32>
  /// Contexts of the highest activations, one a sequence.
  let limit: Int

  /// What is shown of a latent: the highest activations, and those of each quarter, the highest first.
  struct Choice: Sendable, Equatable {
    var highest: [LatentContext] = []
    var quarters: [[LatentContext]] = []
    /// The activations at which quarters begin and the last one ends, falling.
    var bounds: [Float] = []
  }

  func choose(_ latent: Int) -> Choice {
    guard !sequences.isEmpty else { return Choice() }
    let order = order(latent)
    var seen: Set<UInt32> = []
    var highest: [Int] = []
    for entry in order where highest.count < limit {
      if seen.insert(entries.row(entry).place.sequence).inserted { highest.append(entry) }
    }
    var choice = Choice(highest: highest.compactMap { context($0, of: latent) })
    guard order.count > 2 * limit else { return choice }
    choice.bounds = (0...4).map { quarter in
      entries.value(order[min(order.count - 1, order.count * quarter / 4)])
    }
    let shown = Set(highest)
    choice.quarters = (0..<4).map { quarter in
      let part = order[order.count * quarter / 4..<order.count * (quarter + 1) / 4]
      let places = (0..<LatentContexts.perQuarter).map { index in
        part.startIndex + (2 * index + 1) * part.count / (2 * LatentContexts.perQuarter)
      }
      return places.map { order[$0] }.filter { !shown.contains($0) }
        .compactMap { context($0, of: latent) }
    }
    return choice
  }

  /// The entries of a latent by falling activation, of equal ones the earlier in the corpus first.
  ///
  /// Those on tokens without text are left out, unless the latent fires mostly on these.
  private func order(_ latent: Int) -> [Int] {
    let range = entries.range(of: latent)
    let withText = range.filter { !special.contains(entries.row($0).token) }
    let chosen = 2 * withText.count >= range.count ? withText : Array(range)
    return chosen.sorted { first, second in
      let (a, b) = (entries.value(first), entries.value(second))
      if a != b { return a > b }
      let (p, q) = (entries.row(first).place, entries.row(second).place)
      return (p.sequence, p.position) < (q.sequence, q.position)
    }
  }

  private func context(_ entry: Int, of latent: Int) -> LatentContext? {
    let place = entries.row(entry).place
    guard let tokens = sequences[place.sequence], Int(place.position) < tokens.count else {
      return nil
    }
    var around: [Int: Float] = [:]
    for other in entries.range(of: latent) {
      let row = entries.row(other).place
      guard row.sequence == place.sequence else { continue }
      around[Int(row.position)] = entries.value(other)
    }
    return LatentContext(
      place, value: entries.value(entry), in: tokens, special: special
    ) { around[$0] ?? 0 }
  }
}
