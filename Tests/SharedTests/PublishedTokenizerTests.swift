import Shared
import Support
import Testing

private let fixtures = ProjectFiles.root + "/Tests/Fixtures/tokenizer/"

private func object(_ name: String) -> JSON {
  (try? JSON(parsing: MappedFile.contents(fixtures + "published/" + name))) ?? .null
}

/// The files of each folder, and what AutoTokenizer makes of the texts with it.
private let folders = object("cases.json")
private let goldens = object("encodings.json")

/// Writes the files of a published folder.
private func write(_ name: String, to folder: borrowing TemporaryFolder) throws {
  for (file, content) in folders[name]?.object ?? [:] {
    if let origin = content["copy"]?.string {
      try folder.write(try MappedFile.contents(fixtures + origin), to: file)
    } else {
      try folder.write(
        Array((content["text"]?.string ?? content["json"]?.canonical ?? "").utf8), to: file)
    }
  }
}

private func published(_ name: String) throws -> [UInt8] {
  try MappedFile.contents(fixtures + "published/" + name)
}

/// The words of the error with which a folder is refused, with T in place of its path.
private func complaint(_ folder: borrowing TemporaryFolder) -> String {
  do {
    _ = try Tokenizer.open(folder.path)
    return ""
  } catch let failure as any Failure {
    return failure.sentence.replacing(folder.path, with: "T")
  } catch {
    return "\(error)"
  }
}

@Suite struct PublishedTokenizerTests {
  static let names = (folders.object ?? [:]).keys.sorted()

  @Test func thereAreFolders() { #expect(PublishedTokenizerTests.names.count > 100) }

  @Test(arguments: names)
  func aFolderIsReadLikeAutoTokenizer(name: String) throws {
    let folder = try TemporaryFolder()
    try write(name, to: folder)
    let golden = try #require(goldens[name])
    let tokenizer = try Tokenizer.open(folder.path)
    try check(tokenizer, golden)
    // What the store keeps of it says the same.
    let copy = try TemporaryFolder()
    try copy.write(try tokenizer.contents(), to: "tokenizer.json")
    try copy.write(Array(tokenizer.configuration.utf8), to: "tokenizer_config.json")
    try check(try Tokenizer.open(copy.path), golden)
  }

  private func check(_ tokenizer: Tokenizer, _ golden: JSON) throws {
    let rows = try #require(golden["ids"]?.array)
    let texts = try #require(goldens["texts"]?.array)
    #expect(texts.count == rows.count && rows.count > 30)
    for (text, row) in zip(texts, rows) {
      let ids = (row.array ?? []).compactMap(\.integer).map { UInt32($0) }
      let text = text.string ?? ""
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
    }
    let roles = golden["roles"]
    func id(_ role: String) -> UInt32? { roles?[role]?.integer.map { UInt32($0) } }
    #expect(tokenizer.bosId == id("bos_token"))
    #expect(tokenizer.eosId == id("eos_token"))
    #expect(tokenizer.sepId == id("sep_token"))
    #expect(tokenizer.padId == id("pad_token"))
    #expect(tokenizer.vocabularySize == golden["size"]?.integer)
  }

  // MARK: - Older forms

  @Test func aModelFileIsKnownByItsContentWhateverItsName() throws {
    for name in ["tokenizer.json", "tokenizer.model", "anything"] {
      let folder = try TemporaryFolder()
      try folder.write(try published("generic.model"), to: name)
      let tokenizer = try Tokenizer.open(folder.file(name))
      let first = try #require(goldens["generic.model"]?["ids"]?.array?[5].array)
      #expect(tokenizer.encode("The  River.").map { JSON.integer(Int($0)) } == first)
    }
  }

  @Test func whatIsNoTokenizerIsNamed() throws {
    let folder = try TemporaryFolder()
    let empty =
      "The folder T holds no tokenizer: no tokenizer.json, tokenizer.model, vocab.json with "
    #expect(complaint(folder) == empty + "merges.txt, vocab.txt or .tiktoken file.")
    try folder.write(
      Array("version https://git-lfs.github.com/spec/v1\n".utf8), to: "tokenizer.json")
    #expect(
      complaint(folder) == "T/tokenizer.json is no tokenizer but a pointer of Git LFS to one.")
    #expect(TokenizerError.pointer(path: "T").hint == "Fetch the file with git lfs pull.")
    try folder.write(Array("tokenizer".utf8), to: "tokenizer.json")
    #expect(complaint(folder) == "T/tokenizer.json at byte 0: expected “{”.")
    try folder.write(try published("word.model"), to: "tokenizer.json")
    #expect(
      complaint(folder)
        == "T/tokenizer.json: model_type: a model of words or characters is not supported.")
    try folder.write(
      Array(#"{"tokenizer_class": "PegasusTokenizer"}"#.utf8), to: "tokenizer_config.json")
    try folder.write(try published("unigram.model"), to: "tokenizer.json")
    #expect(
      complaint(folder)
        == "T/tokenizer.json: the tokenizer class: PegasusTokenizer without a tokenizer.json is not "
        + "supported.")
  }

