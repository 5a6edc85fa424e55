import Shared
import Support
import Testing

@Suite("The files of tokenizers and SAEs in repositories")
struct RepositoryFilesTests {
  static let tokenizers: [(names: [String], needed: [String])] = [
    // gpt2
    (
      [
        "config.json", "generation_config.json", "merges.txt", "model.safetensors",
        "onnx/tokenizer.json", "tokenizer.json", "tokenizer_config.json", "vocab.json",
      ], ["tokenizer.json", "tokenizer_config.json", "config.json"]
    ),
    // opt-125m
    (
      [
        "config.json", "merges.txt", "pytorch_model.bin", "special_tokens_map.json",
        "tokenizer_config.json", "vocab.json",
      ],
      [
        "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json",
        "config.json",
      ]
    ),
    // Llama-2: both forms
    (
      [
        "config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer.model",
        "tokenizer_config.json",
      ], ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json"]
    ),
    // Qwen 1
    (
      ["config.json", "qwen.tiktoken", "tokenization_qwen.py", "tokenizer_config.json"],
      ["qwen.tiktoken", "tokenizer_config.json", "config.json"]
    ),
    (["spiece.model", "added_tokens.json"], ["spiece.model", "added_tokens.json"]),
    (["vocab.txt", "config.json"], ["vocab.txt", "config.json"]),
    (["own.tiktoken", "other.model"], ["other.model"]),
    (["vocab.json", "config.json"], []), (["model.safetensors", "sub/tokenizer.json"], []),
  ]

  @Test(
    "A tokenizer's vocabulary is taken in one form, with what stands beside it",
    arguments: tokenizers)
  func tokenizer(names: [String], needed: [String]) throws {
    #expect(TokenizerFiles.needed(names) == needed)
    // A folder with these files is read from the same one.
    let folder = try TemporaryFolder()
    for name in names where !name.contains("/") { _ = try folder.write([], to: name) }
    let found = try? TokenizerLocation.find(folder.path)
    #expect(found == needed.first.map { folder.path + "/" + $0 })
  }

  static let locations: [(name: String, repository: String?, path: String)] = [
    (
      "jbloom/GPT2-Small-SAEs/blocks.0.hook_resid_pre", "jbloom/GPT2-Small-SAEs",
      "blocks.0.hook_resid_pre"
    ),
    (
      "google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71",
      "google/gemma-scope-2b-pt-res",
      "layer_20/width_16k/average_l0_71"
    ),
    ("EleutherAI/sae/layers.1/", "EleutherAI/sae", "layers.1"), ("owner/name", "owner/name", ""),
    ("owner/name/", "owner/name", ""), ("name", nil, ""), ("", nil, ""), ("/a/b", nil, ""),
    ("./a/b", nil, ""), ("../a/b", nil, ""), ("a/b/../c", nil, ""), ("a/b//c", nil, ""),
    ("~/a/b", nil, ""), ("a/b/./c", nil, ""), ("a b/c", nil, ""),
  ]

  @Test("A name is split into the repository and what lies in it", arguments: locations)
  func location(name: String, repository: String?, path: String) {
    let location = SAELocation.parse(name)
    #expect(location?.repository == repository)
    #expect((location?.path ?? "") == path)
  }

  @Test("An SAE's files are those of its form, in its folder alone")
  func files() throws {
    let names = [
      "README.md", "cfg.json", "a/cfg.json", "a/sae_weights.safetensors", "a/sparsity.safetensors",
      "a/runner_cfg.json", "b/cfg.json", "b/sae.safetensors", "c/config.json", "c/ae.pt",
      "c/eval_results.json", "d/e/params.npz", "f/sae_weights.safetensors",
    ]
    func files(_ path: String) throws -> [String] {
      try #require(SAELocation.parse("o/r/" + path)).files(names)
    }
    #expect(
      try files("a") == ["a/cfg.json", "a/sae_weights.safetensors", "a/sparsity.safetensors"])
    #expect(try files("b") == ["b/cfg.json", "b/sae.safetensors"])
    #expect(try files("c") == ["c/config.json", "c/ae.pt"])
    #expect(try files("d/e") == ["d/e/params.npz"])
    #expect(try files("d/e/params.npz") == ["d/e/params.npz"])
    #expect(try files("f") == [] && files("") == [] && files("d") == [])
    #expect(SAELocation.folders(names) == ["a", "b", "c", "d/e"])
    #expect(SAELocation.folders(["cfg.json", "sae_weights.safetensors"]) == [""])
  }
}
