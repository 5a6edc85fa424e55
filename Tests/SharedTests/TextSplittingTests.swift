import Shared
import Support
import Testing

@Suite struct TextSplittingTests {
  @Test(arguments: [
    ("Hello world", ["Hello", " world"]),
    ("it's we'll 'twas 'S", ["it", "'s", " we", "'ll", " '", "twas", " '", "S"]),
    ("a  b", ["a", " ", " b"]),
    ("a \n b", ["a", " \n", " b"]),
    ("a\n\nb", ["a", "\n", "\n", "b"]),
    ("end   ", ["end", "   "]),
    ("x1.5!? y", ["x", "1", ".", "5", "!?", " y"]),
    ("\u{3000}\u{3000}漢字", ["\u{3000}", "\u{3000}", "漢字"]),
    (" ", [" "]),
    ("'", ["'"]),
    ("'r", ["'", "r"]),
  ])
  func textFallsIntoPieces(text: String, expected: [String]) {
    #expect(pieces(text, .gpt2(GPT2Pattern())) == expected)
  }

  @Test(
    "Compiled patterns cut random text like the patterns they stand for",
    arguments: [
      (SplitPattern.gpt2(GPT2Pattern()), NaivePattern.gpt2),
      (.gpt2(GPT2Pattern(numbers: .alone)), .digitsAndGPT2),
      (.cl100k(CL100KPattern(numberLimit: 3)), .cl100k(numberLimit: 3, marksInWords: false)),
      (.cl100k(CL100KPattern(numberLimit: 1)), .cl100k(numberLimit: 1, marksInWords: false)),
      (
        .cl100k(CL100KPattern(numberLimit: 1, marks: .inWords)),
        .cl100k(numberLimit: 1, marksInWords: true)
      ),
      (
        .o200k(O200KPattern(numberLimit: 3, contractions: .kept)),
        .o200k(numberLimit: 3, keepsContractions: true)
      ),
      (
        .o200k(O200KPattern(numberLimit: 1, contractions: .cut)),
        .o200k(numberLimit: 1, keepsContractions: false)
      ),
    ])
  func compiledIsNaive(pattern: SplitPattern, naive: NaivePattern) {
    let latin = "abAZéÉǅʰʕªΩ'''strevmlldSL\u{17F}\u{212A}"
    let others = "漢각½Ⅷ０7.,!/_-\u{301}\u{903}\u{200D}🎉\u{10D4A}\u{11DE3}\u{1E5F1}\u{E0100}"
    let spaces = " \t\n\r\u{B}\u{85}\u{A0}\u{2003}\u{3000}"
    let pool = Array((latin + others + spaces).unicodeScalars)
    let random = Random(seed: 5, stream: "text splitting")
    for round in 0..<2000 {
      let length = random.integer(40 * round, below: 30)
      var text = String.UnicodeScalarView()
      for index in 0..<length {
        text.append(pool[random.integer(40 * round + index + 1, below: pool.count)])
      }
      #expect(bytes(pieces(String(text), pattern)) == bytes(naive.pieces(String(text))))
    }
  }

  @Test(
    "Long runs of anything are cut without end in sight",
    arguments: ["a", " ", "\n", "A", "1", "!", "漢", "\u{301}", " a", "A\u{301}", "'"])
  func longRuns(unit: String) throws {
    let text = String(repeating: unit, count: 300_000)
    for pattern in [
      SplitPattern.gpt2(GPT2Pattern()), .cl100k(CL100KPattern(numberLimit: 3)),
      .o200k(O200KPattern(numberLimit: 3, contractions: .kept)),
    ] {
      #expect(pieces(text, pattern).joined() == text)
    }
    let choices = try PreTokenizer(split("(?:a|[^a])+"), path: "t")
    #expect(rendered(choices, text) == [text])
  }

