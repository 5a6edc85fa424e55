// How far runs are, as one sees it from their folders, however those were left.

import Foundation
import Shared
import Support
import Testing

import Trainer

@Suite("The status of runs")
struct RunStatusTests {
  /// A store with one run's folder, whose files tests write.
  private final class World {
    let folder: TemporaryFolder
    let run: String
    /// When its files are said to have been written.
    static let time = 1_700_000_000.0

    init(_ name: String = "demo-0123456789abcdef") throws {
      folder = try TemporaryFolder()
      run = folder.file("runs/" + name)
      try System.createDirectories(run)
    }

    func write(_ text: String, to name: String, at time: Double = World.time) throws {
      let path = "runs/" + (run.split(separator: "/").last.map(String.init) ?? "") + "/" + name
      try folder.write(Array(text.utf8), to: path)
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: time)],
        ofItemAtPath: folder.file(path))
    }

    func log(_ steps: some Sequence<Int>, then rest: String = "", at time: Double = World.time)
      throws
    {
      let lines = steps.map { step in
        #"{"details/tokens_per_second":2000,"losses/overall_loss":3.5,"#
          + #""metrics/explained_variance":\#(Double(step) / 1000),"metrics/l0":32,"#
          + #""sparsity/dead_features":7,"step":\#(step)}"# + "\n"
      }
      try write(lines.joined() + rest, to: "metrics.jsonl", at: time)
    }

    func lease(
      since: Double, renewed: Double, at time: Double, host: String = "node7",
      machine: String = "elsewhere"
    ) throws {
      let lines = [since, renewed].map { written in
        #"{"deadline":\#(written + 60),"host":"\#(host)","machine":"\#(machine)","owner":"a","#
          + #""pid":4711,"seconds":60}"# + "\n"
      }
      try write(lines.joined(), to: "run.lease", at: time)
    }

    func begin() throws {
      try RunBeginning(steps: 2000, batchRows: 1000).write(run)
    }
  }

  private static let time = World.time

  @Test("A run in training elsewhere is told to the letter, alone and among others")
  func running() throws {
    let world = try World()
    try world.begin()
    try world.log(stride(from: 9, to: 500, by: 10), then: "{\"step\":5")
    try world.lease(since: Self.time - 720, renewed: Self.time, at: Self.time)
    let status = RunStatus.read(world.run, now: Self.time + 3)
    #expect(status.state == .running)
    #expect(
      StatusTable([status]).text(columns: 200) == """
        demo-0123456789abcdef
          state               running
          step                500/2000 25 %
          explained variance  0.4990
          L0                  32.00
          dead latents        7
          loss                3.500
          course              ▁▁▁▂▂▂▃▃▃▄▄▄▅▅▅▆▆▆▇▇▇███  explained variance
          tokens/s            2.0 k
          time left           12:30
          last line           3.0 s ago
          held by             node7, process 4711, for 12 min 03 s
          folder              \(world.run)
        """)
    let other = try World("other-0123456789abcdef")
    try other.log([9])
    let runs = [status, RunStatus.read(other.run, now: Self.time + 3)]
    #expect(
      StatusTable(runs).text(columns: 300)
        == """
          run                     state             step        EV     L0  dead  course                    tokens/s   left  last line  held by
          demo-0123456789abcdef   running  500/2000 25 %    0.4990  32.00     7  ▁▁▁▂▂▂▃▃▃▄▄▄▅▅▅▆▆▆▇▇▇███     2.0 k  12:30  3.0 s ago  node7, process 4711, for 12 min 03 s
          other-0123456789abcdef  stopped             10  0.009000  32.00     7  ▅                            2.0 k         3.0 s ago
        """)
    #expect(
      StatusTable(runs).text(columns: 80) == """
          run                     state             step        EV     L0  dead   left
          demo-0123456789abcdef   running  500/2000 25 %    0.4990  32.00     7  12:30
          other-0123456789abcdef  stopped             10  0.009000  32.00     7
        """)
    #expect(
      StatusTable(runs).text(columns: 40) == """
          run                     state
          demo-0123456789abcdef   running
          other-0123456789abcdef  stopped
        """)
  }

  @Test("The same as JSON")
  func json() throws {
    let world = try World()
    try world.begin()
    try world.log([499])
    try world.lease(since: Self.time - 720, renewed: Self.time, at: Self.time)
    #expect(
      RunStatus.read(world.run, now: Self.time + 3).json.canonical
        == #"{"figures":{"details/tokens_per_second":2000,"losses/overall_loss":3.5,"#
        + #""metrics/explained_variance":0.499,"metrics/l0":32,"sparsity/dead_features":7},"#
        + #""folder":"\#(world.run)","held_by":{"host":"node7","is_local":false,"pid":4711,"#
        + #""seconds":723},"name":"demo-0123456789abcdef","notes":[],"seconds_left":750,"#
        + #""seconds_since_last_line":3,"state":"running","step":500,"steps":2000,"#
        + #""tokens_per_second":2000}"#)
  }

  @Test("An owner who is silent for longer than allowed is said to be so")
  func silent() throws {
    let world = try World()
    try world.log([499])
    try world.lease(since: Self.time - 720, renewed: Self.time, at: Self.time)
    let status = RunStatus.read(world.run, now: Self.time + 61)
    #expect(status.state == .silent && status.secondsLeft == nil)
    #expect(
      status.notes == [
        "no sign of life for 1 min 01 s; who runs the same pipeline file takes over"
      ])
    #expect(RunStatus.read(world.run, now: Self.time + 60).state == .running)
  }

  @Test("A process of this machine that is gone holds nothing")
  func gone() throws {
    let world = try World()
    let lease = try #require(try Lease.claim(world.run + "/run.lease"))
    let content = String(
      decoding: try MappedFile.contents(world.run + "/run.lease"), as: UTF8.self)
    #expect(RunStatus.read(world.run).state == .running)
    #expect(RunStatus.read(world.run).holder?.isLocal == true)
    lease.release()
    let process = "\"pid\":\(System.processIdentifier)"
    // No system gives away the largest number.
    try world.write(content.replacing(process, with: "\"pid\":2147483647"), to: "run.lease")
    let status = RunStatus.read(world.run)
    #expect(status.state == .stopped && status.holder == nil)
    #expect(status.notes == ["its process 2147483647 of this machine is gone"])
  }

  @Test("Clocks that differ are noted, and durations are taken by one clock each")
  func clocks() throws {
    let world = try World()
    try world.log([499], at: Self.time)
    try world.lease(since: Self.time + 3600 - 60, renewed: Self.time + 3600, at: Self.time)
    let status = RunStatus.read(world.run, now: Self.time - 42)
    #expect(status.state == .running && status.heldSeconds == 60 && status.age == 0)
    #expect(
      status.notes == [
        "the clock of node7 is 1 h 00 min ahead of that of the disk",
        "the clock of the disk is 42 s ahead of this machine's",
      ])
  }

  @Test("A finished run shows what was measured of its SAE")
  func finished() throws {
    let world = try World()
    try world.log([1989, 1999])
    let key = StageKey(stage: .runs, label: "demo", settings: .object([:]))
    let manifest = Manifest(
      key: key, name: "demo", tool: "test", shards: [],
      details: ["steps": 2000, "explained_variance": 0.9412, "l0": 17.5])
    try world.write(manifest.json.pretty, to: "manifest.json")
    try Timing(tokens: 2_000_000, seconds: 10).write(folder: world.run)
    let status = RunStatus.read(world.run, now: Self.time + 3)
    #expect(status.state == .finished && status.step == 2000)
    #expect(status.figures[.explainedVariance] == 0.9412 && status.figures[.l0] == 17.5)
    #expect(status.tokensPerSecond == 200_000)
    #expect(
      StatusTable([status, status]).text(columns: 80).split(separator: "\n").dropFirst().first
        == "  demo-0123456789abcdef  finished  2000  0.9412  17.50     7  ▁█         200 k")
  }

  @Test(
    "Whatever is in its files, a run is looked at and left as it is",
    arguments: [
      "", "\n\n", "{}\n[]\nnull\n", "{\"step\":", "{\"step\":1}\n{\"step\":-7}\n",
      "{\"step\":3,\"metrics/l0\":\"x\",\"metrics/explained_variance\":null}\n\u{1B}[2J\n",
    ])
  func halfWritten(text: String) throws {
    let world = try World("a\u{1B}[2Jb-0123456789abcdef")
    for name in ["metrics.jsonl", "run.lease", "run.json", "manifest.json", "timing.json"] {
      try world.write(text, to: name)
    }
    let before = try System.list(world.run)
    let status = RunStatus.read(world.run, now: Self.time + 3)
    #expect(!StatusTable([status]).text(columns: 80).contains("\u{1B}"))
    #expect(status.state == .running)
    #expect(try System.list(world.run) == before)
    for name in before {
      #expect(try contents(of: world.run + "/" + name) == Array(text.utf8))
    }
  }

  @Test(
    "Steps that no run has are shares like any others", arguments: [(Int.max - 1, 100), (-9, 0)])
  func strangeSteps(step: Int, percent: Int) throws {
    let world = try World()
    try world.begin()
    try world.write("{\"step\":\(step)}\n", to: "metrics.jsonl")
    let status = RunStatus.read(world.run, now: Self.time + 3)
    #expect(StatusTable([status]).text(columns: 200).contains("/2000 \(percent) %"))
  }

  @Test("A long log is read at its end and at some places before")
  func longLog() throws {
    let world = try World()
    try world.log(0..<20_000)
    let status = RunStatus.read(world.run, now: Self.time)
    #expect(status.step == 20_000)
    #expect(status.course.count == 24)
    #expect(status.course == status.course.sorted() && status.course[0] < 0.01)
    #expect(status.course[23] == 19.999)
  }

  @Test("Names, folders, stores and pipeline files name runs")
  func names() throws {
    let world = try World()
    try world.begin()
    let store = world.folder.path
    try System.createDirectories(store + "/runs/demo-2-0123456789abcdef/checkpoints")
    try System.createDirectories(store + "/runs/sweep-demo-0123456789abcdef")
    try world.folder.write([], to: "runs/sweep-demo-0123456789abcdef/sweep.html")
    let file = try world.folder.write(
      Array("{ name: \"demo\", store: \"\(store)\" }".utf8), to: "demo.json5")
    let names = RunNames(store: store)
    let second = store + "/runs/demo-2-0123456789abcdef"
    #expect(try names.folders(["demo"]) == [world.run])
    #expect(
      try names.folders(["demo-2-0123456789abcdef", world.run + "/"]) == [second, world.run])
    #expect(try names.folders([store]) == [world.run, second])
    #expect(try names.folders([file, "demo"]) == [world.run])
    #expect(throws: RunNameError.notFound("demo-3", store: store)) {
      try names.folders(["demo-3"])
    }
    #expect(throws: RunNameError.noFolder(store + "/runs/sweep-demo-0123456789abcdef")) {
      try names.folders([store + "/runs/sweep-demo-0123456789abcdef"])
    }
    try world.folder.write(
      Array("{ name: \"else\", store: \"\(store)\" }".utf8), to: "demo.json5")
    #expect(
      throws: RunNameError.noneOfPipeline(name: "else", file: file, store: store)
    ) { try names.folders([file]) }
  }

  @Test(
    "What names no run is said in a sentence, and what to do",
    arguments: [
      (
        RunNameError.notFound("x", store: "s"),
        "x is neither a folder, nor a pipeline file, nor a run in s/runs.",
        "saeline-train status lists the runs of a store; --store names another."
      ),
      (
        .noneOfPipeline(name: "x", file: "x.json5", store: "s"),
        "s/runs holds no run of x.json5, which is called x.", "saeline-train x.json5 trains it."
      ),
      (
        .noFolder("s"), "s is neither a run nor a store.",
        "Give a folder of a store's runs, a store, or a name."
      ),
    ])
  func sentences(error: RunNameError, sentence: String, hint: String) {
    #expect(error.sentence == sentence && error.hint == hint && error.exitCode == .wrongInput)
  }
}
