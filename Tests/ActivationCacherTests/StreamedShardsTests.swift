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

  @Test("The result tells it of a stream alone")
  func result() {
    var result = CacheResult(folders: ["a"], rows: 5, tokensPerSecond: 2, didWork: true)
    #expect(result.json["shards_made"] == nil)
    result.streamed = StreamedShards(count: 9, again: 4)
    #expect(result.json["shards_made"] == .integer(9))
    #expect(result.json["made_again"] == .integer(4))
  }
}
