import Foundation
import Shared
import Support
import Testing

@Suite struct HubEnvironmentTests {
  @Test("The environment means what it means in huggingface_hub")
  func peers() throws {
    let text = try ProjectFiles.text("Tests/Fixtures/hub/environments.json")
    let cases = try #require(try JSON(parsing: Array(text.utf8)).array)
    #expect(cases.count > 10)
    for item in cases {
      let variables = try #require(item["variables"]?.object).compactMapValues(\.string)
      let found = try HubEnvironment(variables)
      let name = Comment(rawValue: item["name"]?.string ?? "")
      #expect(found.endpoint == item["endpoint"]?.string, name)
      #expect(found.cacheFolder == item["cache"]?.string, name)
      #expect(found.isOffline == item["offline"]?.bool, name)
      #expect(found.http.connectSeconds == item["connect"]?.double, name)
      #expect(found.http.stallSeconds == item["stall"]?.double, name)
    }
  }

  @Test("The token comes from HF_TOKEN, the older variable, the file, in this order")
  func tokens() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array(" hf_file\n".utf8), to: "token")
    func token(_ variables: [String: String]) throws -> HubToken? {
      try HubEnvironment(variables.merging(["HOME": folder.path]) { own, _ in own }).token
    }
    func expected(_ text: String) throws -> HubToken? { try HubToken(text, from: "test") }
    let both = ["HF_TOKEN": "hf_a", "HUGGING_FACE_HUB_TOKEN": "hf_b", "HF_TOKEN_PATH": path]
    #expect(try token(both) == expected("hf_a"))
    #expect(try token(["HUGGING_FACE_HUB_TOKEN": "hf_b\n"]) == expected("hf_b"))
    #expect(try token(["HF_TOKEN_PATH": path]) == expected("hf_file"))
    #expect(try token(["HF_HOME": folder.path]) == expected("hf_file"))
    #expect(try token(["HF_TOKEN": "", "HF_HOME": folder.path]) == expected("hf_file"))
    #expect(try token([:]) == nil)
    #expect(
      try token(both.merging(["HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"]) { $1 }) == nil)
  }

  @Test("A token cannot be printed")
  func secret() throws {
    let environment = try HubEnvironment(["HF_TOKEN": "hf_secret", "HOME": "/"])
    let token = try #require(environment.token)
    var dumped = ""
    dump(environment, to: &dumped)
    for text in ["\(token)", String(reflecting: token), "\(environment)", dumped] {
      #expect(!text.contains("hf_secret"))
    }
    #expect("\(token)" == "<token>")
  }

  @Test("Proxies and certificates are found where curl and requests look for them")
  func network() throws {
    let http = try HubEnvironment([
      "HTTPS_PROXY": "http://p:1", "http_proxy": "http://q:2", "HTTP_PROXY": "http://r:3",
      "NO_PROXY": "a.b", "CURL_CA_BUNDLE": "/b", "SSL_CERT_FILE": "/c", "HOME": "/",
    ]).http
    #expect(http.proxies == ["https": "http://p:1", "http": "http://q:2"])
    #expect(http.withoutProxy == "a.b")
    #expect(http.certificates == "/b")
    #expect(try HubEnvironment(["ALL_PROXY": "x", "HOME": "/"]).http.proxies["https"] == "x")
  }

  @Test(
    "What the environment has wrong is said in a sentence",
    arguments: [
      (
        ["HF_ENDPOINT": "hub"],
        "HF_ENDPOINT is “hub”, which is no address of the web. | "
          + "Begin it with https:// or http://, or unset it. | 2"
      ),
      (
        ["HF_HUB_DOWNLOAD_TIMEOUT": "ten"],
        "HF_HUB_DOWNLOAD_TIMEOUT is “ten”, which is no number of seconds. | "
          + "Give a whole number, or unset it. | 2"
      ),
      (
        ["HF_TOKEN": "hf_a b"],
        "HF_TOKEN holds something that cannot be a token. | "
          + "Copy the token again from https://huggingface.co/settings/tokens. | 2"
      ),
      (
        ["HF_TOKEN_PATH": "/"],
        "/ is a folder where a file was expected. |  | 2"
      ),
    ])
  func wrong(_ variables: [String: String], _ expected: String) {
    #expect(
      failure { _ = try HubEnvironment(variables.merging(["HOME": "/none"]) { own, _ in own }) }
        == expected)
  }
}
