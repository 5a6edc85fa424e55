import Shared
import Support
import Testing

/// The units that a walk comes by, of which `isFree` says which are free.
private func visited(_ count: Int, start: Int = 0, isFree: (Int) -> Bool) -> [Int] {
  var walk = UnitWalk(count: count, random: Random(seed: 1, stream: "walk"), start: start)
  var units: [Int] = []
  while !walk.isOver {
    units.append(walk.index)
    if isFree(walk.index) { walk.advance() } else { walk.pass() }
  }
  return units
}

@Suite struct UnitWalkTests {
  @Test("One who has all units to itself comes by each in order, once round from any start")
  func alone() {
    #expect(visited(5) { _ in true } == [0, 1, 2, 3, 4])
    #expect(visited(5, start: 3) { _ in true } == [3, 4, 0, 1, 2])
    #expect(visited(0) { _ in true } == [])
    // Other threads had taken some since the start was chosen.
    #expect(visited(1, start: 1) { _ in true } == [0])
    #expect(visited(3, start: 7) { _ in true } == [1, 2, 0])
    #expect(visited(0, start: 2) { _ in true } == [])
  }

  @Test("Beside a few others no unit is left out")
  func few() {
    #expect(visited(60) { $0 % 16 == 15 } == Array(0..<60))
  }

  @Test("What many others have is passed in a number of steps that grows as its logarithm")
  func many() {
    let units = visited(1 << 20) { _ in false }
    #expect(units.count < 16 + 60)
    #expect(zip(units, units.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test("Behind what others have it goes on in order")
  func behind() {
    let units = visited(100_000) { $0 >= 1_000 }
    let first = units.first { $0 >= 1_000 } ?? 0
    #expect(first < 4_000)
    #expect(Array(units.drop { $0 < first }) == Array(first..<100_000))
  }
}
