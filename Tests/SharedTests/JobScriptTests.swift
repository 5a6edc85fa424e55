import Shared
import Support
import Testing

private let cacher = ProgramDescription(
  name: "saeline-cache", summary: "Turns tokens into activations.", sections: ["cache", "launch"],
  threads: \.cache.threads)
private let trainer = ProgramDescription(
  name: "saeline-train", summary: "Trains.", sections: ["train", "launch"],
  threads: \.train.threads)

@Suite("The script of a stage's jobs")
struct JobScriptTests {
  private static let file = """
    {
      name: "mine", store: "/team/sa%es",
      cache: { model_name: "m", hook_name: "blocks.0.hook_resid_post" },
      train: { d_sae: 64, sweep: { lr: [1, 2, 3] } },
      launch: {
        workers: { cache: 4 }, partition: "long", account: "lab", qos: { train: "high" },
        constraint: "[a|b]", time: { cache: "4:00:00" }, mem: "16G", cpus_per_task: 8,
        sbatch_options: ["--gres=tmpfs:10G"], setup: ["module load openblas"],
      },
    }
    """

  /// The script with the pipeline file in no folder.
  private func script(
    _ program: ProgramDescription, _ overrides: [String] = [], startedAs path: String? = nil
  ) throws -> String {
    let folder = try TemporaryFolder()
    try AtomicFile.replace(folder.path + "/mine.json5", with: Self.file)
    var words = ["sbatch", "--config", folder.path + "/mine.json5"]
    for override in overrides { words += ["--set", override] }
    guard
      case .print(let text) = try Program.request(words, for: program, startedAs: path)
    else { return "" }
    return text.split(separator: folder.path + "/", omittingEmptySubsequences: false)
      .joined(separator: "")
  }

  private func requests(_ script: String) -> [String] {
    script.split(separator: "\n").filter { $0.hasPrefix("#SBATCH ") }.map {
      String($0.dropFirst("#SBATCH ".count))
    }
  }

  @Test("Training that reads a stream says that it does not wait for caching")
  func beside() throws {
    let line = "# beside: cache"
    func lines(_ program: ProgramDescription, _ overrides: [String]) throws -> [Substring] {
      try script(program, overrides).split(separator: "\n")
    }
    #expect(try !lines(trainer, []).contains { $0 == line })
    #expect(try lines(trainer, ["cache.max_disk_gb=80"]).contains { $0 == line })
    #expect(try !lines(cacher, ["cache.max_disk_gb=80"]).contains { $0 == line })
  }

  private func array(_ overrides: String..., of program: ProgramDescription = trainer) throws
    -> String?
  {
    requests(try script(program, overrides)).first { $0.hasPrefix("--array=") }
  }

  @Test("A worker is the same command line without the verb; the script is that of the fixture")
  func whole() throws {
    let text = try script(cacher, ["cache.model_name=it's"], startedAs: "bin dir/saeline-cache")
    let path = "Tests/Fixtures/config/job-cache.sh"
    if ProjectFiles.mayUpdate { try ProjectFiles.write(text, to: path) }
    #expect(try ProjectFiles.text(path) == text)
  }

  @Test("Every request stands in a line of its own, with the values of the stage")
  func requests() throws {
    let common = [
      "--output=/team/sa%%es/.jobs/%x-%A_%a.log", "--open-mode=append", "--partition=long",
      "--account=lab",
    ]
    let rest = ["--requeue", "--signal=B:USR1@120", "--gres=tmpfs:10G"]
    #expect(
      requests(try script(cacher)) == ["--job-name=saeline-cache:mine", "--array=1-4"] + common
        + ["--constraint=\"[a|b]\"", "--time=4:00:00", "--mem=16G", "--cpus-per-task=8"] + rest)
    #expect(
      requests(try script(trainer)) == ["--job-name=saeline-train:mine", "--array=1-3"] + common
        + ["--qos=high", "--constraint=\"[a|b]\"", "--mem=16G", "--cpus-per-task=8"] + rest)
  }

  @Test("A time or a size may be a whole number")
  func numbers() throws {
    let script = try script(cacher, ["launch.time=30", "launch.mem={\"cache\": 4000}"])
    #expect(requests(script).contains("--time=30"))
    #expect(requests(script).contains("--mem=4000"))
  }

  @Test("What sbatch or a shell would read otherwise is quoted for it")
  func quoting() throws {
    let text = try script(cacher, ["store=/a \"b\"\\c", "cache.model_name='x y'"])
    #expect(requests(text)[2] == #"--output="/a \"b\"\\c/.jobs/%x-%A_%a.log""#)
    #expect(text.contains(#"  saeline-cache --config mine.json5 --set 'store=/a "b"\c' --set "#))
    #expect(text.contains(#"--set 'cache.model_name='\''x y'\''' &"#))
  }

  @Test("Training has a job for each run of a sweep, and never more than there are runs")
  func workersOfTraining() throws {
    #expect(try array() == "--array=1-3")
    #expect(try array("launch.workers=2") == "--array=1-2")
    #expect(try array("launch.workers=9") == "--array=1-3")
    #expect(try array("train.sweep={}", "launch.workers=9") == "--array=1-1")
    #expect(try array("train.sweep_mode=shared") == "--array=1-1")
    #expect(try array("train.sweep_mode=shared", "launch.workers=2") == "--array=1-2")
    #expect(try array("launch.workers=null", of: cacher) == "--array=1-1")
    #expect(try array("launch.workers=9", of: cacher) == "--array=1-9")
  }

  @Test(
    "What the section cannot mean is refused in a sentence",
    arguments: [
      ("time={\"cahe\": \"1\"}", "launch.time.cahe: is no stage; did you mean cache?"),
      ("time={\"x\": \"1\"}", "launch.time.x: is no stage."),
      (
        "time=true",
        "launch.time: must be text, a whole number, an object of those by stage or null, but is true."
      ),
      ("workers=0", "launch.workers: must be a whole number of 1 or more, but is 0."),
      (
        "workers={\"cache\": 0}",
        "launch.workers.cache: must be a whole number of 1 or more, but is 0."
      ),
      ("workers={\"cache\": \"x\"}", "launch.workers.cache: must be a whole number, but is \"x\"."),
      (
        "cpus_per_task=-1",
        "launch.cpus_per_task: must be a whole number of 1 or more, but is -1."
      ),
      ("mem=\"1\\n2\"", "launch.mem: must be one line, but is \"1\\n2\"."),
      ("partition=\"\"", "launch.partition: must not be empty."),
      ("account=\"a\\u007f\"", "launch.account: must be one line, but is \"a\\u007f\"."),
      (
        "sbatch_options=[\"x\"]",
        "launch.sbatch_options: has \"x\", which does not begin with a dash."
      ),
      ("partitoin=3", "launch.partitoin: is unknown; did you mean partition?"),
    ])
  func refusals(_ value: String, _ problem: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/mine.json5"
    try AtomicFile.replace(path, with: Self.file)
    let error = #expect(throws: (any Error).self) {
      try Program.request(["sbatch", path, "--set", "launch." + value], for: trainer)
    }
    #expect((error as? any Failure)?.sentence == "\(path) with --set: \(problem)")
  }
}
