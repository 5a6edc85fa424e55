import Shared
import Support
import Testing

/// What a process is started with that may write to a local Hub.
private func variables(
  _ hub: LocalHub, _ folder: borrowing TemporaryFolder, token: String? = nil
) -> [String: String] {
  [
    "HF_ENDPOINT": hub.endpoint, "HF_HOME": folder.file("home"),
    "HF_TOKEN": token ?? hub.options.token,
  ]
}

private var quickly: HTTPPatience {
  var patience = HTTPPatience()
  patience.firstSeconds = 0.01
  return patience
}

private func upload(
  _ files: [UploadFile], _ environment: [String: String], to id: String = "me/things",
  kind: HubRepository.Kind = .dataset, revision: String = "main", removing removed: [String] = []
) throws -> UploadResult {
  let upload = try HubUpload(
    HubEnvironment(environment), to: HubRepository(kind, id, revision: revision), mode: .quiet,
    patience: quickly)
  try upload.requireAccess()
  try upload.open()
  try upload.add(files, summary: "Add them")
  try upload.remove(removed, summary: "Add them")
  return try upload.finish(summary: "Add them")
}

private func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch let failure as any Failure {
    return [failure.sentence, failure.hint].compactMap(\.self).joined(separator: " ")
  } catch { return "\(error)" }
}

private let large = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

private var files: [UploadFile] {
  [
    UploadFile("data/rows.parquet", bytes: large), UploadFile("cfg.json", text: "{}\n"),
    UploadFile("empty.txt", text: ""),
  ]
}

@Suite("Files go up to the Hub")
struct HubUploadTests {
  @Test("A repository is made and has the files")
  func newRepository() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let result = try upload(files, variables(hub, folder))
    #expect(result.page == hub.endpoint + "/datasets/me/things")
    #expect(result.changedCount == 3 && result.sameCount == 0)
    #expect(result.sentByteCount == large.count)
    #expect(
      hub.uploadedPaths(in: "me/things", .dataset) == [
        "cfg.json", "data/rows.parquet", "empty.txt",
      ])
    #expect(try hub.contents(of: "data/rows.parquet", in: "me/things", .dataset) == large)
    #expect(try hub.contents(of: "empty.txt", in: "me/things", .dataset) == [])
    #expect(hub.requests.filter { $0.host == .content && $0.hasAuthorization }.isEmpty)
  }

  @Test("A name without an owner is the user's own")
  func ownName() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let result = try upload(files, variables(hub, folder), to: "things", kind: .model)
    #expect(result.page == hub.endpoint + "/tester/things")
  }

  @Test("What is there is not sent again, and what changed is")
  func again() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    _ = try upload(files, variables(hub, folder))
    hub.forgetRequests()
    let second = try upload(files, variables(hub, folder))
    #expect(second.changedCount == 0 && second.sameCount == 3 && second.sentByteCount == 0)
    #expect(hub.requests.allSatisfy { $0.method == "GET" })
    let changed = [UploadFile("cfg.json", text: "[]\n")] + files.filter { $0.path != "cfg.json" }
    let third = try upload(changed, variables(hub, folder), removing: ["empty.txt", "absent"])
    #expect(third.changedCount == 2 && third.sameCount == 2)
    #expect(hub.uploadedPaths(in: "me/things", .dataset) == ["cfg.json", "data/rows.parquet"])
  }

  @Test("Content that another file of the storage has is not sent")
  func sameContent() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    _ = try upload(files, variables(hub, folder))
    let other = [UploadFile("other.parquet", bytes: large)]
    #expect(try upload(other, variables(hub, folder), to: "me/others").sentByteCount == 0)
    #expect(try hub.contents(of: "other.parquet", in: "me/others", .dataset) == large)
  }

  @Test("A branch that is not there is made")
  func newBranch() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    _ = try upload([UploadFile("a.txt", text: "a")], variables(hub, folder))
    _ = try upload([UploadFile("b.txt", text: "b")], variables(hub, folder), revision: "more")
    #expect(hub.uploadedPaths(in: "me/things", .dataset) == ["a.txt"])
    #expect(hub.uploadedPaths(in: "me/things", .dataset, revision: "more") == ["a.txt", "b.txt"])
  }

  @Test(
    "Large files go in parts of any size that the storage asks for",
    arguments: [(64_000, [8_000, 64_000, 64_000, 64_000]), (Int.max, [200_000])])
  func parts(partByteCount: Int, received: [Int]) throws {
    var options = LocalHub.Options()
    (options.multipartByteCount, options.partByteCount) = (100_000, partByteCount)
    let hub = try LocalHub(options)
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let path = try folder.write(large, to: "rows")
    _ = try upload([UploadFile("rows.parquet", file: path)], variables(hub, folder))
    #expect(try hub.contents(of: "rows.parquet", in: "me/things", .dataset) == large)
    let puts = hub.requests.filter { $0.method == "PUT" }
    #expect(puts.map(\.receivedByteCount).sorted() == received)
  }

  @Test("Commits stay small")
  func manyFiles() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let many = (0..<250).map { UploadFile("\($0).txt", text: "\($0)") }
    #expect(try upload(many, variables(hub, folder)).changedCount == 250)
    #expect(hub.requests.count { $0.path.hasSuffix("/commit/main") } == 3)
    #expect(hub.uploadedPaths(in: "me/things", .dataset)?.count == 250)
  }

  @Test(
    "What fails for a moment is tried again",
    arguments: [
      LocalHubFault(.answer(status: 503, headers: [:]), on: "/uploads/*", count: 3),
      LocalHubFault(.cut(afterByteCount: -1), on: "/uploads/*", count: 2),
      LocalHubFault(.answer(status: 403, headers: [:]), on: "/uploads/*", count: 1),
      LocalHubFault(.answer(status: 500, headers: [:]), on: "/api/complete-multipart/*", count: 2),
      LocalHubFault(.cut(afterByteCount: -1), on: "*/batch"),
      LocalHubFault(.answer(status: 502, headers: [:]), on: "*/preupload/main"),
      LocalHubFault(.answer(status: 412, headers: [:]), on: "*/commit/main"),
      LocalHubFault(.answer(status: 503, headers: [:]), on: "/api/repos/create"),
      LocalHubFault.tooManyRequests(retryAfter: "0", on: "*/commit/main"),
    ])
  func failures(_ fault: LocalHubFault) throws {
    var options = LocalHub.Options()
    (options.multipartByteCount, options.partByteCount) = (100_000, 64_000)
    let hub = try LocalHub(options)
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    hub.fail(fault)
    _ = try upload(files, variables(hub, folder))
    #expect(try hub.contents(of: "data/rows.parquet", in: "me/things", .dataset) == large)
  }

  @Test("An upload that was cut off goes on where it was")
  func goesOn() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    hub.fail(LocalHubFault(.answer(status: 503, headers: [:]), on: "*/commit/main", count: 6))
    let environment = variables(hub, folder)
    #expect(message { _ = try upload(files, environment) }.contains("status 503"))
    #expect(hub.uploadedPaths(in: "me/things", .dataset) == [])
    hub.forgetRequests()
    let result = try upload(files, environment)
    #expect(result.changedCount == 3 && result.sentByteCount == 0)
    #expect(!hub.requests.contains { $0.method == "PUT" })
  }
}

