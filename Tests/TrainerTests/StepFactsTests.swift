import Shared
import Synchronization
import Testing

import Trainer

@Suite("What is shown while training")
struct StepFactsTests {
  /// A terminal whose clock goes on by minutes whenever it is asked, so that every step has its line.
  private final class Witness: Sendable {
    let lines = Mutex<[String]>([])
    private let seconds = Mutex(0.0)

    var terminal: Terminal {
      Terminal(
        isInteractive: false, columns: { 80 },
        clock: {
          self.seconds.withLock { seconds in
            seconds += 700
            return seconds
          }
        },
        sink: { line in self.lines.withLock { $0.append(line) } })
    }
  }

  private func train(_ cache: SyntheticCache, _ witness: Witness) throws {
    let progress = Shared.Progress(stage: "train", total: 1, terminal: witness.terminal)
    cache.pipeline.logger.logFrequency = 1
    let folder = cache.folder + "/run"
    try System.createDirectories(folder)
    let plan = try TrainingPlan(cache.pipeline, source: cache.source)
    try Training(plan.prepared(), folder: folder, fingerprint: "f", progress: progress).run()
  }

  @Test("Every line tells the step and its figures, as the log has them")
  func lines() throws {
    let cache = try SyntheticCache()
    let witness = Witness()
    try train(cache, witness)
    let log = try RunLog.read(cache.folder + "/run/metrics.jsonl").filter { $0[.overall] != nil }
    let lines = witness.lines.withLock(\.self)
    #expect(!log.isEmpty && lines.count == log.count)
    for (line, entry) in zip(lines, log) {
      let explained = try #require(entry[.explainedVariance])
      let words = [
        "train: \(entry.step + 1)/\(log.count) steps",
        "explained variance \(Readable.fixed(explained, decimals: 4))",
        "L0 \(Readable.fixed(try #require(entry[.l0]), decimals: 1))",
        "dead latents \(Readable.fixed(try #require(entry[.deadLatents]), decimals: 0))",
        "loss \(Readable.figure(try #require(entry[.overall])))",
      ]
      #expect(line.hasPrefix(words.joined(separator: ", ") + ", "))
    }
  }
}
