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
}
