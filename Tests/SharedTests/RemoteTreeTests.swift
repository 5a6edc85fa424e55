import Shared
import Support
import Testing

@Suite struct RemoteTreeTests {
  private static let byteCount = 2_500_000
  private static let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 5) }

  private func world() throws -> HubWorld {
    let world = try HubWorld()
    try world.hub.add(
      [
        "data/train.parquet": .bytes(Self.bytes), "data/b/c.txt": .text("small"),
        "README.md": .text("# x"),
      ], to: "me/text", .dataset)
    return world
  }

  private func tree(_ world: HubWorld) throws -> RemoteTree {
    let client = try world.client()
    return client.tree(try client.snapshot(HubRepository(.dataset, "me/text")))
  }

  @Test("The tree lists folders and files, and tells contents apart, without a request")
  func entries() throws {
    let world = try world()
    let tree = try tree(world)
    world.hub.forgetRequests()
    #expect(try tree.list("") == ["README.md", "data"])
    #expect(try tree.list("data") == ["b", "train.parquet"])
    #expect(tree.entry("data/b") == .folder)
    #expect(tree.entry("") == .folder)
    #expect(tree.entry("data/train.parquet") == .file(byteCount: Self.byteCount))
    #expect(tree.entry("data/t") == nil)
    #expect(tree.identity("data/train.parquet")?.hasPrefix("sha256:") == true)
    #expect(tree.identity("README.md") == "git-sha1:121039ccc8a2c80ccd7eca85cca6c7647294f92c")
    #expect(
      failure { _ = try tree.list("x") }
        == "The data set me/text has no file x. | Check the path and the revision. | 2")
    #expect(world.hub.requests.isEmpty)
  }

  @Test("Any pattern of reads gives the bytes of the file", arguments: [1 << 20, 77_777])
  func patterns(_ step: Int) throws {
    let world = try world()
    let file = try tree(world).open("data/train.parquet")
    var read: [UInt8] = []
    while read.count < file.byteCount { read += try file.read(at: read.count, count: step) }
    #expect(read == Self.bytes)
    let random = Random(seed: 3, stream: "ranges")
    for index in 0..<20 {
      let offset = random.integer(2 * index, below: Self.byteCount)
      let count = random.integer(2 * index + 1, below: 200_000)
      #expect(
        try file.read(at: offset, count: count)
          == Array(Self.bytes[offset..<min(Self.byteCount, offset + count)]))
    }
    #expect(try file.read(at: Self.byteCount, count: 1) == [])
    #expect(try file.read(at: Self.byteCount - 1, count: 5) == [Self.bytes[Self.byteCount - 1]])
    #expect(!System.exists(world.cache))
    // One redirect serves all reads, and no range is longer than what was asked for.
    #expect(world.hub.requests.filter { $0.path.contains("/resolve/") }.count == 1)
    #expect(world.contentRequests.allSatisfy { $0.sentByteCount <= max(step, 200_000) })
  }

  @Test("A small file comes whole, once, and is checked")
  func small() throws {
    let world = try world()
    world.hub.fail(LocalHubFault(.wrongBytes, on: "*/c.txt", count: 1))
    let file = try tree(world).open("data/b/c.txt")
    for index in 0..<5 {
      #expect(try file.read(at: index, count: 1) == [Array("small".utf8)[index]])
    }
    #expect(world.hub.requests.filter { $0.path.contains("/resolve/") }.count == 2)
    world.hub.fail(LocalHubFault(.wrongBytes, on: "*/README.md", count: 99))
    #expect(
      failure { _ = try tree(world).open("README.md").read(at: 0, count: 3) }
        .hasPrefix("hf://datasets/me/text@main/README.md arrived wrong each time: its hash is"))
  }

  @Test(
    "Cut connections, ignored ranges and refused signatures change no byte",
    arguments: [
      LocalHubFault.Kind.cut(afterByteCount: 400_000), .ignoredRange,
      .answer(status: 403, headers: [:]), .answer(status: 503, headers: [:]),
    ])
  func faults(_ kind: LocalHubFault.Kind) throws {
    let world = try world()
    world.hub.fail(LocalHubFault(kind, on: "/repos/*", count: 3))
    let file = try tree(world).open("data/train.parquet")
    var read: [UInt8] = []
    while read.count < file.byteCount { read += try file.read(at: read.count, count: 1_200_000) }
    #expect(read == Self.bytes)
  }

  @Test("A file that becomes another one is an error")
  func changed() throws {
    let world = try world()
    world.hub.fail(LocalHubFault(.wrongETag, on: "*/resolve/*", count: 99))
    let file = try tree(world).open("data/train.parquet")
    #expect(
      failure { _ = try file.read(at: 5, count: 5) }
        == "hf://datasets/me/text@main/data/train.parquet changed on the server while it was read. | "
        + "Run the same command again. | 1")
  }

  @Test("What the cache has is read there")
  func cached() throws {
    let world = try world()
    let client = try world.client()
    let snapshot = try client.snapshot(HubRepository(.dataset, "me/text"))
    try client.download(["data/train.parquet"], of: snapshot, progress: .quiet)
    world.hub.forgetRequests()
    let file = try client.tree(snapshot).open("data/train.parquet")
    #expect(try file.read(at: 0, count: Self.byteCount) == Self.bytes)
    #expect(world.hub.requests.isEmpty)
  }
}
