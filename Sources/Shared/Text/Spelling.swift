// What a person probably meant: the nearest of the words that exist.

package enum Spelling {
  /// The candidate nearest to `word`, or else the shortest that starts with it.
  ///
  /// Nil where neither is near enough to be meant.
  package static func nearest(_ word: String, in candidates: some Sequence<String>) -> String? {
    // Nothing that exists is as long as this, and the time grows with its length.
    if word.utf8.count > 100 { return nil }
    let limit = max(1, word.count / 3)
    var best: (word: String, distance: Int)?
    for candidate in candidates {
      let distance = distance(word.lowercased(), candidate.lowercased())
      if distance <= limit && distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    if let best { return best.word }
    if word.count < 3 { return nil }
    return candidates.filter { $0.hasPrefix(word) }.min { $0.count < $1.count }
  }

  /// Insertions, deletions, replacements and swaps of neighbors that lead from `a` to `b`.
  package static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          cost = min(cost, beforeLast[j - 1] + 1)
        }
        row.append(cost)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }

  /// "a", "a or b", "a, b or c".
  package static func alternatives(_ words: [String], _ conjunction: String = "or") -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
  }
}
