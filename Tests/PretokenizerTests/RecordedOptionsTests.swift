import Pretokenizer
import Shared
import Support
import Testing

@Suite struct RecordedOptionsTests {
  private static let record = """
    {"sae_lens_version": "6.54.12", "tokenizer_name": "openai-community/gpt2",
     "context_size": 64, "begin_batch_token": "bos", "begin_sequence_token": 5,
     "sequence_separator_token": null, "disable_concat_sequences": true}
    """

  @Test("Each option that differs is named with both values")
  func differences() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array(Self.record.utf8), to: "sae_lens.json")
    var settings = PretokenizeSettings()
    settings.tokenizerName = "/models/gpt2"
    for dataSet in [folder.path, folder.path + "/"] {
      let found = try #require(RecordedOptions(DataHome(dataSet)))
      #expect(
        found.differences(settings) == [
          "\(path) records context_size 64, but pretokenize.context_size is 128.",
          "\(path) records begin_sequence_token 5, but pretokenize.begin_sequence_token is null.",
          "\(path) records sequence_separator_token null, but "
            + "pretokenize.sequence_separator_token is \"bos\".",
          "\(path) records disable_concat_sequences true, but "
            + "pretokenize.disable_concat_sequences is false.",
        ])
    }
    settings.tokenizerName = "pythia"
    settings.beginBatchToken = .id(3)
    let all = try #require(RecordedOptions(DataHome(folder.path))).differences(settings)
    #expect(
      all[1] == "\(path) records tokenizer_name \"openai-community/gpt2\", but "
        + "pretokenize.tokenizer_name is \"pythia\".")
    #expect(
      all[2] == "\(path) records begin_batch_token \"bos\", but "
        + "pretokenize.begin_batch_token is 3.")
  }

  @Test("Nothing is said without a record, with a broken one, or of what it leaves out")
  func nothingToSay() throws {
    let folder = try TemporaryFolder()
    #expect(RecordedOptions(DataHome(folder.path))?.differences(PretokenizeSettings()) == nil)
    try folder.write(Array("{".utf8), to: "sae_lens.json")
    #expect(RecordedOptions(DataHome(folder.path))?.differences(PretokenizeSettings()) == nil)
    let other = try TemporaryFolder()
    try other.write(Array("{\"context_size\": 128}".utf8), to: "sae_lens.json")
    let found = try #require(RecordedOptions(DataHome(other.path)))
    #expect(found.differences(PretokenizeSettings()) == [])
  }
}
