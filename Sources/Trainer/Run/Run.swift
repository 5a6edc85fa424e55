// One run as a stage of the store. Comes in: a pipeline file. Leaves: the folder runs/<name>-<…>
// with the SAE as SAELens opens it, its figures, its report and, last, its manifest.

package import Shared

/// A run: what it trains on, how, and where its files go.
package struct Run: Sendable {
  package let pipeline: Pipeline
  package let plan: TrainingPlan
  package let key: StageKey
  package let folder: StageFolder
  let store: Store
  let mode: Shared.Progress.Mode
  let terminal: Terminal
  /// The sweep that the run belongs to, as those who follow it call it.
  let group: String?

  /// Finds the cache that a pipeline file asks for, and the folder of the run over it.
  package init(
    _ pipeline: Pipeline, through door: (any HubDoor)? = nil,
    verify: StageFolder.Verification = .sizes, mode: Shared.Progress.Mode = .automatic,
    terminal: Terminal = .standardError
  ) throws {
    var inputs = TrainInputs(pipeline, through: door, verify: verify)
    let settled = try inputs.settled(pipeline)
    try self.init(settled, input: try inputs.input(settled), mode: mode, terminal: terminal)
    // A finished run is an input of what is done with it.
    if verify == .digests { _ = try folder.manifest(verify: verify) }
  }

  /// The run over inputs that have been found.
  init(
    _ pipeline: Pipeline, input: RunInput, mode: Shared.Progress.Mode = .automatic,
    terminal: Terminal = .standardError, group: String? = nil
  ) throws {
    self.group = group
    plan = TrainingPlan(pipeline, input)
    key = input.key(pipeline)
    store = Store(pipeline)
    folder = store.folder(key)
    self.pipeline = plan.pipeline
    self.mode = mode
    self.terminal = terminal
    plan.source.supply?.tell { text in
      if mode != .quiet { terminal.print(text) }
    }
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
    var nextWord = 0.0
    if try folder.manifest() == nil { try RunObservers.check(pipeline) }
    while true {
      if let outcome = try runUnlessHeld(&watch) { return outcome }
      if System.uptime >= nextWord {
        note("waiting: " + holder())
        nextWord = System.uptime + Waiting.secondsBetween
      }
      if System.isInterrupted {
        throw Interrupted("Stopped while another process trains this run.", hint: nil)
      }
      System.sleep(seconds: 0.2)
    }
  }

  /// Who trains the run, for how long, and how far it is.
  private func holder() -> String {
    let lease = Run.leasePath(folder)
    guard let who = Waiting.holders([lease]) else { return "another process trains this run" }
    let status = RunStatus.read(folder.path)
    let words = [
      "this run is trained by \(who)",
      status.step.map { "step \($0)" + (status.steps.map { " of \($0)" } ?? "") },
      status.secondsLeft.map { "\(Readable.duration(seconds: $0)) left" },
    ]
    return words.compactMap(\.self).joined(separator: "; ")
  }

  /// The lease of whoever trains the run in a folder.
  package static func leasePath(_ folder: StageFolder) -> String {
    folder.path + "/run" + Lease.suffix
  }

  /// As `run`, but without waiting: nil where another process is at it.
  ///
  /// `prepare` is called once the run is this process's, and may take what another run has read.
  package func runUnlessHeld(
    _ watch: inout LeaseWatch, prepare: (TrainingPlan) throws -> PreparedRun = { try $0.prepared() }
  ) throws -> Outcome? {
    switch try claim(&watch) {
    case .finished: return .nothingToDo
    case .held: return nil
    case .claimed(let lease):
      defer { lease.release() }
      try plan.requireLoss()
      let prepared = try prepare(plan)
      let progress = progress(total: plan.steps * plan.batchRows)
      let training = try training(prepared, progress, keeping: lease)
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
    let path = Run.leasePath(folder)
    if let manifest = try folder.manifest() {
      if folder.access == .read { return .finished }
      // Of a process that died between the manifest and its clearing up; one that lives does that itself.
      if (try? watch.look(at: path)) == .free { try clearUp(manifest) }
      return .finished
    }
    guard try watch.look(at: path) == .free else { return .held }
    let written = try Run.byteCount(of: folder.path)
    try DiskSpace.require(max(0, TrainingBill(plan).diskByteCount - written), at: folder.path)
    try System.createDirectories(folder.path)
    guard let lease = try Lease.claim(path) else { return .held }
    // Its last owner may have finished between the two looks.
    guard try folder.manifest() == nil else {
      lease.release()
      return .finished
    }
    return .claimed(lease)
  }

  /// Removes what only served to make a run that is finished.
  private func clearUp(_ manifest: Manifest) throws {
    try folder.clearUp(manifest)
    do {
      try RunBeginning.remove(folder.path)
      try Checkpoints(plan, folder: folder.path, fingerprint: key.fingerprint).removeUnscheduled()
    } catch let error as SystemError {
      guard error.isAbsence || error.isReadOnly else { throw error }
    }
  }

  /// The line on the terminal about training on `total` rows.
  package func progress(total: Int) -> Shared.Progress {
    Shared.Progress(stage: "train", total: total, mode: mode, terminal: terminal)
  }

  /// The run in training, as it starts or continues, for as long as the lease is held.
  package func training(
    _ prepared: PreparedRun, _ progress: Shared.Progress, keeping lease: Lease
  ) throws -> Training {
    plan.source.unknowns(in: pipeline).forEach(note)
    if let taken = pipeline.train.takenOver, !taken.isEmpty {
      note("from the SAE that the run starts from: " + taken.joined(separator: ", "))
    }
    if let repetition = prepared.repetition { note(repetition) }
    note("screening latents: " + ScreeningChoice.name(dIn: plan.configuration.dIn))
    if let warning = advice.warning { note("warning: " + warning) }
    let observers = try RunObservers.make(observed(prepared, progress))
    return try RunFileError.explaining {
      let sources = [plan.source, plan.targets].compactMap(\.self)
      try RunBeginning(
        steps: plan.steps, batchRows: plan.batchRows, inputs: sources.map(\.fingerprint)
      ).write(folder.path)
      for source in sources { LastUse.mark(source.folder) }
      return try Training(
        prepared, folder: folder.path, fingerprint: key.fingerprint, progress: progress,
        keeping: lease, observers: observers)
    }
  }

  /// What those who follow the run know of it.
  private func observed(_ prepared: PreparedRun, _ progress: Shared.Progress) -> ObservedRun {
    var observed = ObservedRun(
      pipeline, folder: folder.path, fingerprint: key.fingerprint, note: { progress.note($0) })
    let schedule = CheckpointSchedule(
      count: pipeline.train.nCheckpoints, trainingTokens: pipeline.train.trainingTokens,
      batchRows: plan.batchRows)
    observed.runner = prepared.files.runnerConfiguration
    observed.group = group
    observed.isScheduled = { schedule.isDue(afterStep: $0 - 1) }
    observed.terminal = terminal
    return observed
  }

  /// Writes what a finished run consists of, its manifest last; training took `seconds`.
  package func complete(_ training: Training, seconds: Double) throws {
    let steps = plan.steps - training.firstStep
    do {
      try RunFileError.explaining {
        try training.writeFinal()
        let latents = try measure(
          training.prepared.rows.filter, unless: training.requireHeld)
        try training.requireHeld()
        if let l0 = try Evaluation.read(run: folder.path).figures[.finalL0] {
          try SAEFiles.record(l0: l0, in: folder.path)
        }
        if steps > 0 {
          try Timing(tokens: steps * plan.batchRows, seconds: seconds).write(folder: folder.path)
        }
        try writeReport(latents)
        try training.requireHeld()
        try finish(training.prepared.rows.normalization)
      }
    } catch {
      training.stop(error)
      throw error
    }
    for observer in training.observers { observer.completed() }
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
}
