import Foundation
import Shared
import Support
import Synchronization
import Testing

import Trainer

/// What a follower tells people.
private final class Notes: Sendable {
  private let list = Mutex<[String]>([])
  var all: [String] { list.withLock { $0 } }
  func add(_ text: String) { list.withLock { $0.append(text) } }
}

/// A run's folder, a local W&B and the variables that lead to it.
private final class WandbWorld {
  let server: LocalWandb
  let temporary: TemporaryFolder
  var environment: [String: String]
  var pipeline = Pipeline()
  let notes = Notes()

  init() throws {
    temporary = try TemporaryFolder()
    server = try LocalWandb()
    environment = [
      "WANDB_BASE_URL": server.endpoint, "WANDB_API_KEY": LocalWandb.Options().key,
      "WANDB_DIR": temporary.path, "HOME": temporary.path,
    ]
    pipeline.logger.logToWandb = true
    pipeline.train.dSae = 16
    try System.createDirectories(run)
  }

  deinit { server.stop() }

  var run: String { temporary.file("run") }
  var log: String { run + "/metrics.jsonl" }

  static let quickly: WandbPatience = {
    var patience = WandbPatience()
    (patience.interval, patience.longestWait, patience.endingWait) = (0.05, 0.05, 0.05)
    // Long for a server that answers, since many tests share the processors.
    (patience.ending, patience.shortEnding) = (20, 6)
    return patience
  }()

  func follower() throws -> WandbRun {
    let settings = try WandbSettings(pipeline, group: "sweep-1", environment)
    try WandbRun.check(settings)
    return WandbRun(
      WandbFacts(
        settings, config: ["lr": 1e-5, "sae": ["d_sae": 16]], artifactName: "sae_tiny_hook_16",
        folder: run),
      patience: WandbWorld.quickly, terminal: RecordedTerminal(isInteractive: false).terminal,
      isScheduled: { $0 != 7 }, note: { [notes] in notes.add($0) })
  }

  /// Logs lines of steps, each of which a later line of the same step adds to.
  func log(_ steps: Range<Int>, to follower: WandbRun) throws {
    let descriptor = try System.openForAppending(log)
    defer { System.close(descriptor) }
    for step in steps {
      for line in [#"{"step":\#(step),"a":\#(step)}"#, #"{"step":\#(step),"g":{"b":null}}"#] {
        let bytes = Array((line + "\n").utf8)
        try System.write(bytes.span.raw, to: descriptor, path: log)
        follower.logged()
      }
    }
  }

  func writeSAE(_ folder: String) throws {
    try System.createDirectories(folder)
    for name in ["cfg.json", "sae_weights.safetensors", "sparsity.safetensors"] {
      try AtomicFile.replace(folder + "/" + name, with: name + folder)
    }
  }

  /// The steps of the rows that the server has.
  var steps: [Int] {
    (server.runs.first?.history ?? []).compactMap { row in
      let text = row.replacingOccurrences(of: "NaN", with: "null")
      return (try? JSON(parsing: Array(text.utf8)))?["_step"]?.integer
    }
  }

  var offlineFolders: [String] {
    ((try? System.list(temporary.file("wandb"))) ?? []).filter { $0.hasPrefix("offline-run-") }
  }
}

