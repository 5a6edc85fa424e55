import Dispatch
import Shared
import Support
import Synchronization
import Testing
import Trainer

@Suite("A run")
struct RunTests {
  private func run(_ cache: SyntheticCache) throws -> Run {
    cache.pipeline.evaluate.evalTokens = 300
    return try Run(cache.pipeline, mode: .quiet)
  }

  @Test("A run leaves its files and a manifest, and a second one has nothing to do")
  func files() throws {
    let cache = try SyntheticCache()
    let run = try run(cache)
    #expect(try run.run() == .trained)
    #expect(
      try System.list(run.folder.path) == [
        "cfg.json", "evaluation.json", "feature_metrics.json", "latents", "manifest.json",
        "metrics.jsonl", "pipeline.json", "report.html", "report.json", "runner_cfg.json",
        "sae_weights.safetensors", "sparsity.safetensors", "timing.json",
      ])
    let manifest = try #require(try run.folder.manifest())
    #expect(manifest.input == (try cache.source.fingerprint))
    #expect(manifest.shards.map(\.file) == SAEFiles.names)
    #expect(manifest.details["steps"] == .integer(40))
    // The file that a run leaves makes the same run wherever it is read.
    let recorded = try MappedFile.contents(run.folder.path + "/pipeline.json")
    let again = try PipelineFile(parsing: recorded, path: "pipeline.json")
    #expect(again.notes.isEmpty)
    #expect(
      again.pipeline.recorded.canonical == (try JSON(parsing: recorded)).canonical)
    #expect(!String(decoding: recorded, as: UTF8.self).contains("\"/"))
    // Who made it, and where, decides no byte.
    let members = try JSON(parsing: recorded)
    #expect(members["launch"] == nil && members["store"] == nil)
    #expect(try self.run(cache).run() == .nothingToDo)
  }

  @Test("What a process left that died behind its manifest goes, and what a run says is compared")
  func finishedRun() throws {
    let cache = try SyntheticCache()
    let run = try run(cache)
    #expect(try run.run() == .trained)
    let names = try System.list(run.folder.path)
    try RunBeginning(steps: 40, batchRows: 16).write(run.folder.path)
    try System.createDirectories(run.folder.path + "/checkpoints/step-00000040")
    #expect(try self.run(cache).run() == .nothingToDo)
    #expect(try System.list(run.folder.path) == names)
    _ = try Run(cache.pipeline, verify: .digests, mode: .quiet)
    let weights = run.folder.path + "/sae_weights.safetensors"
    var bytes = try MappedFile.contents(weights)
    bytes[bytes.count - 1] ^= 1
    var file = try AtomicFile.create(weights)
    try file.write(bytes.span.raw)
    try file.publishReplacing()
    #expect(try self.run(cache).run() == .nothingToDo)
    let error = #expect(throws: ManifestError.self) {
      try Run(cache.pipeline, verify: .digests, mode: .quiet)
    }
    #expect(error?.sentence.hasPrefix("\(weights) has the SHA-256 ") == true)
  }

  @Test("What does not change the weights does not make a new run; the learning rate does")
  func fingerprints() throws {
    let cache = try SyntheticCache()
    let first = try run(cache).folder
    cache.pipeline.train.threads = 3
    cache.pipeline.train.nCheckpoints = 2
    cache.pipeline.train.checkpointMinutes = 1
    cache.pipeline.train.dIn = 8
    cache.pipeline.train.dSae = nil
    cache.pipeline.train.expansionFactor = 3
    #expect(try run(cache).folder == first)
    cache.pipeline.train.lr = 1e-4
    #expect(try run(cache).folder != first)
  }

  @Test("Of two processes at one run, one trains and the other waits")
  func twoWorkers() throws {
    let cache = try SyntheticCache()
    let runs = [try run(cache), try run(cache)]
    let outcomes = Mutex<[Run.Outcome?]>([])
    DispatchQueue.concurrentPerform(iterations: 2) { index in
      let outcome = try? runs[index].run()
      outcomes.withLock { $0.append(outcome) }
    }
    #expect(outcomes.withLock { $0 }.filter { $0 == .trained }.count == 1)
    #expect(outcomes.withLock { $0 }.filter { $0 == .nothingToDo }.count == 1)
  }

  @Test("The result states where the files are and how good the SAE is")
  func result() throws {
    let cache = try SyntheticCache()
    let run = try run(cache)
    _ = try run.run()
    let result = try run.result(didWork: true)
    #expect(result["folder"] == .string(run.folder.path))
    #expect(result["fingerprint"] == .string(run.key.fingerprint))
    #expect(result["did_work"] == .bool(true))
    let evaluation = try Evaluation.read(run: run.folder.path)
    #expect(result["l0"]?.double == evaluation.figures[.finalL0])
    #expect(evaluation.figures[.evaluatedRows] == 300)
  }

  @Test("The final figures come from the sequences that were held out")
  func heldOut() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.evalFraction = 0.2
    let run = try run(cache)
    _ = try run.run()
    #expect(try Evaluation.read(run: run.folder.path).source == .heldOut)
  }

  @Test("Reconstructions are written beside the rows that they are of")
  func reconstruction() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.normalizeActivations = .expectedAverageOnlyIn
    let run = try run(cache)
    do {
      _ = try run.reconstruct()
      Issue.record("an unfinished run was accepted")
    } catch let error as TrainedSAEError {
      #expect(error.sentence == "The run \(run.folder.path) is not finished.")
      #expect(
        error.hint == "Run saeline-train with the same pipeline file and settings first.")
    }
    _ = try run.run()
    let result = try run.reconstruct()
    #expect(result["rows"] == .integer(640))
    let file = try SafetensorsFile.open(run.folder.path + "/reconstruction.safetensors")
    let entry = try file.require("reconstruction", [.float32], shape: [640, 8])
    var values = [Float](repeating: 0, count: entry.count)
    var span = values.mutableSpan
    file.readFloats(entry, into: &span)
    #expect(values.contains { $0 != 0 })
  }
}
