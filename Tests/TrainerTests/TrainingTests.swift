import Foundation
import Shared
import Support
import Testing
import Trainer

@Suite("Training")
struct TrainingTests {
  private func progress() -> Shared.Progress {
    Shared.Progress(
      stage: "train", total: 1, mode: .automatic,
      terminal: RecordedTerminal(isInteractive: false).terminal)
  }

  private func train(_ cache: SyntheticCache, in folder: String) throws -> String {
    try System.createDirectories(folder)
    let plan = try TrainingPlan(cache.pipeline, source: cache.source)
    let training = try Training(
      plan.prepared(), folder: folder, fingerprint: "f", progress: progress())
    try training.run()
    #expect(training.step == plan.steps)
    return folder + "/checkpoints/step-00000040"
  }

  private func bytes(_ path: String) throws -> [UInt8] { try MappedFile.contents(path) }

  /// The log without the fields that tell the time.
  private func log(_ folder: String) throws -> [RunLog.Entry] {
    try RunLog.read(folder + "/metrics.jsonl").map { entry in
      var values = entry.values
      values[.tokensPerSecond] = nil
      return RunLog.Entry(
        step: entry.step, values: values, histograms: entry.histograms,
        evaluation: entry.evaluation)
    }
  }

  static let runs: [(Architecture, ActivationNormalization, DecoderBiasInit)] = [
    (.standard, .none, .zeros), (.topk, .expectedAverageOnlyIn, .geometricMedian),
  ]

