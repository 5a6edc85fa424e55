import Shared
import Support
import Testing

private let trainer = ProgramDescription(
  name: "saeline-train", summary: "activation shards to a trained SAE.",
  sections: ["train", "logger", "evaluate"],
  verbs: [
    Verb("report", "Write report.html of a finished run again."),
    Verb("reconstruct", "Print reconstructions of a shard's rows.", operands: ["SHARD"]),
  ], threads: \.train.threads)

private let config = ProjectFiles.root + "/pipelines/pythia-70m.json5"

private func invocation(_ words: String...) throws -> Invocation? {
  if case .run(let invocation) = try Program.request(words, for: trainer) {
    invocation
  } else {
    nil
  }
}

@Suite struct CommandLineTests {
  @Test func flagsAndVerbsComeInAnyOrder() throws {
    let plain = try #require(try invocation("--config", config))
    #expect(plain.verb == nil)
    #expect(!plain.isDryRun && !plain.isQuiet && !plain.isJSON && !plain.verifies)
    #expect(plain.config == config)
    #expect(plain.pipeline.name == "pythia-70m")

    let full = try #require(
      try invocation(
        "--quiet", "reconstruct", "--config=\(config)", "--json", "x.safetensors", "--set",
        "train.k=7", "--verify", "--dry-run", "--set=name=other"))
    #expect(full.verb == "reconstruct")
    #expect(full.operands == ["x.safetensors"])
    #expect(full.isDryRun && full.isQuiet && full.isJSON && full.verifies)
    #expect(full.pipeline.train.k == 7)
    #expect(full.pipeline.name == "other")
  }

  @Test func aProgramNotesOnlyWhatItsOwnSectionsHave() throws {
    let run = try #require(
      try invocation("--config", config, "--set", "train.device=cpu", "--set", "cache.device=cpu"))
    #expect(
      run.notes.map(\.line) == ["train.device: has no effect. The programs run on the processor."])
  }

  @Test func notesOfWhatChangesNothingAreOneLine() throws {
    let words = ["--config", config, "--set", "train.device=cpu", "--set", "train.autocast=true"]
    func notes(_ more: String...) throws -> String {
      guard case .run(let run) = try Program.request(words + more, for: trainer) else { return "" }
      return Program.notes(of: run)
    }
    #expect(try notes() == "note: 2 options change nothing here (--verbose lists them).\n")
    let device = "note: train.device: has no effect. The programs run on the processor.\n"
    #expect(
      try notes("--verbose") == device
        + "note: train.autocast: has no effect. Training computes in float32.\n")
    #expect(
      try notes("--set", "train.lr_scheduler_name=consineannealing").split(separator: "\n") == [
        #"note: train.lr_scheduler_name: "consineannealing" is read as "cosineannealing"."#,
        "note: 2 options change nothing here (--verbose lists them).",
      ])
    let one = try #require(try invocation("--config", config, "--set", "train.device=cpu"))
    #expect(Program.notes(of: one) == device)
  }

  @Test func aVerbMayDoWithoutAPipelineFile() throws {
    let program = ProgramDescription(
      name: "x", summary: "", sections: ["train"],
      verbs: [
        Verb("init", "", flags: [VerbFlag("--from", value: "FILE", "")], input: .flags),
        Verb("report", ""),
      ], threads: \.train.threads)
    guard case .run(let run) = try Program.request(["init", "--from", "a.json"], for: program)
    else {
      Issue.record("init was not understood")
      return
    }
    #expect(run.verb == "init" && run.options == ["--from": "a.json"])
    #expect(run.pipeline == Pipeline() && run.config.isEmpty)
    #expect(throws: CommandLineError.noConfig(program: "x")) {
      try Program.request(["report"], for: program)
    }
    #expect(CommandLineError.missingFlag("--from", verb: "init").sentence == "init needs --from.")
  }

  @Test(arguments: [
    ["FILE"], ["FILE", "--dry-run"], ["report", "FILE"], ["FILE", "report"], ["--config", "FILE"],
    ["reconstruct", "x.safetensors", "FILE"], ["FILE", "reconstruct", "x.safetensors"],
    ["reconstruct", "--config", "FILE", "x.safetensors"],
  ])
  func thePipelineFileMayStandAlone(_ words: [String]) throws {
    let arguments = try Arguments(words.map { $0 == "FILE" ? config : $0 }, for: trainer)
    #expect(arguments.config == config)
    #expect(arguments.verb == words.first { ["report", "reconstruct"].contains($0) })
    let wanted = arguments.verb == "reconstruct" ? ["x.safetensors"] : []
    #expect(arguments.operands == wanted)
  }

  @Test func theLastOperandOfAVerbMayComeSeveralTimes() throws {
    let program = ProgramDescription(
      name: "saeline-train", summary: "", sections: ["train"],
      verbs: [
        Verb("compare", "Compare them.", operands: ["RUN…"], input: .flags),
        Verb("status", "Tell of them.", operands: ["[RUN…]"], input: .flags),
      ], threads: \.train.threads)
    let cases: [([String], [String])] = [
      (["compare", "a", "--json", "b", "c/"], ["a", "b", "c/"]), (["status"], []),
      (["status", "status"], ["status"]),
    ]
    for (words, operands) in cases {
      #expect(try Arguments(words, for: program).operands == operands)
    }
    let error = #expect(throws: CommandLineError.self) {
      try Arguments(["compare"], for: program)
    }
    #expect(error?.sentence == "compare needs RUN.")
  }

  @Test func aWordThatMayBeAFileIsOne() throws {
    #expect(try Arguments(["run.json"], for: trainer).config == "run.json")
    #expect(try Arguments(["configurations/run"], for: trainer).config == "configurations/run")
    let folder = try TemporaryFolder()
    let path = try folder.write([], to: "plain")
    #expect(try Arguments([path], for: trainer).config == path)
    #expect(
      throws: PipelineError.unreadable(
        SystemError(call: "open", path: "absent.json5", errno: 2))
    ) { try Program.request(["absent.json5"], for: trainer) }
  }

  @Test func versionAndHelpNeedNoPipelineFile() throws {
    #expect(try Program.request(["--version"], for: trainer) == .print("saeline-train 0.1.0\n"))
    let help = try Program.request(["--help"], for: trainer)
    #expect(try Program.request(["-h", "--quiet"], for: trainer) == help)
    #expect(try Program.request(["help"], for: trainer) == help)
    let report = try Program.request(["help", "report"], for: trainer)
    #expect(try Program.request(["report", "--help"], for: trainer) == report)
  }

  @Test(arguments: [
    ([], "No pipeline file is given.", noConfig),
    (["--quiet"], "No pipeline file is given.", noConfig),
    (["--confg", "x"], "--confg is no flag; did you mean --config?", list),
    (["-x"], "-x is no flag.", list), (["--dryrun"], dryRun, list),
    (["--config"], "--config needs a value.", ""), (["--config="], "--config needs a value.", ""),
    (["--set"], "--set needs a value.", ""), (["--json=yes"], "--json takes no value.", ""),
    (["--config", "a", "--config", "b"], "--config is given twice.", ""),
    (["reprot"], "reprot is no verb; did you mean report?", list),
    (["fly"], "fly is neither a verb nor a file.", list),
    (["--config", "a", "fly"], "fly is neither a verb nor a file.", list),
    (["a.json5", "b.json5"], "b.json5 was not expected.", ""),
    (["report", "a", "b"], "b was not expected.", ""),
    (["reconstruct"], "reconstruct needs SHARD.", ""),
    (["reconstruct", "a", "b", "c"], "c was not expected.", ""),
    (["reconstruct", "a"], "No pipeline file is given.", noConfig),
    (["a.json5", "--config", "b"], "a.json5 was not expected.", ""),
    (["help", "lr", "k"], "k was not expected.", ""),
    (["help", "train.lrr"], "There is no help on train.lrr; did you mean train.lr?", topics),
    (["help", "zebra"], "There is no help on zebra.", topics),
    (["completion"], "completion needs SHELL.", ""),
    (
      ["completion", "csh"],
      "csh is no shell that completions are made for; bash, zsh or fish is.", ""
    ),
  ])
  func aWrongCommandLineIsExplained(_ words: [String], _ sentence: String, _ hint: String) {
    #expect(throws: CommandLineError.self) { try Program.request(words, for: trainer) }
    do { _ = try Program.request(words, for: trainer) } catch {
      let (text, code) = Program.report(error)
      #expect(text == "error: \(sentence)\n" + (hint.isEmpty ? "" : "hint: \(hint)\n"))
      #expect(code == .wrongInput)
    }
  }

  private static let dryRun = "--dryrun is no flag; did you mean --dry-run?"
  private static let noConfig =
    "Run saeline-train FILE, such as saeline-train pipelines/demo.json5."
  private static let list = "saeline-train --help lists verbs and flags."
  private static let topics =
    "Topics are sections, options, flags and verbs; saeline-train --help-all lists them."

  private static let cacher = ProgramDescription(
    name: "saeline-cache", summary: "token shards to activation shards.", sections: ["cache"],
    verbs: [
      Verb("export", "Write them.", flags: [VerbFlag("--output", value: "FOLDER", "Where.")]),
      Verb("import", "Read them.", operands: ["FOLDER"]),
    ], threads: \.cache.threads)

  @Test func aVerbHasFlagsOfItsOwn() throws {
    for words in [["--output", "x y"], ["--output=x y"]] {
      let arguments = try Arguments(["export", "--config", "c"] + words, for: Self.cacher)
      #expect(arguments.options == ["--output": "x y"] && arguments.operands == [])
    }
    #expect(
      Help.whole(of: Self.cacher).contains("\n\nflags of export:\n  --output FOLDER  Where.\n\n"))
    let near = #expect(throws: CommandLineError.self) {
      try Arguments(["export", "--outptu", "x", "c.json5"], for: Self.cacher)
    }
    #expect(near?.sentence == "--outptu is no flag; did you mean --output?")
    let wrong: [([String], String)] = [
      (["import", "f", "--output", "x"], "--output belongs to the verb export."),
      (["--output", "x"], "--output belongs to the verb export."),
      (["export", "--output"], "--output needs a value."),
      (["export", "--output=a", "--output=b"], "--output is given twice."),
    ]
    for (words, sentence) in wrong {
      let error = #expect(throws: CommandLineError.self) {
        try Arguments(
          words + ["--config", "c"].prefix(words.last == "--output" ? 0 : 2), for: Self.cacher)
      }
      #expect(error?.sentence == sentence)
    }
  }

  @Test func aFlagOfAVerbMayHaveNoValue() throws {
    let program = ProgramDescription(
      name: "saeline-train", summary: "", sections: ["train"],
      verbs: [
        Verb(
          "upload", "Send it.", flags: [VerbFlag("--private", "Hide it.")],
          input: .pipelineFileOrFolder)
      ], threads: \.train.threads)
    let arguments = try Arguments(["upload", "a/b", "--private"], for: program)
    #expect(arguments.options == ["--private": ""] && arguments.config == "a/b")
    #expect(throws: CommandLineError.unwantedValue("--private")) {
      try Arguments(["upload", "a/b", "--private=yes"], for: program)
    }
    #expect(throws: CommandLineError.repeated("--private")) {
      try Arguments(["upload", "a/b", "--private", "--private"], for: program)
    }
    guard case .print(let help) = try Program.request(["help", "upload"], for: program) else {
      return
    }
    #expect(
      help == """
        usage: saeline-train upload FILE|FOLDER [flags]

          Send it.

          --private  Hide it.

        """)
  }

  @Test func aVerbMayTakeAFolderInThePlaceOfThePipelineFile() throws {
    let program = ProgramDescription(
      name: "saeline-train", summary: "", sections: ["train"],
      verbs: [Verb("upload", "Send it.", input: .pipelineFileOrFolder), Verb("report", "")],
      threads: \.train.threads)
    let folder = try TemporaryFolder()
    guard case .run(let run) = try Program.request(["upload", folder.path], for: program) else {
      return
    }
    #expect(run.config == folder.path && run.pipeline == Pipeline())
    #expect(throws: CommandLineError.unexpectedWord("--set")) {
      try Program.request(["upload", folder.path, "--set", "train.k=2"], for: program)
    }
    #expect(throws: (any Error).self) {
      try Program.request(["report", folder.path], for: program)
    }
  }

  @Test func onlyATrainerChoosesActivations() throws {
    let words = ["--config", "c", "--activations", "store/activations/a"]
    #expect(try Arguments(words, for: trainer).activations == "store/activations/a")
    #expect(Help.whole(of: trainer).contains("--activations FOLDER"))
    let error = #expect(throws: CommandLineError.self) { try Arguments(words, for: Self.cacher) }
    #expect(error?.sentence.hasPrefix("--activations is no flag") == true)
    #expect(!Help.whole(of: Self.cacher).contains("--activations"))
    #expect(throws: CommandLineError.repeated("--activations")) {
      try Arguments(words + ["--activations=b"], for: trainer)
    }
  }

  @Test func errorsEndWithTheirExitCode() {
    struct Unforeseen: Error {}
    let (text, code) = Program.report(Interrupted("Stopped at step 7.", hint: "Run it again."))
    #expect(text == "error: Stopped at step 7.\nhint: Run it again.\n")
    #expect(code == .interrupted)
    #expect(Program.report(Unforeseen()).text == "error: Unforeseen()\n")
    #expect(Program.report(Unforeseen()).code == .failed)
  }

  @Test func anOldProcessorIsToldInWords() {
    let modern = ProcessorFeatures(
      description: "processor\t: 0\nflags\t\t: fpu sse4_2 fma avx f16c bmi2 avx2\n")
    let old = ProcessorFeatures(description: "processor\t: 0\nflags\t\t: fpu sse4_2 avx f16c\n")
    #expect(Program.missingFeatures(modern) == [])
    #expect(Program.missingFeatures(ProcessorFeatures(description: "no such line")) == [])
    #expect(Program.missingFeatures(old) == ["AVX2", "FMA", "BMI2"])
    let (text, code) = Program.report(ProcessorError(missing: Program.missingFeatures(old)))
    #expect(
      text == "error: This processor lacks AVX2, FMA and BMI2, which this build needs.\n"
        + "hint: Run on an x86-64 processor of 2013 or later, or give the virtual machine its "
        + "host's processor.\n")
    #expect(code == .wrongInput)
  }
}
