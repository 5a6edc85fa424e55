// saeline-cache: command line → run → result on stdout.

package import Shared

@main enum Main {
  static func main() {
    Program.main(description) { invocation in
      if invocation.verb == hooks.name { return try listHooks(invocation) }
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
    flag: "--list-hooks")

  static let description = ProgramDescription(
    name: "saeline-cache", summary: "Turns token shards into shards of model activations.",
    sections: [CacheSettings.sectionName], verbs: [hooks], threads: { $0.cache.threads })

  private static func listHooks(_ invocation: Invocation) throws {
    let list = HookList(try LanguageModel.describe(invocation.pipeline.cache))
    print(invocation.isJSON ? list.json.canonical + "\n" : list.text, terminator: "")
  }

  /// Prints the bill; what is missing is named, but no error before the stage really runs.
  private static func dryRun(_ invocation: Invocation) throws {
    let estimate = try Estimate.make(
      invocation.pipeline, operationsPerSecond: Bill.measureOperationsPerSecond())
    if invocation.isJSON {
      print(estimate.bill.json.canonical)
    } else {
      estimate.bill.table.print()
    }
    for failure in estimate.missing {
      Terminal.standardError.print("missing: " + failure.sentence)
      if let hint = failure.hint { Terminal.standardError.print("hint: " + hint) }
    }
    try Bill.checkDisk(store: invocation.pipeline.store, needed: estimate.bill.byteCount)
  }
}

/// A bill and what must still be fetched or made before the stage can run.
package struct Estimate: Sendable {
  package let bill: Bill
  package let missing: [CacheError]

  package static func make(
    _ pipeline: Pipeline, operationsPerSecond: Double
  ) throws -> Estimate {
    let settings = pipeline.cache
    let tokens = try ActivationKey.tokens(pipeline).map { try TokenSource($0) }
    var missing: [CacheError] = tokens == nil ? [.noTokens(store: pipeline.store)] : []
    let contextSize =
      tokens?.contextSize ?? settings.contextSize ?? pipeline.pretokenize.contextSize
    guard LanguageModel.isHere(settings) else {
      missing.insert(.modelNotHere(name: settings.modelName), at: 0)
      return Estimate(
        bill: Bill(
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
      bill: Bill(
        settings, model: model, hookPoints: points, plan: plan, weightByteCount: weights,
        operationsPerSecond: operationsPerSecond),
      missing: missing)
  }
}
