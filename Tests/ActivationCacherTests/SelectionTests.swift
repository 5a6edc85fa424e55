import ActivationCacher
import Shared
import Support
import Testing

/// The stored rows of a folder by (sequence, position).
private func places(_ folder: String) throws -> [Int: [Float]] {
  var result: [Int: [Float]] = [:]
  for path in try shards(folder) {
    let shard = try ActivationShard.open(path)
    var values = [Float](repeating: 0, count: shard.rows * shard.dIn)
    var span = values.mutableSpan
    shard.readRows(0..<shard.rows, into: &span)
    let (sequences, positions) = (shard.sequences(), shard.positions())
    for row in 0..<shard.rows {
      let place = Int(sequences[row]) * 16 + Int(positions[row])
      #expect(shard.tokens()[row] == tokens[place])
      #expect(result[place] == nil)
      result[place] = Array(values[row * shard.dIn..<(row + 1) * shard.dIn])
    }
  }
  return result
}

@Suite struct SelectionTests {
  private func cached(
    _ folder: borrowing TemporaryFolder, hooks: [String] = ["blocks.1.hook_resid_post"],
    _ change: (inout CacheSettings) throws -> Void = { _ in }
  ) throws -> (places: [[Int: [Float]]], details: JSON, rows: Int) {
    var pipeline = try pipeline(folder, hooks: hooks)
    try change(&pipeline.cache)
    let result = try run(pipeline)
    let manifest = try StageFolder(
      path: result.folders[0], stage: .activations, fingerprint: nil
    ).manifest(verify: .digests)
    return (try result.folders.map { try places($0) }, manifest?.details ?? .null, result.rows)
  }

  private func slice(_ text: String) throws -> PositionSlice {
    try #require(PositionSlice(setting: try JSON(parsing: Array(text.utf8))))
  }

  @Test func onlyTheWantedPositionsAreStored() throws {
    let folder = try TemporaryFolder()
    let whole = try cached(folder).places[0]
    let some = try cached(folder) { $0.seqposSlice = try slice("[1, -1, 2]") }
    #expect(whole.count == 176)
    let wanted = whole.filter { [1, 3, 5, 7, 9, 11, 13].contains($0.key % 16) }
    #expect(some.places[0] == wanted)
    #expect(some.rows == 77 && some.details["rows"] == .integer(77))
    #expect(some.details["seqpos_slice"]?.canonical == "[1,-1,2]")
  }

  @Test func autocastMakesAnotherCacheOfNearbyRows() throws {
    let folder = try TemporaryFolder()
    let plain = try cached(folder)
    let rounded = try cached(folder) { $0.autocastLM = true }
    #expect(rounded.details["autocast_lm"] == true && plain.details["autocast_lm"] == nil)
    #expect(rounded.places[0].keys.sorted() == plain.places[0].keys.sorted())
    var (difference, size) = (0.0, 0.0)
    for (place, row) in plain.places[0] {
      for (x, y) in zip(row, rounded.places[0][place] ?? []) {
        difference += Double(x - y) * Double(x - y)
        size += Double(x) * Double(x)
      }
    }
    #expect(difference > 0 && difference < 1e-4 * size)
  }

  @Test func trainingTokensCountStoredPositions() throws {
    let folder = try TemporaryFolder()
    let some = try cached(folder) {
      $0.seqposSlice = try slice("[4]")
      $0.trainingTokens = 13
    }
    #expect(some.rows == 16)
  }

  @Test func tokensThatAreLeftOutHaveNoRows() throws {
    let folder = try TemporaryFolder()
    let whole = try cached(folder).places[0]
    let some = try cached(folder) { $0.excludeSpecialTokens = .ids([3, 17, 99]) }
    let wanted = whole.filter { ![3, 17].contains(tokens[$0.key]) }
    #expect(some.places[0] == wanted && wanted.count < 176)
    #expect(some.details["excluded_tokens"]?.canonical == "[3,17,99]")
    #expect(some.details["rows"] == .integer(wanted.count))
  }

  @Test func oneHeadIsItsColumns() throws {
    let folder = try TemporaryFolder()
    let hook = "blocks.0.attn.hook_q"
    let whole = try cached(folder, hooks: [hook]).places[0]
    let head = try cached(folder, hooks: [hook]) { $0.hookHeadIndex = 2 }
    #expect(head.places[0] == whole.mapValues { Array($0[8..<12]) })
    #expect(head.details["hook_head_index"] == .integer(2))
    #expect(head.details["d_in"] == .integer(4))
  }

  @Test func aModuleIsTheHookPointOfItsOutput() throws {
    let folder = try TemporaryFolder()
    let both = try cached(
      folder, hooks: ["model.layers.1.mlp", "blocks.1.hook_mlp_out"]
    ).places
    #expect(both[0] == both[1] && both[0].count == 176)
  }

