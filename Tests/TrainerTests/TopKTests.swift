import Shared
import Support
import Testing
import Trainer

@Suite struct TopKTests {
  private struct Kept: Equatable {
    var latents: [Int] = []
    var values: [Float] = []
  }

  /// Selects as the encoder does, tile by tile.
  private func select(_ k: Int, _ numbers: [Float], tile: Int) -> Kept {
    let topK = TopK(k: k)
    var latents = [Int32](repeating: -1, count: topK.capacity)
    var values = [Float](repeating: .nan, count: topK.capacity)
    var none: [Float] = []
    var scratch = none.mutableSpan
    var row = RowCandidates(latents: latents.mutableSpan, values: values.mutableSpan)
    for start in stride(from: 0, to: numbers.count, by: tile) {
      let range = start..<min(start + tile, numbers.count)
      topK.scan(numbers.span.extracting(range), first: start, &row, &scratch)
    }
    topK.finish(&row)
    let kept = 0..<row.count
    return Kept(
      latents: kept.map { Int(row.latents[$0]) }, values: kept.map { row.values[$0] })
  }

  private func sorted(_ k: Int, _ numbers: [Float]) -> Kept {
    let order = SAEReference.largest(k, of: numbers.map(Double.init)).filter { numbers[$0] > 0 }
    return Kept(latents: order, values: order.map { numbers[$0] })
  }

  private func numbers(_ count: Int, distinct: Int, seed: Int) -> [Float] {
    let random = Random(seed: seed, stream: "top-k")
    return (0..<count).map { Float(random.integer($0, below: distinct) - distinct / 3) }
  }

  @Test(arguments: [1, 2, 7, 64, 500], [3, 40, 1_000_000])
  func theLargestAreThoseOfAFullSort(k: Int, distinct: Int) {
    for count in [k, k + 1, 2 * k + 33, 1500, 4099] where count >= k {
      let values = numbers(count, distinct: distinct, seed: count)
      for tile in [16, 1000, 1024] {
        let isEqual = select(k, values, tile: tile) == sorted(k, values)
        #expect(isEqual, "\(count) numbers in tiles of \(tile)")
      }
    }
  }

  @Test func orderedNumbersAreNoSpecialCase() {
    let rising = (0..<3000).map { Float($0) }
    #expect(select(10, rising, tile: 1024).latents == Array(2990..<3000))
    #expect(select(10, rising.reversed(), tile: 1024).latents == Array(0..<10))
    #expect(select(10, [Float](repeating: 1, count: 3000), tile: 1024).latents == Array(0..<10))
  }

  @Test func numbersThatAreNotAboveZeroAreNeverKept() {
    #expect(select(4, [-1, 0, 2, -3, 0, 1], tile: 16) == Kept(latents: [2, 5], values: [2, 1]))
    #expect(select(3, [-1, -2, -3, -4], tile: 16) == Kept())
    #expect(select(2, [.nan, 5, -.infinity, .nan], tile: 16) == Kept(latents: [1], values: [5]))
  }

  @Test(arguments: [1, 5, 100, 700], [3, 1_000_000])
  func clearingLeavesTheLargestWhereTheyAre(k: Int, distinct: Int) {
    let values = numbers(700, distinct: distinct, seed: k)
    let topK = TopK(k: k)
    var cleared = [9] + values + [9]
    var latents = [Int32](repeating: 0, count: topK.capacity)
    var working = [Float](repeating: 0, count: topK.capacity)
    var clearedSpan = cleared.mutableSpan
    var row = RowCandidates(latents: latents.mutableSpan, values: working.mutableSpan)
    topK.clearAllButLargest(&clearedSpan, 1..<701, &row)
    let kept = Set(SAEReference.largest(k, of: values.map(Double.init)))
    let expected = [9] + values.enumerated().map { kept.contains($0) ? $1 : 0 } + [9]
    #expect(cleared == expected)
  }
}
