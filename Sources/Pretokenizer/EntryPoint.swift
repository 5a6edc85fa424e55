// saeline-pretokenize: command line → run → result on stdout.

import Shared

@main enum Main {
  static func main() {
    Program.main(description) { invocation in
      if try StoreCommand.run(invocation) { return }
      if invocation.isDryRun { return try dryRun(invocation) }
      if invocation.verb == encode.name { return try printIds(invocation) }
      if invocation.verb == CommonVerb.stage.rawValue {
        return StageReport.of(PretokenizeSettings.sectionName) {
          try Pretokenizing(
            invocation.pipeline, through: HubInputs(invocation).cached, mode: .quiet
          ).progress()
        }.print(asJSON: invocation.isJSON)
      }
      let result = try Pretokenizing(
        invocation.pipeline, through: HubInputs(invocation),
        verification: invocation.verifies ? .digests : .sizes,
        mode: invocation.isQuiet ? .quiet : .automatic
      ).run()
      print(invocation.isJSON ? result.json.canonical : result.folder)
    }
  }

  private static let encode = Verb(
    "encode", "Print the token ids of every document, a line of JSON each.")

  static let description = ProgramDescription(
    name: "saeline-pretokenize", summary: "Turns text into shards of packed token sequences.",
    sections: [PretokenizeSettings.sectionName, LaunchSettings.sectionName], verbs: [encode],
    examples: [
      Example("run.json5", "text to tokens"),
      Example("run.json5 --dry-run", "what that will take"),
      Example("encode run.json5 | head", "token ids, line by line"),
    ],
    threads: { $0.pretokenize.numProc })

  private static func printIds(_ invocation: Invocation) throws {
    var pending: [UInt8] = []
    func flush() throws {
      try System.write(pending.span.raw, to: 1, path: "stdout")
      pending.removeAll(keepingCapacity: true)
    }
    func note(_ sentence: String) {
      if !invocation.isQuiet { Terminal.standardError.print("note: " + sentence) }
    }
    try EncodedDocuments.write(
      invocation.pipeline.pretokenize, through: HubInputs(invocation), noting: note
    ) { line in
      pending += line
      if pending.count > 1 << 16 { try flush() }
    }
    try flush()
  }

  /// Prints the bill; what is missing is named, but no error before the stage really runs.
  private static func dryRun(_ invocation: Invocation) throws {
    let bill = try PretokenizeEstimate.make(invocation.pipeline, through: HubInputs(invocation))
    print(invocation.isJSON ? bill.json.canonical : bill.table.text())
    for sentence in bill.missing { Terminal.standardError.print("missing: " + sentence) }
    if let needed = bill.diskByteCount, bill.missing.isEmpty {
      try DiskSpace.require(needed, at: invocation.pipeline.store)
    }
  }
}
