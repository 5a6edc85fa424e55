// Event files, byte for byte as TensorBoard's own writer has them, and what becomes of them when a run is
// continued or the disk refuses them.

import Shared
import Support
import Synchronization
import Testing

import Trainer

@Suite("What TensorBoard shows")
struct TensorBoardTests {
  private static let fixtures = ProjectFiles.root + "/Tests/Fixtures/tensorboard/"
  private static let start = 1_700_000_000.0

  /// A run's folder, the time, and what was said of it.
  private final class Trial: Sendable {
    let folder: TemporaryFolder
    let time = Mutex(TensorBoardTests.start)
    let notes = Mutex<[String]>([])
    let lines: [String]

    init() throws {
      folder = try TemporaryFolder()
      let text = String(
        decoding: try contents(of: TensorBoardTests.fixtures + "run.jsonl"), as: UTF8.self)
      lines = text.split(separator: "\n").map(String.init)
    }

    func follower() -> TensorBoardFollower {
      let run = ObservedRun(Pipeline(), folder: folder.path, fingerprint: "f") { note in
        self.notes.withLock { $0.append(note) }
      }
      return TensorBoardFollower(run, host: "a host") { self.time.withLock { $0 } }
    }

    func log(_ lines: some Sequence<String>) throws {
      let text = lines.map { $0 + "\n" }.joined()
      try folder.write(Array(text.utf8), to: "metrics.jsonl")
    }

    /// Tells a follower of lines, a second each.
    func tell(_ follower: TensorBoardFollower, _ lines: some Sequence<String>) {
      for line in lines {
        follower.logged(step: 0, line: line)
        time.withLock { $0 += 1 }
      }
    }

    func files() throws -> [String] { try System.list(folder.file("tensorboard")) }

    func onlyFile() throws -> [UInt8] {
      let files = try files()
      try #require(files.count == 1)
      return try contents(of: folder.file("tensorboard/") + files[0])
    }
  }

  @Test("A run's lines become the bytes that TensorBoard's writer makes of them")
  func golden() throws {
    let trial = try Trial()
    let follower = trial.follower()
    follower.began(step: 0)
    trial.tell(follower, trial.lines)
    follower.completed()
    #expect(try trial.onlyFile() == contents(of: TensorBoardTests.fixtures + "run.tfevents"))
    #expect(
      try trial.files() == [
        "events.out.tfevents.1700000000.a-host.\(System.processIdentifier)"
      ])
    #expect(trial.notes.withLock(\.self).isEmpty)
  }

  @Test("A continued run's file is made anew of the lines that were kept, at their old times")
  func resuming() throws {
    let trial = try Trial()
    let first = trial.follower()
    first.began(step: 0)
    trial.tell(first, trial.lines)
    // The second process goes on after step 9, an hour later.
    try trial.log(trial.lines.prefix(3))
    trial.time.withLock { $0 += 3600 }
    let second = trial.follower()
    second.began(step: 10)
    #expect(
      try trial.files() == [
        "events.out.tfevents.1700003604.a-host.\(System.processIdentifier)"
      ])
    #expect(try expectedTimes(trial) == [0, 0, 0, 1, 1])
  }

  /// The seconds after the start of every event of the only file.
  private func expectedTimes(_ trial: Trial) throws -> [Double] {
    var rest = try trial.onlyFile()[...]
    var times: [Double] = []
    while !rest.isEmpty {
      let length = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      let bits = rest.dropFirst(13).prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      times.append(Double(bitPattern: bits) - TensorBoardTests.start)
      rest = rest.dropFirst(length + 16)
    }
    return times
  }

  @Test("A reader that follows a continued run is told to forget what it has read")
  func forgetting() throws {
    let trial = try Trial()
    let first = trial.follower()
    first.began(step: 0)
    for line in trial.lines.prefix(2) { trial.tell(first, [line]) }
    // Both lines of step 9 have the time of the step.
    try trial.log(trial.lines.prefix(2))
    trial.time.withLock { $0 = TensorBoardTests.start - 100 }
    let second = trial.follower()
    second.began(step: 10)
    // A clock that is behind the first process's gives a later name all the same.
    #expect(
      try trial.files() == [
        "events.out.tfevents.1700000001.a-host.\(System.processIdentifier)"
      ])
    trial.time.withLock { $0 = TensorBoardTests.start + 2 }
    trial.tell(second, [trial.lines[2]])
    #expect(try trial.onlyFile() == contents(of: TensorBoardTests.fixtures + "resumed.tfevents"))
  }

  @Test("Lines from before the option was set get their times from the speed")
  func estimating() throws {
    let trial = try Trial()
    try trial.log([
      #"{"details/n_training_samples":100,"details/tokens_per_second":50,"step":0}"#,
      #"{"details/n_training_samples":200,"details/tokens_per_second":50,"step":1}"#,
      #"{"sparsity/below_1e-5":3,"step":1}"#,
      #"{"details/n_training_samples":300,"details/tokens_per_second":25,"step":2}"#,
      #"{"cut off"#,
    ])
    trial.follower().began(step: 3)
    #expect(try expectedTimes(trial) == [-6, -6, -4, 0, 0])
  }

  @Test("A file that cannot be written is one warning, and is whole at the end where it can be")
  func refusal() throws {
    let trial = try Trial()
    try trial.folder.write([], to: "tensorboard")
    let follower = trial.follower()
    follower.began(step: 0)
    trial.tell(follower, trial.lines)
    let path = trial.folder.file("tensorboard")
    #expect(
      trial.notes.withLock(\.self) == [
        "warning: \(path): mkdir failed: File exists. The run goes on without its file for "
          + "TensorBoard."
      ])
    try System.remove(path)
    try trial.log(trial.lines)
    follower.completed()
    #expect(try !trial.onlyFile().isEmpty)
    #expect(trial.notes.withLock(\.count) == 1)
  }

  @Test("Damaged files from before do not matter", arguments: [0, 7, 20, 60, 300])
  func damaged(length: Int) throws {
    let trial = try Trial()
    let golden = try contents(of: TensorBoardTests.fixtures + "run.tfevents")
    try System.createDirectories(trial.folder.file("tensorboard"))
    for (index, bytes) in [
      Array(golden.prefix(length)), golden.map { $0 ^ 0x55 },
      [UInt8](repeating: 0xFF, count: length),
    ].enumerated() {
      try trial.folder.write(bytes, to: "tensorboard/events.out.tfevents.\(index)")
    }
    try trial.folder.write([1], to: "tensorboard/events.of.another")
    try trial.log(trial.lines)
    trial.follower().began(step: 301)
    #expect(try trial.files().count == 2)
    #expect(trial.notes.withLock(\.self).isEmpty)
  }

  @Test("The option builds the follower, and only the option")
  func option() throws {
    var pipeline = Pipeline()
    #expect(try observers(pipeline) == 0)
    pipeline.logger.logToTensorboard = true
    #expect(try observers(pipeline) == 1)
  }

  private func observers(_ pipeline: Pipeline) throws -> Int {
    try RunObservers.make(ObservedRun(pipeline, folder: "/nowhere", fingerprint: "f") { _ in })
      .count { $0 is TensorBoardFollower }
  }
}
