import Foundation
import Shared
import Support
import Testing

@Suite("Caches of SAELens, as users exchange them")
struct ExchangeRunTests {
  private static let pipeline = """
    {
      name: "imported",
      cache: {
        model_name: "tiny", hook_name: "blocks.0.hook_mlp_out", buffer_size_gb: 0.0000005,
      },
      train: {
        architecture: "topk", k: 2, d_sae: 8, training_tokens: 320,
        train_batch_size_tokens: 16, lr: 1e-3, eval_fraction: 0.2,
      },
    }
    """

  @Test("A cache is imported, trained on without model or tokens, and exported")
  func wholeWay() throws {
    let folder = try TemporaryFolder()
    try folder.write(Array(Self.pipeline.utf8), to: "p.json5")
    let cache = ProjectFiles.root + "/Tests/Fixtures/caches/runner"
    func run(_ program: String, _ words: [String]) throws -> ProgramResult {
      try RunningProgram(
        program, words + ["--config", "p.json5", "--quiet", "--json"], in: folder.path
      ).result()
    }
    let imported = try run("saeline-cache", ["import", cache])
    #expect(imported.code == 0, "\(imported.errors)")
    #expect(try imported.json["rows"] == .integer(72))
    let trained = try run("saeline-train", [])
    #expect(trained.code == 0, "\(trained.errors)")
    #expect(try trained.json["activations"] == imported.json["folders"]?.array?[0])
    let exported = try run("saeline-cache", ["export", "--format", "sae_lens"])
    #expect(exported.code == 0, "\(exported.errors)")
    let name = try #require(try exported.json["folders"]?.array?[0].string)
    #expect(name.hasPrefix("tiny.blocks.0.hook_mlp_out-") && name.hasSuffix(".sae_lens"))
    #expect(System.exists(folder.file(name) + "/state.json"))
    let wrong = try run("saeline-cache", ["export", "--format", "npz"])
    #expect(wrong.code == 2)
    #expect(
      wrong.errors.hasPrefix(
        "error: Activations cannot be exported as npz; sae_lens is the one format.\n"))
  }
}
