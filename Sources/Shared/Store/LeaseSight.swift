// A lease as one sees it who only looks. Comes in: the path of a lease. Leaves: who holds it and since when;
// nothing is written, renamed or taken away.

/// Who holds a unit of work.
///
/// Times are seconds since 1970, `since` and `renewed` by the owner's clock, `modified` by that of the disk.
package struct LeaseSight: Sendable, Equatable {
  /// The owner's user, by the name on the owner's machine; empty of leases that do not say.
  package let user: String
  package let host: String
  package let process: Int32
  /// Whether the owner is a process of this machine.
  package let isLocal: Bool
  /// Whether the owner was a process of this machine that is gone.
  package let isDead: Bool
  package let since: Double
  package let renewed: Double
  package let modified: Double
  /// How long the owner may be silent.
  package let patience: Double

  /// Nil where there is no lease; of one that is being written, what can be read.
  package static func look(at path: String) -> LeaseSight? {
    guard let descriptor = try? System.openForReading(path) else { return nil }
    defer { System.close(descriptor) }
    guard let status = try? System.status(of: descriptor, path: path),
      let content = try? LeaseContent(descriptor, byteCount: status.byteCount, path: path)
    else { return nil }
    let modified = Double(status.modifiedNanoseconds) * 1e-9
    guard let record = LeaseRecord(lastOf: content.tail) else {
      return LeaseSight(
        user: "", host: "", process: 0, isLocal: false, isDead: false, since: modified,
        renewed: modified,
        modified: modified, patience: Lease.defaultSeconds)
    }
    let lines = content.tail.split(separator: 0x0A)
    let whole = content.tail.last == 0x0A ? lines[...] : lines.dropLast()
    let head =
      content.tail.count == content.byteCount
      ? content.tail
      : try? System.read(descriptor, byteCount: LeaseRecord.byteLimit, offset: 0, path: path)
    let first = head?.split(separator: 0x0A).first.flatMap(Line.init)
    let last = whole.last.flatMap(Line.init)
    return LeaseSight(
      user: last?.user ?? "", host: last?.host ?? "", process: record.process,
      isLocal: record.isLocal,
      isDead: record.isDead, since: first?.written ?? modified, renewed: last?.written ?? modified,
      modified: modified, patience: record.seconds)
  }

  /// What a line says to people.
  private struct Line {
    let user: String
    let host: String
    let written: Double

    init?(_ bytes: ArraySlice<UInt8>) {
      guard let json = try? JSON(parsing: Array(bytes)), let host = json["host"]?.string,
        let deadline = json["deadline"]?.double, let seconds = json["seconds"]?.double
      else { return nil }
      user = json["user"]?.string ?? ""
      self.host = host
      written = deadline - seconds
    }
  }
}

extension LeaseSight {
  /// Whether the owner may still be at work; `now` is this machine's time or the disk's.
  ///
  /// Clocks of machines and disks differ: a sign of life counts by the disk's clock and by the owner's.
  package func isHeld(_ now: Double) -> Bool {
    !isDead && (now - modified <= patience || now - renewed <= patience)
  }

  /// How long the owner has held it, whatever the owner's clock says.
  package func heldSeconds(_ now: Double) -> Double {
    max(0, renewed - since) + max(0, min(now - modified, patience))
  }
}
