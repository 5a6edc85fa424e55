import Dispatch
import Shared
import Support
import Testing

@Suite struct HubClientTests {
  private static let byteCount = 3_000_000
  private static let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }

  private func world(_ options: LocalHub.Options = LocalHub.Options()) throws -> HubWorld {
    let world = try HubWorld(options)
    try world.hub.add(
      ["model.safetensors": .bytes(Self.bytes), "config.json": .text("{}")], to: "me/tiny")
    return world
  }

  private func download(
    _ world: HubWorld, _ variables: [String: String] = [:], failureLimit: Int = 6
  ) throws -> String {
    let client = try world.client(variables, failureLimit: failureLimit)
    let snapshot = try client.snapshot(HubRepository(.model, "me/tiny"))
    return try client.download(snapshot.files.map(\.path), of: snapshot, progress: .quiet)
  }

  private func isWhole(_ folder: String) throws -> Bool {
    try contents(of: folder + "/model.safetensors") == Self.bytes
  }

  /// The names of what lies among the blobs, or of what is meant to.
  private func blobs(_ world: HubWorld) -> [String] {
    (try? System.list("\(world.cache)/models--me--tiny/blobs")) ?? []
  }

  @Test("A cut download goes on where it was cut")
  func cut() throws {
    let world = try world()
    world.hub.fail(
      LocalHubFault(.cut(afterByteCount: 1_000_000), on: "/repos/*model.safetensors", count: 2))
    #expect(try isWhole(download(world)))
    let sent = world.contentRequests.map(\.sentByteCount).reduce(0, +)
    // What the server had sent when it was cut may not have arrived.
    #expect(sent < Self.byteCount + 2_000_000)
    #expect(world.contentRequests.dropFirst().allSatisfy { $0.range != nil })
  }

  @Test("A download that was given up goes on in the next run")
  func resumed() throws {
    let world = try world()
    world.hub.fail(
      LocalHubFault(.cut(afterByteCount: 2_000_000), on: "/repos/*model.safetensors", count: 1))
    let said = failure { _ = try download(world, failureLimit: 1) }
    #expect(said.hasPrefix("The connection to \(world.hub.endpoint) broke off each time: "))
    #expect(
      said.hasSuffix(
        ". | Check the network, and HTTPS_PROXY and HF_ENDPOINT where they are set. | 1"))
    #expect(blobs(world).contains { $0.hasSuffix(".incomplete") })
    world.hub.mendAll()
    world.hub.forgetRequests()
    #expect(try isWhole(download(world)))
    let request = try #require(world.contentRequests.first)
    #expect(request.range?.hasPrefix("bytes=") == true && request.range != "bytes=0-")
    #expect(request.sentByteCount < Self.byteCount)
    #expect(!blobs(world).contains { $0.hasSuffix(".incomplete") })
  }

  @Test("Nothing wrong enters the cache, and it is fetched again before that is said")
  func wrong() throws {
    let world = try world()
    world.hub.fail(LocalHubFault(.wrongBytes, on: "/repos/*model.safetensors", count: 2))
    #expect(try isWhole(download(world)))

    for kind in [
      LocalHubFault.Kind.wrongBytes, .wrongLength(difference: 5), .wrongLength(difference: -5),
    ] {
      let world = try self.world()
      world.hub.fail(LocalHubFault(kind, on: "/repos/*model.safetensors", count: 99))
      let said = failure { _ = try download(world) }
      #expect(
        said.hasPrefix("hf://models/me/tiny@main/model.safetensors arrived wrong each time: it")
          && said.hasSuffix(". | Run the same command again; nothing of it was kept. | 1"),
        "\(said)")
      #expect(blobs(world).allSatisfy { $0.count == 40 })
    }
  }

  @Test("A file that is another one on the server than in the list is refused")
  func tag() throws {
    let world = try world()
    world.hub.fail(LocalHubFault(.wrongETag, on: "*/resolve/*model.safetensors", count: 99))
    #expect(failure { _ = try download(world) }.contains("its hash is 0000000"))
  }

  @Test("The token goes to the Hub and to no other host")
  func token() throws {
    let world = try world()
    _ = try download(world, ["HF_TOKEN": world.hub.options.token])
    #expect(!world.contentRequests.isEmpty)
    #expect(world.hub.requests.allSatisfy { $0.hasAuthorization == ($0.host == .hub) })
  }

  @Test("Overload is waited for as long as the server asks, with a word where that is long")
  func overload() throws {
    let world = try world()
    world.hub.fail(.tooManyRequests(retryAfter: "1", on: "*/revision/*"))
    world.hub.fail(.tooManyRequests(retryAfter: nil, rateLimit: "\"api\";r=0;t=4", on: "*/tree/*"))
    let start = System.uptime
    #expect(try isWhole(download(world)))
    #expect(System.uptime - start >= 5)
    #expect(
      world.terminal.writes == [
        "Waiting 4.0 s for \(world.hub.endpoint): it answers with status 429.\n"
      ])
  }

  @Test("Redirects without end are refused")
  func redirects() throws {
    let world = try world()
    world.hub.fail(LocalHubFault(.endlessRedirects, on: "*/resolve/*", count: 999))
    let client = try world.client()
    let snapshot = try client.snapshot(HubRepository(.model, "me/tiny"))
    #expect(
      failure { try client.download(["model.safetensors"], of: snapshot) }
        == "\(world.hub.endpoint)/me/tiny/resolve/\(snapshot.commit)/model.safetensors leads on and "
        + "on: after 10 redirects there is one more. |  | 1")
    world.hub.mendAll()
    world.hub.fail(.redirect(to: "file:///etc/passwd", on: "*/resolve/*model*", count: 9))
    #expect(
      failure { try client.download(["model.safetensors"], of: snapshot) }
        == "\(world.hub.endpoint)/me/tiny/resolve/\(snapshot.commit)/model.safetensors leads on and "
        + "on: to something that is no address of the web. |  | 1")
  }

  @Test("A server that hangs is left after the timeout and asked again")
  func hang() throws {
    let world = try world()
    world.hub.fail(LocalHubFault(.hang(seconds: 30), on: "*/revision/*"))
    #expect(try isWhole(download(world, ["HF_HUB_DOWNLOAD_TIMEOUT": "1"])))
  }

  @Test("Listings come page by page, and hostile ones are refused")
  func listings() throws {
    var options = LocalHub.Options()
    options.pageEntryCount = 7
    let world = try HubWorld(options)
    var files: [String: LocalHubContent] = [:]
    for index in 0..<40 { files["f/\(index)"] = .text("\(index)") }
    try world.hub.add(files, to: "me/many", .dataset)
    let client = try world.client()
    let repository = try HubRepository(.dataset, "me/many")
    #expect(try client.snapshot(repository).files.count == 40)

    world.hub.fail(LocalHubFault(.listing(["../x"]), on: "*/tree/*"))
    #expect(
      failure { _ = try client.snapshot(repository) }
        == "The Hub's list of the files of me/many is refused: the path \"../x\" may lead out of "
        + "its folder. |  | 2")
    world.hub.mendAll()
    world.hub.fail(LocalHubFault(.longListing(count: nil), on: "*/tree/*", count: 1_000_000))
    #expect(
      failure { _ = try client.snapshot(repository) }
        == "The Hub's list of the files of me/many is refused: it has more than 300000 files. |  | 2"
    )
  }

  @Test("Repositories that do not exist, are private or gated are told apart")
  func refusals() throws {
    let world = try world()
    try world.hub.add(["a.bin": .text("a")], to: "me/secret", access: .isPrivate)
    try world.hub.add(["a.bin": .text("a")], to: "me/gated", .dataset, access: .gated)
    let token = ["HF_TOKEN": world.hub.options.token]
    func said(
      _ kind: HubRepository.Kind, _ id: String, _ revision: String = "main",
      _ variables: [String: String] = [:]
    ) -> String {
      failure {
        let client = try world.client(variables)
        let snapshot = try client.snapshot(HubRepository(kind, id, revision: revision))
        try client.download(["a.bin"], of: snapshot)
      }
    }
    #expect(
      said(.model, "me/none")
        == "The model me/none does not exist on the Hub, or is private. | "
        + "Check the name; for a private one set HF_TOKEN to a token that may read it. | 2")
    #expect(
      said(.model, "me/none", "main", token)
        == "The model me/none does not exist on the Hub, or is private to others. | "
        + "Check the name, and that the token may read it. | 2")
    #expect(said(.model, "me/secret").hasPrefix("The model me/secret does not exist"))
    #expect(said(.model, "me/secret", "main", token) == "")
    #expect(
      said(.model, "me/tiny", "nope")
        == "The model me/tiny has no revision “nope”. | Give a branch, a tag or a commit that it has. | 2"
    )
    #expect(
      said(.dataset, "me/gated")
        == "The data set me/gated is gated: its owner wants conditions to be accepted first. | "
        + "Accept the conditions at \(world.hub.endpoint)/datasets/me/gated, and set HF_TOKEN. | 2")
    #expect(
      said(.dataset, "me/gated", "main", token)
        == "The data set me/gated is gated: its owner wants conditions to be accepted first. | "
        + "Accept the conditions at \(world.hub.endpoint)/datasets/me/gated with the account of the "
        + "token. | 2")
    #expect(
      said(.model, "me/tiny", "main", ["HF_TOKEN": "hf_wrong"])
        == "The Hub does not accept the token. | Set HF_TOKEN to one of "
        + "https://huggingface.co/settings/tokens that is valid. | 2")
    #expect(
      said(.model, "me/tiny")
        == "The model me/tiny has no file a.bin. | Check the path and the revision. | 2"
    )
  }

  @Test("Several clients at once fetch each byte once")
  func together() throws {
    let world = try world()
    let clients = try (0..<4).map { _ in try world.client() }
    Parallel.onThreads(4) { index in
      let said = failure {
        let snapshot = try clients[index].snapshot(HubRepository(.model, "me/tiny"))
        try clients[index].download(snapshot.files.map(\.path), of: snapshot, progress: .quiet)
      }
      #expect(said == "")
    }
    #expect(world.contentRequests.map(\.sentByteCount).reduce(0, +) == Self.byteCount)
  }

  @Test(
    "What cannot be a name or a revision is said before any request",
    arguments: [
      (
        "a--b", "main",
        "“a--b” cannot be the name of a model on the Hub. | Names are owner/name of letters, digits "
          + "and single - _ . between them. | 2"
      ),
      (
        "a/b", "../x",
        "“../x” cannot be a revision on the Hub. | Give a branch, a tag or a commit. | 2"
      ),
    ])
  func names(_ id: String, _ revision: String, _ expected: String) {
    #expect(failure { _ = try HubRepository(.model, id, revision: revision) } == expected)
  }
}
