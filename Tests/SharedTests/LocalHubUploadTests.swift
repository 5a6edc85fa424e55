import Foundation
import Shared
import Support
import Testing

@Suite struct LocalHubUploadTests {
  private let token = ["Authorization": "Bearer hf_localtoken"]

  private func withHub(_ body: (LocalHub) throws -> Void) throws {
    var options = LocalHub.Options()
    options.multipartByteCount = 2_000
    options.partByteCount = 1_000
    let hub = try LocalHub(options)
    defer { hub.stop() }
    #expect(
      try post(hub, "/api/repos/create", ["name": "made", "organization": "me"]).status == 200)
    try body(hub)
  }

  private func post(
    _ hub: LocalHub, _ url: String, _ json: JSON
  ) throws -> LocalHubAnswer {
    try #require(
      try hub.ask("POST", url, headers: token, body: Array(json.canonical.utf8)))
  }

  private func commit(_ hub: LocalHub, _ lines: [JSON]) throws -> LocalHubAnswer {
    let text = lines.map { $0.canonical + "\n" }.joined()
    return try #require(
      try hub.ask(
        "POST", "/api/models/me/made/commit/main", headers: token, body: Array(text.utf8)))
  }

  private let header: JSON = ["key": "header", "value": ["summary": "Add", "description": ""]]

  private func large(_ path: String, _ bytes: [UInt8]) -> JSON {
    [
      "key": "lfsFile",
      "value": [
        "path": .string(path), "algo": "sha256", "oid": .string(digest(bytes)),
        "size": .integer(bytes.count),
      ],
    ]
  }

  private func digest(_ bytes: [UInt8]) -> String {
    var digest = Digest()
    digest.update(bytes.span.raw)
    return digest.finish()
  }

  /// What the batch says to do for content.
  private func actions(_ hub: LocalHub, _ bytes: [UInt8]) throws -> [String: JSON]? {
    let answer = try post(
      hub, "/me/made.git/info/lfs/objects/batch",
      [
        "operation": "upload", "transfers": .array(["basic", "multipart"]),
        "objects": .array([["oid": .string(digest(bytes)), "size": .integer(bytes.count)]]),
      ])
    let object = try JSON(parsing: answer.body).object?["objects"]?.array?.first?.object
    return object?["actions"]?.object?["upload"]?.object
  }

  @Test func aCommitAddsSmallFilesAndRemovesThem() throws {
    try withHub { hub in
      let content = Data("hello\n".utf8).base64EncodedString()
      let file: JSON = [
        "key": "file",
        "value": ["path": "a.txt", "encoding": "base64", "content": .string(content)],
      ]
      let first = try JSON(parsing: try commit(hub, [header, file]).body).object
      #expect(try hub.contents(of: "a.txt", in: "me/made") == Array("hello\n".utf8))
      let again = try JSON(parsing: try commit(hub, [header, file]).body).object
      #expect(first?["commitOid"] == again?["commitOid"])
      let removal: JSON = ["key": "deletedFile", "value": ["path": "a.txt"]]
      #expect(try commit(hub, [header, removal]).status == 200)
      #expect(hub.paths(in: "me/made") == [".gitattributes"])
      #expect(
        try commit(hub, [header, removal]).headers["x-error-message"]
          == "A file with this name doesn't exist")
    }
  }

  @Test func aCommitOfAnotherParentIsRefused() throws {
    try withHub { hub throws in
      let header: JSON = ["key": "header", "value": ["summary": "Add", "parentCommit": "0"]]
      #expect(try commit(hub, [header]).status == 412)
    }
  }

  @Test func largeContentIsPutOnTheSecondHostAndOnlyOnce() throws {
    try withHub { hub in
      let bytes = [UInt8](repeating: 3, count: 1_500)
      #expect(try commit(hub, [header, large("x.bin", bytes)]).status == 400)
      let href = try #require(try actions(hub, bytes)?["href"]?.string)
      #expect(href.hasPrefix(hub.contentEndpoint))
      #expect(try hub.ask("PUT", href, headers: token, body: bytes)?.status == 400)
      #expect(try hub.ask("PUT", href, body: [1])?.status == 400)
      let headers = ["Expect": "100-continue"]
      #expect(try hub.ask("PUT", href, headers: headers, body: bytes)?.status == 200)
      #expect(try actions(hub, bytes) == nil)
      #expect(try commit(hub, [header, large("x.bin", bytes)]).status == 200)
      #expect(try hub.contents(of: "x.bin", in: "me/made") == bytes)
      #expect(hub.requests.last { $0.host == .content }?.receivedByteCount == 1_500)
    }
  }

  @Test func largerContentIsPutInParts() throws {
    try withHub { hub in
      let bytes = (0..<2_500).map { UInt8($0 % 251) }
      let upload = try #require(try actions(hub, bytes))
      let parts = try #require(upload["header"]?.object)
      #expect(parts["chunk_size"] == "1000")
      var tags: [JSON] = []
      for part in 1...3 {
        let url = try #require(parts[String(part)]?.string)
        let piece = Array(bytes[((part - 1) * 1_000)..<min(2_500, part * 1_000)])
        let answer = try hub.ask("PUT", url, body: piece)
        let tag = try #require(answer?.headers["etag"])
        tags.append(["partNumber": .integer(part), "etag": .string(tag)])
      }
      let done: JSON = ["oid": .string(digest(bytes)), "parts": .array(tags)]
      #expect(try post(hub, try #require(upload["href"]?.string), done).status == 200)
      #expect(try commit(hub, [header, large("y.bin", bytes)]).status == 200)
      #expect(try hub.contents(of: "y.bin", in: "me/made") == bytes)
    }
  }

  @Test func whoHasNoTokenMayNotWrite() throws {
    try withHub { hub throws in
      for path in ["/api/repos/create", "/api/models/me/made/commit/main"] {
        #expect(try hub.ask("POST", path, body: Array("{}".utf8))?.status == 401)
      }
    }
  }

  @Test func aBodyMayComeInChunks() throws {
    try withHub { hub in
      let body = Array("8\r\n{\"name\":\r\n7\r\n\"again\"\r\n1\r\n}\r\n0\r\n\r\n".utf8)
      let headers = token.merging(["Transfer-Encoding": "chunked"]) { $1 }
      let answer = try hub.ask("POST", "/api/repos/create", headers: headers, body: body)
      #expect(answer?.status == 200)
      #expect(hub.paths(in: "tester/again") == [".gitattributes"])
    }
  }
}
