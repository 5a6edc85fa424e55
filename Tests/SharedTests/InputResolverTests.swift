import Shared
import Support
import Testing

@Suite struct InputResolverTests {
  @Test func aModelIsAFolder() throws {
    let folder = try TemporaryFolder()
    try folder.write([], to: "file")
    var settings = CacheSettings()
    settings.modelName = folder.path
    #expect(InputResolver.model(settings).value == folder.path)
    for name in [folder.path + "/file", "EleutherAI/pythia-70m", ""] {
      settings.modelName = name
      let model = InputResolver.model(settings)
      #expect(model.value == nil)
      #expect(throws: MissingModel(name: name)) { try model.get() }
    }
    #expect(
      MissingModel(name: "m").sentence
        == "The model m is not on this machine: there is no such folder.")
    #expect(
      MissingModel(name: "m").hint
        == "Set cache.model_name to a name on the Hugging Face Hub (owner/name), or to a folder with "
        + "config.json and weights." + HomeFolder.rule(for: "m"))
  }

  @Test func aTokenizerIsTheFileThatTheOthersLieBeside() throws {
    let folder = try TemporaryFolder()
    var settings = PretokenizeSettings()
    settings.tokenizerName = folder.path + "/"
    guard case .missing(let missing) = InputResolver.tokenizer(settings) else {
      Issue.record("a folder without a tokenizer is none")
      return
    }
    #expect(
      missing.sentence
        == "The folder \(folder.path)/ holds no tokenizer: no tokenizer.json, tokenizer.model, "
        + "vocab.json with merges.txt, vocab.txt or .tiktoken file.")
    try folder.write([], to: "any.tiktoken")
    #expect(InputResolver.tokenizer(settings).value == folder.path + "/any.tiktoken")
    try folder.write([], to: "tokenizer.model")
    #expect(InputResolver.tokenizer(settings).value == folder.path + "/tokenizer.model")
    try folder.write([], to: "vocab.json")
    try folder.write([], to: "merges.txt")
    #expect(InputResolver.tokenizer(settings).value == folder.path + "/vocab.json")
    try folder.write([], to: "tokenizer.json")
    #expect(InputResolver.tokenizer(settings).value == folder.path + "/tokenizer.json")
  }

  @Test func whatCannotBeLookedAtIsRefusedAndNotMissing() throws {
    let folder = try TemporaryFolder()
    let loop = folder.file("loop")
    try System.symbolicLink(loop, at: loop)
    let cause = SystemError(call: "stat", path: loop, errno: 40)
    var model = CacheSettings()
    model.modelName = loop
    var tokenizer = PretokenizeSettings()
    tokenizer.tokenizerName = loop
    #expect(InputResolver.model(model).problem as? SystemError == cause)
    #expect(InputResolver.sae(loop).problem as? SystemError == cause)
    #expect(InputResolver.tokenizer(tokenizer).problem as? SystemError == cause)
  }

  @Test func aTextThatIsNotHereIsMissingAndOneThatCannotBeReadIsRefused() throws {
    let folder = try TemporaryFolder()
    var settings = PretokenizeSettings()
    settings.datasetPath = folder.path + "/none"
    guard case .missing = InputResolver.text(settings) else {
      Issue.record("a text that is not here is missing")
      return
    }
    settings.datasetPath = folder.path
    guard case .refused(let error) = InputResolver.text(settings) else {
      Issue.record("a folder without text is refused")
      return
    }
    #expect(error as? DataError == .noFiles(folder: folder.path))
    try folder.write(Array("text".utf8), to: "a.txt")
    #expect(InputResolver.text(settings).value?.files.map(\.path) == [folder.path + "/a.txt"])
    #expect(InputResolver.text(settings).value?.home?.folder == folder.path)
  }

  @Test func aPipelineNamesThreeThings() throws {
    var pipeline = Pipeline()
    pipeline.cache.modelName = "no/model"
    pipeline.pretokenize.tokenizerName = "no/tokenizer"
    pipeline.pretokenize.datasetPath = "no/text"
    let inputs = Inputs(pipeline)
    let all = MissingInputs.error([
      inputs.model.problem, inputs.tokenizer.problem, inputs.text.problem,
    ])
    #expect(
      (all as? any Failure)?.hint
        == "Give files of this machine or names on the Hugging Face Hub (owner/name) as "
        + "cache.model_name, pretokenize.tokenizer_name and pretokenize.dataset_path.")
    #expect(MissingInputs.error([nil, inputs.model.problem]) as? MissingModel != nil)
  }
}
