// What saeline-train does with a pipeline file that has a sweep: bill, runs, table and page.

import Shared

enum SweepCommand {
  static func run(_ invocation: Invocation) throws {
    if invocation.isDryRun { return try bill(invocation) }
    if let verb = invocation.verb, verb != "report" {
      throw SweepError.oneRunOnly(verb: verb, count: invocation.combinations.count)
    }
    if invocation.pipeline.cache.maxDiskGB != nil {
      try StreamRefusal.check(invocation.combinations.map(\.pipeline.trainedHookNames))
    }
    if invocation.verb == nil {
      try StreamOpening.wait(
        invocation.combinations[0].pipeline, through: HubInputs(invocation)
      ) { if !invocation.isQuiet { Terminal.standardError.print($0) } }
    }
    let sweep = try Sweep(
      invocation.pipeline, combinations: invocation.combinations, through: HubInputs(invocation),
      verify: invocation.verifies ? .digests : .sizes,
      mode: invocation.isQuiet ? .quiet : .automatic)
    let endings = invocation.verb == "report" ? try sweep.report() : try sweep.run()
    let comparison = sweep.comparison(endings)
    try sweep.writePage(comparison, .curves)
    if !invocation.isQuiet {
      if !endings.contains(where: { $0.didWork || $0.failure != nil }) {
        Terminal.standardError.print("nothing to do: all \(endings.count) runs are finished")
      }
      comparison.table.print()
      Terminal.standardError.print("\npage: " + sweep.pagePath)
    }
    if invocation.isJSON {
      print(try sweep.result(endings).canonical)
    } else {
      for (member, ending) in zip(sweep.members, endings) where ending.failure == nil {
        print(member.folder.path)
      }
    }
    try sweep.requireSuccess(endings)
    guard let supply = sweep.members.lazy.compactMap(\.input.source.supply).first else { return }
    supply.leave()
    try StreamEnd(supply.stream.folder, invocation.pipeline, invocation.combinations).write(
      runs: sweep.members.map(\.folder.path))
  }

  /// Prints what the runs will cost, and refuses where the disk is too small for them.
  private static func bill(_ invocation: Invocation) throws {
    var missing: [any Failure] = []
    let bill = try SweepBill(
      invocation.combinations, mode: invocation.pipeline.train.sweepMode,
      through: HubInputs(invocation)
    ) { missing.append($0) }
    print(
      invocation.isJSON
        ? bill.json(missing: missing.map(\.sentence)).canonical : bill.table.text())
    for failure in missing { Terminal.standardError.print("missing: " + failure.sentence) }
    try DiskSpace.require(bill.diskByteCount, at: invocation.pipeline.store)
  }
}
