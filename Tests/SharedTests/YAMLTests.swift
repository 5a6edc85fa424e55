// YAML, as far as goldens do not show it.

import Shared
import Testing

@Suite struct YAMLTests {
  private func words(_ text: String) -> String {
    do {
      return try YAML.parse(Array(text.utf8)).canonical
    } catch {
      return "line \(error.line): \(error.what)"
    }
  }

  @Test(
    "What is not read is named with its line",
    arguments: [
      ("a: *x", "line 1: an alias (*x), which is not read"),
      ("\na: !!str 1", "line 2: a tag (!!str), which is not read"),
      ("a: [&b c]", "line 1: an anchor (&b), which is not read"),
      ("a: @b", "line 1: a reserved sign (@b), which is not read"),
      ("? a", "line 1: a key of several parts, which is not read"),
      ("a: 1\n---\nb: 2", "line 2: a second document"),
      ("a: 1\n  b: 2", "line 2: a key where a text goes on; check the indentation"),
      ("a: b: c", "line 1: a second “: ” in one line; it needs quotes"),
      ("a:\n\t- b", "line 2: a tab where blanks are needed"),
      ("a: \"x\" y", "line 1: text behind a value"),
      ("a: \"\\q\"", "line 1: an escape that YAML does not have"),
      ("a: 'x", "line 1: a text whose quote has no end"),
      ("a: [x: 1]", "line 1: a pair within a list, which is not read"),
      ("a: {x 1", "line 1: a list or a mapping that has no end"),
      ("a: [x y z }", "line 1: expected “,” or “]”"),
      ("- a\nb: 1", "line 2: expected less indentation"),
      ("a: 1\nb", "line 2: expected a key and “:”"),
      ("a: |x\n  b", "line 1: a block of text with signs that mean nothing"),
    ])
  func refusals(text: String, expected: String) {
    #expect(words(text) == expected)
  }

  @Test("Depth and size are bounded")
  func bounds() {
    let deep = String(repeating: "[", count: 100)
    #expect(words("a: " + deep) == "line 1: nested too deeply")
    #expect(words(String(repeating: "- ", count: 100) + "x") == "line 1: nested too deeply")
    let long = "a: " + String(repeating: "x", count: YAML.byteLimit)
    #expect(words(long) == "line 1: more than 4 MiB")
  }

  @Test("Any bytes are read or refused")
  func anyBytes() {
    let random = Random(seed: 5, stream: "yaml")
    let signs = Array("ab:-[]{}'\"|>#&*!?,\n\n \t\\%1.".utf8)
    for text in 0..<3000 {
      let length = random.integer(64 * text, below: 40)
      let text = (0..<length).map { place in
        signs[random.integer(64 * text + 1 + place, below: signs.count)]
      }
      _ = try? YAML.parse(text)
    }
  }
}
