import Shared
import Support
import Testing

private let settings: JSON = ["a": .integer(1)]

private func key(_ label: String = "m", identity: String = "x") -> StageKey {
  StageKey(stage: .activations, label: label, settings: settings, identities: ["i": identity])
}

@discardableResult
private func finish(_ key: StageKey, in store: Store) throws -> StageFolder {
  let folder = store.folder(key)
  try folder.finish(
    Manifest(key: key, name: key.label, tool: "test 1", shards: [], details: .object([:])))
  return folder
}

/// The store is a list: the first is written to, all are read.
@Suite struct StoreListsTests {
  @Test("What another store has finished is found, and what is begun is begun in the first")
  func found() throws {
    let temporary = try TemporaryFolder()
    let team = Store(temporary.file("team"))
    let own = Store(temporary.file("own"), reading: [team.path])
    let done = key()
    #expect(own.folder(done).path == own.path + "/activations/" + done.folderName)
    #expect(own.folder(done).access == .written)
    try finish(done, in: team)
    #expect(own.folder(done).path == team.folder(done).path)
    #expect(own.folder(done).access == .read)
    #expect(try own.find(stage: .activations, fingerprint: done.fingerprint)?.access == .read)
    #expect(
      try own.findOnly(stage: .activations, settings: settings)?.path == team.folder(done).path)
    // Another label does not hide it.
    #expect(own.folder(key("other")).path == team.folder(done).path)
  }

  @Test("What others have begun is begun again in the first store")
  func begun() throws {
    let temporary = try TemporaryFolder()
    let team = Store(temporary.file("team"))
    let own = Store(temporary.file("own"), reading: [team.path])
    try System.createDirectories(team.folder(key()).path)
    #expect(own.folder(key()).path.hasPrefix(own.path))
  }

  @Test("The first of two stores that have the same counts, and two of different inputs are told")
  func both() throws {
    let temporary = try TemporaryFolder()
    let team = Store(temporary.file("team"))
    let own = Store(temporary.file("own"), reading: [team.path])
    try finish(key(), in: team)
    try finish(key(), in: Store(own.path))
    #expect(own.folder(key()).access == .written)
    #expect(try own.find(stage: .activations, settings: settings).map(\.access) == [.written])
    let other = try finish(key(identity: "y"), in: team)
    #expect(
      throws: StoreError.ambiguous(
        stage: .activations, folders: [own.folder(key()).path, other.path])
    ) { try own.findOnly(stage: .activations, settings: settings) }
  }

  @Test("Nothing is removed from a store that is only read, whatever is damaged or left there")
  func untouched() throws {
    let temporary = try TemporaryFolder()
    let team = Store(temporary.file("team"))
    let own = Store(temporary.file("own"), reading: [team.path])
    let writing = team.folder(key())
    try System.createDirectories(writing.path)
    try AtomicFile.replace(writing.path + "/a", with: "1234")
    let manifest = Manifest(
      key: key(), name: "m", tool: "test 1", shards: [try writing.shard("a", rows: 1)],
      details: .object([:]))
    try writing.finish(manifest)
    try AtomicFile.replace(writing.path + "/a", with: "12345")
    try AtomicFile.replace(writing.path + "/a.lease", with: "")
    let folder = own.folder(key())
    #expect(
      throws: ManifestError.wrongSize(
        path: folder.path + "/a", byteCount: 5, expected: 4, stage: .activations)
    ) { try folder.removeDamagedShards(verify: .sizes) }
    try folder.clearUp(manifest)
    #expect(try System.list(folder.path) == ["a", "a.lease", "manifest.json"])
    #expect(throws: StoreError.onlyRead(folder: folder.path)) { try folder.requireWritten() }
    #expect(
      StoreError.onlyRead(folder: "s/runs/a").sentence
        == "s/runs/a lies in a store that is only read.")
    #expect(
      StoreError.onlyRead(folder: "s").hint == "Name its store first in the list that store is.")
  }

  @Test(
    "A pipeline file names one store or a list of them",
    arguments: [
      ("\"s\"", ["s"]), ("[\"s\"]", ["s"]), ("[\"s\", \"/t\"]", ["s", "/t"]),
    ])
  func named(_ text: String, _ paths: [String]) throws {
    let file = try PipelineFile(parsing: Array("{ store: \(text) }".utf8), path: "p")
    #expect(file.pipeline.stores.paths == paths)
    #expect(file.pipeline.store == paths[0])
    let json: JSON = paths.count == 1 ? .string(paths[0]) : .array(paths.map { .string($0) })
    #expect(file.pipeline.stated["store"] == json)
  }

  @Test(
    "A list of stores that is none is refused",
    arguments: [
      "[]", "[\"s\", \"s\"]", "[1]", "1", "[\"s\", \"\"]", "{}",
    ])
  func refused(_ text: String) {
    #expect(throws: (any Error).self) {
      try PipelineFile(parsing: Array("{ store: \(text) }".utf8), path: "p")
    }
  }

  @Test("A command line takes a list too, and a store that is missing is missed at once")
  func commandLine() throws {
    let temporary = try TemporaryFolder()
    try temporary.write(Array("{}".utf8), to: "p.json5")
    let program = ProgramDescription(
      name: "saeline-cache", summary: "", sections: ["logger"], threads: { _ in 0 })
    func stores(_ list: String) throws -> [String] {
      guard
        case .run(let invocation) = try Program.request(
          [temporary.file("p.json5"), "--set", "store=\(list)"], for: program)
      else { return [] }
      return invocation.pipeline.stores.paths
    }
    let team = temporary.file("team")
    #expect(throws: MissingStore(path: team)) { try stores("[\"own\", \"\(team)\"]") }
    #expect(
      MissingStore(path: "/t").sentence
        == "store: /t is not there, from which finished stages are read.")
    #expect(
      MissingStore(path: "/t").hint
        == "Mount it, or take it off the list; only the first store is made.")
    try System.createDirectories(team)
    #expect(try stores("[\"own\", \"\(team)\"]") == ["own", team])
  }
}