  @Test(
    "Patterns that can match in very many ways come to an end, with the match that they have",
    arguments: [
      ("(?:a|a)*b", "c", ["*c"]), ("(?:a|a)*b", "b", ["*b"]), ("(?:a+)+b", "c", ["*c"]),
      ("(?:a|aa)+$", "c", ["*c"]), ("(?=(?:a|a)*b)a|c", "c", ["*", "c"]),
      ("(?>(?:a|a)*b)|a", "", Array(repeating: "a", count: 60)),
    ])
  func manyWays(pattern: String, end: String, expected: [String]) throws {
    let run = String(repeating: "a", count: 60)
    let preTokenizer = try PreTokenizer(split(pattern), path: "t")
    #expect(
      rendered(preTokenizer, run + end)
        == expected.map { $0.replacing("*", with: run) })
  }

  @Test("Pieces are those of Hugging Face's tokenizers", arguments: try Golden.all())
  func piecesAreGolden(golden: Golden) throws {
    let preTokenizer = try PreTokenizer(golden.description, path: "tokenizer.json")
    for (text, expected) in golden.texts {
      #expect(bytes(rendered(preTokenizer, text)) == bytes(expected))
      guard let pattern = preTokenizer.fast else { continue }
      let isSpaced =
        preTokenizer.prefixSpace == .asGiven || text.isEmpty || text.utf8.first == 0x20
      let direct = pieces(isSpaced ? text : " " + text, pattern)
      let spelling = direct.map { preTokenizer.isByteLevel ? spelled(Array($0.utf8)) : $0 }
      #expect(bytes(spelling) == bytes(expected))
    }
  }

  @Test func theInnerLoopKnowsTheCommonPatterns() throws {
    let found = try Golden.all().filter { golden in
      try PreTokenizer(golden.description, path: "t").fast != nil
    }
    #expect(
      found.map(\.name) == [
        "gpt2", "gpt2 with space", "gpt2 spelled out", "gpt2 short", "llama3", "qwen2", "qwen3.5",
        "o200k", "tekken", "starcoder",
      ])
  }

  @Test func onlyTheStartOfTheInputIsFirst() throws {
    let preTokenizer = try PreTokenizer(
      ["type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"], path: "t")
    #expect(rendered(preTokenizer, "a b") == ["▁a", "▁b"])
    #expect(rendered(preTokenizer, "a b", isFirst: false) == ["a", "▁b"])
  }
}

@Suite struct TextSplittingRefusalTests {
  @Test(
    "What cannot be followed exactly is refused by name",
    arguments: [
      ("(a)\\1", "\\1 in the pattern"),
      ("a\\Kb", "\\K in the pattern"),
      ("\\X", "\\X in the pattern"),
      ("(?~a)", "a group such as (?~ in the pattern"),
      ("(?<name>a)", "a group such as (?< in the pattern"),
      ("(?<=a|bc)", "a look behind of varying length in the pattern"),
      ("(a*)*", "the unbounded repetition of what may be empty in the pattern"),
      ("\\p{Klingon}", "the property “klingon” of the pattern"),
      ("(?i:é)", "a letter beyond ASCII where case is ignored in the pattern"),
      ("(?i:ss)", "“ss” where case is ignored in the pattern"),
      ("a{3,1}", "the bounds of a repetition in the pattern"),
      ("a{99999}", "the bounds of a repetition in the pattern"),
      ("(?:(?:(?:a{1000}b){1000}c){1000}){9}", "a pattern with so many repetitions"),
      ("(", "an opening parenthesis without its closing one in the pattern"),
      ("(?#2+|\\", "a comment without end in the pattern"),
      ("a)", "a closing parenthesis without its opening one in the pattern"),
      ("*", "a repetition of nothing in the pattern"),
      ("[a", "a bracket without end in the pattern"),
      ("[z-a]", "an empty range in the pattern"),
      ("[\\d-a]", "a range from a class in the pattern"),
      ("a\\", "a backslash at the end of the pattern"),
      ("\\xE9", "the code point E9 of the pattern"),
    ])
  func refusals(pattern: String, what: String) {
    let error = TokenizerError.unsupported(path: "t.json", part: "pre_tokenizer", what: what)
    #expect(throws: error) { try PreTokenizer(split(pattern), path: "t.json") }
    #expect(error.sentence == "t.json: pre_tokenizer: \(what) is not supported.")
  }

