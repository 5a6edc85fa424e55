import Shared
import Support
import Testing

@Suite struct HookPointTests {
  private func model(_ name: String) throws -> ModelDescription {
    try ModelDescription.open(folder: ModelFixtures.folder(name))
  }

  private func error(_ body: () throws -> Void) throws -> HookPointError {
    try #require(throws: HookPointError.self) { try body() }
  }

  @Test func aNameIsFoundWithItsPlaceAndShape() throws {
    let grouped = try model("grouped")
    let key = try HookPoint.find("blocks.1.attn.hook_k", in: grouped)
    #expect(key == HookPoint(.key, layer: 1))
    #expect(key.shape(in: grouped) == [.fixed(2), .fixed(4)])
    #expect(key.width(in: grouped, contextSize: 16) == 8)
    #expect(key.shapeText(in: grouped) == "2 × 4 = 8")
    let pattern = try HookPoint.find("blocks.0.attn.hook_pattern", in: grouped)
    #expect(pattern.width(in: grouped, contextSize: 16) == 96)
    #expect(pattern.shapeText(in: grouped) == "6 × context")
    let scale = try HookPoint.find("ln_final.hook_scale", in: grouped)
    #expect(scale.width(in: grouped, contextSize: 16) == 1)
  }

  @Test(arguments: ModelFixtures.names) func everyNameLeadsBackToItsPlace(name: String) throws {
    let model = try model(name)
    for point in HookPoint.all(in: model) {
      #expect(try HookPoint.find(point.name, in: model) == point)
    }
  }

  @Test(arguments: ModelFixtures.names) func modulesAreToldFromHookPoints(name: String) throws {
    let model = try model(name)
    for point in HookPoint.modules(in: model) { #expect(HookPoint.isModulePath(point.name)) }
    for point in HookPoint.all(in: model) {
      #expect(!HookPoint.isModulePath(point.name), "\(point.name)")
    }
  }

  @Test func familiesHaveOnlyTheHookPointsThatTheyCompute() throws {
    let (gpt2, parallel) = (try model("gpt2"), try model("neox-parallel"))
    let names = Set(HookPoint.all(in: gpt2).map(\.name))
    #expect(names.contains("hook_pos_embed") && names.contains("blocks.0.hook_resid_mid"))
    #expect(!names.contains("blocks.0.attn.hook_rot_q"))
    #expect(!names.contains("blocks.0.mlp.hook_pre_linear"))
    let others = Set(HookPoint.all(in: parallel).map(\.name))
    #expect(!others.contains("hook_pos_embed") && !others.contains("blocks.0.hook_resid_mid"))
    #expect(others.contains("blocks.0.attn.hook_rot_q"))
  }

  @Test func aLayerBeyondTheModelNamesTheLastLayers() throws {
    let error = try error { _ = try HookPoint.find("blocks.9.hook_resid_pre", in: model("gpt2")) }
    #expect(error.sentence == "The model has no hook point blocks.9.hook_resid_pre.")
    #expect(
      error.hint
        == "It has blocks.1.hook_resid_pre (d=24), blocks.0.hook_resid_pre (d=24), "
        + "blocks.1.hook_resid_mid (d=24); saeline-cache --list-hooks lists all.")
  }

  @Test func aLayerThatNoModelHasIsRefused() throws {
    let name = "blocks.-9223372036854775808.hook_resid_pre"
    let error = try error { _ = try HookPoint.find(name, in: model("gpt2")) }
    #expect(error.sentence == "The model has no hook point \(name).")
    #expect(error.hint?.hasPrefix("It has blocks.0.hook_resid_pre (d=24), ") == true)
  }

  @Test func aMisspeltNameNamesTheNearest() throws {
    let error = try error { _ = try HookPoint.find("blocks.0.atn.hook_patern", in: model("gpt2")) }
    #expect(
      error.hint?.hasPrefix("It has blocks.0.attn.hook_pattern (d=3 × context), ") == true)
  }

  @Test func statedLayerAndWidthMustAgree() throws {
    let gpt2 = try model("gpt2")
    let point = HookPoint(.residualAfter, layer: 1)
    try point.check(layer: 1, width: 24, in: gpt2, contextSize: 16)
    let layer = try error { try point.check(layer: 0, width: nil, in: gpt2, contextSize: 16) }
    #expect(layer.sentence == "hook_layer is 0, but blocks.1.hook_resid_post lies in layer 1.")
    #expect(layer.hint == "Set hook_layer to 1, or leave it out.")
    let width = try error { try point.check(layer: nil, width: 768, in: gpt2, contextSize: 16) }
    #expect(width.sentence == "d_in is 768, but blocks.1.hook_resid_post has 24 columns.")
    #expect(width.hint == "Set d_in to 24, or leave it out.")
  }

  @Test func scoresCannotBeStored() throws {
    let gpt2 = try model("gpt2")
    let error = try error {
      try HookPoint(.scores, layer: 0).check(layer: nil, width: nil, in: gpt2, contextSize: 16)
    }
    #expect(
      error.sentence
        == "blocks.0.attn.hook_attn_scores is minus infinity where attention is masked, so it "
        + "cannot be stored.")
    #expect(error.hint == "Store hook_pattern, the weights that the scores become.")
  }

  @Test func aPassRunsNoFurtherThanItMust() throws {
    let gpt2 = try model("gpt2")
    #expect(HookPoint(.embedding).layersNeeded(in: gpt2) == 0)
    #expect(HookPoint(.residualBefore, layer: 1).layersNeeded(in: gpt2) == 1)
    #expect(HookPoint(.norm1Scale, layer: 1).layersNeeded(in: gpt2) == 2)
    #expect(HookPoint(.logits).layersNeeded(in: gpt2) == 2)
  }
}
