import Shared
import Testing
import Trainer

@Suite struct RowFilterTests {
  /// The kept rows of every shard, as numbers over all shards.
  private func kept(_ cache: SyntheticCache, _ change: (inout TrainSettings) -> Void) throws
    -> [Int]
  {
    change(&cache.pipeline.train)
    let source = try cache.source
    let filter = try RowFilter.make(
      cache.pipeline.train, source, store: Store(cache.pipeline.store))
    var numbers: [Int] = []
    for shard in source.shards {
      let content = try ActivationShard.open(shard.path)
      for row in try filter.rows(of: try ActivationReader.open(shard.path)) {
        numbers.append(
          Int(content.sequences()[Int(row)]) * SyntheticCache.contextSize
            + Int(content.positions()[Int(row)]))
      }
    }
    return numbers.sorted()
  }

  @Test func positionsOutsideOfASliceAreLeftOut() throws {
    let cache = try SyntheticCache(shards: 2, sequencesPerShard: 3, rows: .numbered)
    let slice = try #require(PositionSlice(setting: .array([.integer(1), .integer(4)])))
    let rows = try kept(cache) { $0.seqposSlice = slice }
    #expect(rows == (0..<6).flatMap { sequence in (1..<4).map { sequence * 16 + $0 } })
  }

  @Test func listedTokensAreLeftOut() throws {
    let cache = try SyntheticCache(shards: 2, sequencesPerShard: 3, rows: .numbered)
    let all = try kept(cache) { _ in }
    let source = try cache.source
    let shard = try ActivationShard.open(source.shards[0].path)
    let token = shard.tokens()[0]
    let count = try source.shards.reduce(0) { sum, shard in
      sum + (try ActivationShard.open(shard.path).tokens().count { $0 == token })
    }
    let rows = try kept(cache) { $0.excludeSpecialTokens = .ids([Int(token)]) }
    #expect(count > 0 && rows.count == all.count - count)
  }

  @Test func rowsFarAboveTheMedianNormAreLeftOut() throws {
    let cache = try SyntheticCache(shards: 2, sequencesPerShard: 3, rows: .numbered)
    // The norm of row n is √(n² + 7); the median of 96 rows is that of row 48.
    let rows = try kept(cache) { $0.maxNormMultiple = 1.5 }
    #expect(rows == Array(0...72))
  }

  @Test func specialTokensNeedTheTokenizer() throws {
    let cache = try SyntheticCache(shards: 1, sequencesPerShard: 2)
    cache.pipeline.train.excludeSpecialTokens = .special
    let source = try cache.source
    #expect(throws: RowFilterError.noTokenizer(folder: source.folder)) {
      _ = try RowFilter.make(
        cache.pipeline.train, source, store: Store(cache.pipeline.store))
    }
    let error = RowFilterError.noTokenizer(folder: "f")
    #expect(
      error.sentence
        == "train.exclude_special_tokens is true, but the store lacks the tokens behind f.")
    #expect(error.hint == "Give the ids: train.exclude_special_tokens=[0, 2].")
  }
}
