// saeline-cache: command line → run → result on stdout.

import Shared

@main enum Main {
  static func main() {
    Program.main(description) { invocation in
      if try StoreCommand.run(invocation) { return }
      switch invocation.verb {
      case hooks.name: return try listHooks(invocation)
      case exportVerb.name: return try export(invocation)
      case importVerb.name: return try importCache(invocation)
      case CommonVerb.stage.rawValue:
        return StageReport.of(CacheSettings.sectionName) {
          try Caching(
            invocation.pipeline, through: HubInputs(invocation).cached, mode: .quiet
          ).progress()
        }.print(asJSON: invocation.isJSON)
      default: break
      }
      if invocation.isDryRun { return try dryRun(invocation) }
      try ProductMemory.reserve()
      try cache(invocation)
    }
  }

  private static func cache(_ invocation: Invocation) throws {
    let mode: Progress.Mode = invocation.isQuiet ? .quiet : .automatic
    // What keeps the upload from happening is said before any work.
    let upload = try ActivationUpload(invocation.pipeline, mode: mode)
    let door = HubInputs(invocation)
    let result = try Caching(
      invocation.pipeline, combinations: invocation.combinations, through: door,
      verification: invocation.verifies ? .digests : .sizes, mode: mode
    ).run()
    var json = result.json.object ?? [:]
    json["uploaded_to"] = try (upload?.run(through: door)).map { .string($0) }
    print(
      invocation.isJSON
        ? JSON.object(json).canonical : result.folders.joined(separator: "\n"))
  }

  private static let hooks = Verb(
    "hooks", "Print every hook point and its shape (also --list-hooks).", alias: "--list-hooks")
  private static let hookFlag = VerbFlag(
    "--hook", value: "HOOK", "One of the pipeline file's hook points.")
  private static let exportVerb = Verb(
    "export", "Write finished activations as SAELens reads them.",
    flags: [
      VerbFlag("--format", value: "FORMAT", "sae_lens, the one format."),
      VerbFlag(
        "--output", value: "FOLDER", "Where; the stage's name with .sae_lens where not given."),
      hookFlag,
    ])
  private static let importVerb = Verb(
    "import", "Make a stage of Arrow or safetensors files of SAELens.",
    operands: ["FOLDER"], flags: [hookFlag])

  static let description = ProgramDescription(
    name: "saeline-cache", summary: "Turns token shards into shards of model activations.",
    sections: [CacheSettings.sectionName, LaunchSettings.sectionName],
    verbs: [hooks, exportVerb, importVerb],
    examples: [
      Example("run.json5", "tokens to activations"),
      Example("run.json5 --dry-run", "what that will take"),
      Example("hooks run.json5", "where activations can be taken"),
    ],
    threads: { $0.cache.threads })

  private static func listHooks(_ invocation: Invocation) throws {
    let model = try InputResolver.model(
      invocation.pipeline.cache, through: HubInputs(invocation)
    ).get()
    let list = HookList(try ModelDescription.open(folder: model))
    print(invocation.isJSON ? list.json.canonical + "\n" : list.text, terminator: "")
  }

  private static func export(_ invocation: Invocation) throws {
    let format = invocation.options["--format"] ?? Exporting.format
    guard format == Exporting.format else { throw ExchangeError.unknownFormat(format) }
    let exporting = try Exporting(
      invocation.pipeline, through: HubInputs(invocation).cached,
      hook: invocation.options["--hook"],
      output: invocation.options["--output"],
      verification: invocation.verifies ? .digests : .sizes,
      mode: invocation.isQuiet ? .quiet : .automatic)
    try finish(invocation, exporting.byteCount, exporting.result, exporting.run)
  }

  private static func importCache(_ invocation: Invocation) throws {
    let importing = try Importing(
      invocation.pipeline, folder: invocation.operands[0], hook: invocation.options["--hook"],
      verification: invocation.verifies ? .digests : .sizes,
      mode: invocation.isQuiet ? .quiet : .automatic)
    try finish(invocation, importing.byteCount, importing.result, importing.run)
  }

  /// Runs an exchange, or says what it would write, and prints the result.
  private static func finish(
    _ invocation: Invocation, _ byteCount: Int, _ planned: ExchangeResult,
    _ run: () throws -> ExchangeResult
  ) throws {
    if invocation.isDryRun {
      Terminal.standardError.print(
        "\(Readable.count(planned.rows)) activations, \(Readable.bytes(byteCount))")
    }
    let result = try invocation.isDryRun ? planned : run()
    print(
      invocation.isJSON ? result.json.canonical : result.folders.joined(separator: "\n"))
  }

  /// Prints the bill; what is missing is named, but no error before the stage really runs.
  private static func dryRun(_ invocation: Invocation) throws {
    let estimate = try Estimate.make(invocation.pipeline, through: HubInputs(invocation))
    var bill = estimate.stage
    let upload = try ActivationUpload.bill(invocation.pipeline.cache, estimate.bill)
    upload?.add(to: &bill)
    print(invocation.isJSON ? bill.json.canonical : bill.table.text())
    for failure in estimate.missing + [upload?.problem].compactMap({ $0 }) {
      Terminal.standardError.print("missing: " + failure.sentence)
      if let hint = failure.hint { Terminal.standardError.print("hint: " + hint) }
    }
    guard !estimate.isFinished else { return }
    try DiskSpace.require(
      estimate.bill.diskByteCount, at: invocation.pipeline.store, remedy: CacheBill.diskRemedy)
    if let needed = estimate.bill.memoryByteCount { try CacheBill.checkMemory(needed) }
  }
}
