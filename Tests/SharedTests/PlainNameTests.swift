import Shared
import Testing

@Suite struct PlainNameTests {
  @Test(
    "A name is of something in its folder itself, whatever letters its bytes make",
    arguments: [
      ("a", true), (".a", true), ("...", true), ("ü", true), ("a\u{301}", true), ("", false),
      (".", false), ("..", false), ("a/b", false), ("/", false), ("/\u{301}", false),
      ("../\u{301}x", false), ("a\u{0}", false),
    ])
  func names(name: String, isPlain: Bool) {
    #expect(name.isPlainName == isPlain)
  }

  @Test(
    "A path stays inside where it neither begins at the root nor climbs",
    arguments: [
      ("a/b", true), ("a/..b/c", true), ("", true), ("/a", false), ("a/../b", false),
      ("..", false), ("/\u{301}a", false), ("../\u{301}a", false), ("a/../\u{301}b", false),
      ("a\u{0}b", false),
    ])
  func paths(path: String, stays: Bool) {
    #expect(path.staysInside == stays)
  }
}
