import Shared
import Support
import Testing

@Suite struct LocalHubTests {
  private let words = Array("a text of forty bytes, which is so small\n".utf8)

  /// A Hub with a small file and a large one, which ends with the test.
  private func withHub(
    _ change: (inout LocalHub.Options) -> Void = { _ in }, _ body: (LocalHub) throws -> Void
  ) throws {
    var options = LocalHub.Options()
    options.redirectsSmallFiles = false
    change(&options)
    let hub = try LocalHub(options)
    defer { hub.stop() }
    try hub.add(
      [
        "a.txt": .bytes(words),
        "b/model.safetensors": .bytes([UInt8](repeating: 7, count: 300_000)),
      ],
      to: "me/model")
    try body(hub)
  }

  private func get(
    _ hub: LocalHub, _ url: String, _ headers: [String: String] = [:]
  ) throws -> LocalHubAnswer {
    try #require(try hub.ask("GET", url, headers: headers))
  }

  @Test(arguments: [
    ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
    ),
  ])
  func theDigestIsThatOfTheStandard(text: String, expected: String) {
    #expect(SHA1.of(Array(text.utf8)) == expected)
  }

  @Test func aBlobHasTheNameThatGitGivesIt() {
    #expect(SHA1.ofBlob(Array("hello\n".utf8)) == "ce013625030ba8dba906f756967f9e9ca394464a")
  }

  @Test func aListingNamesSizesAndDigestsPageByPage() throws {
    try withHub({ $0.pageEntryCount = 2 }) { hub in
      let first = try get(hub, "/api/models/me/model/tree/main?recursive=true")
      let next = "\(hub.endpoint)/api/models/me/model/tree/main?recursive=true&cursor=2"
      #expect(first.headers["link"] == "<\(next)>; rel=\"next\"")
      let last = try get(hub, next)
      #expect(last.headers["link"] == nil)
      let entries = try [first, last].flatMap { try JSON(parsing: $0.body).array ?? [] }
      #expect(
        entries.map { $0.object?["path"] } == ["a.txt", "b", "b/model.safetensors"])
      #expect(entries[0].object?["oid"]?.string == SHA1.ofBlob(words))
      #expect(entries[2].object?["size"] == 300_000)
      var digest = Digest()
      digest.update([UInt8](repeating: 7, count: 300_000).span.raw)
      #expect(entries[2].object?["lfs"]?.object?["oid"]?.string == digest.finish())
    }
  }

  @Test func aSmallFileComesWithItsCommitAndDigest() throws {
    try withHub { hub in
      let answer = try get(hub, "/me/model/resolve/main/a.txt")
      #expect(answer.status == 200)
      #expect(answer.body == words)
      #expect(answer.headers["etag"] == "\"\(SHA1.ofBlob(words))\"")
      #expect(answer.headers["x-repo-commit"]?.count == 40)
      let head = try #require(try hub.ask("HEAD", "/me/model/resolve/main/a.txt"))
      #expect(head.body.isEmpty)
      #expect(head.headers["content-length"] == String(words.count))
    }
  }

  @Test func aSmallFileMayBeRedirectedToItsCommit() throws {
    try withHub({ $0.redirectsSmallFiles = true }) { hub in
      let first = try get(hub, "/me/model/resolve/main/a.txt")
      #expect(first.status == 307)
      let location = try #require(first.headers["location"])
      #expect(location.hasPrefix("/api/resolve-cache/models/me/model/"))
      #expect(try get(hub, location).body == words)
    }
  }

  @Test(arguments: [
    ("bytes=2-5", 2..<6), ("bytes=38-", 38..<41), ("bytes=-3", 38..<41), ("bytes=0-999", 0..<41),
  ])
  func aRangeIsCutOut(range: String, expected: Range<Int>) throws {
    try withHub { hub in
      let answer = try get(hub, "/me/model/resolve/main/a.txt", ["Range": range])
      #expect(answer.status == 206)
      #expect(answer.body == Array(words[expected]))
      #expect(
        answer.headers["content-range"]
          == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/41")
    }
  }

  @Test func aRangeOfAnotherContentIsNotCutOut() throws {
    try withHub { hub in
      let path = "/me/model/resolve/main/a.txt"
      let etag = "\"\(SHA1.ofBlob(words))\""
      #expect(try get(hub, path, ["Range": "bytes=2-5", "If-Range": etag]).status == 206)
      #expect(try get(hub, path, ["Range": "bytes=2-5", "If-Range": "\"x\""]).body == words)
      let behind = try get(hub, path, ["Range": "bytes=41-"])
      #expect(behind.status == 416)
      #expect(behind.headers["content-range"] == "bytes */41")
    }
  }

  @Test func aLargeFileIsOnTheSecondHost() throws {
    try withHub { hub in
      let first = try get(
        hub, "/me/model/resolve/main/b/model.safetensors",
        ["Authorization": "Bearer hf_localtoken"])
      #expect(first.status == 302)
      #expect(first.headers["x-linked-size"] == "300000")
      let location = try #require(first.headers["location"])
      #expect(location.hasPrefix(hub.contentEndpoint))
      let second = try get(hub, location, ["Range": "bytes=299999-"])
      #expect(second.body == [7])
      #expect(second.headers["etag"] == first.headers["x-linked-etag"])
      let requests = hub.requests
      #expect(requests.map(\.host) == [.hub, .content])
      #expect(requests.map(\.hasAuthorization) == [true, false])
      #expect(requests.map(\.range) == [nil, "bytes=299999-"])
      #expect(requests[1].sentByteCount == 1)
    }
  }

  @Test(
    arguments: [
      ("/api/models/me/none", nil, 401, "RepoNotFound", "Invalid username or password."),
      ("/api/models/me/none", "hf_localtoken", 404, "RepoNotFound", "Repository not found"),
      ("/api/models/me/secret", nil, 401, "RepoNotFound", "Invalid username or password."),
      (
        "/api/models/me/model", "hf_wrong", 401, nil,
        "Invalid credentials in Authorization header"
      ),
      ("/me/model/resolve/side/a.txt", nil, 404, "RevisionNotFound", "Invalid rev id: side"),
      ("/me/model/resolve/main/c.txt", nil, 404, "EntryNotFound", "Entry not found"),
      (
        "/me/gated/resolve/main/a.txt", nil, 401, "GatedRepo",
        "Access to model me/gated is restricted. You must have access to it and be authenticated to access it. Please log in."
      ),
    ] as [(String, String?, Int, String?, String)])
  func whatIsNotThereIsRefusedInTheHubsWords(
    path: String, token: String?, status: Int, code: String?, message: String
  ) throws {
    try withHub { hub in
      try hub.add(["a.txt": .text("a")], to: "me/secret", access: .isPrivate)
      try hub.add(["a.txt": .text("a")], to: "me/gated", access: .gated)
      let headers = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
      let answer = try get(hub, path, headers)
      #expect(answer.status == status)
      #expect(answer.headers["x-error-code"] == code)
      #expect(answer.headers["x-error-message"] == message)
      #expect(try JSON(parsing: answer.body).object?["error"]?.string == message)
    }
  }

  @Test func aFormerNameLeadsOn() throws {
    try withHub { hub in
      hub.addFormerName("me/old", of: "me/model", .model)
      let answer = try get(hub, "/me/old/resolve/main/a.txt")
      #expect(answer.status == 307)
      #expect(answer.headers["location"] == "/me/model/resolve/main/a.txt")
    }
  }

  @Test func aBranchThatMovesLeavesItsOldCommit() throws {
    try withHub { hub in
      let old = try hub.add(["a.txt": .text("old")], to: "me/model")
      let same = try hub.add(["a.txt": .text("old")], to: "me/model")
      let new = try hub.add(["a.txt": .text("new")], to: "me/model")
      #expect(old == same)
      #expect(old != new)
      #expect(try get(hub, "/me/model/resolve/\(old)/a.txt").text == "old")
      #expect(try get(hub, "/me/model/resolve/main/a.txt").text == "new")
    }
  }

  @Test func aConvertedBranchIsFoundInEitherSpelling() throws {
    try withHub { hub in
      try hub.add(["x": .text("x")], to: "me/data", .dataset, branch: "refs/convert/parquet")
      for revision in ["refs%2Fconvert%2Fparquet", "refs/convert/parquet"] {
        #expect(try get(hub, "/datasets/me/data/resolve/\(revision)/x").text == "x")
      }
      #expect(hub.paths(in: "me/data", .dataset) == [])
    }
  }
}
