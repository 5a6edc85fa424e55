import Pretokenizer
import Shared
import Support
import Testing

@Suite struct PretokenizeInputsTests {
  private func settings(tokenizer: String, text: String) -> PretokenizeSettings {
    var settings = PretokenizeSettings()
    settings.tokenizerName = tokenizer
    settings.datasetPath = text
    return settings
  }

  private let tokenizer = ProjectFiles.root + "/Tests/Fixtures/tokenizer/plain"
  private let text = ProjectFiles.root + "/Tests/Fixtures/tokenizer/encodings.json"

  @Test func everythingThatIsMissingIsNamedAtOnce() throws {
    let settings = settings(tokenizer: "no/tokenizer", text: "no/text")
    let both = #expect(throws: MissingInputs.self) { try PretokenizeInputs.find(settings) }
    #expect(
      both?.sentence
        == "There is no tokenizer at no/tokenizer: no such file or folder. "
        + "There is no text at no/text: no such file or folder.")
    #expect(
      both?.hint
        == "Give files of this machine or names on the Hugging Face Hub (owner/name) as "
        + "pretokenize.tokenizer_name and pretokenize.dataset_path.")
    #expect(both?.exitCode == .wrongInput)
    #expect(
      PretokenizeInputs.missing(settings).map(\.name.option)
        == ["pretokenize.tokenizer_name", "pretokenize.dataset_path"])
  }

  @Test func oneThingThatIsMissingHasItsOwnWords() throws {
    #expect(throws: DataError.absent("no/text")) {
      try PretokenizeInputs.find(settings(tokenizer: tokenizer, text: "no/text"))
    }
    #expect(throws: TokenizerError.absent("no/tokenizer")) {
      try PretokenizeInputs.find(settings(tokenizer: "no/tokenizer", text: text))
    }
    #expect(throws: DataError.absent("no/text")) {
      var pipeline = Pipeline()
      pipeline.pretokenize = settings(tokenizer: tokenizer, text: "no/text")
      _ = try Pretokenizing(pipeline)
    }
  }

  @Test func aTextThatIsRefusedIsNamedBesideWhatIsMissing() throws {
    var settings = settings(tokenizer: "no/tokenizer", text: text)
    settings.split = "test"
    let both = #expect(throws: MissingInputs.self) { try PretokenizeInputs.find(settings) }
    #expect(
      both?.sentence
        == "There is no tokenizer at no/tokenizer: no such file or folder. These files have no split "
        + "“test”: files that are named, and files whose names tell no split, are “train”.")
    #expect(
      both?.hint
        == "Set pretokenize.tokenizer_name to a folder that holds tokenizer.json, to that file, or to a "
        + "name on the Hugging Face Hub (owner/name)." + HomeFolder.rule(for: "x")
        + " Set pretokenize.split to “train”.")
    #expect(
      PretokenizeInputs.missing(settings).map(\.name.option) == ["pretokenize.tokenizer_name"])
  }

  @Test func whatIsHereIsFound() throws {
    let found = try PretokenizeInputs.find(settings(tokenizer: tokenizer, text: text))
    #expect(found.tokenizer == tokenizer + "/tokenizer.json")
    #expect(found.text.files.map(\.path) == [text])
    #expect(found.text.home == ProjectFiles.root + "/Tests/Fixtures/tokenizer")
  }
}
