// saeline-pretokenize: command line → run → result on stdout.

package import Shared

@main enum Main {
  static func main() {
    Program.main(description) { invocation in
      if invocation.isDryRun { return try dryRun(invocation) }
      let result = try Pretokenizing(
        invocation.pipeline, verification: invocation.verifies ? .digests : .sizes,
        mode: invocation.isQuiet ? .quiet : .automatic
      ).run()
      print(invocation.isJSON ? result.json.canonical : result.folder)
    }
  }

  static let description = ProgramDescription(
    name: "saeline-pretokenize", summary: "Turns text into shards of packed token sequences.",
    sections: [PretokenizeSettings.sectionName], threads: { $0.pretokenize.numProc })

  /// Prints the bill; what is missing is named, but no error before the stage really runs.
  private static func dryRun(_ invocation: Invocation) throws {
    let pipeline = invocation.pipeline
    let missing = MissingInput.find(pipeline.pretokenize)
    let bill: Bill
    if missing.isEmpty {
      bill = try Pretokenizing(pipeline).bill
      try bill.check(store: pipeline.store, freeByteCount: Bill.freeByteCount(pipeline.store))
    } else {
      bill = Bill(
        tokenCount: pipeline.cache.trainingTokens,
        contextSize: pipeline.pretokenize.contextSize)
    }
    if invocation.isJSON { print(bill.json.canonical) } else { bill.table.print() }
    for failure in missing {
      Terminal.standardError.print("missing: " + failure.sentence)
    }
  }
}

/// Inputs that are named but not here.
package enum MissingInput {
  package static func find(_ settings: PretokenizeSettings) -> [any Failure] {
    var found: [any Failure] = []
    do throws(TokenizerError) { _ = try Tokenizer.locate(settings.tokenizerName) } catch {
      found.append(error)
    }
    do { _ = try DataFiles.find(settings) } catch let error as DataError {
      if case .absent = error { found.append(error) }
    } catch {}
    return found
  }
}
