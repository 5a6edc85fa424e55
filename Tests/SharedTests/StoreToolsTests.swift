import Foundation
import Shared
import Support
import Testing

/// A store with tokens, activations of them and a run of those.
private struct Lineage: ~Copyable {
  let folder: TemporaryFolder
  let store: Store
  let tokens: StageFolder
  let activations: StageFolder
  let run: StageFolder

  init() throws {
    let folder = try TemporaryFolder()
    let store = Store(folder.file("store"))
    let tokens = try make(.tokens, "text", ["data-00000.json": "sha256:1"], nil, in: store)
    let activations = try make(
      .activations, "model.hook", ["config.json": "sha256:2"], tokens, in: store)
    let run = try make(.runs, "sae", [:], activations, in: store)
    try System.createDirectories(run.path + "/checkpoints/step-00000001")
    try AtomicFile.replace(run.path + "/checkpoints/step-00000001/state.safetensors", with: "state")
    (self.store, self.tokens, self.activations, self.run) = (store, tokens, activations, run)
    self.folder = folder
  }

  var listing: StoreListing { get throws { try StoreListing(store.path) } }
}

/// Makes a finished folder with one shard of five bytes.
private func make(
  _ stage: Stage, _ label: String, _ identities: [String: String], _ input: StageFolder?,
  in store: Store
) throws -> StageFolder {
  let key = StageKey(
    stage: stage, label: label, settings: ["of": .string(label)], identities: identities,
    input: try input?.readManifest()?.fingerprint)
  let folder = store.folder(key)
  try System.createDirectories(folder.path)
  try AtomicFile.replace(folder.path + "/shard", with: "bytes")
  try folder.finish(
    Manifest(
      key: key, name: label, tool: "test 1", shards: [try folder.shard("shard", rows: 3)],
      details: .object([:])))
  return folder
}

private let longAgo = 30.0 * 86_400

