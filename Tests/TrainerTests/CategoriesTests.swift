import Foundation
import Shared
import Support
import Testing

import Trainer

@Suite("Categories")
struct CategoriesTests {
  /// Words are single tokens only after a space; "sky-blue" never is one.
  private func encode(_ text: String) -> [UInt32] {
    let vocabulary: [String: UInt32] = [" red": 1, " blue": 2, "Blue": 3, " dog": 4, "red": 5]
    return vocabulary[text].map { [$0] } ?? [90, 91]
  }

  private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "/categories-" + UUID().uuidString + ".json"
    try AtomicFile.replace(path, with: text)
    defer { try? System.remove(path) }
    try body(path)
  }

  @Test("Words are looked up as given, bare and after a space; others are skipped")
  func tokens() {
    let words = CategoryWords(
      categories: [
        .init("color", ["red", " blue", "Blue", "sky-blue"]), .init("animal", ["dog", "red"]),
      ], sha256: "")
    let tokens = CategoryTokens(words, encode: encode)
    #expect(tokens.categories.map(\.tokens) == [[1, 2, 3, 5], [1, 4, 5]])
    #expect(tokens.categories.map(\.skippedWords) == [["sky-blue"], []])
    #expect(tokens.categories(of: 1) == [0, 1])
    #expect(tokens.categories(of: 4) == [1])
    #expect(tokens.categories(of: 7).isEmpty)
  }

  @Test("Precision, recall and F1 agree with counting them naively", arguments: [1, 2, 3])
  func agreesWithNaiveTwin(seed: Int) {
    let random = Random(seed: seed, stream: "categories")
    let latents = 12
    let words = CategoryWords(
      categories: [.init("a", ["a0", "a1"]), .init("b", ["b0"]), .init("none", ["zz"])], sha256: "")
    let ids: [String: UInt32] = ["a0": 3, "a1": 5, "b0": 7, "zz": 99]
    let tokens = CategoryTokens(words) { ids[$0].map { [$0] } ?? [] }
    let rows: [(token: UInt32, active: [Int32])] = (0..<400).map { row in
      let token = UInt32(random.integer(row, below: 10))
      let active = (0..<Int32(latents)).filter { latent in
        let chance = Int(latent) % 10 == Int(token) ? 0.8 : 0.1
        return random.uniform(1000 + row * latents + Int(latent)) < chance
      }
      return (token, active)
    }
    var counts = CategoryCounts(tokens: tokens, latentCount: latents)
    var fires = [Int](repeating: 0, count: latents)
    for row in rows {
      counts.add(token: row.token, active: row.active.span)
      for latent in row.active { fires[Int(latent)] += 1 }
    }
    for (index, category) in tokens.categories.enumerated() {
      let twin = (0..<latents).map { latent in
        NaiveCategories.score(latent: latent, tokens: category.tokens, rows: rows)
      }
      for latent in 0..<latents {
        let score = counts.score(latent: latent, category: index, fires: fires[latent])
        #expect(abs(score.precision - twin[latent].precision) < 1e-12)
        #expect(abs(score.recall - twin[latent].recall) < 1e-12)
        #expect(abs(score.f1 - twin[latent].f1) < 1e-12)
      }
      let highest = twin.map(\.f1).max() ?? 0
      let best = counts.best(category: index, fires: fires)
      #expect(best?.latent == (highest > 0 ? twin.firstIndex { $0.f1 >= highest - 1e-12 } : nil))
    }
    #expect(counts.results(fires: fires)[2].best == nil)
    #expect(counts.results(fires: fires)[2].rows == 0)
  }

  @Test("A file of categories is read in the order of the names, comments allowed")
  func reading() throws {
    try withFile("{color: [\"red\"], // hues\n animal: [\"dog\", \"cat\"]}") { path in
      let words = try CategoryWords.read(path)
      #expect(words.categories == [.init("animal", ["dog", "cat"]), .init("color", ["red"])])
      #expect(words.sha256 == (try Digest.ofFile(path)))
    }
  }

  @Test("A file that is none gets one sentence")
  func refusals() throws {
    try withFile("{") { path in
      #expect(throws: CategoriesError.notJSON(path: path)) { try CategoryWords.read(path) }
    }
    try withFile("[1]") { path in
      #expect(throws: CategoriesError.notCategories(path: path)) { try CategoryWords.read(path) }
    }
    try withFile("{\"a\": [1]}") { path in
      #expect(throws: CategoriesError.notWords(path: path, category: "a")) {
        try CategoryWords.read(path)
      }
    }
    #expect(CategoriesError.notJSON(path: "c.json").sentence == "c.json is not JSON.")
    #expect(
      CategoriesError.notCategories(path: "c.json").sentence
        == "c.json is not an object of categories.")
    let error = CategoriesError.notWords(path: "c.json", category: "a")
    #expect(error.sentence == "c.json: the category \"a\" is not a list of words.")
    #expect(
      error.hint
        == "Write evaluate.categories as {\"color\": [\"red\", \"blue\"], \"animal\": [\"dog\"]}.")
  }
}
