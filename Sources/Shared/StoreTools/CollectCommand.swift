// The verb `gc`: tells what nothing in stores needs, and with --delete deletes it. Comes in: the command line.
// Leaves: a line for each thing on stdout, with its bytes.

enum CollectCommand {
  private static let secondsOfDay = 86_400.0

  static func run(_ invocation: Invocation) throws {
    let places = try StoreCommand.places(invocation, invocation.operands)
    let all = try StoreCommand.stores(places)
    let rules = try rules(invocation, places)
    let deletes = invocation.options[StoreFlag.delete.name] != nil && !invocation.isDryRun
    let listings = try all.map { try StoreListing($0) }
    var (lines, items): ([String], [JSON]) = ([], [])
    var byteCount = 0
    for (index, listing) in listings.enumerated() where written(places).contains(listing.store) {
      let clock: @Sendable () -> Double = {
        deletes ? StoreClock.now(in: listing.store) : System.now
      }
      let others = listings.indices.filter { $0 != index }.flatMap { listings[$0].entries }
      let search = GarbageSearch(listing, others: others, rules: rules, now: clock())
      for remark in search.remarks { Terminal.standardError.print("note: \(remark)") }
      let collecting = GarbageCollecting(rules, now: clock)
      for garbage in try search.found() {
        if deletes, try !collecting.remove(garbage) { continue }
        byteCount += garbage.byteCount
        lines.append(
          "\(Readable.bytes(garbage.byteCount))\t\(garbage.path)\t\(garbage.reason.rawValue)")
        items.append(garbage.json)
      }
    }
    if invocation.isJSON {
      return StoreCommand.print(
        JSON.object([
          "deleted": .bool(deletes), "bytes": .integer(byteCount), "found": .array(items),
        ]).canonical)
    }
    for line in lines { StoreCommand.print(line) }
    StoreCommand.print(summary(items.count, byteCount, deleted: deletes))
  }

  private static func summary(_ count: Int, _ byteCount: Int, deleted: Bool) -> String {
    if count == 0 { return "Nothing is left over." }
    let amount = "\(count) thing\(count == 1 ? "" : "s"), \(Readable.bytes(byteCount))"
    return deleted ? "Deleted \(amount)." : "\(amount); --delete deletes them."
  }

  /// The stores that are cleared: of a pipeline file the one that it writes to.
  private static func written(_ places: [StorePlace]) -> [String] {
    places.compactMap { $0.stores.first }
  }

  private static func rules(
    _ invocation: Invocation, _ places: [StorePlace]
  ) throws -> GarbageRules {
    var rules = GarbageRules()
    rules.takesCheckpoints = invocation.options[StoreFlag.checkpoints.name] != nil
    rules.takesUnused = invocation.options[StoreFlag.unused.name] != nil
    if let text = invocation.options[StoreFlag.days.name] {
      guard let days = Double(text), days.isFinite, days >= 0 else {
        throw CollectError.badDays(text)
      }
      rules.patience = days * secondsOfDay
    }
    for case .pipeline(let pipeline) in places { rules.keep(pipeline) }
    return rules
  }
}

extension Garbage {
  fileprivate var json: JSON {
    .object([
      "path": .string(path), "reason": .string(reason.rawValue), "bytes": .integer(byteCount),
    ])
  }
}

/// A flag of `gc` that cannot be understood.
package enum CollectError: Failure, Equatable {
  case badDays(String)

  package var sentence: String {
    switch self {
    case .badDays(let text): "--days \(text) is no number of days."
    }
  }
}
