import Shared
import Support
import Testing

private func pieces(_ text: String) -> [String] {
  let bytes = Array(text.utf8)
  let pattern = GPT2Pattern()
  var pieces: [String] = []
  var start = 0
  while start < bytes.count {
    let end = pattern.pieceEnd(bytes.span, from: start, to: bytes.count)
    pieces.append(String(decoding: bytes[start..<end], as: UTF8.self))
    start = end
  }
  return pieces
}

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
    #expect(pieces(text) == expected)
  }

  @Test func randomTextIsCutLikeTheNaivePattern() {
    let pool = Array(
      "abZé漢각Ω½Ⅷ０7 \t\n\r\u{B}\u{85}\u{A0}\u{2003}\u{3000}'''strevmlld.,!_-\u{301}\u{200D}🎉\u{10D4A}\u{1E5F1}"
        .unicodeScalars)
    let random = Random(seed: 5, stream: "text splitting")
    for round in 0..<2000 {
      let length = random.integer(40 * round, below: 30)
      var text = String.UnicodeScalarView()
      for index in 0..<length {
        text.append(pool[random.integer(40 * round + index + 1, below: pool.count)])
      }
      #expect(pieces(String(text)) == NaivePattern.pieces(String(text)))
    }
  }
}
