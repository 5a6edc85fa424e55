import Shared
import Support
import Testing

@Suite struct ModelWeightsTests {
  private func open(_ folder: String) throws -> Int {
    let point = HookPoint(.residualAfter, layer: 0)
    return try Transformer.open(folder, for: [point]).weights.mappedByteCount
  }

  @Test func aModelWithoutPrefixesIsRead() throws {
    let folder = try SyntheticModel.write()
    defer { try? System.removeTree(folder) }
    #expect(try open(folder) > 0)
  }

  @Test func aMissingTensorIsNamedWithItsShape() throws {
    let folder = try SyntheticModel.write(dropping: "h.0.attn.c_attn.weight")
    defer { try? System.removeTree(folder) }
    let error = try #require(throws: ModelError.self) { _ = try open(folder) }
    #expect(
      error.sentence
        == "\(folder)/model.safetensors holds no tensor transformer.h.0.attn.c_attn.weight of "
        + "shape [16, 48].")
    #expect(error.hint == "Check that config.json belongs to these weights.")
  }

  @Test func aWrongShapeIsNamedWithBothShapes() throws {
    let folder = try SyntheticModel.write()
    defer { try? System.removeTree(folder) }
    let text = SyntheticModel.configuration.replacing(
      "\"vocab_size\": 31", with: "\"vocab_size\": 32")
    try AtomicFile.replace(folder + "/config.json", with: text)
    let error = try #require(throws: ModelError.self) { _ = try open(folder) }
    #expect(
      error.sentence
        == "\(folder)/model.safetensors: the tensor wte.weight has the shape [31, 16] where "
        + "[32, 16] is expected.")
  }

  @Test func aFolderWithoutWeightsIsRefused() throws {
    let folder = try SyntheticModel.write()
    defer { try? System.removeTree(folder) }
    try System.remove(folder + "/model.safetensors")
    let error = try #require(throws: ModelError.self) { _ = try open(folder) }
    #expect(
      error.sentence
        == "\(folder) holds neither model.safetensors nor model.safetensors.index.json.")
    #expect(
      error.hint
        == "Save the model with transformers' save_pretrained, which writes safetensors.")
  }

  @Test func filesOfAnIndexAreFoundInOrder() throws {
    #expect(
      try WeightFiles.names(folder: ModelFixtures.folder("grouped")) == [
        "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
        "model-00003-of-00003.safetensors",
      ])
  }
}
