import Foundation
import Shared
import Support
import Synchronization
import Testing

import Trainer

/// Writes down what it is told.
private final class Witness: RunObserver {
  let events = Mutex<[String]>([])
  private func tell(_ event: String) { events.withLock { $0.append(event) } }

  func began(step: Int) { tell("began \(step)") }
  func logged(step: Int, line: String) { tell(line) }
  func saved(checkpoint: String, step: Int) { tell("saved \(step) \(System.exists(checkpoint))") }
  func completed() { tell("completed") }
  func stopped(_ failure: any Error) { tell("stopped") }
}

@Suite("Followers of a run")
struct RunObserverTests {
  private func train(_ cache: SyntheticCache, _ folder: String, _ witness: Witness) throws {
    try System.createDirectories(folder)
    let plan = try TrainingPlan(cache.pipeline, source: cache.source)
    let training = try Training(
      plan.prepared(), folder: folder, fingerprint: "f",
      progress: Shared.Progress(
        stage: "train", total: 1, mode: .quiet,
        terminal: RecordedTerminal(isInteractive: false).terminal),
      observers: [witness])
    try training.run()
  }

  @Test("They are told of the start, every line and every checkpoint in order")
  func order() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.nCheckpoints = 1
    let folder = cache.folder + "/run"
    let witness = Witness()
    try train(cache, folder, witness)
    let lines = String(decoding: try MappedFile.contents(folder + "/metrics.jsonl"), as: UTF8.self)
      .split(separator: "\n").map(String.init)
    #expect(witness.events.withLock { $0.filter { $0.hasPrefix("{") } } == lines)
    #expect(
      witness.events.withLock { $0.filter { !$0.hasPrefix("{") } }
        == ["began 0", "saved 21 true", "saved 40 true"])
    #expect(witness.events.withLock { $0.last } == "saved 40 true")
  }

  @Test("They are told once that a run was left")
  func leaving() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.lr = 1e30
    let witness = Witness()
    #expect(throws: TrainingError.self) { try train(cache, cache.folder + "/run", witness) }
    #expect(witness.events.withLock { $0.filter { $0 == "stopped" } } == ["stopped"])
  }

  @Test("Whether a run can be logged is asked where it is to be, and only there")
  func asking() throws {
    var pipeline = Pipeline()
    try RunObservers.check(pipeline, environment: [:])
    pipeline.logger.logToWandb = true
    #expect(throws: WandbError.noKey(host: "api.wandb.ai", netrc: "/nowhere/.netrc")) {
      try RunObservers.check(pipeline, environment: ["HOME": "/nowhere"])
    }
    try RunObservers.check(pipeline, environment: ["WANDB_MODE": "offline"])
  }
}
