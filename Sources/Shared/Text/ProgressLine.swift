// The line about a stage in progress. Comes in: what there is to say, each with a longer and a shorter
// form and a rank. Leaves: as much of it as a terminal's line holds, or all of it for a file.

/// One thing that a line of progress says.
package struct ProgressFact: Sendable, Equatable {
  package let text: String
  /// Where there is no room for the text.
  package let short: String
  /// Those of a higher rank are left out first.
  package let rank: Int

  package init(_ text: String, short: String? = nil, rank: Int) {
    self.text = text
    self.short = short ?? text
    self.rank = rank
  }
}

/// A line in the making.
struct ProgressLine {
  let stage: String
  let facts: [ProgressFact]
  /// What is said last, if there is room for a bar as well, and where it stands among the facts.
  var extra: (fact: ProgressFact, position: Int)?
  /// How much is done, from 0 to 1.
  let fraction: Double

  private static let gap = "  "
  private static let barWidths = 8...30

  /// For a file.
  var plain: String {
    var all = facts
    if let extra { all.insert(extra.fact, at: extra.position) }
    return "\(stage): " + all.map(\.text).joined(separator: ", ")
  }

  /// For a terminal's line that holds so many characters.
  func live(width: Int) -> String {
    let chosen = chosen(width: width)
    guard chosen.count == facts.count else {
      return String(joined(bar: nil, chosen).prefix(width))
    }
    let texts = lengthened(width: width)
    if let extra {
      var all = texts
      all.insert(extra.fact.text, at: extra.position)
      if let bar = bar(beside: all, width: width) { return joined(bar: bar, all) }
    }
    return joined(bar: bar(beside: texts, width: width), texts)
  }

  /// The short forms of those that fit, the most important first, in the order of the line.
  private func chosen(width: Int) -> [String] {
    var left = width - stage.count
    var chosen: Set<Int> = []
    for index in byRank {
      left -= ProgressLine.gap.count + facts[index].short.count
      if left < 0 { break }
      chosen.insert(index)
    }
    return chosen.sorted().map { facts[$0].short }
  }

  /// All facts, in their longer forms as far as there is room.
  private func lengthened(width: Int) -> [String] {
    var texts = facts.map(\.short)
    var left = width - joined(bar: nil, texts).count
    for index in byRank {
      let more = facts[index].text.count - facts[index].short.count
      if more > left { continue }
      texts[index] = facts[index].text
      left -= more
    }
    return texts
  }

  private var byRank: [Int] { facts.indices.sorted { (facts[$0].rank, $0) < (facts[$1].rank, $1) } }

  private func joined(bar: String?, _ texts: [String]) -> String {
    ([stage] + [bar].compactMap(\.self) + texts).joined(separator: ProgressLine.gap)
  }

  /// A bar that fills what the texts leave; nil where that is too little to see anything.
  private func bar(beside texts: [String], width: Int) -> String? {
    let room = min(
      ProgressLine.barWidths.upperBound,
      width - joined(bar: nil, texts).count - ProgressLine.gap.count)
    guard room >= ProgressLine.barWidths.lowerBound else { return nil }
    let filled = Int((fraction * Double(room)).rounded(.down))
    return String(repeating: "█", count: filled) + String(repeating: "░", count: room - filled)
  }
}
