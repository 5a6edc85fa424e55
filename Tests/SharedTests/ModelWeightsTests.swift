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
        == "\(folder) holds neither model.safetensors nor pytorch_model.bin, whole or with an index."
    )
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

  @Test(arguments: ["pytorch_model.bin", "model_final.pth"])
  func weightsInAFileThatIsNoPickleAreRefused(file: String) throws {
    let folder = try SyntheticModel.write()
    defer { try? System.removeTree(folder) }
    try System.remove(folder + "/model.safetensors")
    try AtomicFile.replace(folder + "/" + file, with: "")
    let error = try #require(throws: TorchError.self) { _ = try open(folder) }
    #expect(error.sentence == "\(folder)/\(file) is no file of torch.save.")
    #expect(error.hint == "Fetch or create the file again.")
  }

  /// Logits of a tied model whose file keeps the table under some names.
  private func tied(_ names: [String: Float]) throws -> [Float] {
    let folder = try TemporaryFolder()
    let configuration: JSON = [
      "model_type": "gpt2", "vocab_size": 11, "n_positions": 8, "n_embd": 8, "n_layer": 1,
      "n_head": 2,
    ]
    var tensors: [String: [Int]] = [
      "transformer.wpe.weight": [8, 8], "transformer.h.0.attn.c_attn.weight": [8, 24],
      "transformer.h.0.attn.c_attn.bias": [24], "transformer.h.0.attn.c_proj.weight": [8, 8],
      "transformer.h.0.mlp.c_fc.weight": [8, 32], "transformer.h.0.mlp.c_fc.bias": [32],
      "transformer.h.0.mlp.c_proj.weight": [32, 8],
    ]
    for name in [
      "h.0.ln_1.weight", "h.0.ln_1.bias", "h.0.ln_2.weight", "h.0.ln_2.bias",
      "ln_f.weight", "ln_f.bias", "h.0.attn.c_proj.bias", "h.0.mlp.c_proj.bias",
    ] {
      tensors["transformer." + name] = [8]
    }
    try WeightFormula.write(
      configuration: configuration, tensors: tensors, to: folder.file("model"),
      others: names.mapValues { scale in
        ([11, 8], WeightFormula.values("table.embed", shape: [11, 8]).map { $0 * scale })
      })
    return try ModelFixtures.run(
      folder.file("model"), [HookPoint(.logits)], tokens: [1, 5, 9], contextSize: 3)[0]
  }

  @Test func aTiedModelOpensWhicheverNameItsMatrixHas() throws {
    let embedding = try tied(["transformer.wte.weight": 1])
    #expect(try tied(["lm_head.weight": 1]) == embedding)
    #expect(try tied(["transformer.wte.weight": 1, "lm_head.weight": 1]) == embedding)
    // As transformers does, both are taken where a file has both and they differ.
    let apart = try tied(["transformer.wte.weight": 1, "lm_head.weight": 2])
    #expect(apart == embedding.map { 2 * $0 })
  }
}
