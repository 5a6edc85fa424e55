import Foundation
import Shared
import Synchronization
import Testing
import Trainer

@Suite("Checkpoints")
struct CheckpointTests {
  fileprivate func checkpoints(
    _ cache: SyntheticCache, keep: Int = 2, count: Int = 0, fingerprint: String = "f"
  ) throws -> (Checkpoints, SAEFiles) {
    var pipeline = cache.pipeline
    pipeline.train.keepCheckpoints = keep
    pipeline.train.nCheckpoints = count
    let plan = try TrainingPlan(pipeline, source: cache.source)
    return (
      Checkpoints(plan, folder: cache.folder + "/run", fingerprint: fingerprint),
      try plan.prepared().files
    )
  }

  /// A state in which every number is different.
  fileprivate func state(step: Int) -> TrainingState {
    var state = TrainingState(dIn: 8, dSae: 24)
    let random = Random(seed: 5, stream: "state", index: step)
    for index in 0..<24 * 8 {
      state.parameters.encoder.buffer[index] = Float(random.normal(6 * index))
      state.parameters.decoder.buffer[index] = Float(random.normal(6 * index + 1))
      state.firstMoment.encoder.buffer[index] = Float(random.normal(6 * index + 2))
      state.firstMoment.decoder.buffer[index] = Float(random.normal(6 * index + 3))
      state.secondMoment.encoder.buffer[index] = Float(random.normal(6 * index + 4))
      state.secondMoment.decoder.buffer[index] = Float(random.normal(6 * index + 5))
    }
    for latent in 0..<24 {
      state.parameters.encoderBias.buffer[latent] = Float(latent) / 7
      state.firstMoment.encoderBias.buffer[latent] = Float(latent) / 11
      state.secondMoment.encoderBias.buffer[latent] = Float(latent) / 13
      state.passesSinceFired[latent] = Int32(latent * 3)
      state.activeCounts[latent] = Int32(latent * 5)
    }
    for column in 0..<8 {
      state.parameters.decoderBias.buffer[column] = Float(column) / 17
      state.firstMoment.decoderBias.buffer[column] = Float(column) / 19
      state.secondMoment.decoderBias.buffer[column] = Float(column) / 23
    }
    state.step = step
    state.activeSamples = 32 * step
    return state
  }

  private func stateBytes(_ folder: String) throws -> [UInt8] {
    try MappedFile.contents(folder + "/state.safetensors")
  }

  @Test("Thresholds lie where SAELens 6 puts them")
  func schedule() {
    // SAELens 6.54: 2,560 tokens in batches of 64 with one checkpoint save at 1,344.
    let one = CheckpointSchedule(count: 1, trainingTokens: 2560, batchRows: 64)
    #expect((0..<40).filter { one.isDue(afterStep: $0) } == [20])
    let three = CheckpointSchedule(count: 3, trainingTokens: 1000, batchRows: 100)
    #expect((0..<10).filter { three.isDue(afterStep: $0) } == [2, 5, 7])
    let none = CheckpointSchedule(count: 0, trainingTokens: 1000, batchRows: 100)
    #expect(!(0..<10).contains { none.isDue(afterStep: $0) })
  }

  @Test("A state comes back bit for bit")
  func roundTrip() throws {
    let cache = try SyntheticCache()
    let (checkpoints, files) = try checkpoints(cache)
    let path = try checkpoints.save(state(step: 12), sae: files)
    #expect(path.hasSuffix("/run/checkpoints/step-00000012"))
    var restored = TrainingState(dIn: 8, dSae: 24)
    #expect(try checkpoints.restoreNewest(into: &restored) { _ in } == path)
    #expect(restored.step == 12)
    let before = try stateBytes(path)
    try System.removeTree(path)
    try checkpoints.save(restored, sae: files)
    #expect(try stateBytes(path) == before)
  }

