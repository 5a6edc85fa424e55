// How far a run is, wherever it is at work: from the files in its folder alone. Comes in: a folder. Leaves:
// its state, its newest figures and who holds it; nothing in the folder is touched.

package import Shared

/// A run as one sees it from outside.
package struct RunStatus: Sendable, Equatable {
  package enum State: String, Sendable {
    case running
    /// Somebody holds it who has given no sign of life for longer than allowed.
    case silent
    /// Begun, and nobody is at it.
    case stopped
    case finished
  }

  package let folder: String
  package private(set) var state = State.stopped
  /// Steps that are known to have been taken.
  package private(set) var step: Int?
  package private(set) var steps: Int?
  package private(set) var figures = Figures()
  package private(set) var course: [Double] = []
  package private(set) var courseFigure = Figure.explainedVariance
  package private(set) var tokensPerSecond: Double?
  package private(set) var secondsLeft: Double?
  /// Seconds since the log was last written.
  package private(set) var age: Double?
  package private(set) var holder: LeaseSight?
  /// Seconds for which the holder has held it.
  package private(set) var heldSeconds: Double?
  package private(set) var notes: [String] = []

  package var name: String { folder.split(separator: "/").last.map(String.init) ?? folder }

  /// Whether a folder is that of a run, finished or begun.
  package static func isRun(_ folder: String) -> Bool {
    let files = [
      Manifest.fileName, "metrics.jsonl", RunBeginning.fileName, "run" + Lease.suffix,
      "checkpoints",
    ]
    return files.contains { System.exists(folder + "/" + $0) }
  }

  /// Reads what there is to see; `now` is this machine's clock, in seconds since 1970.
  package static func read(_ folder: String, now: Double = System.now) -> RunStatus {
    var status = RunStatus(folder: folder)
    let log = LogGlance.read(folder + "/metrics.jsonl")
    status.step = log.step
    status.figures = log.figures
    status.course = log.course
    status.courseFigure = log.courseFigure
    status.tokensPerSecond = log.figures[.tokensPerSecond]
    status.age = log.modified.map { max(0, now - $0) }
    let manifest =
      try? StageFolder(path: folder, stage: .runs, fingerprint: nil).readManifest()
    if let manifest {
      status.finish(manifest, Timing.read(folder: folder))
      return status
    }
    let beginning = RunBeginning.read(folder)
    status.steps = beginning?.steps
    if let holder = LeaseSight.look(at: folder + "/run" + Lease.suffix) {
      status.hold(holder, now: now)
    }
    status.noteClock(log.modified ?? status.holder?.modified, now: now)
    if let beginning { status.estimate(beginning) }
    return status
  }

  private init(folder: String) { self.folder = folder }

  private mutating func finish(_ manifest: Manifest, _ timing: Timing?) {
    state = .finished
    steps = manifest.details["steps"]?.integer
    step = steps ?? step
    tokensPerSecond = timing?.tokensPerSecond ?? tokensPerSecond
    // What was measured of the finished SAE in place of what its last batch said.
    for (logged, measured) in [
      (Figure.explainedVariance, Figure.finalExplainedVariance), (.l0, .finalL0),
    ] {
      guard let value = manifest.details[measured.key]?.double else { continue }
      figures[logged] = value
    }
  }

  private mutating func hold(_ holder: LeaseSight, now: Double) {
    if holder.isDead {
      notes.append("its process \(holder.process) of this machine is gone")
      return
    }
    self.holder = holder
    let silence = max(0, now - holder.modified)
    heldSeconds = max(0, holder.renewed - holder.since) + silence
    state = silence > holder.patience ? .silent : .running
    if state == .silent {
      notes.append(
        "no sign of life for \(Readable.duration(seconds: silence)); who runs the same pipeline "
          + "file takes over")
    }
    let offset = holder.renewed - holder.modified
    if abs(offset) > RunStatus.clockTolerance {
      notes.append(
        "the clock of \(holder.host) is \(RunStatus.apart(offset)) that of the disk")
    }
  }

  /// Seconds by which clocks may differ before that is worth a word.
  private static let clockTolerance = 5.0

  private static func apart(_ seconds: Double) -> String {
    Readable.duration(seconds: abs(seconds)) + (seconds > 0 ? " ahead of" : " behind")
  }

  /// Says where the disk's clock is ahead of this machine's: ages are then shown too short.
  private mutating func noteClock(_ modified: Double?, now: Double) {
    guard let modified, modified - now > RunStatus.clockTolerance else { return }
    notes.append("the clock of the disk is \(RunStatus.apart(modified - now)) this machine's")
  }

  private mutating func estimate(_ beginning: RunBeginning) {
    guard let step, let speed = tokensPerSecond, speed > 0, state == .running else { return }
    secondsLeft = Double(max(0, beginning.steps - step) * beginning.batchRows) / speed
  }
}
