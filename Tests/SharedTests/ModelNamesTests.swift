import Shared
import Support
import Testing

@Suite("Names of models")
struct ModelNamesTests {
  @Test("Every name that TransformerLens knows leads to its official name, in any case")
  func table() throws {
    let lines = try ProjectFiles.text("Tests/Fixtures/names/names.txt").split(separator: "\n")
    #expect(lines.count > 600)
    for line in lines {
      let parts = line.split(separator: "\t").map(String.init)
      #expect(ModelNames.official(parts[0]) == parts[1])
      #expect(ModelNames.official(parts[0].uppercased()) == parts[1])
    }
  }

  static let names: [(name: String, repository: String)] = [
    ("tiny-stories-1L-21M", "roneneldan/TinyStories-1Layer-21M"), ("gpt2-small", "gpt2"),
    ("gpt2", "gpt2"), ("pythia-70m-deduped", "EleutherAI/pythia-70m-deduped"),
    ("eleutherai/PYTHIA-70m", "EleutherAI/pythia-70m"),
    ("gelu-1l", "NeelNanda/GELU_1L512W_C4_Code"),
    // Its older name.
    ("EleutherAI/pythia-19m", "EleutherAI/pythia-70m"),
    ("someone/Some.Model_1", "someone/Some.Model_1"),
  ]

  @Test(
    "A name is a repository by the table, or as it stands where it has an owner", arguments: names)
  func repositories(name: String, repository: String) throws {
    #expect(try ModelNames.repository(name) == repository)
  }

  static let refused: [(name: String, sentence: String)] = [
    ("gpt2-smal", "No model is called gpt2-smal; did you mean gpt2-small?"),
    (
      "tiny-stories-1L-20M",
      "No model is called tiny-stories-1L-20M; did you mean tiny-stories-1l-21m?"
    ),
    ("mine", "No model is called mine."),
    ("./gpt2", "./gpt2 is neither a folder on this machine nor the name of a repository."),
    ("a/b/c", "a/b/c is neither a folder on this machine nor the name of a repository."),
    ("/models/x", "/models/x is neither a folder on this machine nor the name of a repository."),
    ("owner/..", "owner/.. is neither a folder on this machine nor the name of a repository."),
    ("llama-7b", "The model llama-7b-hf is not on the Hugging Face Hub."),
  ]

  @Test("A name that leads nowhere is refused with the nearest one", arguments: refused)
  func refuses(name: String, sentence: String) {
    let error = #expect(throws: ModelNameError.self) { _ = try ModelNames.repository(name) }
    #expect(error?.sentence == sentence)
    #expect(
      error?.hint
        == (name == "llama-7b"
          ? "Give a folder with config.json and weights as cache.model_name."
          : "Give a folder, a repository of the Hugging Face Hub as owner/name, or a name of "
            + "TransformerLens such as gpt2-small."))
  }

  @Test("A folder has no revisions")
  func folder() throws {
    let folder = try TemporaryFolder()
    var settings = CacheSettings()
    settings.modelName = folder.path
    settings.modelRevision = "main"
    #expect(InputResolver.model(settings).value == folder.path)
    settings.modelRevision = "step1000"
    let error = InputResolver.model(settings).problem as? RevisionOfFolder
    #expect(
      error?.sentence
        == "cache.model_revision is step1000, but cache.model_name is the folder \(folder.path), which "
        + "has no revisions.")
    #expect(
      error?.hint
        == "Give the folder of that revision as cache.model_name, and leave out cache.model_revision."
    )
  }
}
