// The way of one worker through units of which others have many. Comes in: how many there are, and whether the one
// at hand was free. Leaves: the next to try. With up to a thousand workers at one folder a walk past every unit
// that others have would cost each of them as many looks as there are units.

/// Goes unit by unit, and past long runs of what others have by jumps of random length that double.
package struct UnitWalk {
  /// Units in a row that others have before it jumps; so many workers make units in order.
  private static let patience = 16

  private let count: Int
  private let random: Random
  private var draws = 0
  private var misses = 0
  /// Jumps are shorter than this.
  private var reach = 1
  private var left: Int
  package private(set) var index: Int

  /// - Parameters:
  ///   - count: units.
  ///   - random: what tells this worker from others.
  ///   - start: the first unit; those before it come last. It may have been chosen among more units than are left.
  package init(count: Int, random: Random, start: Int = 0) {
    (self.count, self.random) = (count, random)
    (left, index) = (count, count > 0 ? start % count : 0)
  }

  package var isOver: Bool { left <= 0 }

  /// Goes on from a unit that was free.
  package mutating func advance() {
    (misses, reach) = (0, 1)
    step(1)
  }

  /// Goes on from a unit that others have or had.
  package mutating func pass() {
    misses += 1
    guard misses > Self.patience else { return step(1) }
    reach = min(2 * reach, count)
    draws += 1
    step(1 + random.integer(draws, below: reach))
  }

  private mutating func step(_ length: Int) {
    left -= length
    if count > 0 { index = (index + length) % count }
  }
}
