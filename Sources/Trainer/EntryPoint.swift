// saeline-train: activation shards to a trained SAE and its report.

import Shared

@main enum Main {
  static let description = ProgramDescription(
    name: "saeline-train", summary: "Trains a sparse autoencoder on cached activations.",
    sections: ["train", "logger", "evaluate", "launch"],
    verbs: [
      Verb(
        "report", "Measure a finished run again, and write its page.",
        input: .pipelineFileOrFolder),
      Verb("reconstruct", "Write cached rows and their reconstructions.", isShown: false),
      EvaluateCommand.verb, DashboardCommand.verb, UploadCommand.verb, StatusCommand.verb,
      CompareCommand.verb, initVerb,
    ],
    examples: [
      Example("run.json5", "activations to an SAE, a report"),
      Example("run.json5 --dry-run", "what that will take"),
      Example("run.json5 --set train.k=32", "another SAE of the same rows"),
    ],
    threads: \.train.threads)

  private static let initVerb = Verb(
    "init", "Write the pipeline file of a configuration of SAELens.",
    flags: [
      VerbFlag("--from", value: "FILE", "A cfg.json or runner_cfg.json."),
      VerbFlag("--output", value: "FILE", "The pipeline file; its name with .json5 if not given."),
    ],
    input: .flags)

  private typealias Command = (verb: String, run: (Invocation) throws -> Void)

  /// What looks at files alone.
  private static var readers: [Command] {
    [
      (initVerb.name, writePipeline), (CompareCommand.verb.name, CompareCommand.run),
      (StatusCommand.verb.name, StatusCommand.run),
      (CommonVerb.stage.rawValue, StageCommand.run),
    ]
  }

  /// What multiplies matrices.
  private static var workers: [Command] {
    [
      (EvaluateCommand.verb.name, EvaluateCommand.run),
      (UploadCommand.verb.name, UploadCommand.run),
      (DashboardCommand.verb.name, DashboardCommand.run),
    ]
  }

  static func main() {
    Program.main(description, run: run)
  }

  private static func run(_ invocation: Invocation) throws {
    if try StoreCommand.run(invocation) { return }
    let reads = readers.first { $0.verb == invocation.verb }
    if let reads { return try reads.run(invocation) }
    try ScreeningChoice.check()
    if !invocation.isDryRun { try ProductMemory.reserve() }
    let works = workers.first { $0.verb == invocation.verb }
    if let works { return try works.run(invocation) }
    let given = HomeFolder.expanded(invocation.config)
    if invocation.verb == "report", System.isDirectory(given) {
      let page = try Report.remake(run: given)
      return print(invocation.isJSON ? JSON.object(["report": .string(page)]).canonical : page)
    }
    if !invocation.combinations.isEmpty { return try SweepCommand.run(invocation) }
    if invocation.isDryRun { return try bill(invocation) }
    if invocation.verb == nil {
      try StreamOpening.wait(invocation.pipeline, through: HubInputs(invocation)) {
        if !invocation.isQuiet { Terminal.standardError.print($0) }
      }
    }
    let run = try Run(
      invocation.pipeline, through: HubInputs(invocation),
      verify: invocation.verifies ? .digests : .sizes,
      mode: invocation.isQuiet ? .quiet : .automatic)
    switch invocation.verb {
    case "report":
      try run.requireFinished()
      try run.writeReport(try run.measure())
      try finish(run, didWork: true, invocation)
    case "reconstruct":
      let result = try run.reconstruct()
      print(invocation.isJSON ? result.canonical : result["file"]?.string ?? "")
    default:
      let outcome = try run.run()
      if let supply = run.plan.source.supply {
        supply.leave()
        let stream = supply.stream
        try StreamEnd(stream.folder, invocation.pipeline, []).write(runs: [run.folder.path])
      }
      if outcome == .nothingToDo, !invocation.isQuiet {
        Terminal.standardError.print("nothing to do: \(run.folder.path) is finished")
      }
      try finish(run, didWork: outcome == .trained, invocation)
    }
  }

  /// Writes the pipeline file of a configuration, and never over another file.
  private static func writePipeline(_ invocation: Invocation) throws {
    guard let source = invocation.options["--from"] else {
      throw CommandLineError.missingFlag("--from", verb: initVerb.name)
    }
    let draft = try PipelineDraft.read(source)
    let target = HomeFolder.expanded(
      invocation.options["--output"] ?? draft.pipeline.name + ".json5")
    if System.exists(target) { throw PipelineDraftError.exists(path: target) }
    if !invocation.isDryRun { try AtomicFile.replace(target, with: draft.text) }
    print(invocation.isJSON ? draft.pipeline.stated.canonical : target)
  }

  private static func finish(_ run: Run, didWork: Bool, _ invocation: Invocation) throws {
    try run.printTables(didWork ? .everything : .headline)
    print(invocation.isJSON ? try run.result(didWork: didWork).canonical : run.folder.path)
  }

  /// Prints what the run will cost, and refuses where the disk is too small for it.
  private static func bill(_ invocation: Invocation) throws {
    let estimate = try RunEstimate.make(invocation.pipeline, through: HubInputs(invocation))
    let bill = estimate.stage
    print(invocation.isJSON ? bill.json.canonical : bill.table.text())
    for sentence in bill.missing { Terminal.standardError.print("missing: " + sentence) }
    try DiskSpace.require(bill.diskByteCount ?? 0, at: invocation.pipeline.store)
  }
}
