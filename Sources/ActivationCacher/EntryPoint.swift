// saeline-cache: command line → run → result on stdout.

package import Shared

@main enum Main {
  static func main() {
    Program.main(description) { invocation in
      switch invocation.verb {
      case hooks.name: return try listHooks(invocation)
      case exportVerb.name: return try export(invocation)
      case importVerb.name: return try importCache(invocation)
      default: break
      }
      if invocation.isDryRun { return try dryRun(invocation) }
      let result = try Caching(
        invocation.pipeline, verification: invocation.verifies ? .digests : .sizes,
        mode: invocation.isQuiet ? .quiet : .automatic
      ).run()
      print(
        invocation.isJSON ? result.json.canonical : result.folders.joined(separator: "\n"))
    }
  }

  private static let hooks = Verb(
    "hooks", "Print every hook point of the model with its shape (also --list-hooks).",
    alias: "--list-hooks")
  private static let hookFlag = VerbFlag(
    "--hook", value: "HOOK", "One of the pipeline file's hook points.")
  private static let exportVerb = Verb(
    "export", "Write finished activations as the cache that SAELens reads.",
    flags: [
      VerbFlag("--format", value: "FORMAT", "sae_lens, the one format."),
      VerbFlag(
        "--output", value: "FOLDER", "Where; the stage's name with .sae_lens where not given."),
      hookFlag,
    ])
  private static let importVerb = Verb(
    "import", "Make a stage of a folder of Arrow or safetensors files that SAELens wrote.",
    operands: ["FOLDER"], flags: [hookFlag])

  static let description = ProgramDescription(
    name: "saeline-cache", summary: "Turns token shards into shards of model activations.",
    sections: [CacheSettings.sectionName], verbs: [hooks, exportVerb, importVerb],
    threads: { $0.cache.threads })

  private static func listHooks(_ invocation: Invocation) throws {
    let list = HookList(try LanguageModel.describe(invocation.pipeline.cache))
    print(invocation.isJSON ? list.json.canonical + "\n" : list.text, terminator: "")
  }

  private static func export(_ invocation: Invocation) throws {
    let format = invocation.options["--format"] ?? Exporting.format
    guard format == Exporting.format else { throw ExchangeError.unknownFormat(format) }
    let exporting = try Exporting(
      invocation.pipeline, hook: invocation.options["--hook"],
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
    let estimate = try Estimate.make(
      invocation.pipeline, operationsPerSecond: Multiply.measurePeak())
    if invocation.isJSON {
      print(estimate.bill.json.canonical)
    } else {
      estimate.bill.table.print()
    }
    for failure in estimate.missing {
      Terminal.standardError.print("missing: " + failure.sentence)
      if let hint = failure.hint { Terminal.standardError.print("hint: " + hint) }
    }
    try DiskSpace.require(
      estimate.bill.byteCount, at: invocation.pipeline.store, remedy: CacheBill.diskRemedy)
    if let needed = estimate.bill.memoryByteCount { try CacheBill.checkMemory(needed) }
  }
}

/// A bill and what must still be fetched or made before the stage can run.
package struct Estimate: Sendable {
  package let bill: CacheBill
  package let missing: [CacheError]

  package static func make(
    _ pipeline: Pipeline, operationsPerSecond: Double
  ) throws -> Estimate {
    let settings = pipeline.cache
    let tokens = try ActivationKey.tokens(pipeline).map { try TokenSequences($0) }
    var missing: [CacheError] = tokens == nil ? [.noTokens(store: pipeline.store)] : []
    let contextSize =
      tokens?.contextSize ?? settings.statedContextSize ?? pipeline.pretokenize.contextSize
    guard LanguageModel.isHere(settings) else {
      missing.insert(.modelNotHere(name: settings.modelName), at: 0)
      return Estimate(
        bill: CacheBill(
          settings, contextSize: contextSize, operationsPerSecond: operationsPerSecond),
        missing: missing)
    }
    let model = try LanguageModel.describe(settings)
    if let tokens { try LanguageModel.checkContext(settings, tokens, model) }
    let points = try LanguageModel.hookPoints(settings, in: model, contextSize: contextSize)
    let plan = ShardPlan(
      settings, modelWidth: model.width, contextSize: contextSize,
      available: tokens?.sequenceCount)
    let weights = try Transformer.open(settings.modelName, for: points).weights.mappedByteCount
    return Estimate(
      bill: CacheBill(
        settings, model: model, hookPoints: points, plan: plan, weightByteCount: weights,
        operationsPerSecond: operationsPerSecond),
      missing: missing)
  }
}
