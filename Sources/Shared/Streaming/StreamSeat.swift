// The readers of a stream. Comes in: what each asks for. Leaves: a file per reader that workers look at, for as long
// as the reader lives. There are only as many seats as windows fit on the disk; who comes later waits for one.

/// A reader's seat.
package final class StreamSeat: Sendable {
  private let path: String
  private let lease: Lease

  private init(path: String, lease: Lease) {
    self.path = path
    self.lease = lease
  }

  private static func path(_ seat: Int, _ folder: StreamFolder) -> String {
    "\(folder.path)/reader-\(paddedNumber(seat)).json"
  }

  /// Takes a seat; nil where all are taken by others that live.
  package static func take(
    of seats: Int, in folder: StreamFolder, _ watch: inout LeaseWatch
  ) throws -> StreamSeat? {
    for seat in 0..<seats {
      let path = path(seat, folder)
      guard try watch.look(at: path + Lease.suffix) == .free,
        let lease = try Lease.claim(path + Lease.suffix)
      else { continue }
      let taken = StreamSeat(path: path, lease: lease)
      try taken.ask(for: StreamDemand())
      return taken
    }
    return nil
  }

  /// Says what the reader needs.
  package func ask(for demand: StreamDemand) throws {
    try lease.requireHeld()
    try AtomicFile.replace(path, with: demand.json.canonical)
  }

  /// Leaves the seat; to be called once.
  package func leave() {
    // Whoever took the seat over has the file by now.
    if (try? lease.requireHeld()) != nil { try? System.remove(path) }
    lease.release()
  }

  /// What the readers of a stream that live ask for.
  package static func demands(
    of seats: Int, in folder: StreamFolder, _ watch: inout LeaseWatch
  ) throws -> [StreamDemand] {
    var demands: [StreamDemand] = []
    for seat in 0..<seats {
      let path = path(seat, folder)
      if try watch.look(at: path + Lease.suffix) == .free { continue }
      guard try System.isThere(path), let bytes = try? MappedFile.contents(path),
        let demand = StreamDemand(parsing: bytes)
      else { continue }
      demands.append(demand)
    }
    return demands
  }
}

extension StreamDemand {
  /// Shards in a list, at most, and the numbers of shards; what another program wrote is not trusted.
  private static let limit = 1 << 20

  package var json: JSON {
    [
      "window": .array(window.map { .integer($0) }), "next": .array(next.map { .integer($0) }),
    ]
  }

  package init?(parsing bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes) else { return nil }
    func list(_ key: String) -> [Int]? {
      guard let values = json[key]?.array, values.count <= Self.limit else { return nil }
      let numbers = values.compactMap(\.integer).filter { (0..<Self.limit).contains($0) }
      return numbers.count == values.count ? numbers : nil
    }
    guard let window = list("window"), let next = list("next") else { return nil }
    self.init(window: window, next: next)
  }
}
