// Shards of a stream as training reads them. Comes in: which shards a pass over the rows needs, in which order.
// Leaves: each once it is there; those that no pass and no other reader comes to any more are removed.

package import Shared
import Synchronization

/// One process's reading of a stream, by any number of passes at a time, of which one mixes shards.
package final class ShardSupply: Sendable {
  /// Seconds between two looks for a shard, and seconds of waiting after which that is said.
  private static let pauses = (first: 0.002, longest: 0.1)
  private static let patience = 10.0
  /// What one who waits for the cacher says.
  static let waiting =
    "waiting for activations: saeline-cache makes them, run with the same pipeline file"
  /// Seconds between two looks at the seat while a shard is waited for.
  private static let seatSeconds = 2.0

  private struct State {
    var seat: StreamSeat?
    var watch = LeaseWatch()
    var demands: [Int: StreamDemand] = [:]
    /// What a pass will come to that has not begun.
    var later: [Int] = []
    var passes = 0
    var statistics: [Int: ActivationStatistics] = [:]
    var note: (@Sendable (String) -> Void)?
    var hasSaid = false

    var demand: StreamDemand {
      var demand = ShardSupply.merged(demands.sorted { $0.key < $1.key }.map(\.value))
      demand.next += later
      return demand
    }
  }

  package let stream: ActivationStream
  private let state = Mutex(State())

  package init(_ stream: ActivationStream) { self.stream = stream }

  deinit { leave() }

  private var folder: StreamFolder { stream.folder }

  /// Shards ahead of those that are read which it makes sense to ask for.
  var lookAhead: Int { stream.slots }

  /// Sets who hears that a shard is waited for.
  package func tell(_ note: @escaping @Sendable (String) -> Void) {
    state.withLock { $0.note = note }
  }

  /// Gives the place among the readers back, until the next pass.
  package func leave() {
    state.withLock { state in
      state.seat?.leave()
      state.seat = nil
    }
  }

  /// Has shards made, or kept where they are there, for the pass after the present ones, where places are left.
  ///
  /// They are asked for from the next change of a window on, until other ones are expected.
  package func expect(_ shards: some Sequence<Int>) {
    let shards = Array(shards.prefix(lookAhead))
    state.withLock { $0.later = shards }
  }

  package func pass() -> ShardPass {
    ShardPass(
      self,
      number: state.withLock { state in
        state.passes += 1
        return state.passes
      })
  }

  /// Says what a pass needs from here on, and removes what nobody needs any more.
  fileprivate func ask(_ number: Int, _ demand: StreamDemand, _ isStopped: () -> Bool) throws {
    let before = state.withLock { state in
      defer { state.demands[number] = demand }
      return state.demands[number]?.window ?? []
    }
    try publish(isStopped)
    try state.withLock { state in
      let all = state.demand
      for shard in before where !all.contains(shard) { try release(shard, &state.watch) }
    }
  }

  /// Says what all passes need, from another seat where this process stood still for so long that it lost its own.
  private func publish(_ isStopped: () -> Bool) throws {
    while true {
      try takeSeat(isStopped)
      let isSaid = try state.withLock { state in
        do { try state.seat?.ask(for: state.demand) } catch is LostLease {
          state.seat?.leave()
          state.seat = nil
        }
        return state.seat != nil
      }
      if isSaid { return }
    }
  }

  /// Ends a pass.
  ///
  /// What it leaves on the disk goes once workers need the place.
  fileprivate func end(_ number: Int) {
    state.withLock { state in
      guard state.demands.removeValue(forKey: number) != nil else { return }
      // Where it cannot be said, what is asked for stays a little longer.
      try? state.seat?.ask(for: state.demand)
    }
  }

  /// All that passes of one reader ask for, in turn.
  package static func merged(_ demands: [StreamDemand]) -> StreamDemand {
    var all = StreamDemand()
    for shard in demands.flatMap(\.window) where !all.window.contains(shard) {
      all.window.append(shard)
    }
    for place in 0..<(demands.map(\.next.count).max() ?? 0) {
      for demand in demands where place < demand.next.count { all.next.append(demand.next[place]) }
    }
    return all
  }

  private func release(_ shard: Int, _ watch: inout LeaseWatch) throws {
    let (seats, folder) = (stream.seats, folder)
    var look = LeaseWatch()
    try folder.remove(shard, &watch) {
      try StreamSeat.demands(of: seats, in: folder, &look).contains { $0.contains(shard) }
    }
  }

  private func takeSeat(_ isStopped: () -> Bool) throws {
    while true {
      let isSeated = try state.withLock { state in
        if state.seat == nil {
          state.seat = try StreamSeat.take(of: stream.seats, in: folder, &state.watch)
        }
        return state.seat != nil
      }
      if isSeated { return }
      say(
        "waiting: other runs read this stream, and cache.max_disk_gb has room for \(stream.seats)")
      try pause(Self.pauses.longest, isStopped)
    }
  }

  private func say(_ text: String) {
    let note = state.withLock { state in
      defer { state.hasSaid = true }
      return state.hasSaid ? nil : state.note
    }
    note?(text)
  }

  static func checkInterruption() throws(Interrupted) {
    guard System.isInterrupted else { return }
    throw Interrupted(
      "Interrupted while activations were waited for.",
      hint: "Run the same command again to continue.")
  }

  private func pause(_ seconds: Double, _ isStopped: () -> Bool) throws {
    try ShardSupply.checkInterruption()
    if isStopped() { throw CancellationError() }
    System.sleep(seconds: seconds)
  }

  /// Waits until a shard is there.
  fileprivate func wait(for shard: Int, _ isStopped: () -> Bool) throws {
    let start = System.uptime
    var seconds = Self.pauses.first
    var looked = start
    while !folder.isThere(shard) {
      if System.uptime - start > Self.patience {
        say(ShardSupply.waiting)
      }
      if System.uptime - looked > Self.seatSeconds {
        looked = System.uptime
        try publish(isStopped)
      }
      try pause(seconds, isStopped)
      seconds = min(seconds * 1.5, Self.pauses.longest)
    }
  }

  /// The sums over all rows of a hook point, from what is noted of shards and, where that is missing, by a pass.
  package func statistics(part: Int, dIn: Int) throws -> ActivationStatistics {
    if let known = state.withLock({ $0.statistics[part] }) { return known }
    func note(_ shard: Int) throws -> StreamNote? {
      try StreamNote.read(folder.notePath(shard, part: part), dIn: dIn)
    }
    let shards = stream.manifest.shards.indices
    let lacking = try shards.filter { try note($0) == nil }
    if !lacking.isEmpty {
      say("reading all activations once, for their statistics")
      let pass = pass()
      defer { pass.close() }
      // What is expected comes last, since it stays.
      let later = state.withLock(\.later)
      let order = lacking.filter { !later.contains($0) } + lacking.filter(later.contains)
      for (place, shard) in order.enumerated() {
        try pass.wait(for: shard, window: [shard], next: { order[(place + 1)...].prefix($0) })
      }
    }
    var sums = ActivationStatistics(dIn: dIn)
    for shard in shards {
      guard let note = try note(shard) else {
        throw RowError.replaced(path: folder.notePath(shard, part: part))
      }
      sums.add(note.statistics)
    }
    state.withLock { $0.statistics[part] = sums }
    return sums
  }
}

/// One pass over rows of a stream.
package final class ShardPass: Sendable {
  private let supply: ShardSupply
  private let number: Int
  private let window = Mutex<[Int]>([])

  fileprivate init(_ supply: ShardSupply, number: Int) {
    self.supply = supply
    self.number = number
  }

  deinit { close() }

  /// Waits for a shard.
  ///
  /// `wanted` are the shards that are needed at the same time, this one among them; of those of the window before
  /// none but these may be open any more. `next` is asked for up to so many of those that come after them, in
  /// order, when the window changes, and `isStopped` whether nobody waits for the pass any more.
  package func wait<Shards: Sequence<Int>>(
    for shard: Int, window wanted: [Int], next: (Int) -> Shards, isStopped: () -> Bool = { false }
  ) throws {
    if window.withLock({ $0 }) != wanted {
      try supply.ask(
        number, StreamDemand(window: wanted, next: Array(next(supply.lookAhead))), isStopped)
      window.withLock { $0 = wanted }
    }
    try supply.wait(for: shard, isStopped)
  }

  package func close() { supply.end(number) }
}