  @Test(arguments: ["Whisper", "MBart", "Nllb", "Pegasus", "GPTSw3", "ByT5", "BioGpt", "FNet"])
  func aClassThatIsNotFollowedIsNamed(stem: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(try MappedFile.contents(fixtures + "families/phi.json"), to: "tokenizer.json")
    try folder.write(
      Array(#"{"tokenizer_class": "\#(stem)TokenizerFast"}"#.utf8), to: "tokenizer_config.json")
    #expect(
      complaint(folder)
        == "T/tokenizer.json: the tokenizer class: \(stem)Tokenizer is not supported.")
  }

  @Test func aVocabularyThatAClassDoesNotReadIsNamed() throws {
    let folder = try TemporaryFolder()
    try folder.write(try published("phi-vocab.json"), to: "vocab.json")
    try folder.write(try published("phi-merges.txt"), to: "merges.txt")
    try folder.write(
      Array(#"{"tokenizer_class": "Qwen3_5Tokenizer"}"#.utf8), to: "tokenizer_config.json")
    #expect(
      complaint(folder)
        == "T/tokenizer_config.json: tokenizer_class: Qwen3_5Tokenizer without a tokenizer.json is "
        + "not supported.")
  }

  @Test func damagedRankFilesAreNamedWithTheirPlace() throws {
    func sentence(_ text: String, _ name: String = "qwen.tiktoken") throws -> String {
      let folder = try TemporaryFolder()
      try folder.write(Array(text.utf8), to: name)
      return complaint(folder)
    }
    #expect(
      try sentence("IQ== 0\nIg== x\n")
        == "T/qwen.tiktoken at byte 7: expected a token in base 64 and its rank.")
    #expect(
      try sentence("IQ== 0\nIQ== 1\n")
        == "T/qwen.tiktoken at byte 7: the token of this line came before.")
    #expect(
      try sentence("IQ== 0\nIg== 0\n") == "T/qwen.tiktoken at byte 0: two tokens with the rank 0.")
    #expect(try sentence("\n") == "T/qwen.tiktoken at byte 0: a file without tokens.")
    #expect(
      try sentence("IQ== 0\n", "o200k_base.tiktoken")
        == "T/o200k_base.tiktoken: the pattern: o200k without a tokenizer.json is not supported.")
  }

  @Test func qwensRankFileBringsItsOwnTokens() throws {
    let folder = try TemporaryFolder()
    try folder.write(try published("ranks.tiktoken"), to: "qwen.tiktoken")
    let tokenizer = try Tokenizer.open(folder.path)
    let size = tokenizer.vocabularySize - 208
    #expect(
      tokenizer.encode("<|endoftext|><|im_end|><|extra_204|>")
        == [UInt32(size), UInt32(size + 2), UInt32(size + 207)])
    #expect(tokenizer.encode("12").count == 2 && tokenizer.bosId == nil)
  }

  @Test func filesBesideAreReadOrNamed() throws {
    let folder = try TemporaryFolder()
    try folder.write(try MappedFile.contents(fixtures + "families/phi.json"), to: "tokenizer.json")
    try folder.write(Array(#"{"a": "b"}"#.utf8), to: "added_tokens.json")
    #expect(complaint(folder) == "T/added_tokens.json: a must be a token id.")
    try folder.write(
      Array(#"{"added_tokens_decoder": {"x": {"content": "a"}}}"#.utf8), to: "tokenizer_config.json"
    )
    #expect(
      complaint(folder)
        == "T/tokenizer_config.json: added_tokens_decoder.x must be an id and a token with content."
    )
    try folder.write(Array("{}".utf8), to: "added_tokens.json")
    try folder.write(
      Array(#"{"tokenizer_class": "BertTokenizer"}"#.utf8), to: "tokenizer_config.json")
    #expect(
      complaint(folder) == "T/tokenizer.json: model: BPE in a BertTokenizer is not supported.")
    try folder.write(Array("[]".utf8), to: "tokenizer_config.json")
    #expect(complaint(folder) == "T/tokenizer_config.json at byte 0: no JSON object.")
  }

  @Test func theTokensOfCodeLlamaGetTheirIdsInTheOrderOfTheClass() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      try MappedFile.contents(fixtures + "families/llama2.json"), to: "tokenizer.json")
    try folder.write(
      Array(#"{"tokenizer_class": "CodeLlamaTokenizer"}"#.utf8), to: "tokenizer_config.json")
    let tokenizer = try Tokenizer.open(folder.path)
    let size = UInt32(tokenizer.vocabularySize)
    let ids = tokenizer.encode("▁<PRE>▁<MID>▁<SUF>▁<EOT><FILL_ME>", specialTokens: .omitted)
    #expect(ids == Array(size - 5..<size))
  }

  // MARK: - Twice the same

  @Test func ofAPieceThatComesTwiceTheLastCounts() throws {
    let folder = try TemporaryFolder()
    let vocabulary = #"["<unk>", 0], ["a", -1], ["b", -1], ["a", -3], ["ab", -3.5]"#
    try folder.write(
      Array(#"{"model": {"type": "Unigram", "unk_id": 0, "vocab": [\#(vocabulary)]}}"#.utf8),
      to: "tokenizer.json")
    let tokenizer = try Tokenizer.open(folder.path)
    #expect(tokenizer.encode("ab") == [4])
    #expect(tokenizer.encode("aab") == [3, 4])
  }

  @Test func anAddedTokenThatAnotherHasSwallowedIsNone() throws {
    let folder = try TemporaryFolder()
    let tokens = #"{"id": 1, "content": "\n\n", "lstrip": true, "rstrip": true, "#
    let text =
      #"{"added_tokens": [\#(tokens) "normalized": false}, "#
      + #"{"id": 2, "content": "\n", "normalized": false}], "#
      + #""model": {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0}}}"#
    try folder.write(Array(text.utf8), to: "tokenizer.json")
    let tokenizer = try Tokenizer.open(folder.path)
    #expect(tokenizer.encode("a\n\n \n\na") == [0, 1, 0])
    #expect(tokenizer.encode("\n\n\n\n") == [1])
    #expect(tokenizer.encode("\n\n \na") == [1, 2, 0])
    #expect(tokenizer.encode(" \n\n\n") == [1, 2])
  }

  @Test func anAddedTokenOfWhichTheNormalizerLeavesNothingIsNamed() throws {
    let folder = try TemporaryFolder()
    let text =
      #"{"added_tokens": [{"id": 1, "content": "\n", "normalized": true}], "#
      + #""normalizer": {"type": "Strip", "strip_left": false, "strip_right": true}, "#
      + #""model": {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0}}}"#
    try folder.write(Array(text.utf8), to: "tokenizer.json")
    #expect(
      complaint(folder)
        == "T/tokenizer.json: the normalizer leaves nothing of the added token 1, which is not "
        + "supported.")
    #expect(
      TokenizerError.vanishingToken(path: "T", id: 1).hint
        == "Hugging Face would cut the text behind every character; say \"normalized\": false for "
        + "that token.")
  }

  // MARK: - Scores

  @Test func scoresAreReadWithTheRoundingsOfTheReference() throws {
    let decimals = object("decimals.json").object ?? [:]
    #expect(decimals.count >= 390)
    var (twice, missed) = (0, 0)
    for (text, bits) in decimals {
      let expected = Double(bitPattern: UInt64(bitPattern: Int64(bits.integer ?? 0)))
      #expect(SerdeNumber.value(Array(text.utf8)) == expected, "\(text)")
      if Double(text) != expected { twice += 1 }
      let again = SerdeNumber.value(Array(SerdeNumber.text(of: expected).utf8)) ?? .nan
      #expect(abs(again - expected) <= 2 * expected.ulp)
      if again != expected { missed += 1 }
    }
    #expect(twice > 20 && missed < 80)
    #expect(SerdeNumber.value(Array("1e400".utf8)) == nil)
    #expect(SerdeNumber.value(Array("1e9223372036854775808".utf8)) == nil)
    #expect(SerdeNumber.value(Array("0e9223372036854775808".utf8)) == 0)
    #expect(SerdeNumber.value(Array("1e-9223372036854775808".utf8)) == 0)
  }

  // MARK: - Damage

  /// Every way to cut a file short, and single bytes changed: refused or read, never a trap.
  @Test(arguments: ["generic.model", "unigram.model", "bytes.model", "ranks.tiktoken"])
  func damagedModelFilesEndInAnError(name: String) throws {
    let whole = try published(name)
    let random = Random(seed: 3, stream: name)
    let folder = try TemporaryFolder()
    func tryOpening(_ bytes: [UInt8]) throws {
      try folder.write(bytes, to: name)
      do { _ = try Tokenizer.open(folder.file(name)) } catch is any Failure {}
    }
    for round in 0..<40 {
      let length = random.integer(2 * round, below: whole.count)
      try tryOpening(Array(whole[..<length]))
      var changed = whole
      for index in 0..<3 {
        let place = random.integer(1000 + 10 * round + index, below: whole.count)
        changed[place] = UInt8(random.integer(9000 + 10 * round + index, below: 256))
      }
      try tryOpening(changed)
    }
  }

  @Test func messagesThatLieAboutTheirLengthAreRefused() throws {
    let folder = try TemporaryFolder()
    let cases: [([UInt8], String)] = [
      ([0x0A, 0xFF], "T/tokenizer.model at byte 1: a number without end."),
      (
        [0x0A, 0x05, 0x0A], "T/tokenizer.model at byte 1: a field that is longer than its message."
      ),
      ([0x0A, 0x00], "T/tokenizer.model at byte 2: an empty piece."),
      ([0x0A, 0x03, 0x0A, 0x01, 0xFF], "T/tokenizer.model at byte 4: a text that is not UTF-8."),
      ([0x0A, 0x02, 0x18, 0x09], "T/tokenizer.model at byte 2: a piece of the unknown kind 9."),
      (
        [0x0A, 0x08, 0x0A, 0x01, 0x61, 0x15, 0, 0, 0xC0, 0x7F],
        "T/tokenizer.model at byte 5: a score that is no number."
      ),
      ([0x0A, 0x01, 0x0F], "T/tokenizer.model at byte 2: a field of an unknown kind."),
      ([0x0A, 0x01, 0x00], "T/tokenizer.model at byte 2: a field without a number."),
      ([0x12, 0x00], "T/tokenizer.model at byte 0: a model without pieces."),
      (
        [0x0A, 0x03, 0x0A, 0x01, 0x61, 0x0A, 0x03, 0x0A, 0x01, 0x61],
        "T/tokenizer.model at byte 0: the piece “a” comes twice."
      ),
      (
        [0x0A, 0x03, 0x0A, 0x01, 0x61, 0x12, 0x03, 0xC0, 0x02, 0x09],
        "T/tokenizer.model at byte 0: the unknown piece 9 is none."
      ),
    ]
    for (bytes, sentence) in cases {
      try folder.write(bytes, to: "tokenizer.model")
      #expect(complaint(folder) == sentence)
    }
  }
}
