import Dispatch
import Foundation
import Shared
import Synchronization
import Testing
import Trainer

@Suite("A sweep")
struct SweepTests {
  private func sweep(_ cache: SyntheticCache, _ axes: JSON) throws -> Sweep {
    cache.pipeline.evaluate.evalTokens = 300
    cache.pipeline.train.sweep = try #require(SweepAxes(setting: axes))
    let plan = SweepPlan(cache.pipeline)
    #expect(plan.problems == [])
    return try Sweep(cache.pipeline, combinations: plan.combinations, mode: .quiet)
  }

  private let two: JSON = ["l1_coefficient": .array([.integer(1), .integer(2)])]
  private let four: JSON = [
    "l1_coefficient": .array([.integer(1), .integer(2)]),
    "d_sae": .array([.integer(16), .integer(24)]),
  ]

  @Test("A run is that of its values alone: what is finished is used, and can be used")
  func reuse() throws {
    let cache = try SyntheticCache()
    let sweep = try sweep(cache, two)
    let runs = try sweep.members.map { try Run($0.combination.pipeline, mode: .quiet) }
    #expect(sweep.members.map(\.folder) == runs.map(\.folder))
    #expect(sweep.members.map(\.combination.label) == ["l1_coefficient=1", "l1_coefficient=2"])
    cache.pipeline.train.sweep = SweepAxes()
    cache.pipeline.train.l1Coefficient = 2
    let alone = try Run(cache.pipeline, mode: .quiet)
    #expect(try alone.run() == .trained)
    #expect(try sweep.run().map(\.didWork) == [true, false])
    #expect(try sweep.run().map(\.didWork) == [false, false])
    #expect(try runs[0].run() == .nothingToDo)
    let settings = try MappedFile.contents(alone.folder.path + "/runner_cfg.json")
    #expect(!String(decoding: settings, as: UTF8.self).contains("sweep"))
  }

  @Test("Two processes at one sweep share its runs, and both see the whole result")
  func sharing() throws {
    let cache = try SyntheticCache()
    let sweeps = [try sweep(cache, four), try sweep(cache, four)]
    let endings = Mutex<[[Sweep.Ending]]>([])
    Parallel.onThreads(2) { index in
      let found = try? sweeps[index].run()
      endings.withLock { $0.append(found ?? []) }
    }
    let both = endings.withLock(\.self)
    #expect(both.map(\.count) == [4, 4])
    for index in 0..<4 { #expect(both.count { $0[index].didWork } == 1) }
    #expect(both[0].map(\.figures) == both[1].map(\.figures))
    #expect(both[0].allSatisfy { $0.failure == nil })
    // Neither waited for the other while there was something to do.
    #expect(both.allSatisfy { $0.contains { $0.didWork } })
  }

  @Test("A run that somebody else holds is left for the end")
  func held() throws {
    let cache = try SyntheticCache()
    let sweep = try sweep(cache, two)
    let folder = sweep.members[0].folder
    try System.createDirectories(folder.path)
    let lease = try #require(try Lease.claim(Run.leasePath(folder)))
    let other = sweep.members[1].folder
    DispatchQueue.global().async {
      while (try? other.manifest()) == nil { System.sleep(seconds: 0.01) }
      lease.release()
    }
    #expect(try sweep.run().map(\.didWork) == [true, true])
  }

  @Test("A run that fails stops no other, and is named at the end")
  func failure() throws {
    let cache = try SyntheticCache()
    let sweep = try sweep(cache, ["eval_fraction": .array([.number(0.9999999), .number(0.2)])])
    let endings = try sweep.run()
    let sentence =
      "What is held out or left out leaves no row of \(try cache.source.folder) to train on."
    #expect(endings.map(\.failure) == [sentence, nil])
    #expect(endings.map(\.didWork) == [false, true])
    do {
      try sweep.requireSuccess(endings)
      Issue.record("a failure was not named")
    } catch {
      #expect(error.sentence == "1 of 2 runs failed:\n  eval_fraction=0.9999999: \(sentence)")
      #expect(
        error.hint == "Run the same command again to try these once more; what is finished is kept."
      )
      #expect(error.exitCode == .failed)
    }
    let results = try #require(try sweep.result(endings).array)
    #expect(results[0]["error"] == .string(sentence))
    #expect(results[0]["folder"] == .string(sweep.members[0].folder.path))
    #expect(results[1]["did_work"] == .bool(true))
    #expect(sweep.comparison(endings).rows.map { $0.figures == nil } == [true, false])
  }

  @Test("A run that diverges stops no other")
  func divergence() throws {
    let cache = try SyntheticCache()
    let sweep = try sweep(cache, ["lr": .array([.number(1e30), .number(1e-3)])])
    let failures = try sweep.run().map(\.failure)
    #expect(failures[0]?.hasSuffix("in \(sweep.members[0].folder.path) diverged.") == true)
    #expect(failures[1] == nil)
  }

