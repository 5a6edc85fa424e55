import Foundation
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
    let plan = LoaderPlan(
      PairedShards(source),
      order: RowOrder(seed: 9, sizes: try TrainableRows(source, filter: filter).sizes),
      filter: filter, normalization: Normalization(factor: scale))
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
    let rows = try TrainableRows(source, filter: RowFilter(heldOut: heldOut)).sizes.reduce(0, +)
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

  @Test("A shard that is not the one of its manifest ends the run when it is first read")
  func damagedShard() throws {
    let cache = try SyntheticCache(shards: 2, sequencesPerShard: 4)
    let path = try cache.source.shards[1].path
    let listed = try Digest.ofFile(path)
    try damage(path, "activations", 5, [1])
    let error = #expect(throws: ManifestError.self) { try batches(cache, count: 4) }
    #expect(
      error?.sentence
        == "\(path) has the SHA-256 \(try Digest.ofFile(path)); its manifest says \(listed).")
    #expect(
      error?.hint == "Run saeline-cache again with --verify, which makes again what is damaged.")
  }

  @Test("A shard that cannot be read ends the run with its error")
  func unreadableShard() throws {
    let cache = try SyntheticCache(shards: 1)
    let plan = try plan(cache)
    let path = try cache.source.shards[0].path
    let byteCount = try System.status(path).byteCount
    try AtomicFile.replace(path, with: String(repeating: "x", count: byteCount))
    #expect(failure(plan)[0]?.hasPrefix(path) == true)
  }

  // MARK: - Faults

  /// Puts bytes into a tensor of a shard, from element `index` on.
  private func damage(
    _ path: String, _ tensor: String, _ index: Int, _ bytes: [UInt8]
  ) throws {
    let entry = try #require(try SafetensorsFile.open(path).header.tensors[tensor])
    var content = try MappedFile.contents(path)
    let start = entry.range.lowerBound + index * entry.type.byteCount
    content.replaceSubrange(start..<start + bytes.count, with: bytes)
    try Data(content).write(to: URL(fileURLWithPath: path))
  }

  /// The error of a loader that goes through the shards of a plan.
  private func failure(_ plan: LoaderPlan, between: () throws -> Void = {}) -> [String?] {
    let loader = Loader(plan, batchRows: 32, firstStep: 0)
    do {
      try loader.run {
        try loader.withNextBatch { _, _ in }
        try between()
        for _ in 0..<3 * plan.order.rowsPerEpoch / 32 { try loader.withNextBatch { _, _ in } }
      }
      return ["no error"]
    } catch let failure as any Failure {
      return [failure.sentence, failure.hint]
    } catch { return ["\(error)"] }
  }

  /// A plan over shards as they are, whatever their manifest says.
  private func plan(_ cache: SyntheticCache, targets: SyntheticCache? = nil) throws -> LoaderPlan {
    let (source, targets) = (try cache.source, try targets?.source)
    let filter = RowFilter(heldOut: HeldOut(fraction: 0))
    return LoaderPlan(
      PairedShards(
        shards: source.shards, dIn: source.facts.dIn, targets: targets?.shards ?? [],
        dOut: targets?.facts.dIn ?? 0),
      order: RowOrder(seed: 9, sizes: try TrainableRows(source, filter: filter).sizes),
      filter: filter)
  }

  static let damages: [(type: TensorType, tensor: String, index: Int, bytes: [UInt8])] = [
    (.float32, "activations", 7 * 8 + 3, [0, 0, 0xC0, 0x7F]),
    (.float32, "activations", 7 * 8, [0, 0, 0x80, 0xFF]),
    (.bfloat16, "activations", 7 * 8 + 7, [0xC0, 0x7F]),
    (.bfloat16, "activations", 7 * 8, [0x80, 0x7F]),
    (.float16, "activations", 7 * 8 + 1, [0, 0x7E]),
    (.float16, "activations", 7 * 8 + 1, [0, 0xFC]),
    (.int8, "scales", 7, [0, 0, 0xC0, 0x7F]),
    (.int8, "scales", 7, [0, 0, 0x80, 0x7F]),
  ]

  @Test("NaN and infinity are named by shard and row, in every type", arguments: damages)
  func notFinite(_ type: TensorType, _ tensor: String, _ index: Int, _ bytes: [UInt8]) throws {
    let cache = try SyntheticCache(shards: 2, sequencesPerShard: 4, type: type)
    let path = try cache.source.shards[1].path
    try damage(path, tensor, index, bytes)
    let expected = [
      "\(path), row 7: not finite, NaN or infinity.",
      "Cache the activations again in bfloat16 or float32, or look at the model's weights.",
    ]
    #expect(failure(try plan(cache)) == expected)
  }

  @Test("NaN among the targets of a transcoder is named by their shard and row")
  func targetNotFinite() throws {
    let cache = try SyntheticCache(shards: 2, sequencesPerShard: 4)
    let targets = try SyntheticCache(shards: 2, sequencesPerShard: 4, dIn: 4, type: .bfloat16)
    let path = try targets.source.shards[0].path
    try damage(path, "activations", 9 * 4, [0xC0, 0x7F])
    let sentence = failure(try plan(cache, targets: targets))[0]
    #expect(sentence == "\(path), row 9: not finite, NaN or infinity.")
  }

  @Test("Large numbers whose squares overflow are no NaN")
  func large() throws {
    let cache = try SyntheticCache(shards: 1, sequencesPerShard: 4, type: .bfloat16)
    try damage(try cache.source.shards[0].path, "activations", 0, [0x00, 0x7F])
    #expect(failure(try plan(cache)) == ["no error"])
  }

  @Test(
    "A shard that is cut short while it is read ends in a sentence", arguments: [1000, 3_000_000])
  func truncated(_ byteCount: Int) throws {
    // Larger than what is read at once.
    let cache = try SyntheticCache(shards: 1, sequencesPerShard: 200, dIn: 512, rows: .numbered)
    let path = try cache.source.shards[0].path
    let whole = try System.status(path).byteCount
    let plan = try plan(cache)
    let found = failure(plan) {
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try file.truncate(atOffset: UInt64(byteCount))
      try file.close()
    }
    #expect(
      found == [
        "\(path) was cut short while it was read: it ends at byte \(byteCount) instead of \(whole).",
        "Run saeline-cache again, which makes the shard anew, then this command.",
      ])
  }

  @Test("A shard that is unlinked is read to its end, and missed when it is opened again")
  func unlinked() throws {
    let cache = try SyntheticCache(shards: 1, sequencesPerShard: 200, dIn: 512, rows: .numbered)
    let path = try cache.source.shards[0].path
    let plan = try plan(cache)
    let served = failure(plan) { try System.remove(path) }
    // The only shard stays open from epoch to epoch.
    #expect(served == ["no error"])
    #expect(failure(plan)[0] == "\(path) does not exist.")
  }

  @Test("A shard that is replaced by another ends the run when it is opened again")
  func replaced() throws {
    // More than are open at a time.
    let cache = try SyntheticCache(shards: 20, sequencesPerShard: 4)
    let paths = try cache.source.shards.map(\.path)
    let plan = try plan(cache)
    let found = failure(plan) {
      for path in paths {
        try FileManager.default.copyItem(atPath: path, toPath: path + ".new")
        try System.rename(path + ".new", to: path)
      }
    }
    let sentence = try #require(found[0])
    #expect(sentence.hasSuffix(".safetensors was replaced by another file during the run."))
    #expect(
      found[1]
        == "Run saeline-cache with --verify, which makes again what is damaged, then this command.")
  }
}
