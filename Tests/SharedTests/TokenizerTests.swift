import Foundation
import Shared
import Support
import Testing

private func fixture(_ name: String) -> String {
  ProjectFiles.root + "/Tests/Fixtures/tokenizer/" + name
}

/// The words of the error with which opening a tokenizer.json fails.
private func complaint(_ edit: (inout String) -> Void) throws -> String {
  let folder = try TemporaryFolder()
  var text = String(
    decoding: try MappedFile.contents(fixture("plain/tokenizer.json")), as: UTF8.self)
  edit(&text)
  try folder.write(Array(text.utf8), to: "tokenizer.json")
  return try complaint(at: folder.path).replacingOccurrences(of: folder.path, with: "T")
}

private func complaint(at path: String) throws -> String {
  do {
    _ = try Tokenizer.open(path)
    return ""
  } catch let failure as any Failure { return failure.sentence }
}

@Suite struct TokenizerTests {
  @Test(arguments: ["plain", "neox", "options"])
  func encodesLikeHuggingFace(name: String) throws {
    let tokenizer = try Tokenizer.open(fixture(name))
    let cases = try JSON(parsing: try MappedFile.contents(fixture("encodings.json")))[name]?.array
    #expect(cases?.count ?? 0 > 80)
    var encoder = TokenEncoder(tokenizer, cachedPieces: 64)
    for item in cases ?? [] {
      let text = item.array?.first?.string ?? ""
      let expected = (item.array?.last?.array ?? []).compactMap(\.integer).map { UInt32($0) }
      #expect(tokenizer.encode(text) == expected, "\(text.debugDescription)")
      // Once more through an encoder whose cache is warm and far too small.
      var ids: [UInt32] = []
      encoder.encode(Array(text.utf8).span, into: &ids)
      #expect(ids == expected, "\(text.debugDescription)")
    }
  }

  @Test func longPiecesAreMergedLikeShortOnes() throws {
    let path = fixture("plain/tokenizer.json")
    let tokenizer = try Tokenizer.open(path)
    let naive = try NaiveMerging(path)
    let letters = Array("riverstonelantern")
    let random = Random(seed: 9, stream: "merging")
    for (round, length) in [1, 2, 5, 63, 64, 65, 66, 130, 300].enumerated() {
      let piece = String(
        (0..<length).map { letters[random.integer(1000 * round + $0, below: letters.count)] })
      #expect(tokenizer.encode(piece) == naive.encode(piece), "\(piece)")
    }
  }