  @Test("A folder that cannot be written fails alone, and is made once it can")
  func blocked() throws {
    let cache = try SyntheticCache()
    let sweep = try sweep(cache, two)
    let path = sweep.members[0].folder.path
    try System.createDirectories(String(path[..<(try #require(path.lastIndex(of: "/")))]))
    try AtomicFile.replace(path, with: "")
    let endings = try sweep.run()
    #expect(endings.map { $0.failure == nil } == [false, true])
    try System.remove(path)
    #expect(try sweep.run().map(\.didWork) == [true, false])
  }

  @Test("Reports and page are made again; a run that is not finished is named")
  func report() throws {
    let cache = try SyntheticCache()
    let sweep = try sweep(cache, two)
    _ = try Run(sweep.members[1].combination.pipeline, mode: .quiet).run()
    let report = sweep.members[1].folder.path + "/report.html"
    let page = try MappedFile.contents(report)
    try AtomicFile.replace(report, with: "gone")
    let endings = try sweep.report()
    #expect(
      endings.map(\.failure) == ["The run \(sweep.members[0].folder.path) is not finished.", nil])
    #expect(try MappedFile.contents(report) == page)
    try sweep.writePage(sweep.comparison(endings))
    let html = String(decoding: try MappedFile.contents(sweep.pagePath), as: UTF8.self)
    #expect(html.contains("\"failed\""))
    let name = try #require(sweep.members[1].folder.path.split(separator: "/").last)
    #expect(html.contains("\"../\(name)/report.html\""))
    #expect(!html.contains(cache.folder))
  }

  @Test("The page lies in a folder of its own that is no stage")
  func page() throws {
    let cache = try SyntheticCache()
    let sweep = try sweep(cache, two)
    #expect(
      sweep.pagePath
        == "\(cache.pipeline.store)/runs/sweep-tiny-\(sweep.fingerprint.prefix(16))/sweep.html")
    let runs = sweep.members.map { "\"\($0.key.fingerprint)\"" }.joined(separator: ",")
    #expect(sweep.fingerprint == Digest.of("{\"runs\":[\(runs)]}"))
    #expect(try self.sweep(cache, four).pagePath != sweep.pagePath)
    let endings = try sweep.run()
    try sweep.writePage(sweep.comparison(endings))
    let store = Store(cache.pipeline.store)
    for member in sweep.members {
      #expect(try store.find(stage: .runs, fingerprint: member.key.fingerprint) != nil)
      #expect(
        try store.find(stage: .runs, settings: member.key.settings).map(\.path)
          == [member.folder.path])
    }
    #expect(try store.find(stage: .runs, fingerprint: sweep.fingerprint) == nil)
  }

  @Test("The result lists what each run prints by itself, with its values")
  func result() throws {
    let cache = try SyntheticCache()
    let sweep = try sweep(cache, two)
    let result = try sweep.result(sweep.run())
    let alone = try Run(sweep.members[0].combination.pipeline, mode: .quiet).result(didWork: true)
    var expected = try #require(alone.object)
    expected["sweep"] = ["l1_coefficient": .number(1)]
    expected["sweep_report"] = .string(sweep.pagePath)
    #expect(result.array?.count == 2)
    #expect(result.array?.first == .object(expected))
  }

  @Test("Hook points are swept over their caches, and one that is missing is named")
  func hooks() throws {
    let cache = try SyntheticCache()
    let other = "blocks.1.hook_mlp_out"
    cache.pipeline.cache.hookNames = [other]
    let axes: JSON = ["hook_name": .array([.string(SyntheticCache.hook), .string(other)])]
    do {
      _ = try sweep(cache, axes)
      Issue.record("a cache that is missing was not named")
    } catch let error as SweepError {
      #expect(
        error.sentence
          == "hook_name=\(other): The store \(cache.pipeline.store) holds no activations of "
          + "\(other) that were cached with these settings.")
      #expect(error.exitCode == .wrongInput)
    }
    try addHook(other, to: cache)
    let sweep = try sweep(cache, axes)
    #expect(sweep.members.map(\.input.source.facts.hookName) == [SyntheticCache.hook, other])
    #expect(sweep.members[0].folder != sweep.members[1].folder)
  }

  /// A finished cache of another hook point with the same rows.
  private func addHook(_ name: String, to cache: SyntheticCache) throws {
    let first = StageFolder(path: try cache.source.folder, stage: .activations, fingerprint: nil)
    let manifest = try #require(try first.readManifest())
    func renamed(_ json: JSON) -> JSON {
      var members = json.object ?? [:]
      members["hook_name"] = .string(name)
      return .object(members)
    }
    let key = StageKey(
      stage: .activations, label: "tiny." + name, settings: renamed(manifest.settings),
      identities: manifest.identities, input: manifest.input)
    let folder = Store(cache.pipeline.store).folder(key)
    try FileManager.default.copyItem(atPath: first.path, toPath: folder.path)
    try System.remove(folder.path + "/" + Manifest.fileName)
    try folder.finish(
      Manifest(
        key: key, name: key.label, tool: "test", shards: manifest.shards,
        details: renamed(manifest.details)))
  }

  @Test("Verbs for one run say that there are several")
  func oneRunOnly() {
    let error = SweepError.oneRunOnly(verb: "reconstruct", count: 6)
    #expect(error.sentence == "reconstruct works on one run, but train.sweep asks for 6.")
    #expect(error.hint == "Give --set 'train.sweep={}' and the values of one run by --set.")
    #expect(error.exitCode == .wrongInput)
  }
}
