import Shared
import Testing

@Suite struct ActivationChoicesTests {
  private func settings(_ overrides: String...) throws -> CacheSettings {
    try PipelineFile(parsing: Array("{}".utf8), path: "x.json5", overrides: overrides)
      .pipeline.cache
  }

  @Test(arguments: [
    ("[null]", Array(0..<8)), ("[3]", [0, 1, 2]), ("[1, 4]", [1, 2, 3]), ("[5, null]", [5, 6, 7]),
    ("[-2, null]", [6, 7]), ("[null, -6]", [0, 1]), ("[0, 8, 3]", [0, 3, 6]),
    ("[2, 100]", [2, 3, 4, 5, 6, 7]),
    ("[null, null, 4]", [0, 4]), ("[-100, 1]", [0]), ("[6, 2]", []), ("null", Array(0..<8)),
  ])
  func positionsAreThoseOfAPythonSlice(text: String, expected: [Int]) throws {
    let slice = try settings("cache.seqpos_slice=\(text)").seqposSlice
    #expect(slice.positions(contextSize: 8) == expected)
  }

  @Test(arguments: [
    "[0, 8, 0]", "[0, 8, -1]", "[1, null, -9223372036854775808]", "[1, 2, 3, 4]", "[]", "[\"a\"]",
    "3",
  ])
  func whatIsNoSliceIsRefused(text: String) throws {
    let error = try #require(throws: PipelineError.self) {
      _ = try settings("cache.seqpos_slice=\(text)")
    }
    #expect(error.sentence.contains("seqpos_slice"))
  }

  @Test func tokensAreLeftOutByRoleOrById() throws {
    #expect(try settings().excludeSpecialTokens == .none)
    #expect(try settings("cache.exclude_special_tokens=true").excludeSpecialTokens == .special)
    #expect(
      try settings("cache.exclude_special_tokens=[7, 2, 7]").excludeSpecialTokens == .ids([2, 7]))
    #expect(try settings("cache.exclude_special_tokens=[]").excludeSpecialTokens == .none)
  }

  @Test func optionsOfFromPretrainedStandForTheSettingsOfProcessing() throws {
    let processed = try settings(
      "cache.model_from_pretrained_kwargs={\"fold_ln\": true, \"center_writing_weights\": true}")
    #expect(processed.foldLn && processed.centerWritingWeights)
    #expect(!processed.centerUnembed && !processed.foldValueBiases)
    let direct = try settings("cache.fold_ln=true", "cache.center_writing_weights=true")
    #expect(processed.fingerprintSettings == direct.fingerprintSettings)
    // What SAELens itself fills in changes nothing.
    let usual = try settings(
      "cache.model_from_pretrained_kwargs={\"center_writing_weights\": false}")
    #expect(usual.fingerprintSettings == CacheSettings().fingerprintSettings)
    // The files that a revision has tell it apart.
    let revision = try settings("cache.model_from_pretrained_kwargs={\"revision\": \"step1000\"}")
    #expect(revision.modelRevision == "step1000")
    #expect(revision.fingerprintSettings == CacheSettings().fingerprintSettings)
    #expect(revision.processing.json["revision"] == "step1000")
    #expect(throws: PipelineError.self) {
      _ = try settings("cache.model_from_pretrained_kwargs={\"checkpoint_index\": 3}")
    }
  }

  @Test func aContextOfMinusOneSaysNothing() throws {
    #expect(try settings("cache.context_size=-1").statedContextSize == nil)
    #expect(throws: PipelineError.self) { _ = try settings("cache.context_size=1") }
  }
}
