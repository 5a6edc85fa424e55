import Shared
import Testing
import Trainer

@Suite("The loader")
struct LoaderTests {
  /// The batches from `firstStep` on, each as its values.
  private func batches(
    _ cache: SyntheticCache, firstStep: Int = 0, count: Int, batchRows: Int = 32,
    heldOut: HeldOut = HeldOut(fraction: 0), scale: Double = 1
  ) throws -> [[Float]] {
    let source = try cache.source
    let filter = RowFilter(heldOut: heldOut)
    var plan = LoaderPlan(
      shards: source.shards, dIn: cache.dIn,
      order: RowOrder(seed: 9, sizes: try source.trainableRows(filter)), filter: filter)
    plan.normalization = Normalization(factor: scale)
    let loader = Loader(plan, batchRows: batchRows, firstStep: firstStep)
    return try loader.run {
      try (0..<count).map { _ in
        try loader.withNextBatch { batch, _ in batch.indices.map { batch[$0] } }
      }
    }
  }

  private func numbers(_ batches: [[Float]], dIn: Int) -> [Int] {
    batches.flatMap { batch in
      stride(from: 0, to: batch.count, by: dIn).map { Int(batch[$0]) }
    }
  }

  @Test("An epoch serves every row exactly once, and the next one again", arguments: [1, 3, 11])
  func everyRowOnce(shards: Int) throws {
    let cache = try SyntheticCache(shards: shards, sequencesPerShard: 4, rows: .numbered)
    let rows = shards * cache.rowsPerShard
    let served = numbers(
      try batches(cache, count: 2 * rows / 32), dIn: cache.dIn)
    #expect(served.count == 2 * rows)
    #expect(served[..<rows].sorted() == Array(0..<rows))
    #expect(served[rows...].sorted() == Array(0..<rows))
    #expect(Array(served[..<rows]) != Array(served[rows...]))
  }

  @Test("Batches have the asked size also where epochs do not divide")
  func exactBatches() throws {
    let cache = try SyntheticCache(shards: 2, sequencesPerShard: 3, rows: .numbered)
    let batches = try batches(cache, count: 9, batchRows: 25)
    #expect(batches.allSatisfy { $0.count == 25 * cache.dIn })
    let served = numbers(batches, dIn: cache.dIn)
    #expect(served[..<96].sorted() == Array(0..<96))
    #expect(served[96..<192].sorted() == Array(0..<96))
  }

  @Test("Starting at a step gives the batches that follow it")
  func resuming() throws {
    let cache = try SyntheticCache(shards: 3, sequencesPerShard: 5, rows: .numbered)
    let whole = try batches(cache, count: 20)
    for step in [1, 7, 8, 15] {
      #expect(try batches(cache, firstStep: step, count: 20 - step) == Array(whole[step...]))
    }
  }

  @Test("The number of threads does not enter the order")
  func threads() throws {
    let cache = try SyntheticCache(rows: .numbered)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    Parallel.threadCount = 1
    let one = try batches(cache, count: 30)
    Parallel.threadCount = 7
    #expect(try batches(cache, count: 30) == one)
  }

  @Test("Held-out sequences are never served, all others are")
  func heldOut() throws {
    let cache = try SyntheticCache(rows: .numbered)
    let heldOut = HeldOut(fraction: 0.3)
    let source = try cache.source
    let rows = try source.trainableRows(RowFilter(heldOut: heldOut)).reduce(0, +)
    let served = numbers(
      try batches(cache, count: rows / 16, batchRows: 16, heldOut: heldOut), dIn: cache.dIn)
    let trained = (0..<3 * cache.rowsPerShard).filter {
      !heldOut.contains(sequence: UInt32($0 / SyntheticCache.contextSize))
    }
    #expect(served.sorted() == trained)
    #expect(trained.count < 3 * cache.rowsPerShard)
  }

  @Test(
    "Rows arrive widened and scaled",
    arguments: [
      TensorType.float32, .float16, .bfloat16, .int8,
    ])
  func values(type: TensorType) throws {
    let cache = try SyntheticCache(shards: 1, sequencesPerShard: 2, type: type)
    let rows = try batches(cache, count: 1, scale: 2)[0]
    let source = try cache.source
    let shard = try ActivationShard.open(source.shards[0].path)
    var expected: [[Float]] = []
    for row in 0..<32 {
      var values = [Float](repeating: 0, count: cache.dIn)
      var span = values.mutableSpan
      shard.readRows(row..<row + 1, into: &span)
      expected.append(values.map { 2 * $0 })
    }
    let served = (0..<32).map { Array(rows[$0 * cache.dIn..<($0 + 1) * cache.dIn]) }
    #expect(
      served.sorted { $0.lexicographicallyPrecedes($1) }
        == expected.sorted { $0.lexicographicallyPrecedes($1) })
  }

  @Test("A shard that cannot be read ends the run with its error")
  func damagedShard() throws {
    let cache = try SyntheticCache(shards: 1)
    let path = try #require(try cache.source.shards.first).path
    let byteCount = try System.status(path).byteCount
    try AtomicFile.replace(path, with: String(repeating: "x", count: byteCount))
    #expect(throws: SafetensorsError.self) { try batches(cache, count: 2) }
  }
}
