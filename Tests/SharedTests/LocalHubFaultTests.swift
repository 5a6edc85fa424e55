import Shared
import Support
import Testing

@Suite struct LocalHubFaultTests {
  private let path = "/me/data/resolve/main/README.md"

  private func withHub(
    _ fault: LocalHubFault.Kind, on pattern: String = "*", _ body: (LocalHub) throws -> Void
  ) throws {
    var options = LocalHub.Options()
    options.redirectsSmallFiles = false
    let hub = try LocalHub(options)
    defer { hub.stop() }
    try hub.add(["README.md": .text("0123456789")], to: "me/data")
    hub.fail(LocalHubFault(fault, on: pattern))
    try body(hub)
    // It happens once.
    let answer = try hub.ask("GET", path)
    #expect(answer?.text == "0123456789")
  }

  @Test func anAnswerIsReplaced() throws {
    try withHub(.answer(status: 429, headers: ["Retry-After": "3"])) { hub in
      let answer = try hub.ask("GET", path)
      #expect(answer?.status == 429)
      #expect(answer?.headers["retry-after"] == "3")
    }
  }

  @Test func aConnectionIsCut() throws {
    try withHub(.cut(afterByteCount: 4)) { hub in
      let answer = try #require(try hub.ask("GET", path))
      #expect(answer.text == "0123")
      #expect(!answer.isComplete)
      #expect(hub.requests.last?.sentByteCount == 4)
    }
    try withHub(.cut(afterByteCount: -1)) { hub throws in #expect(try hub.ask("GET", path) == nil) }
    try withHub(.reset(afterByteCount: -1)) { hub throws in #expect(try hub.ask("GET", path) == nil)
    }
  }

  @Test func aLengthIsWrong() throws {
    try withHub(.wrongLength(difference: 5)) { hub in
      let answer = try #require(try hub.ask("GET", path))
      #expect(answer.headers["content-length"] == "15")
      #expect(answer.text == "0123456789")
    }
    try withHub(.wrongLength(difference: -5)) { hub in
      let answer = try #require(try hub.ask("GET", path))
      #expect(answer.headers["content-length"] == "5")
      #expect(answer.text == "01234")
    }
  }

  @Test func bytesAreWrong() throws {
    try withHub(.wrongBytes) { hub in
      let answer = try #require(try hub.ask("GET", path))
      #expect(answer.text == "0123456788")
      #expect(answer.isComplete)
    }
  }

  @Test func aDigestIsWrong() throws {
    try withHub(.wrongETag) { hub in
      let answer = try hub.ask("HEAD", path)
      #expect(answer?.headers["etag"] == "\"" + String(repeating: "0", count: 40) + "\"")
    }
  }

  @Test func bytesAreSlow() throws {
    try withHub(.slow(bytesPerSecond: 100)) { hub throws in
      let start = System.uptime
      #expect(try hub.ask("GET", path)?.isComplete == true)
      #expect(System.uptime - start > 0.09)
    }
  }

  @Test func anAnswerComesLate() throws {
    try withHub(.hang(seconds: 0.2)) { hub throws in
      let start = System.uptime
      #expect(try hub.ask("GET", path)?.text == "0123456789")
      #expect(System.uptime - start > 0.19)
    }
  }

  @Test func aRangeIsIgnored() throws {
    try withHub(.ignoredRange) { hub in
      let answer = try #require(try hub.ask("GET", path, headers: ["Range": "bytes=2-3"]))
      #expect(answer.status == 200)
      #expect(answer.text == "0123456789")
    }
  }

  @Test func aRedirectLeadsToTheNextOne() throws {
    try withHub(.endlessRedirects) { hub in
      let answer = try hub.ask("GET", path)
      #expect(answer?.headers["location"] == "\(hub.endpoint)\(path)?hop=1")
    }
  }

  @Test func aListingIsHostile() throws {
    try withHub(.listing(["../x", "/etc/passwd", "a\\b"]), on: "*/tree/*") { hub in
      let answer = try #require(try hub.ask("GET", "/api/models/me/data/tree/main"))
      let paths = try JSON(parsing: answer.body).array?.map { $0.object?["path"]?.string }
      #expect(paths == ["../x", "/etc/passwd", "a\\b"])
    }
  }

  @Test func aListingNeverEnds() throws {
    try withHub(.longListing(count: nil), on: "*/tree/*") { hub in
      let url = "/api/models/me/data/tree/main?cursor=123000"
      let answer = try #require(try hub.ask("GET", url))
      #expect(try JSON(parsing: answer.body).array?.count == 1_000)
      #expect(answer.headers["link"]?.contains("cursor=124000") == true)
    }
  }

  @Test func aCardNeverEnds() throws {
    try withHub(.endlessCard(byteCount: 1 << 30), on: "*README.md") { hub in
      let answer = try #require(try hub.ask("GET", path, atMost: 3_000_000))
      #expect(answer.headers["content-length"] == String(1 << 30))
      #expect(answer.text.hasPrefix("---\nconfigs:\n- config_name: again\n- config_name"))
    }
  }

  @Test(arguments: [
    (
      #"{"kind": "answer", "status": 503, "headers": {"A": "b"}}"#,
      LocalHubFault.Kind.answer(status: 503, headers: ["A": "b"])
    ),
    (#"{"kind": "cut", "bytes": 7}"#, .cut(afterByteCount: 7)),
    (#"{"kind": "reset", "bytes": 7}"#, .reset(afterByteCount: 7)),
    (#"{"kind": "wrongLength", "bytes": -2}"#, .wrongLength(difference: -2)),
    (#"{"kind": "wrongBytes"}"#, .wrongBytes),
    (#"{"kind": "wrongETag"}"#, .wrongETag),
    (#"{"kind": "slow", "bytes": 5}"#, .slow(bytesPerSecond: 5)),
    (#"{"kind": "hang", "seconds": 0.5}"#, .hang(seconds: 0.5)),
    (#"{"kind": "endlessRedirects"}"#, .endlessRedirects),
    (#"{"kind": "ignoredRange"}"#, .ignoredRange),
    (#"{"kind": "listing", "paths": ["../x"]}"#, .listing(["../x"])),
    (#"{"kind": "longListing", "entries": 9}"#, .longListing(count: 9)),
    (#"{"kind": "endlessCard", "bytes": 9}"#, .endlessCard(byteCount: 9)),
  ])
  func scriptsAskForTheSame(text: String, expected: LocalHubFault.Kind) throws {
    let fault = try #require(LocalHubFault(try JSON(parsing: Array(text.utf8))))
    #expect(fault.kind == expected)
    #expect(fault.count == 1)
    #expect(fault.path == "*")
  }

  @Test func aScriptSetsFaultsAndReadsTheRecord() throws {
    let hub = try LocalHub()
    defer { hub.stop() }
    let body = Array(#"[{"kind": "answer", "path": "/api/*", "status": 500, "count": 2}]"#.utf8)
    #expect(try hub.ask("POST", "/__faults", body: body)?.status == 200)
    #expect(try hub.ask("POST", "/__faults", body: Array("[{}]".utf8))?.status == 400)
    #expect(
      try hub.ask("PUT", "/__put?kind=dataset&id=me/x&path=a.txt", body: Array("a".utf8))?.status
        == 200)
    let statuses = try (0..<3).map { _ in try hub.ask("GET", "/api/datasets/me/x")?.status }
    #expect(statuses == [500, 500, 200])
    let log = try #require(try hub.ask("GET", "/__log"))
    let paths = try JSON(parsing: log.body).array?.map { $0.object?["path"]?.string }
    #expect(paths?.suffix(3) == ["/api/datasets/me/x", "/api/datasets/me/x", "/api/datasets/me/x"])
  }
}