@Suite("Logging to W&B")
struct WandbTests {
  @Test("A run arrives in whole: rows, summary, options, files and artifacts")
  func wholeRun() throws {
    let world = try WandbWorld()
    world.environment["WANDB_TAGS"] = "one, two"
    let follower = try world.follower()
    follower.begin(lineCount: 0)
    try world.log(0..<30, to: follower)
    let checkpoint = world.temporary.file("step-3")
    try world.writeSAE(checkpoint)
    follower.saved(checkpoint: checkpoint, step: 3)
    follower.saved(checkpoint: checkpoint, step: 7)
    try System.removeTree(checkpoint)
    try world.writeSAE(world.run)
    follower.complete()
    let run = try #require(world.server.runs.first)
    #expect(world.steps == Array(0..<30))
    #expect(run.history[2].contains(#""a":2,"g":{"b":NaN}"#))
    #expect(run.summary.contains(#""_step":29"#))
    #expect(run.config["lr"]?["value"] == 1e-5)
    #expect(run.group == "sweep-1" && run.tags == ["one", "two"] && run.state == "finished")
    #expect(run.displayName == "standard-16-LR-0.0003-Tokens-2.000e+06")
    #expect(
      run.files.keys.sorted()
        == ["config.yaml", "output.log", "wandb-metadata.json", "wandb-summary.json"])
    let artifacts = world.server.artifacts
    #expect(artifacts.map(\.name).count == 4 && artifacts.allSatisfy(\.isCommitted))
    #expect(artifacts.last { $0.type == "model" }?.aliases == ["latest", "final_model"])
    #expect(
      artifacts.first?.received.keys.sorted() == ["cfg.json", "sae_weights.safetensors"])
    #expect(world.server.problems.isEmpty && world.offlineFolders.isEmpty)
    #expect(world.notes.all.isEmpty)
  }

  @Test("A run that is continued has every step once")
  func continuing() throws {
    let world = try WandbWorld()
    let first = try world.follower()
    first.begin(lineCount: 0)
    try world.log(0..<20, to: first)
    first.stop(exitCode: 130)
    #expect(world.server.runs.first?.state == "failed")
    // The checkpoint is of step 15: the lines after it are written again.
    let lines = String(decoding: try MappedFile.contents(world.log), as: UTF8.self)
      .split(separator: "\n").prefix(30)
    try AtomicFile.replace(world.log, with: lines.map { $0 + "\n" }.joined())
    let second = try world.follower()
    second.begin(lineCount: 30)
    try world.log(15..<40, to: second)
    second.complete()
    #expect(world.steps == Array(0..<40))
    #expect(world.server.runs.count == 1)
    #expect(world.server.runs.first?.rewrittenCount == 0 && world.server.problems.isEmpty)
    #expect(world.server.runs.first?.state == "finished")
  }

  @Test(
    "Failures of the server cost nothing but one warning",
    arguments: [
      LocalHubFault(.answer(status: 500, headers: [:]), on: "*", method: "POST", count: 6),
      .tooManyRequests(retryAfter: "0", on: "*", count: 6),
      LocalHubFault(.cut(afterByteCount: -1), on: "*", count: 6),
      LocalHubFault(.reset(afterByteCount: -1), on: "*", count: 6),
    ])
  func failing(_ fault: LocalHubFault) throws {
    let world = try WandbWorld()
    let follower = try world.follower()
    world.server.fail(fault)
    follower.begin(lineCount: 0)
    try world.log(0..<10, to: follower)
    System.sleep(seconds: 1)
    follower.complete()
    #expect(world.steps == Array(0..<10) && world.server.problems.isEmpty)
    let notes = world.notes.all
    #expect(notes.count == 1)
    #expect(notes.first?.hasPrefix("warning: W&B could not be reached (") == true)
    #expect(
      notes.first?.hasSuffix("); the run goes on, and what is not sent stays on disk") == true)
  }

  @Test("What a server that is gone did not get is in a folder for wandb sync")
  func gone() throws {
    let world = try WandbWorld()
    let follower = try world.follower()
    world.server.stop()
    follower.begin(lineCount: 0)
    try world.log(0..<10, to: follower)
    try world.writeSAE(world.run)
    System.sleep(seconds: 0.3)
    follower.complete()
    let folder = try #require(world.offlineFolders.first)
    let path = world.temporary.file("wandb/" + folder)
    #expect(
      world.notes.all.last
        == "W&B: what was not sent is in \(path); send it with: wandb sync \(path)")
    let name = folder.split(separator: "-").last.map { "run-\($0).wandb" } ?? ""
    let bytes = try MappedFile.contents(path + "/" + name)
    #expect(bytes.prefix(7) == [0x3A, 0x57, 0x26, 0x42, 0xE1, 0xBE, 0x00])
  }

  @Test("What nobody can have noted of a run's beginning and of its lines counts as not noted")
  func damagedNotes() throws {
    for (record, stamp) in [
      (#"{"id":"../other","started":1700000000}"#, "inf"),
      (#"{"id":"abcd1234","started":1e300}"#, "1e300"),
    ] {
      let world = try WandbWorld()
      try System.createDirectories(world.run + "/wandb")
      try AtomicFile.replace(world.run + "/wandb/run.json", with: record)
      let line = "\(stamp) \(stamp)"
      let padded = line + String(repeating: " ", count: 31 - line.utf8.count) + "\n"
      try AtomicFile.replace(world.run + "/wandb/times", with: padded + padded)
      let follower = try world.follower()
      follower.begin(lineCount: 2)
      try world.log(0..<3, to: follower)
      try world.writeSAE(world.run)
      follower.complete()
      #expect(world.steps == [0, 1, 2])
      #expect(world.server.runs.first?.name.contains("/") == false)
    }
  }

  @Test("The key is sent to the server alone, and shown nowhere")
  func secrecy() throws {
    let world = try WandbWorld()
    let key = LocalWandb.Options().key
    let settings = try WandbSettings(world.pipeline, world.environment)
    #expect(!"\(settings)".contains(key))
    #expect(!String(reflecting: settings.key).contains(key))
    let follower = try world.follower()
    follower.begin(lineCount: 0)
    try world.log(0..<3, to: follower)
    try world.writeSAE(world.run)
    follower.complete()
    // The local server complains where its host of files is shown the key.
    #expect(world.server.problems.isEmpty)
    #expect(world.server.requests.contains { $0.host == .content })
    for folder in [world.run, world.run + "/wandb"] {
      for name in try System.list(folder) where !System.isDirectory(folder + "/" + name) {
        let text = String(decoding: try MappedFile.contents(folder + "/" + name), as: UTF8.self)
        #expect(!text.contains(key))
      }
    }
  }

  @Test("A key in a netrc file is found by its host")
  func netrc() throws {
    let world = try WandbWorld()
    let key = LocalWandb.Options().key
    world.environment["WANDB_API_KEY"] = nil
    try AtomicFile.replace(
      world.temporary.file(".netrc"),
      with:
        "machine other login me password no\nmachine 127.0.0.1\n  login user\n  password \(key)\n"
    )
    _ = try world.follower()
    world.environment["NETRC"] = world.temporary.file("other")
    #expect(throws: WandbError.self) { _ = try world.follower() }
  }

  @Test("What keeps a run from being logged is said before training, in one sentence")
  func refusals() throws {
    let world = try WandbWorld()
    func sentence(_ changes: [String: String]) -> String? {
      world.environment.merge(changes) { $1 }
      do { _ = try world.follower() } catch let error as WandbError {
        #expect(error.exitCode == .wrongInput)
        return error.sentence
      } catch { return "\(error)" }
      return nil
    }
    #expect(
      sentence(["WANDB_API_KEY": ""])
        == "There is no API key for 127.0.0.1: WANDB_API_KEY is not set, and "
        + "\(world.temporary.path)/.netrc has none.")
    #expect(
      sentence(["WANDB_API_KEY": "wrong"])
        == "\(world.server.endpoint) does not accept the API key from WANDB_API_KEY (status 401).")
    #expect(
      sentence(["WANDB_API_KEY": "ä"]) == "What WANDB_API_KEY holds is no API key of W&B.")
    #expect(
      sentence(["WANDB_MODE": "later"])
        == "WANDB_MODE is \"later\", but it may be online, offline or disabled.")
    #expect(sentence(["WANDB_MODE": "offline"]) == nil)
    #expect(
      sentence(["WANDB_RESUME": "yes"])
        == "WANDB_RESUME is \"yes\", but it may be allow, must, never or auto.")
    #expect(sentence(["WANDB_RESUME": ""]) == nil)
    #expect(
      sentence(["WANDB_BASE_URL": "wandb"])
        == "WANDB_BASE_URL is \"wandb\", which is no address of http or https.")
    world.environment["WANDB_BASE_URL"] = nil
    #expect(
      sentence(["WANDB_RUN_ID": "a/b"])
        == "logger.wandb_id is \"a/b\", which W&B does not take as a name.")
  }

  @Test("Variables fill in what the file leaves open")
  func variables() throws {
    var pipeline = Pipeline()
    let environment = [
      "WANDB_MODE": "offline", "WANDB_PROJECT": "p", "WANDB_ENTITY": "e", "WANDB_NAME": "n",
      "WANDB_RUN_ID": "i", "WANDB_RUN_GROUP": "g",
    ]
    let open = try WandbSettings(pipeline, group: "sweep", environment)
    #expect([open.project, open.entity, open.name, open.identifier] == ["p", "e", "n", "i"])
    #expect(open.group == "g" && open.address == "https://api.wandb.ai")
    pipeline.logger.wandbProject = "mine"
    pipeline.logger.runName = "run"
    pipeline.logger.wandbId = "id"
    let stated = try WandbSettings(pipeline, group: "sweep", environment)
    #expect([stated.project, stated.name, stated.identifier] == ["mine", "run", "id"])
  }
}