  @Test("A run that stopped and went on ends in the same bytes", arguments: runs)
  func resuming(
    architecture: Architecture, normalization: ActivationNormalization, bias: DecoderBiasInit
  ) throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.architecture = architecture
    cache.pipeline.train.normalizeActivations = normalization
    cache.pipeline.train.bDecInitMethod = bias
    cache.pipeline.train.nCheckpoints = 1
    cache.pipeline.train.featureSamplingWindow = 7
    cache.pipeline.logger.evalEveryNWandbLogs = 2
    let straight = cache.folder + "/straight"
    let whole = try train(cache, in: straight)
    // What a process killed at step 33 leaves: a checkpoint, and a log that is ahead of it.
    let stopped = cache.folder + "/stopped"
    try System.createDirectories(stopped)
    try FileManager.default.copyItem(
      atPath: straight + "/checkpoints", toPath: stopped + "/checkpoints")
    try System.removeTree(stopped + "/checkpoints/step-00000040")
    let ahead = try bytes(straight + "/metrics.jsonl").dropLast(200)
    try Data(ahead).write(to: URL(fileURLWithPath: stopped + "/metrics.jsonl"))
    let resumed = try train(cache, in: stopped)
    for file in ["state", "sae_weights", "sparsity"] {
      let name = "/\(file).safetensors"
      #expect(try bytes(resumed + name) == bytes(whole + name), "\(file)")
    }
    #expect(try log(stopped) == log(straight))
  }

  @Test("Without resume a run starts afresh over old checkpoints")
  func startingAfresh() throws {
    let cache = try SyntheticCache()
    let folder = cache.folder + "/run"
    let first = try bytes(train(cache, in: folder) + "/state.safetensors")
    cache.pipeline.train.resume = .never
    #expect(try bytes(train(cache, in: folder) + "/state.safetensors") == first)
    #expect(try log(folder).map(\.step) == [4, 9, 14, 19, 24, 29, 34, 39])
  }

  @Test("The loss falls")
  func learning() throws {
    let cache = try SyntheticCache()
    let folder = cache.folder + "/run"
    _ = try train(cache, in: folder)
    let losses = try log(folder).compactMap { $0[.overall] }
    #expect(losses.count == 8)
    #expect((losses.last ?? 0) < 0.9 * (losses.first ?? 0))
  }

  @Test("Figures are logged under SAELens's names at its steps")
  func logging() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.featureSamplingWindow = 15
    let folder = cache.folder + "/run"
    _ = try train(cache, in: folder)
    let entries = try RunLog.read(folder + "/metrics.jsonl")
    #expect(entries.map(\.step) == [4, 9, 14, 15, 19, 24, 29, 30, 34, 39])
    let first = try #require(entries.first)
    #expect(first[.trainingSamples] == 160)
    #expect(first[.learningRate] == 3e-3)
    #expect(first[.l1Coefficient] == 1)
    #expect((first[.tokensPerSecond] ?? 0) > 0)
    #expect(entries[3][.meanLogSparsity] != nil)
    #expect(entries[3][.overall] == nil)
  }

  @Test("The sampling window starts afresh every so many steps")
  func samplingWindow() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.featureSamplingWindow = 15
    let path = try train(cache, in: cache.folder + "/run") + "/state.safetensors"
    let file = try SafetensorsFile.open(path)
    #expect(file.header.metadata["active_samples"] == "320")
    #expect(file.header.metadata["consumed"] == "1280")
  }

  @Test("More tokens than the cache holds are said in passes, fewer are not")
  func repetition() throws {
    let cache = try SyntheticCache(shards: 1, sequencesPerShard: 20)
    let plan = try TrainingPlan(cache.pipeline, source: cache.source).prepared()
    #expect(plan.repetition == "the cache holds 320 rows, the run wants 1280: 4 epochs")
    cache.pipeline.train.trainingTokens = 320
    #expect(try TrainingPlan(cache.pipeline, source: cache.source).prepared().repetition == nil)
  }

  @Test("A last partial batch is a whole step, as in SAELens")
  func stepCount() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.trainingTokens = 65
    let plan = try TrainingPlan(cache.pipeline, source: cache.source)
    #expect(plan.steps == 3)
  }

  // MARK: - Faults

  /// What a run ends with, and what it said.
  private func failure(
    _ cache: SyntheticCache, in folder: String, _ said: RecordedTerminal? = nil
  ) throws -> [String?] {
    try System.createDirectories(folder)
    let terminal = (said ?? RecordedTerminal(isInteractive: false)).terminal
    let progress = Shared.Progress(stage: "train", total: 1, mode: .automatic, terminal: terminal)
    let plan = try TrainingPlan(cache.pipeline, source: cache.source)
    do {
      try Training(plan.prepared(), folder: folder, fingerprint: "f", progress: progress).run()
    } catch let failure as any Failure {
      return [failure.sentence, failure.hint]
    }
    return []
  }

  @Test("A run that diverges keeps its last good checkpoint and writes no bad one")
  func diverging() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.lr = 1e30
    cache.pipeline.train.lrWarmUpSteps = 0
    // A checkpoint is due after every step.
    cache.pipeline.train.checkpointMinutes = 1e-12
    let folder = cache.folder + "/run"
    let found = try failure(cache, in: folder)
    let sentence = try #require(found[0])
    #expect(sentence.hasSuffix("not finite: the run in \(folder) diverged."))
    #expect(
      found[1]
        == "Lower train.lr, or give it train.lr_warm_up_steps; the checkpoints are kept.")
    // Started again, it comes to the same end, from a state that is whole.
    let plan = try TrainingPlan(cache.pipeline, source: cache.source)
    let checkpoints = Checkpoints(plan, folder: folder, fingerprint: "f")
    var state = TrainingState(dIn: 8, dSae: 24)
    var warnings: [String] = []
    _ = try checkpoints.restoreNewest(into: &state) { warnings.append($0) }
    let isFinite = state.isFinite
    #expect(isFinite)
    #expect(warnings == [])
    #expect(try failure(cache, in: folder) == found)
  }

  @Test("Without a checkpoint that can be used, a run says so and starts from its beginning")
  func allDamaged() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.nCheckpoints = 1
    let straight = cache.folder + "/straight"
    let whole = try train(cache, in: straight)
    let folder = cache.folder + "/run"
    _ = try train(cache, in: folder)
    for name in try System.list(folder + "/checkpoints") {
      try AtomicFile.replace(folder + "/checkpoints/\(name)/state.safetensors", with: "x")
    }
    let said = RecordedTerminal(isInteractive: false)
    #expect(try failure(cache, in: folder, said) == [])
    let text = said.writes.joined()
    #expect(text.contains("warning: skipping the checkpoint of step 21: "))
    #expect(text.contains("warning: skipping the checkpoint of step 40: "))
    #expect(
      text.contains("warning: no checkpoint can be used; the run starts from its beginning"))
    let name = "/state.safetensors"
    #expect(
      try bytes(folder + "/checkpoints/step-00000040" + name) == bytes(whole + name))
  }

  @Test(
    "A shard that is damaged during a run ends it; made again, the run goes on in the same bytes")
  func damagedShard() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.nCheckpoints = 1
    let whole = try train(cache, in: cache.folder + "/straight")
    let path = try cache.source.shards[2].path
    let content = try bytes(path)
    // Cut short between two looks: the sizes in the manifest are looked at before.
    let plan = try TrainingPlan(cache.pipeline, source: cache.source)
    try Data(content.dropLast(9000)).write(to: URL(fileURLWithPath: path))
    let folder = cache.folder + "/run"
    try System.createDirectories(folder)
    let training = try Training(
      plan.prepared(), folder: folder, fingerprint: "f", progress: progress())
    let error = #expect(throws: ManifestError.self) { try training.run() }
    let byteCount = content.count
    #expect(
      error?.sentence
        == "\(path) has \(byteCount - 9000) bytes; its manifest says \(byteCount).")
    try Data(content).write(to: URL(fileURLWithPath: path))
    let resumed = try train(cache, in: folder)
    let name = "/state.safetensors"
    #expect(try bytes(resumed + name) == bytes(whole + name))
  }

  @Test("A run that another process took over writes nothing more and says so")
  func lostLease() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.nCheckpoints = 3
    let folder = cache.folder + "/run"
    try System.createDirectories(folder)
    let path = folder + "/run.lease"
    let late = try #require(try Lease.claim(path))
    let plan = try TrainingPlan(cache.pipeline, source: cache.source)
    let training = try Training(
      plan.prepared(), folder: folder, fingerprint: "f", progress: progress(), keeping: late)
    try System.remove(path)
    let next = try #require(try Lease.claim(path))
    defer { next.release() }
    let before = try System.list(folder)
    func expectRefusal(_ body: () throws -> Void) throws {
      let error = #expect(throws: LostLease.self) { try body() }
      #expect(
        error?.sentence
          == "Another process has taken over the work in \(folder): this one stood still for longer "
          + "than its lease.")
      #expect(
        error?.hint
          == "Nothing was written since; run the same command again to wait for the other process.")
      #expect(error?.exitCode == .failed)
    }
    try expectRefusal { try training.run() }
    try expectRefusal { try training.writeFinal() }
    late.release()
    #expect(try System.list(folder) == before)
    #expect(try bytes(folder + "/metrics.jsonl") == [])
  }

  @Test("A full disk is said of metrics.jsonl")
  func fullLog() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("metrics.jsonl")
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
    let error = #expect(throws: SystemError.self) {
      var log = try RunLog.open(path)
      try log.append(RunLog.Entry(step: 1, values: [.mse: 1]))
    }
    #expect(error?.sentence == "The disk is full: \(path) could not be written.")
  }
}
