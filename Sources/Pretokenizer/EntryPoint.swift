// saeline-pretokenize: command line → run → result on stdout.

import Shared

@main enum Main {
  static func main() {
    Program.main(description) { invocation in
      if invocation.isDryRun { return try dryRun(invocation) }
      if invocation.verb == encode.name { return try printIds(invocation) }
      let result = try Pretokenizing(
        invocation.pipeline, verification: invocation.verifies ? .digests : .sizes,
        mode: invocation.isQuiet ? .quiet : .automatic
      ).run()
      print(invocation.isJSON ? result.json.canonical : result.folder)
    }
  }

  private static let encode = Verb(
    "encode", "Print the token ids of every document as a line of JSON; nothing is packed.")

  static let description = ProgramDescription(
    name: "saeline-pretokenize", summary: "Turns text into shards of packed token sequences.",
    sections: [PretokenizeSettings.sectionName], verbs: [encode],
    threads: { $0.pretokenize.numProc })

  private static func printIds(_ invocation: Invocation) throws {
    var pending: [UInt8] = []
    func flush() throws {
      try System.write(pending.span.raw, to: 1, path: "stdout")
      pending.removeAll(keepingCapacity: true)
    }
    try EncodedDocuments.write(invocation.pipeline.pretokenize) { line in
      pending += line
      if pending.count > 1 << 16 { try flush() }
    }
    try flush()
  }

  /// Prints the bill; what is missing is named, but no error before the stage really runs.
  private static func dryRun(_ invocation: Invocation) throws {
    let bill = try PretokenizeEstimate.make(invocation.pipeline)
    print(invocation.isJSON ? bill.json.canonical : bill.table.text())
    for sentence in bill.missing { Terminal.standardError.print("missing: " + sentence) }
    if let needed = bill.diskByteCount, bill.missing.isEmpty {
      try DiskSpace.require(needed, at: invocation.pipeline.store)
    }
  }
}
