import Pretokenizer
import Testing

private func plan(_ count: Int, seed: Int?) throws -> ShardDeal {
  try ShardDeal(sequenceCount: count, contextSize: 8, rowsPerShard: 10, seed: seed)
}

private func sequences(_ plan: ShardDeal) -> [Int] {
  (0..<plan.count).flatMap { shard in
    let places = plan.places(shard).sorted { $0.row < $1.row }
    #expect(places.map(\.row) == Array(0..<plan.rows(shard).count))
    return places.map(\.sequence)
  }
}

@Suite struct ShardDealTests {
  @Test("Shards hold every sequence once, in an order that the seed tells")
  func everySequenceOnce() throws {
    let shuffled = try plan(103, seed: 4)
    #expect(shuffled.count == 11 && shuffled.rows(10) == 100..<103)
    #expect(sequences(shuffled).sorted() == Array(0..<103))
    #expect(sequences(shuffled) != Array(0..<103))
    #expect(try sequences(shuffled) == sequences(plan(103, seed: 4)))
    #expect(try sequences(shuffled) != sequences(plan(103, seed: 5)))
    #expect(try sequences(plan(103, seed: nil)) == Array(0..<103))
  }

  @Test("The places of a shard come in the order of their sequences")
  func placesInOrder() throws {
    for shard in 0..<11 {
      let sequences = try plan(103, seed: 4).places(shard).map(\.sequence)
      #expect(sequences == sequences.sorted())
    }
  }

  @Test("A plan of billions of sequences takes no memory, and beyond 2³² it is refused")
  func large() throws {
    let largest = try ShardDeal(
      sequenceCount: 1 << 32, contextSize: 8, rowsPerShard: 1000, seed: 1)
    #expect(largest.places(4_294_967).count == 296)
    #expect(largest.places(7).allSatisfy { $0.sequence < 1 << 32 && $0.row < 1000 })
    let error = #expect(throws: TooManySequences.self) { try plan((1 << 32) + 1, seed: 1) }
    #expect(
      error?.sentence
        == "The text fills 4294967297 sequences of 8; the stages number at most 4294967296.")
    #expect(
      error?.hint
        == "Set pretokenize.context_size to a larger number, or split the text into several "
        + "pipelines.")
  }

  @Test("Threads that write shards are as many as their memory allows, at least one")
  func memory() {
    func threads(_ megabytes: Int, atMost most: Int = 100, contextSize: Int = 128) -> Int {
      ShardMemory.threads(
        atMost: most, rowsPerShard: (megabytes << 20) / (2 * contextSize),
        contextSize: contextSize, bytesPerToken: 2)
    }
    #expect(threads(64) == 3)
    #expect(threads(64, atMost: 2) == 2)
    #expect(threads(64, contextSize: 2) == 1)
    #expect(threads(1) == 28)
    #expect(threads(4000) == 1)
  }
}
