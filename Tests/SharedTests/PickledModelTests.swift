import Shared
import Support
import Testing

/// Models whose weights are pickles, against what transformers and TransformerLens compute with them.
@Suite("Models with pickled weights")
struct PickledModelTests {
  private static let root = TorchFixtures.root + "models/"

  @Test(
    "Logits are those of the program that wrote the weights",
    arguments: ["gpt2", "gpt-neo", "pythia", "opt", "llama", "toy"])
  func logits(name: String) throws {
    let folder = Self.root + name
    let golden = try SafetensorsFile.open(folder + "/golden.safetensors")
    let tokens = golden.integers(try golden.require("tokens", [.uint8], shape: [2, 8]))
    let entry = try golden.require("logits", [.float32], shape: [16, 17])
    var wanted = [Float](repeating: 0, count: entry.count)
    var target = wanted.mutableSpan
    golden.readFloats(entry, into: &target)
    let logits = try ModelFixtures.run(
      folder, [HookPoint(.logits)], tokens: tokens, contextSize: 8)[0]
    #expect(logits.count == wanted.count)
    for index in wanted.indices {
      #expect(abs(logits[index] - wanted[index]) < 1e-4 * max(1, abs(wanted[index])), "\(index)")
    }
  }

  @Test("The files that enter the fingerprint are the ones that are read")
  func identities() throws {
    let store = try TemporaryFolder()
    func names(_ model: String) throws -> [String] {
      try ActivationKey.identities(model: Self.root + model, store: Store(store.path)).keys.sorted()
    }
    #expect(try names("gpt-neo") == ["config.json", "pytorch_model.bin"])
    #expect(
      try names("pythia") == [
        "config.json", "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin",
      ])
    #expect(try names("toy") == ["config.json", "model_final.pth"])
  }

  @Test("A tensor that a pickle lacks, or has in another shape or type, is named")
  func sentences() throws {
    let folder = try TemporaryFolder()
    let bytes = try TorchFixtures.bytes("models/gpt2/pytorch_model.bin")
    _ = try folder.write(bytes, to: "pytorch_model.bin")
    let configuration = try TorchFixtures.bytes("models/gpt2/config.json")
    let text = String(decoding: configuration, as: UTF8.self)
    func refusal(_ configuration: String) throws -> String? {
      try AtomicFile.replace(folder.file("config.json"), with: configuration)
      let error = #expect(throws: ModelError.self) {
        _ = try Transformer.open(folder.path, for: [HookPoint(.residualAfter, layer: 0)])
      }
      return error?.sentence
    }
    let path = folder.file("pytorch_model.bin")
    #expect(
      try refusal(text.replacing("\"vocab_size\": 17", with: "\"vocab_size\": 18"))
        == "\(path): the tensor wte.weight has the shape [17, 8] where [18, 8] is expected.")
    let more = text.replacing("\"n_layer\": 1", with: "\"n_layer\": 2")
    try AtomicFile.replace(folder.file("config.json"), with: more)
    let error = #expect(throws: ModelError.self) {
      _ = try Transformer.open(folder.path, for: [HookPoint(.residualAfter, layer: 1)])
    }
    #expect(
      error?.sentence
        == "\(path) holds no tensor transformer.h.1.ln_1.weight of shape [8].")
  }
}