@Suite("Why nothing goes up")
struct HubUploadErrorTests {
  @Test("Without a token nothing is asked of the Hub")
  func noToken() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    var environment = variables(hub, folder)
    environment["HF_TOKEN"] = nil
    #expect(
      message { _ = try upload(files, environment) }
        == "To upload to me/things the Hub wants a token, and none is set. Make one of the kind Write at https://huggingface.co/settings/tokens, and set HF_TOKEN to it."
    )
    environment = variables(hub, folder)
    environment["HF_HUB_OFFLINE"] = "1"
    #expect(
      message { _ = try upload(files, environment) }
        == "Nothing can be uploaded to me/things: HF_HUB_OFFLINE forbids the network. Unset HF_HUB_OFFLINE, or leave out the repository."
    )
    #expect(hub.requests.isEmpty)
  }

  @Test("A wrong token is noticed before anything is sent")
  func wrongToken() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let environment = variables(hub, folder, token: "hf_other")
    #expect(
      message { _ = try upload(files, environment) }
        == "The Hub does not accept the token. Set HF_TOKEN to one of https://huggingface.co/settings/tokens that is valid."
    )
    #expect(hub.requests.map(\.path) == ["/api/whoami-v2"])
  }

  @Test("Files go to branches, by paths that stay inside")
  func places() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    let environment = variables(hub, folder)
    let commit = String(repeating: "a", count: 40)
    #expect(
      message { _ = try upload(files, environment, revision: commit) }
        == "\(commit) of me/things is a commit, and files are uploaded to branches. Give the name of a branch; one that is not there is made."
    )
    #expect(
      message { _ = try upload([UploadFile("../x", text: "")], environment) }
        == "“../x” cannot be a path in a repository. Give names separated by slashes, without .. and none at the ends."
    )
  }

  @Test("A storage that goes on refusing is named without its signature")
  func storageRefuses() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    hub.fail(LocalHubFault(.answer(status: 403, headers: [:]), on: "/uploads/*", count: 100))
    let environment = variables(hub, folder)
    let text = message { _ = try upload(files, environment) }
    #expect(text.hasPrefix(hub.contentEndpoint + "/uploads/"))
    #expect(text.hasSuffix(" was answered with status 403: This failure was asked for."))
    #expect(!text.contains("Signature"))
    #expect(hub.requests.count { $0.method == "PUT" } == 3)
  }

  @Test(
    "Every reason is a sentence",
    arguments: [
      (
        UploadError.readOnly(id: "me/x"),
        "To upload to me/x takes a token that may write; the one that is set may only read. Make one of the kind Write at https://huggingface.co/settings/tokens, and set HF_TOKEN to it."
      ),
      (
        .ignored(id: "me/x", path: "a/b"),
        "The .gitignore of me/x keeps a/b out. Change that .gitignore, or name another repository."
      ),
      (
        .takenName(id: "me/x"),
        "me/x exists, and the token may not see it. Give the token the right to write to it, or name another repository."
      ),
      (
        .badAnswer("http://x/y", what: "it names no objects"),
        "http://x/y does not answer as the Hub does: it names no objects. Check HF_ENDPOINT, and run the same command again."
      ),
      (
        .storage(path: "a/b", message: "too large"),
        "The Hub does not take a/b: too large. Run the same command again; what has arrived is not sent again."
      ),
    ])
  func sentences(_ error: UploadError, _ text: String) {
    #expect(message { throw error } == text)
  }
}
