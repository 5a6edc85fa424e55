import Foundation
import Shared
import Support
import Testing

@Suite struct HubCacheTests {
  private static let files: [String: LocalHubContent] = [
    "config.json": .text("{\"a\": 1}"), "empty.txt": .text(""),
    "model.safetensors": .text("weights"), "sub/dir/ü \"name\"+%.txt": .text("x"),
    "sub/a.bin": .text("same"), "sub/b.bin": .text("same"),
  ]

  /// The cache as huggingface_hub leaves it, for a commit.
  private func golden(_ commit: String) throws -> [String: String] {
    let text = try ProjectFiles.text("Tests/Fixtures/hub/cache.json")
    let found = try #require(try JSON(parsing: Array(text.utf8)).object).compactMapValues(\.string)
    let theirs = try #require(found["models--me--tiny/refs/main"])
    var renamed: [String: String] = [:]
    for (path, text) in found {
      renamed[path.replacing(theirs, with: commit)] = text.replacing(theirs, with: commit)
    }
    return renamed
  }

  @Test("The cache is the one that huggingface_hub makes, file by file and link by link")
  func layout() throws {
    let world = try HubWorld()
    let commit = try world.hub.add(Self.files, to: "me/tiny")
    let client = try world.client()
    let snapshot = try client.snapshot(HubRepository(.model, "me/tiny"))
    #expect(snapshot.commit == commit)
    let folder = try client.download(snapshot.files.map(\.path), of: snapshot)
    #expect(folder == "\(world.cache)/models--me--tiny/snapshots/\(commit)")
    var found = try world.cachedPaths()
    let tag = found.removeValue(forKey: "CACHEDIR.TAG")
    #expect(tag?.hasPrefix("Signature: 8a477f597d28d172789f06886806bc55\n") == true)
    #expect(try found == golden(commit))
  }

  @Test("What lies in the cache costs no request for bytes, and a commit none at all")
  func present() throws {
    let world = try HubWorld()
    let commit = try world.hub.add(Self.files, to: "me/tiny")
    for (path, text) in try golden(commit) {
      let place = "\(world.cache)/\(path)"
      try System.createDirectories(folder(of: place))
      if text.hasPrefix("-> ") {
        try System.symbolicLink(String(text.dropFirst(3)), at: place)
      } else {
        try Data(text.utf8).write(to: URL(fileURLWithPath: place))
      }
    }
    let client = try world.client()
    let snapshot = try client.snapshot(HubRepository(.model, "me/tiny"))
    let paths = snapshot.files.map(\.path)
    #expect(client.missingByteCount(paths, of: snapshot) == 0)
    try client.download(paths, of: snapshot)
    #expect(world.hub.requests.map(\.path) == ["/api/models/me/tiny/revision/main"])
    world.hub.forgetRequests()
    let pinned = try client.snapshot(HubRepository(.model, "me/tiny", revision: commit))
    try client.download(paths, of: pinned)
    #expect(world.hub.requests.isEmpty)
  }

  @Test("Offline the cache answers, and what it has not is named with the variable")
  func offline() throws {
    let world = try HubWorld()
    try world.hub.add(Self.files, to: "me/tiny")
    let repository = try HubRepository(.model, "me/tiny")
    let offline = try world.client(["HF_HUB_OFFLINE": "1"])
    #expect(
      failure { _ = try offline.snapshot(repository) }
        == "The model me/tiny is not in the cache at revision “main”, and HF_HUB_OFFLINE forbids "
        + "the network. | Unset HF_HUB_OFFLINE once to download it. | 2")
    let online = try world.client()
    try online.download(["config.json"], of: online.snapshot(repository))
    world.hub.forgetRequests()
    let snapshot = try offline.snapshot(repository)
    #expect(snapshot.origin == .cache)
    try offline.download(["config.json"], of: snapshot)
    #expect(
      failure { try offline.download(["sub/a.bin"], of: snapshot) }
        == "sub/a.bin of me/tiny is not in the cache, and HF_HUB_OFFLINE forbids the network. | "
        + "Run it once with the network to download it. | 2")
    #expect(try offline.tree(snapshot).open("config.json").byteCount == 8)
    #expect(world.hub.requests.isEmpty)
  }

  @Test("Where the Hub cannot be reached, the cache stands in with a note")
  func unreachable() throws {
    let world = try HubWorld()
    let commit = try world.hub.add(Self.files, to: "me/tiny")
    let repository = try HubRepository(.model, "me/tiny")
    let online = try world.client()
    try online.download(["config.json"], of: online.snapshot(repository))
    let nowhere = try world.client(["HF_ENDPOINT": "http://127.0.0.1:1"], failureLimit: 2)
    let snapshot = try nowhere.snapshot(repository)
    #expect(snapshot.commit == commit)
    #expect(
      world.terminal.writes.last
        == "http://127.0.0.1:1 cannot be reached: couldn't connect to server. What the cache has "
        + "of me/tiny at “main” is used: commit \(commit.prefix(7)).\n")
    try nowhere.download(["config.json"], of: snapshot)
    #expect(
      failure { try nowhere.download(["sub/a.bin"], of: snapshot) }
        == "sub/a.bin of me/tiny is not in the cache, and http://127.0.0.1:1 does not give it. | "
        + "Run it once with the network to download it. | 2")
  }

  @Test("Where links are not wanted, files are copied")
  func copies() throws {
    let world = try HubWorld()
    try world.hub.add(Self.files, to: "me/tiny")
    let client = try world.client(["HF_HUB_DISABLE_SYMLINKS": "1"])
    let snapshot = try client.snapshot(HubRepository(.model, "me/tiny"))
    let folder = try client.download(["model.safetensors"], of: snapshot)
    #expect(System.linkTarget("\(folder)/model.safetensors") == nil)
    #expect(try contents(of: "\(folder)/model.safetensors") == Array("weights".utf8))
  }
}