  @Test("The files of SAELens lie beside the state")
  func files() throws {
    let cache = try SyntheticCache()
    let (checkpoints, files) = try checkpoints(cache)
    let path = try checkpoints.save(state(step: 1), sae: files)
    #expect(
      try System.list(path) == [
        "activation_scaler.json", "cfg.json", "checkpoint.json", "sae_weights.safetensors",
        "sparsity.safetensors", "state.safetensors",
      ])
    #expect(try System.list(checkpoints.folder) == ["step-00000001"])
  }

  @Test("A damaged checkpoint is passed over with a warning")
  func damaged() throws {
    let cache = try SyntheticCache()
    let (checkpoints, files) = try checkpoints(cache)
    let older = try checkpoints.save(state(step: 3), sae: files)
    let newer = try checkpoints.save(state(step: 4), sae: files)
    let file = newer + "/state.safetensors"
    var bytes = try MappedFile.contents(file)
    bytes[bytes.count - 1] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    var restored = TrainingState(dIn: 8, dSae: 24)
    var warnings: [String] = []
    #expect(try checkpoints.restoreNewest(into: &restored) { warnings.append($0) } == older)
    #expect(restored.step == 3)
    #expect(
      warnings == [
        "skipping the checkpoint of step 4: \(file) is damaged: its SHA-256 is not the recorded one."
      ])
  }

  @Test("A checkpoint without its record or of another run is passed over")
  func unusable() throws {
    let cache = try SyntheticCache()
    let (checkpoints, files) = try checkpoints(cache)
    let path = try checkpoints.save(state(step: 3), sae: files)
    let (others, _) = try self.checkpoints(cache, fingerprint: "other")
    var restored = TrainingState(dIn: 8, dSae: 24)
    var warnings: [String] = []
    #expect(try others.restoreNewest(into: &restored) { warnings.append($0) } == nil)
    try System.remove(path + "/checkpoint.json")
    #expect(try checkpoints.restoreNewest(into: &restored) { warnings.append($0) } == nil)
    #expect(
      warnings == [
        "skipping the checkpoint of step 3: "
          + "\(path)/state.safetensors belongs to a run with other settings.",
        "skipping the checkpoint of step 3: \(path)/checkpoint.json is missing.",
      ])
  }

  @Test("The oldest go, but for those that n_checkpoints asks for")
  func keeping() throws {
    let cache = try SyntheticCache()
    // 1,280 tokens in batches of 32: one threshold at 640 tokens, passed by step 21.
    let (checkpoints, files) = try checkpoints(cache, keep: 2, count: 1)
    for step in [5, 21, 25, 30, 35] { try checkpoints.save(state(step: step), sae: files) }
    #expect(try checkpoints.steps() == [21, 30, 35])
    try checkpoints.removeUnscheduled()
    #expect(try checkpoints.steps() == [21])
  }

  @Test("What a killed writer left is cleared away")
  func leftovers() throws {
    let cache = try SyntheticCache()
    let (checkpoints, _) = try checkpoints(cache)
    let leftover = checkpoints.folder + "/step-00000009.host.1.tmp"
    try System.createDirectories(leftover)
    var restored = TrainingState(dIn: 8, dSae: 24)
    #expect(try checkpoints.restoreNewest(into: &restored) { _ in } == nil)
    #expect(try System.list(checkpoints.folder) == [])
  }

  // MARK: - Faults

  @Test("A checkpoint that is not finite is passed over")
  func notFinite() throws {
    let cache = try SyntheticCache()
    let (checkpoints, files) = try checkpoints(cache)
    let older = try checkpoints.save(state(step: 3), sae: files)
    var bad = state(step: 4)
    bad.secondMoment.decoder.buffer[5] = .infinity
    let isFinite = bad.isFinite
    #expect(!isFinite)
    let newer = try checkpoints.save(bad, sae: files)
    var restored = TrainingState(dIn: 8, dSae: 24)
    var warnings: [String] = []
    #expect(try checkpoints.restoreNewest(into: &restored) { warnings.append($0) } == older)
    #expect(restored.step == 3)
    #expect(
      warnings == [
        "skipping the checkpoint of step 4: "
          + "\(newer)/state.safetensors holds numbers that are not finite."
      ])
  }

  @Test("Checkpoints of later steps, which could not be used, give way to a new one")
  func later() throws {
    let cache = try SyntheticCache()
    let (checkpoints, files) = try checkpoints(cache, keep: 2)
    for step in [30, 40, 41] { try checkpoints.save(state(step: step), sae: files) }
    #expect(try checkpoints.steps() == [40, 41])
    try checkpoints.save(state(step: 35), sae: files)
    #expect(try checkpoints.steps() == [35])
  }

  static let causes: [(errno: Int32, sentence: String, remedy: String)] = [
    (ENOSPC, "The disk is full", "Free some space"),
    (EDQUOT, "The disk quota is used up", "Free some space"),
    (
      EFBIG, "The file would be larger than the system allows",
      "Raise the limit on the size of files (ulimit -f)"
    ),
    (EIO, "write failed: Input/output error", "Mend that"),
  ]

  @Test("What could not be written, where and why is one sentence", arguments: causes)
  func sentences(_ errno: Int32, _ sentence: String, _ remedy: String) {
    let cause = SystemError(call: "write", path: "x/state.safetensors", errno: errno)
    let error = CheckpointError.notWritten(step: 12, folder: "run/checkpoints", cause: cause)
    #expect(
      error.sentence
        == "\(sentence): the checkpoint of step 12 in run/checkpoints could not be written.")
    #expect(
      error.hint
        == "\(remedy) and run the same command again; it continues from the checkpoint before.")
    #expect(error.exitCode == (errno == EIO ? .failed : .wrongInput))
    #expect(
      RunFileError(cause).hint
        == "\(remedy) and run the same command again; it continues from the newest checkpoint.")
  }

  @Test("A disk that fails is no damaged checkpoint")
  func unreadCheckpoint() {
    let cause = SystemError(call: "read", path: "x/state.safetensors", errno: EIO)
    let error = CheckpointError.notRead(folder: "run/checkpoints/step-00000012", cause: cause)
    #expect(error.sentence == "x/state.safetensors: read failed: Input/output error.")
    #expect(
      error.hint
        == "Run the same command again; if it says the same, remove run/checkpoints/step-00000012 to "
        + "continue from the checkpoint before.")
    #expect(error.exitCode == .failed)
  }

  @Test("A full disk leaves the checkpoint before, and nothing half-written")
  func full() async throws {
    await #expect(processExitsWith: .success) {
      let cache = try SyntheticCache()
      let (checkpoints, files) = try CheckpointTests().checkpoints(cache)
      let older = try checkpoints.save(CheckpointTests().state(step: 3), sae: files)
      // Files may not grow beyond this; metadata and weights fit, the state does not.
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 7000, rlim_max: rlim_t.max)
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      var sentence = ""
      do { try checkpoints.save(CheckpointTests().state(step: 4), sae: files) } catch let error
        as CheckpointError
      {
        sentence = error.sentence
      }
      let expected =
        "The file would be larger than the system allows: the checkpoint of step 4 in "
        + "\(checkpoints.folder) could not be written."
      precondition(sentence == expected, sentence)
      let kept = try System.list(checkpoints.folder)
      precondition(kept == ["step-00000003"], "\(kept)")
      limit.rlim_cur = rlim_t.max
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      var restored = TrainingState(dIn: 8, dSae: 24)
      let found = try checkpoints.restoreNewest(into: &restored) { _ in }
      precondition(found == older)
      try checkpoints.save(CheckpointTests().state(step: 4), sae: files)
    }
  }
}
