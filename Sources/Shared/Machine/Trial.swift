// How long something takes on this machine, for bills. Comes in: something that can be done again and again.
// Leaves: the seconds of a usual turn.

package enum Trial {
  /// For how long turns are repeated, unless two of them take longer; a bill of a sweep tries many things.
  private static let seconds = 0.02

  /// The median of what `turn` says that it took; the first turn, which takes memory, does not count.
  package static func median(_ turn: () throws -> Double) rethrows -> Double {
    _ = try turn()
    let start = System.uptime
    var taken: [Double] = []
    repeat { taken.append(try turn()) } while taken.count < 2 || System.uptime - start < seconds
    taken.sort()
    return taken[(taken.count - 1) / 2]
  }
}
