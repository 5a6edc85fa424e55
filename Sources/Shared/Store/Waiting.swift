// What one says who waits for the work of others: who is at it, for how long, and how much is left. Comes in: leases.
// Leaves: a sentence; nothing is written or taken away.

package enum Waiting {
  /// Seconds after which one who waits says so, and until the next word.
  static let firstSeconds = 5.0
  package static let secondsBetween = 600.0

  /// Who holds leases: "alice on node7 and 2 others, for 3 min 05 s"; nil where nobody does.
  package static func holders(_ leases: [String], now: Double = System.now) -> String? {
    let sights = leases.compactMap(LeaseSight.look).filter { $0.isHeld(now) }
    guard let longest = sights.map({ $0.heldSeconds(now) }).max() else { return nil }
    let names = Set(sights.map(\.holder)).sorted()
    let others =
      names.count > 1 ? " and \(names.count - 1) other\(names.count > 2 ? "s" : "")" : ""
    return "\(names[0])\(others), for \(Readable.duration(seconds: longest))"
  }

  /// Of units that are files of a folder, some of them given; nil where nobody is at these.
  static func words(
    _ unit: String, _ some: [String], left: Int, of count: Int, now: Double = System.now
  ) -> String? {
    holders(some.map { $0 + Lease.suffix }, now: now).map {
      "waiting for the last \(left) of \(count) \(unit)s; at work: \($0)"
    }
  }
}

extension LeaseSight {
  /// "alice on node7", or the process where the user is not known.
  package var holder: String { LeaseSight.holder(user, process, on: host) }

  static func holder(_ user: String, _ process: Int32, on host: String) -> String {
    "\(user.isEmpty ? "process \(process)" : user) on \(host)"
  }
}