  @Test(
    "Deep nesting is refused rather than followed",
    arguments: ["(", "[", "(?i)", "a" + String(repeating: "{1}", count: 200), "(?=", "[^"])
  func deepNesting(unit: String) {
    let error = TokenizerError.unsupported(
      path: "t", part: "pre_tokenizer", what: "a pattern that is nested so deeply")
    #expect(throws: error) {
      try PreTokenizer(split(String(repeating: unit, count: 50_000)), path: "t")
    }
  }

  @Test(
    "Wrong values are named",
    arguments: [
      (["type": "Metaspace", "replacement": "ab"], "replacement must be one character"),
      (
        ["type": "Metaspace", "replacement": "_", "prepend_scheme": "last"],
        "prepend_scheme must be always, first or never"
      ),
      (
        [
          "type": "Metaspace", "replacement": "_", "prepend_scheme": "first",
          "add_prefix_space": .bool(false),
        ],
        "prepend_scheme must be never where add_prefix_space is false"
      ),
      (["type": "FixedLength", "length": .integer(0)], "length must be a positive integer"),
      (["type": "Digits"], "individual_digits must be true or false"),
      (["type": "CharDelimiterSplit", "delimiter": ""], "delimiter must be one character"),
      (
        ["type": "Punctuation", "behavior": "isolated"],
        "behavior must be Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous"
      ),
      (
        ["type": "Split", "behavior": "Isolated", "invert": .bool(false)],
        "pattern must be an object with Regex or String"
      ),
    ] as [(JSON, String)])
  func wrongValues(description: JSON, sentence: String) {
    let error = #expect(throws: TokenizerError.self) {
      try PreTokenizer(description, path: "t.json")
    }
    #expect(error?.sentence == "t.json: pre_tokenizer.\(sentence).")
  }

  @Test func unknownTypesAreNamedWithTheirPlace() {
    let description: JSON = [
      "type": "Sequence", "pretokenizers": .array([["type": "Whitespace"], ["type": "Sorting"]]),
    ]
    let error = #expect(throws: TokenizerError.self) {
      try PreTokenizer(description, path: "t.json")
    }
    #expect(
      error?.sentence
        == "t.json: pre_tokenizer.pretokenizers[1]: the type “Sorting” is not supported.")
  }
}

// MARK: - Goldens

/// What Hugging Face's tokenizers make of texts.
struct Golden: Sendable, CustomTestStringConvertible {
  let name: String
  let description: JSON
  let texts: [(String, [String])]

  var testDescription: String { name }
}

extension Golden {
  static func all() throws -> [Golden] {
    let path = ProjectFiles.root + "/Tests/Fixtures/splitting/splitting.json"
    let file = try JSON(parsing: try MappedFile.contents(path))
    let texts = try #require(file["texts"]?.array).compactMap(\.string)
    return try #require(file["cases"]?.array).map { item in
      // Bytes are split, for a mark behind a ~ would join it as a character.
      let pieces = try #require(item["pieces"]?.array).compactMap(\.string).map { joined in
        joined.utf8.split(separator: UInt8(ascii: "~")).map { String(decoding: $0, as: UTF8.self) }
      }
      return Golden(
        name: try #require(item["name"]?.string), description: item["pre_tokenizer"] ?? .null,
        texts: Array(zip(texts, pieces)))
    }
  }
}

// MARK: - Pieces as text

private func split(_ pattern: String) -> JSON {
  [
    "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated",
    "invert": .bool(false),
  ]
}

private func pieces(_ text: String, _ pattern: SplitPattern) -> [String] {
  let bytes = Array(text.utf8)
  var pieces: [String] = []
  var start = 0
  while start < bytes.count {
    let end = pattern.pieceEnd(bytes.span, from: start, to: bytes.count)
    pieces.append(String(decoding: bytes[start..<end], as: UTF8.self))
    start = end
  }
  return pieces
}

/// Pieces as bytes, for strings that spell the same differently count as equal.
private func bytes(_ pieces: [String]) -> [[UInt8]] { pieces.map { Array($0.utf8) } }

/// Pieces as Hugging Face prints them: bytes in the byte alphabet.
private func rendered(
  _ preTokenizer: PreTokenizer, _ text: String, isFirst: Bool = true
) -> [String] {
  let bytes = Array(text.utf8)
  var pieces = Pieces()
  preTokenizer.pieces(bytes.span, isFirst: isFirst, into: &pieces)
  var start = 0
  return pieces.ends.map { end in
    defer { start = end }
    let piece = Array(pieces.bytes[start..<end])
    return preTokenizer.isByteLevel ? spelled(piece) : String(decoding: piece, as: UTF8.self)
  }
}

/// Bytes in GPT-2's alphabet: those that are no printable character of Latin-1 come from U+0100 on.
private func spelled(_ bytes: [UInt8]) -> String {
  var text = String.UnicodeScalarView()
  for byte in bytes {
    let value = unprintable.firstIndex(of: byte).map { 0x100 + UInt32($0) } ?? UInt32(byte)
    if let scalar = Unicode.Scalar(value) { text.append(scalar) }
  }
  return String(text)
}

private let unprintable = Array(0...0x20) + Array(0x7F...0xA0) + [0xAD] as [UInt8]
