import ActivationCacher
import Shared
import Testing

@Suite struct ShardPlanTests {
  private func settings(
    tokens: Int, batch: Int, gigabytes: Double, type: StorageType = .float32
  ) -> CacheSettings {
    var settings = CacheSettings()
    settings.trainingTokens = tokens
    settings.modelBatchSize = batch
    settings.bufferSizeGB = gigabytes
    settings.dtype = type
    return settings
  }

  /// 2·10⁹ / (768 · 4) = 651,041 rows, rounded down to whole batches of 32 · 128.
  @Test func aShardIsASAELensBuffer() {
    let plan = ShardPlan(
      settings(tokens: 10_000_000, batch: 32, gigabytes: 2), modelWidth: 768, contextSize: 128)
    #expect(plan.sequencesPerShard == 647_168 / 128)
    #expect(plan.sequenceCount == 78_125)
    #expect(plan.shardCount == 16)
    #expect(plan.rows(0) == 647_168)
    #expect((0..<plan.shardCount).reduce(0) { $0 + plan.rows($1) } == 10_000_000)
  }

  @Test func aNarrowTypeHasLongerShards() {
    let plan = ShardPlan(
      settings(tokens: 10_000_000, batch: 32, gigabytes: 2, type: .bfloat16), modelWidth: 768,
      contextSize: 128)
    #expect(plan.sequencesPerShard * 128 == 1_298_432)
    // 2·10⁹ / (768 + 4) = 2,590,673 rows: the scale of a row counts.
    let narrowest = ShardPlan(
      settings(tokens: 10_000_000, batch: 32, gigabytes: 2, type: .int8), modelWidth: 768,
      contextSize: 128)
    #expect(narrowest.sequencesPerShard * 128 == 2_588_672)
  }

  @Test func aBufferBelowABatchHoldsOneBatch() {
    let plan = ShardPlan(
      settings(tokens: 1000, batch: 8, gigabytes: 1e-9), modelWidth: 768, contextSize: 16)
    #expect(plan.sequencesPerShard == 8)
    #expect(plan.sequences(7) == 56..<63)
    #expect(plan.shardCount == 8)
  }

  @Test func howeverLargeBufferAndBatchAreTheRowsOfAShardCanBeNumbered() {
    for (batch, gigabytes) in [(1, 1e300), (1_000_000_000_000_000, 2), (1 << 50, 1e300)] {
      let plan = ShardPlan(
        settings(tokens: 1 << 40, batch: batch, gigabytes: gigabytes), modelWidth: 768,
        contextSize: 128)
      #expect(plan.sequencesPerShard == 33_554_431)
      #expect(plan.rows(0) == 1 << 32 - 128)
    }
  }

  @Test func noMoreSequencesAreTakenThanThereAre() {
    let plan = ShardPlan(
      settings(tokens: 1000, batch: 8, gigabytes: 1), modelWidth: 768, contextSize: 16,
      available: 10)
    #expect(plan.sequenceCount == 10 && plan.shardCount == 1 && plan.rowCount == 160)
  }
}