  @Test func specialTokensNeedATokenizer() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: CacheError.self) {
      _ = try cached(folder) { $0.excludeSpecialTokens = .special }
    }
    #expect(
      error?.sentence.hasPrefix("cache.exclude_special_tokens is true, but ") == true
        && error?.sentence.hasSuffix("tokenizer.json does not say which tokens are special.")
          == true
    )
    #expect(error?.hint == "Give the ids: cache.exclude_special_tokens=[0, 2].")
  }

  @Test func whatCannotBeTakenIsNamed() throws {
    let folder = try TemporaryFolder()
    let none = #expect(throws: CacheError.self) {
      _ = try cached(folder) { $0.seqposSlice = try slice("[20, 30]") }
    }
    #expect(none?.sentence == "cache.seqpos_slice [20,30] keeps none of the 16 positions.")
    let heads = #expect(throws: HookPointError.self) {
      _ = try cached(folder) { $0.hookHeadIndex = 0 }
    }
    #expect(
      heads?.sentence == "hook_head_index is set, but blocks.1.hook_resid_post has no heads.")
    let head = #expect(throws: HookPointError.self) {
      _ = try cached(folder, hooks: ["blocks.0.attn.hook_k"]) { $0.hookHeadIndex = 2 }
    }
    #expect(head?.sentence == "hook_head_index is 2, but blocks.0.attn.hook_k has 2 heads.")
    #expect(head?.hint == "Set hook_head_index to 0...1.")
    let module = #expect(throws: HookPointError.self) {
      _ = try cached(folder, hooks: ["model.layers.1.mlp"]) { $0.foldLn = true }
    }
    #expect(
      module?.sentence
        == "model.layers.1.mlp is a module of transformers, whose weights are never processed.")
  }

  @Test func processedRowsAreStored() throws {
    let folder = try TemporaryFolder()
    var plain = try pipeline(folder, model: "gpt2")
    plain.cache.hookName = "blocks.1.hook_resid_post"
    let before = try places(run(plain).folders[0])
    plain.cache.centerWritingWeights = true
    let after = try places(run(plain).folders[0])
    for (place, row) in before {
      let mean = row.reduce(0, +) / Float(row.count)
      let worst = zip(row, after[place] ?? []).map { abs($0 - mean - $1) }.max() ?? 1
      #expect(worst < 1e-5)
    }
  }
}

@Suite struct RepairTests {
  private func damaged(
    _ verification: StageFolder.Verification, keepsManifest: Bool = true,
    _ damage: (String) throws -> Void
  ) throws -> (isSame: Bool, text: String) {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    let path = try run(pipeline).folders[0]
    let before = try contentsOfFolder(path)
    try damage(path + "/" + ActivationShard.fileName(1))
    if !keepsManifest { try System.remove(path + "/manifest.json") }
    let terminal = RecordedTerminal(isInteractive: false)
    let result = try Caching(
      pipeline, verification: verification, terminal: terminal.terminal
    ).run()
    #expect(result.didWork)
    return (try contentsOfFolder(path) == before, terminal.writes.joined())
  }

  private func rewrite(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
    var bytes = try MappedFile.contents(path)
    change(&bytes)
    var file = try AtomicFile.create(path)
    try file.write(bytes.span.raw)
    try file.publishReplacing()
  }

  private func shorten(_ path: String) throws { try rewrite(path) { $0.removeLast(9) } }

  @Test func aShardOfTheWrongSizeIsMadeAgain() throws {
    let (isSame, text) = try damaged(.sizes, shorten)
    #expect(isSame)
    #expect(text.contains("bytes; its manifest says ") && text.contains(" It is made again.\n"))
  }

  @Test func aLostShardIsMadeAgain() throws {
    let (isSame, text) = try damaged(.sizes) { try System.remove($0) }
    #expect(isSame && text.contains(" It is made again.\n"))
  }

  @Test func aShardOfTheWrongHashIsMadeAgain() throws {
    let (isSame, text) = try damaged(.digests) { path in
      try rewrite(path) { $0[$0.count - 1000] ^= 1 }
    }
    #expect(isSame && text.contains(" It is made again.\n"))
  }

  @Test func aShardThatIsMadeAgainWithOtherBytesIsRemoved() throws {
    let folder = try TemporaryFolder()
    let pipeline = try pipeline(folder)
    let path = try run(pipeline).folders[0]
    let shard = path + "/" + ActivationShard.fileName(1)
    let (made, noted) = try noteAnotherHash(path, shard: 1)
    try System.remove(shard)
    for _ in 1...2 {
      let error = #expect(throws: ManifestError.self) { try run(pipeline) }
      #expect(
        error?.sentence
          == "\(shard) was made again with the SHA-256 \(made); its manifest says \(noted).")
      #expect(
        error?.hint
          == "Processors of different kinds differ in last bits: delete the folder \(path) and run "
          + "saeline-cache again.")
      #expect(!System.exists(shard))
    }
  }

  @Test func aShardThatIsCutShortBeforeTheEndIsMadeAgain() throws {
    let (isSame, text) = try damaged(.sizes, keepsManifest: false, shorten)
    #expect(isSame && text.contains("is cut short") && text.contains(" It is made again.\n"))
  }
}
