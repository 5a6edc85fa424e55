import Foundation
import Shared
import Support
import Synchronization
import Testing

private func name(_ unit: Int) -> String { ActivationShard.fileName(unit) }

/// What unit `unit` holds, whoever makes it.
private func content(_ unit: Int) -> [UInt8] {
  (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ unit) }
}

private func stage(_ path: String) -> StageFolder {
  StageFolder(path: path, stage: .activations, fingerprint: nil)
}

private func makeWhole(_ unit: Int, _ file: inout AtomicFile) throws {
  let bytes = content(unit)
  try file.write(bytes.span.raw)
}

private let key = StageKey(stage: .activations, label: "m", settings: .object([:]))

private func manifest(_ folder: StageFolder, units: Int) throws -> Manifest {
  Manifest(
    key: key, name: "m", tool: "test 1",
    shards: try (0..<units).map { try folder.shard(name($0), rows: $0) }, details: .object([:]))
}

/// Whether a folder holds the units, the manifest and nothing else.
private func expectFinished(_ path: String, units: Int) throws {
  #expect(try System.list(path) == ["manifest.json"] + (0..<units).map(name))
  for unit in 0..<units { #expect(try contents(of: path + "/" + name(unit)) == content(unit)) }
  #expect(try stage(path).manifest(verify: .digests)?.shards.count == units)
}

@Suite struct StageFolderTests {
  @Test("Every unit is made once, and none when all are there")
  func work() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.file("a/b"))
    #expect(try folder.manifest() == nil)
    var made: [Int] = []
    var finished: [Int] = []
    func run() throws -> Int {
      try folder.work(
        units: 4, name: name,
        produce: { unit, file in
          made.append(unit)
          try makeWhole(unit, &file)
        }, onFinished: { finished.append($0) })
    }
    #expect(try run() == 4)
    #expect(made == [0, 1, 2, 3] && finished == [0, 1, 2, 3])
    #expect(try run() == 0)
    #expect(made == [0, 1, 2, 3] && finished == [0, 1, 2, 3, 0, 1, 2, 3])
    try System.remove(folder.path + "/" + name(2))
    #expect(try run() == 1)
    #expect(made == [0, 1, 2, 3, 2])
    #expect(try folder.manifest() == nil)
    try folder.finish(try manifest(folder, units: 4))
    try expectFinished(folder.path, units: 4)
    try folder.finish(try manifest(folder, units: 4))
    try expectFinished(folder.path, units: 4)
  }

  @Test("Several threads make the same files as one")
  func threads() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.file("t"))
    let made = Mutex<[Int]>([])
    let finished = Mutex<[Int]>([])
    let count = try folder.work(
      units: 24, name: name, threads: 4,
      produce: { unit, file in
        made.withLock { $0.append(unit) }
        System.sleep(seconds: 0.002)
        try makeWhole(unit, &file)
      }, onFinished: { unit in finished.withLock { $0.append(unit) } })
    #expect(count == 24)
    #expect(made.withLock { $0.sorted() } == Array(0..<24))
    #expect(finished.withLock { $0.sorted() } == Array(0..<24))
    try folder.finish(try manifest(folder, units: 24))
    try expectFinished(folder.path, units: 24)
  }

  @Test("Two processes share the units of a folder and make the same files as one")
  func processes() async throws {
    let temporary = try TemporaryFolder()
    let path = temporary.file("p")
    func worker() async {
      await #expect(processExitsWith: .success) { [path = path as String] in
        let folder = stage(path)
        let made = try folder.work(
          units: 30, name: name,
          produce: { unit, file in
            System.sleep(seconds: 0.01)
            try makeWhole(unit, &file)
          })
        try AtomicFile.replace("\(path).\(System.processIdentifier).made", with: String(made))
        if try folder.manifest() == nil { try folder.finish(try manifest(folder, units: 30)) }
      }
    }
    async let first: Void = worker()
    async let second: Void = worker()
    _ = await (first, second)
    try expectFinished(path, units: 30)
    let counts = try System.list(temporary.path).filter { $0.hasSuffix(".made") }
      .map { Int(String(decoding: try contents(of: temporary.file($0)), as: UTF8.self)) }
    #expect(counts.count == 2)
    #expect(counts.reduce(0) { $0 + ($1 ?? 0) } == 30)
  }

  @Test("A worker that is killed leaves nothing that needs cleaning", arguments: [0, 3, 6])
  func killed(_ unit: Int) async throws {
    let temporary = try TemporaryFolder()
    let path = temporary.file("k")
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [path = path as String, unit = unit as Int] in
      try stage(path).work(
        units: 7, name: name,
        produce: { current, file in
          if current == unit {
            let half = Array(content(current)[..<5_000])
            try file.write(half.span.raw)
            kill(getpid(), SIGKILL)
          }
          try makeWhole(current, &file)
        })
    }
    let left = try System.list(path)
    #expect(left.contains(name(unit) + ".lease"))
    #expect(left.contains { $0.hasSuffix(".tmp") })
    let folder = stage(path)
    let start = System.uptime
    #expect(try folder.work(units: 7, name: name, produce: makeWhole) == 7 - unit)
    #expect(System.uptime - start < 5)
    try folder.finish(try manifest(folder, units: 7))
    try expectFinished(path, units: 7)
  }

  @Test("A unit that another machine holds is waited for, and taken over when it falls silent")
  func silentWorker() throws {
    let temporary = try TemporaryFolder()
    let lease =
      "{\"deadline\":1,\"host\":\"h\",\"machine\":\"m\",\"owner\":\"o\",\"pid\":1,\"seconds\":0.4}\n"
    try temporary.write(Array(lease.utf8), to: name(0) + ".lease")
    let start = System.uptime
    var order: [Int] = []
    let made = try stage(temporary.path).work(
      units: 3, name: name,
      produce: { unit, file in
        order.append(unit)
        try makeWhole(unit, &file)
      })
    #expect(made == 3)
    #expect(order == [1, 2, 0])
    #expect(System.uptime - start >= 0.4)
  }

  @Test("A late finisher throws its copy away")
  func lateFinisher() throws {
    let temporary = try TemporaryFolder()
    let path = temporary.path
    let made = try stage(path).work(
      units: 1, name: name,
      produce: { unit, file in
        var other = try AtomicFile.create(path + "/" + name(unit))
        try other.write("first")
        #expect(try other.publishIfAbsent())
        try makeWhole(unit, &file)
      })
    #expect(made == 0)
    #expect(try System.list(path) == [name(0)])
    #expect(try contents(of: path + "/" + name(0)) == Array("first".utf8))
  }

  @Test("A late finisher whose copy was cleared away is no error")
  func clearedAway() throws {
    let temporary = try TemporaryFolder()
    let path = temporary.path
    let made = try stage(path).work(
      units: 1, name: name,
      produce: { unit, file in
        try makeWhole(unit, &file)
        var other = try AtomicFile.create(path + "/" + name(unit))
        try other.write("first")
        #expect(try other.publishIfAbsent())
        let left = try System.list(path).filter { $0.hasSuffix(".tmp") }
        #expect(left.count == 1)
        for name in left { try System.remove(path + "/" + name) }
      })
    #expect(made == 0)
  }

  @Test("A full disk is reported, and what was finished is kept", arguments: [1, 3])
  func diskFull(_ threads: Int) throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.path)
    let error = #expect(throws: SystemError.self) {
      try folder.work(
        units: 5, name: name, threads: threads,
        produce: { unit, file in
          try makeWhole(unit, &file)
          guard unit >= 2 else { return }
          let full = try System.openForAppending("/dev/full")
          defer { System.close(full) }
          let bytes = content(unit)
          try System.write(bytes.span.raw, to: full, path: file.path)
        })
    }
    #expect(error?.sentence.hasPrefix("The disk is full: \(temporary.path)/shard-0000") == true)
    #expect(
      error?.hint
        == "Free some space and run the same command again; finished shards are kept.")
    let left = try System.list(temporary.path)
    #expect(left.filter { $0.hasSuffix(".tmp") || $0.hasSuffix(".lease") } == [])
    #expect(left.contains(name(0)))
    #expect(try folder.work(units: 5, name: name, produce: makeWhole) >= 3)
  }

  @Test("An interrupt ends the work between two units")
  func interrupted() async throws {
    let temporary = try TemporaryFolder()
    let path = temporary.path
    await #expect(processExitsWith: .exitCode(130)) { [path = path as String] in
      System.catchInterrupts()
      do {
        try stage(path).work(
          units: 3, name: name,
          produce: { unit, file in
            kill(getpid(), SIGINT)
            while !System.isInterrupted { System.sleep(seconds: 0.01) }
            try makeWhole(unit, &file)
          })
      } catch let error as Interrupted {
        #expect(error.sentence == "Interrupted; finished shards are kept.")
        #expect(error.hint == "Run the same command again to continue.")
        System.endProcess(error.exitCode)
      }
    }
    #expect(try System.list(path) == [name(0), name(0) + ".sha256"])
  }

  @Test("A digest that is noted beside other bytes is not believed")
  func staleDigest() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.path)
    try folder.work(units: 1, name: name, produce: makeWhole)
    let path = temporary.file(name(0))
    #expect(System.exists(path + ".sha256"))
    #expect(try folder.shard(name(0), rows: 1).sha256 == Digest.ofFile(path))
    try System.remove(path)
    try temporary.write([1, 2, 3], to: name(0))
    let shard = try folder.shard(name(0), rows: 1)
    #expect(shard.bytes == 3)
    #expect(shard.sha256 == "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81")
  }

  @Test("A folder that does not agree with its manifest is refused with a sentence")
  func disagreement() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.path)
    try folder.work(units: 2, name: name, produce: makeWhole)
    try folder.finish(try manifest(folder, units: 2))
    let path = temporary.file(name(1))
    let deletion = "Delete the folder \(temporary.path) and run saeline-cache again."
    let verifying = "Run saeline-cache again with --verify, which makes again what is damaged."
    func check(_ sentence: String, _ verify: StageFolder.Verification) {
      let hint = verify == .digests ? verifying : deletion
      let error = #expect(throws: ManifestError.self) { try folder.manifest(verify: verify) }
      #expect(error?.sentence == sentence)
      #expect(error?.hint == hint)
      #expect(error?.exitCode == .wrongInput)
    }
    var other = content(1)
    other[0] ^= 1
    try temporary.write(other, to: name(1))
    let listed = try #require(try folder.manifest())
    let reading = ShardCheck(folder, listed)
    try reading.check(temporary.file(name(0)))
    for _ in 0..<2 { #expect(throws: ManifestError.self) { try reading.check(path) } }
    try ShardCheck(folder, listed, after: .digests).check(path)
    check(
      "\(path) has the SHA-256 \(try Digest.ofFile(path)); "
        + "its manifest says \(try manifestDigest(1)).", .digests)
    try temporary.write(Array(other.dropLast()), to: name(1))
    check("\(path) has 9999 bytes; its manifest says 10000.", .sizes)
    try System.remove(path)
    check("\(path) is missing, but its folder's manifest lists it.", .sizes)
  }

  private func manifestDigest(_ unit: Int) throws -> String {
    let bytes = content(unit)
    var digest = Digest()
    digest.update(bytes.span.raw)
    return digest.finish()
  }

  @Test("A folder of another stage or fingerprint is refused with a sentence")
  func otherStage() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.path)
    try folder.finish(try manifest(folder, units: 0))
    let path = temporary.file("manifest.json")
    let hint = "Delete the folder \(temporary.path) and run the stage that made it again."
    func error(_ stage: Stage, _ fingerprint: String?) -> ManifestError? {
      #expect(throws: ManifestError.self) {
        try StageFolder(path: temporary.path, stage: stage, fingerprint: fingerprint).manifest()
      }
    }
    let stageError = error(.tokens, nil)
    #expect(
      stageError?.sentence
        == "\(path) belongs to the stage activations where tokens is expected.")
    #expect(stageError?.hint == hint)
    let fingerprintError = error(.activations, "00")
    #expect(
      fingerprintError?.sentence
        == "\(path) has the fingerprint \(key.fingerprint) where 00 is expected.")
    #expect(fingerprintError?.hint == hint)
  }

  @Test(
    "What a worker left that died behind the manifest is cleared up by who finds the folder finished"
  )
  func leftovers() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.path)
    try folder.work(units: 1, name: name, produce: makeWhole)
    let manifest = try manifest(folder, units: 1)
    try folder.finish(manifest)
    for left in [
      name(0) + ".sha256", name(0) + ".lease", name(0) + ".lease.0123456789ab.7.0.tmp",
      "manifest.json.0123456789ab.7.0.tmp",
    ] {
      try temporary.write([1], to: left)
    }
    try folder.clearUp(manifest)
    try expectFinished(folder.path, units: 1)
  }

  @Test("Of several who have made a folder one asks for all shards, and the others wait")
  func finishedOnce() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.path)
    try folder.work(units: 3, name: name, produce: makeWhole)
    let computed = Mutex(0)
    let failures = Mutex<[String]>([])
    Parallel.onThreads(6) { _ in
      do {
        try folder.finish {
          computed.withLock { $0 += 1 }
          System.sleep(seconds: 0.3)
          return try manifest(folder, units: 3)
        }
      } catch { failures.withLock { $0.append("\(error)") } }
    }
    #expect(failures.withLock { $0 } == [])
    #expect(computed.withLock { $0 } == 1)
    try expectFinished(folder.path, units: 3)
  }

  @Test("Who waits for a manifest does not read it")
  func unread() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.path)
    let lease = try #require(try Lease.claim(temporary.file("manifest.json.lease")))
    let failures = Mutex<[String]>([])
    let unreadable = "{}"
    Parallel.onThreads(2) { thread in
      do {
        if thread == 0 {
          System.sleep(seconds: 0.2)
          try AtomicFile.replace(folder.path + "/manifest.json", with: unreadable)
        } else {
          try folder.finish { throw ManifestError.malformed(path: "computed") }
        }
      } catch { failures.withLock { $0.append("\(error)") } }
    }
    lease.release()
    #expect(failures.withLock { $0 } == [])
    // Nor does who finds it, unless somebody made something again.
    try folder.finish { throw ManifestError.malformed(path: "computed") }
    try temporary.write([], to: name(0) + ".sha256")
    #expect(throws: ManifestError.self) { try folder.finish { try manifest(folder, units: 0) } }
  }

  @Test(
    "A shard that is listed and yet said not to be there is asked for again, one that is not is missing"
  )
  func lateSight() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.path)
    try folder.work(units: 2, name: name, produce: makeWhole)
    func missing(_ unit: Int) -> SystemError {
      SystemError(call: "stat", path: folder.path + "/" + name(unit), errno: ENOENT)
    }
    #expect(throws: missing(2)) { try folder.finish { throw missing(2) } }
    var looks = 0
    try folder.finish {
      looks += 1
      if looks == 1 { throw missing(1) }
      return try manifest(folder, units: 2)
    }
    #expect(looks == 2)
    try expectFinished(folder.path, units: 2)
  }

  @Test("Who finds the manifest of a process that died over it clears up what that left")
  func finishedByTheDead() async throws {
    let temporary = try TemporaryFolder()
    let path = temporary.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let folder = stage(path)
      try folder.work(units: 2, name: name, produce: makeWhole)
      _ = try Lease.claim(path + "/manifest.json.lease")
      var file = try AtomicFile.create(path + "/manifest.json")
      try file.write(try manifest(folder, units: 2).json.pretty)
      _ = try file.publishIfAbsent()
      kill(getpid(), SIGKILL)
    }
    #expect(try System.list(path).contains(name(0) + ".sha256"))
    try stage(path).finish {
      Issue.record("The manifest is made again.")
      return try manifest(stage(path), units: 2)
    }
    try expectFinished(path, units: 2)
  }

  @Test("Many units that are there are found by one look at the folder")
  func struckOff() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.path)
    for unit in 0..<200 where unit % 3 != 0 { try temporary.write(content(unit), to: name(unit)) }
    let others = ["3.safetensors", "shard-3.safetensors", name(6) + ".sha256", name(200), "notes"]
    for other in others { try temporary.write([], to: other) }
    var made: [Int] = []
    var finished: [Int] = []
    try folder.work(
      units: 200, name: name,
      produce: { unit, file in
        made.append(unit)
        try makeWhole(unit, &file)
      }, onFinished: { finished.append($0) })
    #expect(made == (0..<200).filter { $0 % 3 == 0 })
    #expect(finished.sorted() == Array(0..<200))
  }

  @Test("A manifest that cannot be read is an error, and not one that is not there")
  func unreadableManifest() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.path)
    #expect(try folder.readManifest() == nil)
    // Opens, and fails once it is read.
    try System.createDirectories(temporary.file("manifest.json"))
    let error = #expect(throws: SystemError.self) { try folder.manifest() }
    #expect(
      error?.sentence
        == "\(temporary.file("manifest.json")) is a folder where a file was expected.")
    #expect(throws: SystemError.self) { try folder.isFinished() }
  }

  @Test("Other files of a folder survive its finishing, those of workers elsewhere too")
  func survivors() throws {
    let temporary = try TemporaryFolder()
    let folder = stage(temporary.path)
    try folder.work(units: 1, name: name, produce: makeWhole)
    try temporary.write([1], to: "tokenizer.json")
    try temporary.write([1], to: "tokenizer.json.0123456789ab.7.0.tmp")
    try temporary.write([1], to: name(0) + ".0123456789ab.7.0.tmp")
    try temporary.write([1], to: name(0) + ".lease")
    try folder.finish(try manifest(folder, units: 1))
    #expect(
      try System.list(temporary.path) == [
        "manifest.json", name(0), "tokenizer.json", "tokenizer.json.0123456789ab.7.0.tmp",
      ])
  }
}
