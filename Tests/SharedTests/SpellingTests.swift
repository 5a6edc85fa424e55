import Shared
import Testing

@Suite struct SpellingTests {
  @Test(arguments: [
    ("", "", 0), ("", "abc", 3), ("lr", "lr", 0), ("kitten", "sitting", 3), ("seed", "sede", 1),
    ("contxt_size", "context_size", 1),
  ])
  func distanceCountsSmallSlips(_ a: String, _ b: String, _ expected: Int) {
    #expect(Spelling.distance(a, b) == expected)
    #expect(Spelling.distance(b, a) == expected)
  }

  @Test func theNearestWordIsFoundUnlessItIsFar() {
    #expect(Spelling.nearest("trian", in: ["cache", "train"]) == "train")
    #expect(Spelling.nearest("LR", in: ["lr", "k"]) == "lr")
    #expect(Spelling.nearest("banana", in: ["cache", "train"]) == nil)
    #expect(Spelling.nearest("x", in: []) == nil)
    let long = String(repeating: "a", count: 10_000_000)
    #expect(Spelling.nearest(long, in: ["train", String(repeating: "a", count: 101)]) == nil)
    #expect(
      Spelling.nearest("learning", in: ["learning_rate_end", "learning_rate"]) == "learning_rate")
  }

  @Test func alternativesReadLikeASentence() {
    #expect(Spelling.alternatives([]) == "")
    #expect(Spelling.alternatives(["a"]) == "a")
    #expect(Spelling.alternatives(["a", "b"]) == "a or b")
    #expect(Spelling.alternatives(["a", "b", "c"], "and") == "a, b and c")
  }
}