  @Test func aPieceOfHalfAMillionBytesTakesNoSquareOfItsLength() throws {
    let tokenizer = try Tokenizer.open(fixture("plain"))
    let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 19)
    let ids = tokenizer.encode(piece)
    #expect(tokenizer.decode(ids).utf8.count == piece.count)
  }

  @Test func decodingGivesTheTextBack() throws {
    let tokenizer = try Tokenizer.open(fixture("plain"))
    let text = "Über 12 naïve cafés… 東京 🎉<|endoftext|>\n"
    #expect(tokenizer.decode(tokenizer.encode(text)) == text)
    #expect(tokenizer.tokenText(0) == "<|endoftext|>")
    #expect(tokenizer.tokenText(40_000) == "")
    #expect(tokenizer.vocabularySize == 498)
  }

  @Test func bytesThatAreNoTextAreReplacedAndCounted() throws {
    let tokenizer = try Tokenizer.open(fixture("plain"))
    var encoder = TokenEncoder(tokenizer)
    var ids: [UInt32] = []
    // A cut character, a lone continuation, and a U+FFFD that was there.
    let bytes = Array("a".utf8) + [0xE6, 0x9D, 0x20, 0x80] + Array("\u{FFFD}b".utf8)
    encoder.encode(bytes.span, into: &ids)
    #expect(tokenizer.decode(ids) == "a\u{FFFD} \u{FFFD}\u{FFFD}b")
    #expect(encoder.replacedCount == 2)
  }

  @Test func aTemplateIsAddedOnlyWhereWanted() throws {
    let tokenizer = try Tokenizer.open(fixture("options"))
    let plain = tokenizer.encode("river", specialTokens: .omitted)
    let start = try #require(tokenizer.encode("<s>", specialTokens: .omitted).first)
    let end = try #require(tokenizer.encode("</s>", specialTokens: .omitted).first)
    #expect(tokenizer.encode("river") == [start] + plain + [end])
  }

  // MARK: - Special tokens

  @Test func rolesComeFromTheFilesBesideTheTokenizer() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      try MappedFile.contents(fixture("plain/tokenizer.json")), to: "tokenizer.json")
    // A tokenizer.json by itself names no roles.
    #expect(try Tokenizer.open(folder.path).tokensWithRoles == [])
    try folder.write(
      Array(#"{"bos_token": null, "eos_token": {"content": "a"}}"#.utf8),
      to: "tokenizer_config.json")
    try folder.write(
      Array(#"{"bos_token": "c", "sep_token": "b"}"#.utf8), to: "special_tokens_map.json")
    let tokenizer = try Tokenizer.open(folder.path + "/")
    // Without added_tokens_decoder, special_tokens_map.json has the last word.
    #expect(tokenizer.bosId == tokenizer.encode("c")[0])
    #expect(try tokenizer.id(of: .eos) == tokenizer.encode("a")[0])
    #expect(try tokenizer.id(of: .sep) == tokenizer.encode("b")[0])
    #expect(try tokenizer.id(of: .id(497)) == 497)
    let file = tokenizer.path
    try folder.write(
      Array(#"{"bos_token": null, "added_tokens_decoder": {}}"#.utf8),
      to: "tokenizer_config.json")
    #expect(try Tokenizer.open(folder.path).id(of: .bos) == nil)
    #expect(throws: TokenizerError.idOutOfRange(path: file, id: 498, vocabularySize: 498)) {
      try tokenizer.id(of: .id(498))
    }
  }

  // MARK: - Older files

  @Test func vocabularyAndMergesSayWhatTokenizerJSONSays() throws {
    let folder = try TemporaryFolder()
    let path = fixture("plain/tokenizer.json")
    let model = try #require(try JSON(parsing: MappedFile.contents(path))["model"])
    let merges = (model["merges"]?.array ?? []).map { pair in
      (pair.array ?? []).compactMap(\.string).joined(separator: " ")
    }
    try folder.write(Array((model["vocab"] ?? .null).canonical.utf8), to: "vocab.json")
    let text = "#version: 0.2\n" + merges.joined(separator: "\n") + "\n"
    try folder.write(Array(text.utf8), to: "merges.txt")
    let (old, new) = (try Tokenizer.open(folder.path), try Tokenizer.open(path))
    for text in ["It's 12 naïve cafés… 東京 🎉", "a<|endoftext|>b", "  \n", ""] {
      #expect(old.encode(text) == new.encode(text))
    }
    #expect(old.vocabularySize == new.vocabularySize)
    // What is copied into the store is a tokenizer.json.
    try folder.write(try old.contents(), to: "copy.json")
    #expect(try Tokenizer.open(folder.file("copy.json")).encode("river") == new.encode("river"))
    #expect(
      TokenizerLocation.sources(old.path).map { $0.split(separator: "/").last }
        == ["vocab.json", "merges.txt"])
    try folder.write(Array("a b c\n".utf8), to: "merges.txt")
    #expect(
      try complaint(at: folder.path)
        == "\(folder.path)/merges.txt at byte 0: expected two tokens with one space between them.")
    try folder.write(
      Array(#"{"tokenizer_class": "XLNetTokenizer"}"#.utf8), to: "tokenizer_config.json")
    #expect(
      try complaint(at: folder.path)
        == "\(folder.path)/tokenizer_config.json: tokenizer_class: XLNetTokenizer without a "
        + "tokenizer.json is not supported.")
  }

  // MARK: - Messages

  @Test func whatIsNotUnderstoodIsNamed() throws {
    func changed(_ old: String, _ new: String) throws -> String {
      try complaint { $0 = $0.replacingOccurrences(of: old, with: new) }
    }
    let byteLevel = #""pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"#
    #expect(
      try changed(#""normalizer":null"#, #""normalizer":{"type":"Rhyme"}"#)
        == "T/tokenizer.json: normalizer: the type “Rhyme” is not supported.")
    #expect(
      try changed(
        #""normalizer":null"#,
        #""normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Rhyme"}]}"#)
        == "T/tokenizer.json: normalizer.normalizers[1]: the type “Rhyme” is not supported.")
    #expect(
      try changed(byteLevel, #""pre_tokenizer":{"type":"Sorting","#)
        == "T/tokenizer.json: pre_tokenizer: the type “Sorting” is not supported.")
    #expect(
      try changed(#""model":{"type":"BPE""#, #""model":{"type":"Hidden""#)
        == "T/tokenizer.json: model: the type “Hidden” is not supported.")
    #expect(
      try changed(#""model":{"type":"BPE""#, #""model":{"type":"Unigram""#)
        == "T/tokenizer.json: model.vocab must be a list.")
    #expect(
      try changed(#""model":{"type":"BPE""#, #""model":{"type":"WordLevel""#)
        == "T/tokenizer.json: model.unk_token must be in the vocabulary.")
    #expect(
      try changed(#""dropout":null"#, #""dropout":0.1"#)
        == "T/tokenizer.json: model.dropout: 0.1 is not supported.")
    #expect(
      try changed(#""end_of_word_suffix":null"#, #""end_of_word_suffix":1"#)
        == "T/tokenizer.json: model.end_of_word_suffix must be a string or null.")
    #expect(
      try changed(#""decoder":{"type":"ByteLevel""#, #""decoder":{"type":"CTC""#)
        == "T/tokenizer.json: decoder: the type “CTC” is not supported.")
    #expect(
      try changed(#""id":0,"content":"<|endoftext|>""#, #""id":7,"content":"<|endoftext|>""#)
        == "T/tokenizer.json: the added token “<|endoftext|>” has the id 7, where its place gives "
        + "it 0.")
    #expect(
      try changed(#""merges":["#, #""merges":[["a","qq"],"#)
        == "T/tokenizer.json: model.merges[0] needs the token “qq”, which is not in the "
        + "vocabulary.")
    #expect(
      try changed(#""merges":["#, #""merges":["a b c","#).hasSuffix(
        ": expected two tokens with one space between them."))
    #expect(
      try changed(#""model":"#, #""modell":"#) == "T/tokenizer.json: model must be an object.")
    #expect(
      try changed(
        #""post_processor":{"type":"ByteLevel""#,
        #""post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},"#
          + #"{"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[70000]}}"#
      ).hasPrefix("70000 is no token of T/tokenizer.json: its ids are 0 to "))
  }

  @Test func damageIsNamedWithItsPlace() throws {
    #expect(
      try complaint { $0 = "{\"model\": {\"vocab\": {\"a\": 1" }
        == "T/tokenizer.json at byte 27: expected “,” or “}”.")
    #expect(
      try complaint { $0 = "[]" } == "T/tokenizer.json at byte 0: expected “{”.")
  }

  @Test func whatIsMissingIsNamed() throws {
    let folder = try TemporaryFolder()
    #expect(
      try complaint(at: "gpt2-of-nowhere")
        == "There is no tokenizer at gpt2-of-nowhere: no such file or folder.")
    #expect(
      try complaint(at: folder.path)
        == "The folder \(folder.path) holds no tokenizer: no tokenizer.json, tokenizer.model, "
        + "vocab.json with merges.txt, vocab.txt or .tiktoken file.")
    #expect(
      TokenizerError.absent("x").hint
        == "Set pretokenize.tokenizer_name to a folder that holds tokenizer.json, to that file, or to a "
        + "name on the Hugging Face Hub (owner/name)." + HomeFolder.rule(for: "x"))
    #expect(
      TokenizerError.idOutOfRange(path: "T", id: 9, vocabularySize: 9).sentence
        == "9 is no token of T: its ids are 0 to 8.")
  }
}
