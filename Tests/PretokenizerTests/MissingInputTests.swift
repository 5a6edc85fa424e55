import Pretokenizer
import Shared
import Support
import Testing

@Suite struct MissingInputTests {
  @Test func everythingThatIsMissingIsNamedAtOnce() throws {
    var settings = PretokenizeSettings()
    settings.tokenizerName = "no/tokenizer"
    settings.datasetPath = "no/text"
    let both = #expect(throws: MissingInput.self) { try MissingInput.check(settings) }
    #expect(
      both?.sentence
        == "There is no tokenizer at no/tokenizer: no such file or folder. "
        + "There is no text at no/text: no such file or folder.")
    #expect(
      both?.hint
        == "Give local files as pretokenize.tokenizer_name and pretokenize.dataset_path; this "
        + "version does not download from the Hugging Face Hub.")
    settings.tokenizerName = ProjectFiles.root + "/Tests/Fixtures/tokenizer/plain"
    let one = #expect(throws: MissingInput.self) { try MissingInput.check(settings) }
    #expect(one?.hint == DataError.absent("no/text").hint)
    settings.datasetPath = ProjectFiles.root + "/Tests/Fixtures/tokenizer/encodings.json"
    try MissingInput.check(settings)
  }
}