@Suite struct StoreToolsTests {
  @Test("ls tells every folder with its kind, state, bytes, owner and last use")
  func list() throws {
    let lineage = try Lineage()
    LastUse.mark(lineage.activations.path)
    try System.createDirectories(lineage.store.path + "/runs/begun-0123456789abcdef")
    try AtomicFile.replace(lineage.tokens.path + "/shard", with: "other bytes")
    let entries = try lineage.listing.entries
    #expect(entries.map(\.kind) == [.tokens, .activations, .runs, .runs])
    #expect(entries.map(\.label) == ["text", "model.hook", "begun", "sae"])
    #expect(
      entries.map(\.state) == [
        .damaged("\(lineage.tokens.path)/shard has 11 bytes; its manifest says 5."), .finished,
        .stopped, .finished,
      ])
    #expect(entries[1].lastUse?.user == System.userName(System.user))
    #expect(entries[0].lastUse == nil)
    #expect(entries.allSatisfy { $0.owner == System.userName(System.user) })
    #expect(entries[2].fingerprint == "0123456789abcdef")
    let lines = try lineage.listing.text.split(separator: "\n")
    #expect(lines.count == 6)
    #expect(lines[1].hasPrefix("  kind") && lines[2].contains("damaged"))
    let json = try lineage.listing.json
    #expect(
      json["folders"]?.array?.map { $0["state"]?.string } == [
        "damaged", "finished", "stopped", "finished",
      ])
  }

  @Test("ls tells who makes a folder, by the owner's clock or by the disk's")
  func holders() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("store/runs/a-0123456789abcdef")
    try System.createDirectories(path)
    func state(renewed: Double, now: Double) throws -> StoreEntry.State {
      try AtomicFile.replace(
        path + "/run.lease",
        with: #"{"deadline":\#(Int(renewed) + 60),"host":"node7","machine":"other","owner":"o","#
          + #""pid":7,"seconds":60,"user":"alice"}"# + "\n")
      return try StoreListing(folder.file("store"), now: now).entries[0].state
    }
    let now = System.now
    guard case .inTheMaking(let holders, let seconds) = try state(renewed: now, now: now) else {
      Issue.record("nobody at it")
      return
    }
    #expect(holders.map(\.user) == ["alice"])
    #expect(holders.map(\.host) == ["node7"])
    #expect(holders.map(\.process) == [7])
    #expect(seconds < 5)
    // This machine and the owner's agree, the disk's clock is an hour behind them.
    #expect(try state(renewed: now + 3600, now: now + 3600) != .stopped)
    // The owner's clock is an hour ahead, the disk's is right.
    #expect(try state(renewed: now + 3600, now: now) != .stopped)
    #expect(try state(renewed: now, now: now + 3600) == .stopped)
  }

  @Test("info tells what a folder was made from, down to text and model, and what depends on it")
  func info() throws {
    let lineage = try Lineage()
    let kin = try lineage.listing.entries
    let run = FolderReport(lineage.run.path, stage: .runs, kin: kin)
    #expect(run.ancestors.map(\.path) == [lineage.activations.path, lineage.tokens.path])
    #expect(run.dependents.isEmpty && run.missing == nil)
    #expect(run.text.contains("    text data-00000.json sha256:1"))
    #expect(run.text.contains("    model config.json sha256:2"))
    let tokens = FolderReport(lineage.tokens.path, stage: .tokens, kin: kin)
    #expect(tokens.dependents.map(\.path) == [lineage.activations.path, lineage.run.path])
    let input = try lineage.activations.readManifest()?.input
    let orphan = FolderReport(
      lineage.activations.path, stage: .activations, kin: kin.filter { $0.kind != .tokens })
    #expect(orphan.missing == input)
    #expect(run.json["made_from"]?.array?.count == 2)
  }

  @Test("verify finds every damaged file and no whole one, in shards and in checkpoints")
  func verify() throws {
    let lineage = try Lineage()
    let folders = [
      (lineage.tokens.path, Stage.tokens), (lineage.activations.path, .activations),
      (lineage.run.path, .runs),
    ].map { (path: $0.0, stage: $0.1) }
    let step = lineage.run.path + "/checkpoints/step-00000001"
    try AtomicFile.replace(
      step + "/checkpoint.json",
      with: JSON.object(["sha256": ["state.safetensors": .string(Digest.of("state"))]]).canonical)
    #expect(try Verifying(folders).run() == [])
    #expect(Verifying(folders).fileCount == 4)
    try AtomicFile.replace(lineage.activations.path + "/shard", with: "Bytes")
    try AtomicFile.replace(step + "/state.safetensors", with: "State")
    #expect(
      try Verifying(folders).run() == [
        "\(lineage.activations.path)/shard has the SHA-256 \(Digest.of("Bytes")); its manifest says "
          + Digest.of("bytes") + ".",
        "\(step)/state.safetensors does not have the SHA-256 that its checkpoint.json states.",
      ])
    let failure = DamagedFiles(count: 2, total: 4)
    #expect(failure.sentence == "2 of 4 files are damaged." && failure.exitCode == .wrongInput)
    #expect(DamagedFiles(count: 1, total: 1).sentence == "1 of 1 file is damaged.")
  }

  private func garbage(
    _ lineage: borrowing Lineage, _ rules: GarbageRules = GarbageRules(), later: Double = 0
  ) throws -> [Garbage] {
    let now = System.now + later
    let listing = try StoreListing(lineage.store.path, now: now)
    return try GarbageSearch(listing, rules: rules, now: now).found()
  }

  @Test("gc takes what is left over, and nothing that is finished, held or new")
  func collect() throws {
    let lineage = try Lineage()
    #expect(try garbage(lineage) == [])
    let left = lineage.activations.path + "/shard.0123456789ab.1.0.tmp"
    try AtomicFile.replace(left, with: "123")
    let begun = lineage.store.path + "/runs/begun-0123456789abcdef"
    try System.createDirectories(begun)
    try AtomicFile.replace(begun + "/metrics.jsonl", with: "1")
    let lease = try #require(try Lease.claim(begun + "/run.lease"))
    defer { lease.release() }
    // A file of another machine may still be written, and a run is held.
    #expect(try garbage(lineage) == [])
    let late = try garbage(lineage, later: longAgo)
    #expect(late.map(\.path).contains(left))
    #expect(late.first { $0.path == left }?.byteCount == 3)
    #expect(late.first { $0.path == left }?.reason == .leftover)
    lease.release()
    #expect(try garbage(lineage, later: longAgo).map(\.reason) == [.leftover, .stopped])
  }

  @Test("gc removes what it said, and no run that somebody has begun meanwhile")
  func remove() throws {
    let lineage = try Lineage()
    let begun = lineage.store.path + "/runs/begun-0123456789abcdef"
    try System.createDirectories(begun + "/checkpoints")
    var rules = GarbageRules()
    rules.patience = -1
    rules.takesUnused = true
    let found = try garbage(lineage, rules)
    #expect(found == [Garbage(path: begun, reason: .stopped, byteCount: 0)])
    let collecting = GarbageCollecting(rules, now: { System.now })
    let lease = try #require(try Lease.claim(begun + "/run.lease"))
    #expect(try !collecting.remove(found[0]))
    lease.release()
    #expect(try collecting.remove(found[0]))
    #expect(!System.exists(begun))
    #expect(try collecting.remove(found[0]) == false)
  }

  @Test("Tokens and activations go when asked, once neither runs, pipelines nor readers need them")
  func unused() throws {
    let lineage = try Lineage()
    var rules = GarbageRules()
    rules.takesUnused = true
    #expect(try garbage(lineage, rules, later: longAgo).isEmpty)
    try System.removeTree(lineage.run.path)
    #expect(try garbage(lineage, later: longAgo).isEmpty)
    #expect(try garbage(lineage, rules).isEmpty)
    let both = [lineage.tokens.path, lineage.activations.path]
    #expect(try garbage(lineage, rules, later: longAgo).map(\.path) == both)
    // Of a run in training its folder says what it reads; where it does not, everything stays.
    let begun = lineage.store.path + "/runs/begun-0123456789abcdef"
    try System.createDirectories(begun)
    #expect(try garbage(lineage, rules, later: longAgo).map(\.reason) == [.stopped])
    let other = try make(.activations, "model.other", [:], lineage.tokens, in: lineage.store)
    let input = try #require(try lineage.activations.readManifest()?.fingerprint)
    try AtomicFile.replace(
      begun + "/run.json", with: JSON.object(["inputs": [.string(input)]]).canonical)
    #expect(
      try garbage(lineage, rules, later: longAgo).map(\.path) == [other.path, begun])
    rules.keptSettings = [try #require(try other.readManifest()?.settings.canonical)]
    #expect(try garbage(lineage, rules, later: longAgo).map(\.path) == [begun])
  }

  @Test("Checkpoints of a finished run go when nobody asked for them, or when they are asked for")
  func checkpoints() throws {
    let lineage = try Lineage()
    var rules = GarbageRules()
    let path = lineage.run.path + "/checkpoints"
    func write(_ count: Int) throws {
      try AtomicFile.replace(
        lineage.run.path + "/pipeline.json", with: "{\"train\":{\"n_checkpoints\":\(count)}}")
    }
    try write(2)
    #expect(try garbage(lineage).isEmpty)
    try write(0)
    #expect(try garbage(lineage) == [Garbage(path: path, reason: .checkpoints, byteCount: 5)])
    try write(2)
    rules.takesCheckpoints = true
    #expect(try garbage(lineage, rules).map(\.path) == [path])
    #expect(try GarbageCollecting(rules, now: { System.now }).remove(garbage(lineage, rules)[0]))
    #expect(!System.exists(path) && System.exists(lineage.run.path + "/manifest.json"))
  }

  @Test("A folder is copied with its checkpoints, goes on where it was stopped, its manifest last")
  func copy() throws {
    let lineage = try Lineage()
    let other = lineage.folder.file("other")
    let copying = try Copying(lineage.run.path, stage: .runs, to: other)
    #expect(!copying.isThere)
    // As a copy leaves it that is killed: one file half written, no manifest.
    try System.createDirectories(copying.target)
    try AtomicFile.replace(copying.target + "/shard", with: "byt")
    #expect(try Store(other).find(stage: .runs, settings: ["of": "sae"]) == [])
    try copying.run()
    #expect(try System.list(copying.target) == System.list(lineage.run.path))
    #expect(
      try contents(of: copying.target + "/manifest.json")
        == contents(of: lineage.run.path + "/manifest.json"))
    #expect(
      try contents(of: copying.target + "/checkpoints/step-00000001/state.safetensors")
        == Array("state".utf8))
    #expect(try Copying(lineage.run.path, stage: .runs, to: other).isThere)
  }

  @Test("A folder that is damaged, not finished, held or there already is not copied")
  func refusedCopies() throws {
    let lineage = try Lineage()
    let other = lineage.folder.file("other")
    #expect(throws: CopyError.intoItself(path: lineage.run.path)) {
      try Copying(lineage.run.path, stage: .runs, to: lineage.store.path)
    }
    let begun = lineage.store.path + "/runs/begun-0123456789abcdef"
    try System.createDirectories(begun)
    #expect(throws: CopyError.notFinished(path: begun)) {
      try Copying(begun, stage: .runs, to: other)
    }
    try AtomicFile.replace(lineage.tokens.path + "/shard", with: "Bytes")
    let damaged = try Copying(lineage.tokens.path, stage: .tokens, to: other)
    #expect(
      throws: CopiedDamage(
        path: lineage.tokens.path + "/shard", sha256: Digest.of("Bytes"),
        expected: Digest.of("bytes"))
    ) { try damaged.run() }
    #expect(try System.list(damaged.target) == [])
    let copying = try Copying(lineage.run.path, stage: .runs, to: other)
    try System.createDirectories(copying.target)
    let lease = try #require(try Lease.claim(copying.target + "/run.lease"))
    defer { lease.release() }
    let holder = "\(System.userName(System.user)) on \(System.hostName)"
    #expect(throws: CopyError.inTheMaking(path: copying.target, by: holder)) { try copying.run() }
  }

  @Test(
    "What an error of these verbs says",
    arguments: [
      (CopyError.notFinished(path: "a") as any Failure, "a is not finished: it has no manifest."),
      (CopyError.intoItself(path: "a"), "a lies in that store already."),
      (CopyError.inTheMaking(path: "a", by: "b on c"), "a is being made by b on c."),
      (CopyError.different(path: "a"), "a reads back as something else than was written to it."),
      (
        CopiedDamage(path: "a", sha256: "1", expected: "2"),
        "a has the SHA-256 1; its manifest says 2."
      ),
      (StorePlaceError.nothing(path: "a"), "a does not exist."),
      (StorePlaceError.neither(path: "a"), "a is neither a store nor a folder of one."),
      (StorePlaceError.noFolder(path: "a"), "a is no folder of a store."),
      (StorePlaceError.noStore(path: "a"), "a is no store."),
      (CollectError.badDays("x"), "--days x is no number of days."),
    ])
  func sentences(_ error: any Failure, _ sentence: String) {
    #expect(error.sentence == sentence)
  }

  @Test("A word names a store, a folder of one, or a pipeline file")
  func places() throws {
    let lineage = try Lineage()
    #expect(try StorePlace(lineage.store.path + "/") == .store(lineage.store.path))
    #expect(try StorePlace(lineage.run.path) == .part(lineage.run.path, .runs))
    let file = try lineage.folder.write(
      Array("{ store: \"\(lineage.store.path)\" }".utf8), to: "p.json5")
    #expect(try StorePlace(file).stores == [lineage.store.path])
    let nothing = lineage.folder.file("nothing")
    #expect(throws: StorePlaceError.nothing(path: nothing)) { try StorePlace(nothing) }
    #expect(throws: StorePlaceError.neither(path: lineage.folder.path)) {
      try StorePlace(lineage.folder.path)
    }
    #expect(throws: StorePlaceError.noFolder(path: lineage.store.path)) {
      try StorePlace.stageFolder(lineage.store.path)
    }
  }

  @Test("A mark is written where that is possible, and missed nowhere else")
  func marks() throws {
    let lineage = try Lineage()
    LastUse.mark(lineage.folder.path)
    #expect(try System.list(lineage.folder.path) == ["store"])
    LastUse.mark(lineage.tokens.path)
    #expect(abs((LastUse.read(lineage.tokens.path)?.time ?? 0) - System.now) < 60)
    try System.removeTree(lineage.tokens.path)
    let mark =
      "\(lineage.store.path)/.used/tokens.\(lineage.tokens.path.split(separator: "/").last ?? "")"
    let found = try garbage(lineage)
    #expect(found.map(\.path) == [mark] && found.map(\.reason) == [.mark])
  }
}
