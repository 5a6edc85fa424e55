// One run as a stage of the store. Comes in: a pipeline file. Leaves: the folder runs/<name>-<…>
// with the SAE as SAELens opens it, its figures, its report and, last, its manifest.

package import Shared

/// A run: what it trains on, how, and where its files go.
package struct Run: Sendable {
  package let pipeline: Pipeline
  package let plan: TrainingPlan
  package let key: StageKey
  package let folder: StageFolder
  private let store: Store
  private let mode: Shared.Progress.Mode
  private let terminal: Terminal

  /// Finds the cache that a pipeline file asks for, and the folder of the run over it.
  package init(
    _ pipeline: Pipeline, verify: StageFolder.Verification = .sizes,
    mode: Shared.Progress.Mode = .automatic, terminal: Terminal = .standardError
  ) throws {
    try self.init(
      pipeline, input: try RunInput.find(pipeline, verify: verify), mode: mode, terminal: terminal)
  }

  /// The run over caches that have been found.
  package init(
    _ pipeline: Pipeline, input: RunInput, mode: Shared.Progress.Mode = .automatic,
    terminal: Terminal = .standardError
  ) throws {
    plan = try TrainingPlan(pipeline, source: input.source, targets: input.targets)
    key = input.key(pipeline, pretrained: plan.pretrained)
    store = Store(pipeline.store)
    folder = store.folder(key)
    self.pipeline = pipeline
    self.mode = mode
    self.terminal = terminal
  }

  /// What became of a request to run.
  package enum Outcome: Sendable, Equatable {
    case trained
    case nothingToDo
  }

  /// Trains, measures and reports, unless that has been done; waits for another process that is
  /// at it, and takes over from one that died.
  package func run() throws -> Outcome {
    var watch = LeaseWatch()
    var hasSaid = false
    while true {
      if let outcome = try runUnlessHeld(&watch) { return outcome }
      if !hasSaid { note("another process trains this run; waiting for it") }
      hasSaid = true
      if System.isInterrupted {
        throw Interrupted("Stopped while another process trains this run.", hint: nil)
      }
      System.sleep(seconds: 0.2)
    }
  }

  /// The lease of whoever trains the run in a folder.
  package static func leasePath(_ folder: StageFolder) -> String {
    folder.path + "/run" + Lease.suffix
  }

  /// As `run`, but without waiting: nil where another process is at it.
  ///
  /// `started` is called once the run is this process's.
  package func runUnlessHeld(
    _ watch: inout LeaseWatch, started: () -> Void = {}
  ) throws -> Outcome? {
    switch try claim(&watch) {
    case .finished: return .nothingToDo
    case .held: return nil
    case .claimed(let lease):
      defer { lease.release() }
      started()
      let progress = progress(total: plan.steps * plan.batchRows)
      let training = try training(progress)
      let start = System.uptime
      try training.run()
      progress.finish()
      try complete(training, seconds: System.uptime - start)
      return .trained
    }
  }

  /// Whose a run is.
  package enum Claim {
    case finished
    /// Another process is at it.
    case held
    /// This process's, until the lease is released.
    case claimed(Lease)
  }

  /// Takes the run where nobody has finished it and nobody is at it, and the disk has room for it.
  package func claim(_ watch: inout LeaseWatch) throws -> Claim {
    guard try folder.manifest() == nil else { return .finished }
    let path = Run.leasePath(folder)
    guard try watch.look(at: path) == .free else { return .held }
    let written = try Run.byteCount(of: folder.path)
    try DiskSpace.require(max(0, Bill(plan).diskByteCount - written), at: folder.path)
    try System.createDirectories(folder.path)
    guard let lease = try Lease.claim(path) else { return .held }
    // Its last owner may have finished between the two looks.
    guard try folder.manifest() == nil else {
      lease.release()
      return .finished
    }
    return .claimed(lease)
  }

  /// The line on the terminal about training on `total` rows.
  package func progress(total: Int) -> Shared.Progress {
    Shared.Progress(stage: "train", total: total, mode: mode, terminal: terminal)
  }

  /// The run in training, as it starts or continues; it must have been claimed.
  package func training(_ progress: Shared.Progress) throws -> Training {
    try SplicePlan.require(plan)
    plan.source.unknowns(in: pipeline).forEach(note)
    if let repetition = plan.repetition { note(repetition) }
    return try RunFileError.explaining {
      try Training(
        plan: plan, folder: folder.path, fingerprint: key.fingerprint, progress: progress)
    }
  }

  /// Writes what a finished run consists of, its manifest last; training took `seconds`.
  package func complete(_ training: Training, seconds: Double) throws {
    let steps = plan.steps - training.firstStep
    try RunFileError.explaining {
      try training.writeFinal()
      try measure()
      if steps > 0 {
        try Timing(tokens: steps * plan.batchRows, seconds: seconds).write(folder: folder.path)
      }
      try Report.write(run: folder.path)
      try finish()
    }
  }

  /// The bytes of all files in a folder and those below it.
  private static func byteCount(of path: String) throws -> Int {
    guard System.isDirectory(path) else { return 0 }
    return try System.list(path).reduce(0) { sum, name in
      // Another process may be at work in the folder: what is gone counts nothing.
      guard let status = try? System.status(path + "/" + name) else { return sum }
      return try sum + (status.isDirectory ? byteCount(of: path + "/" + name) : status.byteCount)
    }
  }

  private func note(_ text: String) {
    if mode != .quiet { terminal.print(text) }
  }

  /// Takes the final figures from the files that were just written.
  package func measure() throws {
    let source = plan.source
    var sae = try TrainedSAE.open(folder.path)
    let heldOut = plan.filter.heldOut
    let isHeldOut: @Sendable (UInt32) -> Bool = { heldOut.contains(sequence: $0) }
    let corpus = try source.tokens.flatMap { try CorpusText.open(store: store, fingerprint: $0) }
    let evaluating = try Evaluating(
      shards: source.shards.map(\.path), dIn: source.facts.dIn,
      targets: plan.targets.map { ($0.shards.map(\.path), $0.facts.dIn) },
      latentCount: plan.configuration.dSae, settings: pipeline.evaluate,
      isHeldOut: heldOut.isEmpty ? nil : isHeldOut, corpus: corpus)
    let progress = Shared.Progress(
      stage: "measure", total: min(pipeline.evaluate.evalTokens, source.facts.rows), mode: mode,
      terminal: terminal)
    var evaluation = try evaluating.run(
      &sae, deadInTraining: try SAEFiles.deadLatents(in: folder.path),
      deadFeatureWindow: pipeline.train.deadFeatureWindow, progress: progress)
    progress.finish()
    try addLoss(to: &evaluation, &sae, corpus)
    try evaluation.write(run: folder.path)
  }

  /// Measures the loss with the SAE in the model, or notes why it is not known.
  private func addLoss(
    to evaluation: inout Evaluation, _ sae: inout TrainedSAE, _ corpus: CorpusText?
  ) throws {
    let asked = pipeline.evaluate.lossRecovered
    if asked == false { return }
    do {
      evaluation.add(try measureLoss(&sae, corpus))
    } catch let obstacle as LossObstacle {
      // What is wrong with the figures themselves does not undo the training.
      if asked == true, obstacle != .notFinite { throw LossRecoveredError(obstacle) }
      evaluation.remarks.append(obstacle.remark)
    }
  }

  private func measureLoss(_ sae: inout TrainedSAE, _ corpus: CorpusText?) throws -> LossRecovered {
    let splice = try SplicePlan.make(plan)
    guard let corpus else { throw LossObstacle.noTokens }
    let (source, chosen) = lossSequences(splice.contextSize)
    let found = try corpus.sequences(Set(chosen))
    let sequences = chosen.compactMap { found[$0] }
    let progress = Shared.Progress(
      stage: "loss", total: sequences.count * splice.contextSize, mode: mode, terminal: terminal)
    let loss = try Splicing(splice, sequences: sequences).run(
      &sae, source: source, progress: progress)
    progress.finish()
    guard loss.isFinite else { throw LossObstacle.notFinite }
    return loss
  }

  /// The first sequences that were held out; of all where none was.
  private func lossSequences(_ contextSize: Int) -> (EvaluatedRows, [UInt32]) {
    let all = 0..<UInt32(clamping: plan.source.sequenceCount)
    let count = (pipeline.evaluate.lossTokens + contextSize - 1) / contextSize
    let heldOut = all.lazy.filter(plan.filter.heldOut.contains(sequence:)).prefix(count)
    return heldOut.isEmpty ? (.cache, Array(all.prefix(count))) : (.heldOut, Array(heldOut))
  }

  private func finish() throws {
    let evaluation = try Evaluation.read(run: folder.path)
    let details: [String: JSON] = [
      "d_in": .integer(plan.configuration.dIn), "d_sae": .integer(plan.configuration.dSae),
      "hook_name": .string(plan.source.facts.hookName),
      "model_name": .string(plan.source.facts.modelName),
      "steps": .integer(plan.steps), "tokens": .integer(plan.steps * plan.batchRows),
      "normalization_factor": .number(plan.normalization.factor),
    ]
    try folder.finish(
      Manifest(
        key: key, name: pipeline.name, tool: "saeline-train \(Product.version)",
        shards: try SAEFiles.names.map { try folder.shard($0, rows: 0) },
        details: .object(details.merging(evaluation.members(.manifest)) { first, _ in first })
      ))
    try Checkpoints(plan, folder: folder.path, fingerprint: key.fingerprint).removeUnscheduled()
  }

  /// The tables at the end of a run.
  package func printTables() throws {
    guard mode != .quiet else { return }
    var stages: [FinalTable.Stage] = []
    if let tokens = try plan.source.tokens.flatMap({
      try store.find(stage: .tokens, fingerprint: $0)
    }) {
      stages.append(.init("pretokenize", folder: tokens.path))
    }
    stages.append(.init("cache", folder: plan.source.folder))
    stages.append(.init("train", folder: folder.path))
    FinalTable(
      name: pipeline.name, evaluation: try Evaluation.read(run: folder.path), stages: stages,
      run: folder.path
    ).print(to: terminal)
  }

  /// Refuses a run without its manifest.
  package func requireFinished() throws {
    guard try folder.manifest() != nil else {
      throw TrainedSAEError.notFinished(folder: folder.path)
    }
  }

  /// What `--json` prints.
  package func result(didWork: Bool) throws -> JSON {
    try Run.result(
      folder: folder, fingerprint: key.fingerprint, source: plan.source, didWork: didWork)
  }

  /// As `result`, of a finished run that need not be opened.
  package static func result(
    folder: StageFolder, fingerprint: String, source: TrainingSource, didWork: Bool
  ) throws -> JSON {
    let evaluation = try Evaluation.read(run: folder.path)
    let result: [String: JSON] = [
      "folder": .string(folder.path), "fingerprint": .string(fingerprint),
      "did_work": .bool(didWork), "activations": .string(source.folder),
      "report": .string(folder.path + "/" + Report.fileName),
    ]
    return .object(result.merging(evaluation.members(.result)) { first, _ in first })
  }
}
