import Shared
import Testing

@Suite struct WebAddressTests {
  @Test(
    "An origin is scheme, host and port",
    arguments: [
      ("https://Huggingface.co/a", "https://huggingface.co:443"),
      ("http://h", "http://h:80"), ("http://h:8080?x", "http://h:8080"),
      ("https://[::1]/", "https://[::1]:443"), ("https://[::1]:5/", "https://[::1]:5"),
      ("HTTPS://h:443", "https://h:443"),
    ])
  func origins(_ address: String, _ expected: String) {
    #expect(WebAddress.origin(address) == expected)
  }

  @Test(
    "What is no plain address of the web has no origin",
    arguments: ["", "file:///etc/passwd", "ftp://h/", "//h", "https://", "https://a@b/", "h"])
  func none(_ address: String) {
    #expect(WebAddress.origin(address) == nil)
  }

  @Test(
    "Redirects lead where RFC 3986 says",
    arguments: [
      ("http://b/x?y=%2F", "http://b/x?y=%2F"), ("//b/x", "http://b/x"),
      ("/x/y?z", "http://a:1/x/y?z"),
      ("x", "http://a:1/p/x"), ("?q", "http://a:1/p/o?q"),
    ])
  func redirects(_ target: String, _ expected: String) {
    #expect(WebAddress.resolved(target, from: "http://a:1/p/o?s=1") == expected)
  }

  @Test("Redirects to other schemes lead nowhere", arguments: ["file:/etc/passwd", "ftp://h/", ""])
  func elsewhere(_ target: String) {
    #expect(WebAddress.resolved(target, from: "http://a/").flatMap { WebAddress.origin($0) } == nil)
  }

  @Test("Names are quoted byte by byte")
  func quoted() {
    #expect(WebAddress.quoted("a/ü b+%?#.txt") == "a/%C3%BC%20b%2B%25%3F%23.txt")
    #expect(WebAddress.quoted("refs/pr/1", keeping: "") == "refs%2Fpr%2F1")
  }
}
