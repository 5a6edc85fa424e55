import ActivationCacher
import Shared
import Testing

@Suite("What a worker has made of a stream")
struct StreamedShardsTests {
  @Test("A sentence says how many shards were made, and how many of them again")
  func sentences() {
    #expect(StreamedShards().sentence == "made 0 shards")
    #expect(StreamedShards(count: 1).sentence == "made 1 shard")
    #expect(StreamedShards(count: 9, again: 4).sentence == "made 9 shards, 4 of them again")
  }
}
