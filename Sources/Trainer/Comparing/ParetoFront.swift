// Runs that no other run beats. Comes in: points, lower x being better, and which way y is. Leaves: which of
// them are on the front.

enum ParetoFront {
  /// For each point whether no other is at least as good in both and better in one.
  static func marks(_ points: [(x: Double, y: Double)], better: Figure.Better) -> [Bool] {
    let sign = better == .lower ? -1.0 : 1.0
    return points.map { point in
      !points.contains { other in
        other.x <= point.x && sign * other.y >= sign * point.y
          && (other.x < point.x || sign * other.y > sign * point.y)
      }
    }
  }
}
