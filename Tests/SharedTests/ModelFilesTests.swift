import Shared
import Support
import Testing

@Suite("The files of a model")
struct ModelFilesTests {
  private static let gpt2 = [
    ".gitattributes", "64-8bits.tflite", "README.md", "config.json", "flax_model.msgpack",
    "generation_config.json", "merges.txt", "model.safetensors", "onnx/config.json",
    "pytorch_model.bin", "rust_model.ot", "tf_model.h5", "tokenizer.json",
    "tokenizer_config.json", "vocab.json",
  ]

  static let repositories: [(names: [String], first: [String])] = [
    (gpt2, ["config.json", "model.safetensors"]),
    // pythia-70m
    (
      [
        ".gitattributes", "README.md", "config.json", "model.safetensors", "pytorch_model.bin",
        "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",
      ], ["config.json", "model.safetensors"]
    ),
    // Llama
    (
      [
        ".gitattributes", "LICENSE", "README.md", "config.json", "generation_config.json",
        "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
        "model.safetensors.index.json", "original/consolidated.00.pth", "original/params.json",
        "original/tokenizer.model", "special_tokens_map.json", "tokenizer.json",
        "tokenizer_config.json",
      ], ["config.json", "model.safetensors.index.json"]
    ),
    // TinyStories-1Layer-21M
    (
      [
        ".gitattributes", "README.md", "config.json", "generation_config.json", "merges.txt",
        "pytorch_model.bin", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",
        "vocab.json",
      ], ["config.json", "pytorch_model.bin"]
    ),
    // opt-13b
    (
      [
        "config.json", "flax_model.msgpack", "pytorch_model-00001-of-00003.bin",
        "pytorch_model-00002-of-00003.bin", "pytorch_model-00003-of-00003.bin",
        "pytorch_model.bin.index.json",
      ], ["config.json", "pytorch_model.bin.index.json"]
    ),
    // GELU_1L512W_C4_Code
    (
      [
        ".gitattributes", "checkpoints/0000.pth", "config.json", "model_final.pth",
        "tokens_0000.pth",
      ], ["config.json", "model_final.pth"]
    ),
    // Several forms: transformers' order.
    (
      [
        "config.json", "model.safetensors", "model.safetensors.index.json",
        "pytorch_model.bin.index.json",
      ], ["config.json", "model.safetensors"]
    ),
    (
      ["config.json", "model.safetensors.index.json", "pytorch_model.bin"],
      ["config.json", "model.safetensors.index.json"]
    ),
    (["README.md", "onnx/model.safetensors", "optimizer.bin"], []),
  ]

  @Test("The configuration and one form of the weights are chosen", arguments: repositories)
  func first(names: [String], first: [String]) {
    #expect(ModelFiles.first(names) == first)
    #expect(ModelFiles.first(names.reversed()) == first)
  }

  @Test("An index lists its shards, each once")
  func shards() throws {
    let path = TorchFixtures.root + "models/pythia/pytorch_model.bin.index.json"
    #expect(
      try ModelFiles.shards(index: MappedFile.contents(path), path: path)
        == ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"])
  }

  @Test(
    "An index that is none, or whose shards lie elsewhere, is refused",
    arguments: [
      "", "{}", "[]", #"{"weight_map": {}}"#, #"{"weight_map": {"a": 3}}"#,
      #"{"weight_map": {"a": "../b.bin"}}"#, #"{"weight_map": {"a": "/b.bin"}}"#,
      #"{"weight_map": {"a": ".."}}"#, #"{"weight_map": {"a": ""}}"#,
      #"{"weight_map": {"a": "../\u0301b.bin"}}"#,
    ])
  func refuses(index: String) {
    let error = #expect(throws: ModelError.self) {
      _ = try ModelFiles.shards(index: Array(index.utf8), path: "i.json")
    }
    #expect(error == .malformed(path: "i.json"))
  }
}
