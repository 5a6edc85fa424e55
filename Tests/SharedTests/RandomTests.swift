import Foundation
import Shared
import Testing

@Suite struct RandomTests {
  @Test("A number is a function of seed, stream, index and counter alone")
  func pure() {
    let random = Random(seed: 42, stream: "rows", index: 3)
    let again = Random(seed: 42, stream: "rows", index: 3)
    #expect((0..<100).allSatisfy { random[$0] == again[$0] })
    let others = [
      Random(seed: 43, stream: "rows", index: 3), Random(seed: 42, stream: "row", index: 3),
      Random(seed: 42, stream: "rows", index: 4),
    ]
    for other in others { #expect((0..<100).allSatisfy { random[$0] != other[$0] }) }
  }

  @Test("The numbers of a stream never change from version to version")
  func pinned() {
    let random = Random(seed: 1, stream: "pinned")
    #expect(
      [random[0], random[1], random[1 << 40]] == [
        13_243_430_823_018_611_542, 13_905_153_382_818_768_151, 15_113_457_028_083_389_889,
      ])
    #expect(random.permutation(8) == [0, 7, 6, 1, 2, 5, 3, 4])
  }

  @Test("Uniform numbers fill their range evenly")
  func uniform() {
    let random = Random(seed: 5, stream: "uniform")
    let count = 100_000
    var bins = [Int](repeating: 0, count: 20)
    for index in 0..<count {
      let value = random.uniform(index)
      #expect(value >= 0 && value < 1)
      bins[Int(value * 20)] += 1
    }
    // Chi squared with 19 degrees of freedom; 43.8 is passed once in a thousand.
    let expected = Double(count) / 20
    #expect(bins.reduce(0) { $0 + pow(Double($1) - expected, 2) / expected } < 43.8)
  }

  @Test("Integers stay below their bound and reach all of it", arguments: [1, 2, 7, 1000])
  func integers(_ bound: Int) {
    let random = Random(seed: 6, stream: "integers")
    let values = Set((0..<bound * 20).map { random.integer($0, below: bound) })
    #expect(values.min() == 0 && values.max() == bound - 1)
  }

  @Test("Normal numbers have mean 0, variance 1 and kurtosis 3")
  func normal() {
    let random = Random(seed: 7, stream: "normal")
    let values = (0..<100_000).map { random.normal($0) }
    func moment(_ power: Double) -> Double {
      values.reduce(0) { $0 + pow($1, power) } / Double(values.count)
    }
    #expect(abs(moment(1)) < 0.013)
    #expect(abs(moment(2) - 1) < 0.018)
    #expect(abs(moment(4) - 3) < 0.13)
  }

  @Test("A permutation holds every index once", arguments: [0, 1, 2, 1000])
  func permutation(_ count: Int) {
    let order = Random(seed: 8, stream: "order").permutation(count)
    #expect(order.sorted() == (0..<UInt32(count)).map { $0 })
  }

  @Test("Every place of a permutation is equally likely for every index")
  func uniformPermutation() {
    var counts = [[Int]](repeating: [Int](repeating: 0, count: 5), count: 5)
    for index in 0..<20_000 {
      let order = Random(seed: 9, stream: "order", index: index).permutation(5)
      for (place, value) in order.enumerated() { counts[place][Int(value)] += 1 }
    }
    // Six standard deviations of a binomial count.
    for row in counts { for count in row { #expect(abs(count - 4000) < 340) } }
  }

  @Test("A keyed permutation takes every index to another place")
  func permutedIsABijection() {
    for bound in 1...2000 {
      let random = Random(seed: bound, stream: "keyed")
      let places = Set((0..<bound).map { random.permuted($0, below: bound) })
      #expect(places.count == bound && places.min() == 0 && places.max() == bound - 1)
    }
    let random = Random(seed: 1, stream: "keyed")
    let large = 1 << 40 + 12345
    let places = (0..<1000).map { random.permuted($0, below: large) }
    #expect(Set(places).count == 1000 && places.allSatisfy { $0 >= 0 && $0 < large })
  }

  @Test("A keyed permutation never changes from version to version")
  func permutedIsPinned() {
    let random = Random(seed: 1, stream: "pinned")
    #expect((0..<10).map { random.permuted($0, below: 10) } == [7, 8, 3, 4, 2, 5, 6, 9, 1, 0])
    #expect(
      (0..<3).map { random.permuted($0, below: 1_000_000_007) } == [
        810_573_453, 140_296_886, 444_943_789,
      ])
  }

  @Test("Every place of a keyed permutation is equally likely for every index", arguments: 2...9)
  func permutedPlaces(_ bound: Int) {
    let trials = 40_000
    var counts = [[Int]](repeating: [Int](repeating: 0, count: bound), count: bound)
    for index in 0..<trials {
      let random = Random(seed: 3, stream: "places", index: index)
      for value in 0..<bound { counts[value][random.permuted(value, below: bound)] += 1 }
    }
    let expected = Double(trials) / Double(bound)
    // Six standard deviations of a binomial count.
    let allowed = 6 * (expected * (1 - 1 / Double(bound))).squareRoot()
    for row in counts { for count in row { #expect(abs(Double(count) - expected) < allowed) } }
  }

  @Test("Neighbors of a keyed permutation lie at any distance, and long orders are mixed")
  func permutedNeighbors() {
    let bound = 100_003
    let random = Random(seed: 4, stream: "neighbors")
    let places = (0..<bound).map { random.permuted($0, below: bound) }
    func chiSquared(_ values: [Int]) -> Double {
      var bins = [Int](repeating: 0, count: 64)
      for value in values { bins[value * 64 / bound] += 1 }
      let expected = Double(values.count) / 64
      return bins.reduce(0) { $0 + pow(Double($1) - expected, 2) / expected }
    }
    // Chi squared with 63 degrees of freedom; 103.4 is passed once in a thousand.
    for distance in [1, 2, 3, 64, 1024] {
      let steps = (0..<bound - distance).map {
        (places[$0 + distance] - places[$0] + bound) % bound
      }
      #expect(chiSquared(steps) < 103.4, "distance \(distance)")
    }
    for start in stride(from: 0, to: bound - 10_000, by: 10_000) {
      #expect(chiSquared(Array(places[start..<start + 10_000])) < 103.4, "from \(start)")
    }
  }
}
