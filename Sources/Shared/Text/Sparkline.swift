// A curve in one word. Comes in: numbers. Leaves: a block character for each, higher for higher ones.

package enum Sparkline {
  private static let blocks = Array("▁▂▃▄▅▆▇█")

  /// Between the least and the greatest of the values; those below `floor` are drawn at it.
  package static func text(_ values: [Double], floor: Double = -.infinity) -> String {
    let values = values.filter(\.isFinite).map { max($0, floor) }
    guard let least = values.min(), let greatest = values.max() else { return "" }
    let range = greatest - least
    return String(
      values.map { value in
        guard range > 0, range.isFinite else { return blocks[blocks.count / 2] }
        let place = (value - least) / range * Double(blocks.count)
        return blocks[min(blocks.count - 1, Int(place))]
      })
  }
}
