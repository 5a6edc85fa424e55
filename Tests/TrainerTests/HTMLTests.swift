import Testing

import Trainer

@Suite("Text for a page")
struct HTMLTests {
  @Test(
    "Markup in a text becomes text",
    arguments: [
      ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
      ("\" onmouseover='x'", "&quot; onmouseover=&#39;x&#39;"),
      ("a & b &lt;", "a &amp; b &amp;lt;"),
      ("e\u{301} ä 😀", "e\u{301} ä 😀"),
      ("\u{202E}abc\u{0}", "‹U+202E›abc‹U+0000›"),
      // A combining mark must not hide the character that it follows.
      ("<\u{338}b>", "&lt;\u{338}b&gt;"),
    ])
  func escaping(text: String, escaped: String) { #expect(HTML.escaped(text) == escaped) }
}
