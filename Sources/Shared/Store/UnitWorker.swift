// One thread at work on the units of a folder, and what the threads of a process know together. Comes in: units and
// how to make one. Leaves: units that are made, were there or are held by others. What a worker asks of the disk for
// each unit that it makes does not grow with their number, and with that of the workers only as its logarithm.

import Dispatch
import Synchronization

/// Lets one thread at a time claim and compute a unit; claimed ahead of its turn, a unit would only
/// be kept from other processes.
final class Turns: Sendable {
  private let semaphore = DispatchSemaphore(value: 1)

  func begin() { semaphore.wait() }
  func end() { semaphore.signal() }
}

/// What the threads of one process know together about the units.
final class WorkBoard: Sendable {
  private enum UnitState { case open, inHand, finished }

  private struct State {
    var units: [UnitState]
    var made = 0
    var failure: (any Error)?
    var nextWord = System.uptime + Waiting.firstSeconds
  }

  let unitCount: Int
  private let state: Mutex<State>
  private let onWaiting: @Sendable (String) -> Void
  /// Units whose holders are looked up for a word about them.
  private static let namedUnits = 64

  init(units: Int, onWaiting: @escaping @Sendable (String) -> Void) {
    self.onWaiting = onWaiting
    unitCount = units
    state = Mutex(State(units: [UnitState](repeating: .open, count: units)))
  }

  var madeCount: Int { state.withLock(\.made) }
  var hasFailed: Bool { state.withLock { $0.failure != nil } }
  /// The units that no thread of this process has in hand.
  var open: [Int] {
    state.withLock { state in state.units.indices.filter { state.units[$0] == .open } }
  }

  /// Takes a unit in hand; false where another thread has it or it is finished.
  func take(_ unit: Int) -> Bool {
    state.withLock { state in
      guard state.units[unit] == .open else { return false }
      state.units[unit] = .inHand
      return true
    }
  }

  /// Says whom this process waits for, where that is due.
  func sayWaiting(_ path: (Int) -> String) {
    let now = System.uptime
    let (left, count): ([Int], Int) = state.withLock { state in
      guard now >= state.nextWord else { return ([], 0) }
      state.nextWord = now + Waiting.secondsBetween
      return (state.units.indices.filter { state.units[$0] == .open }, state.units.count)
    }
    if left.isEmpty { return }
    let some = left.prefix(Self.namedUnits).map(path)
    Waiting.words("part", some, left: left.count, of: count).map(onWaiting)
  }

  func putBack(_ unit: Int) { state.withLock { $0.units[unit] = .open } }

  func finish(_ unit: Int, isOurs: Bool) {
    state.withLock { state in
      state.units[unit] = .finished
      if isOurs { state.made += 1 }
    }
  }

  func fail(_ error: any Error) {
    state.withLock { $0.failure = $0.failure ?? error }
  }

  func throwFailure() throws {
    if let failure = state.withLock(\.failure) { throw failure }
  }
}

/// One thread that works on a folder.
struct UnitWorker {
  /// `taken`: another thread of this process has the unit.
  private enum Outcome { case made, wasThere, taken, held(isLocal: Bool) }

  private enum Beginning<Product> {
    case over(Outcome)
    case computed(Product, Lease)
  }

  /// Seconds between two looks at units that others hold: at first, and at most.
  private static let firstPause = 0.05
  private static let longestLocalPause = 0.2
  private static let longestPause = 2.0
  /// Names that are read from a folder at the cost of a look at one file.
  private static let unitsPerMiss = 256

  let folder: StageFolder
  let board: WorkBoard
  let leaseSeconds: Double
  let turns: Turns?
  private var watch = LeaseWatch()
  /// Units that are found made by others before the folder is listed again.
  private var missesUntilListing: Int
  private var draws = 0

  init(folder: StageFolder, board: WorkBoard, leaseSeconds: Double, turns: Turns? = nil) {
    self.folder = folder
    self.board = board
    self.leaseSeconds = leaseSeconds
    self.turns = turns
    missesUntilListing = Self.misses(board.open.count)
  }

  private static func misses(_ open: Int) -> Int {
    max(StageFolder.fewUnits, open / unitsPerMiss)
  }

  mutating func run<Product>(
    _ name: (Int) -> String, compute: (Int) throws -> Product,
    write: (Int, Product, inout AtomicFile) throws -> Void, _ onFinished: (Int) -> Void
  ) throws {
    var pause = Self.firstPause
    var start = 0
    while true {
      if missesUntilListing <= 0 { try strikeOff(name, onFinished) }
      let open = board.open
      var walk = UnitWalk(count: open.count, random: random(), start: start)
      var (progressed, longest) = (false, Self.longestPause)
      while !walk.isOver, !board.hasFailed {
        let unit = open[walk.index]
        switch try attempt(unit, folder.path + "/" + name(unit), compute, write) {
        case .taken:
          walk.advance()
          continue
        case .held(let isLocal):
          board.putBack(unit)
          if isLocal { longest = Self.longestLocalPause }
          walk.pass()
          continue
        case .made:
          board.finish(unit, isOurs: true)
          walk.advance()
        case .wasThere:
          board.finish(unit, isOurs: false)
          missesUntilListing -= 1
          walk.pass()
        }
        progressed = true
        onFinished(unit)
      }
      // What other threads of this process have in hand, they finish or fail with.
      let left = board.open.count
      if left == 0 || board.hasFailed { return }
      if !progressed { board.sayWaiting { folder.path + "/" + name($0) } }
      pause = progressed ? Self.firstPause : min(pause * 1.5, longest)
      // Those who only wait look at different units.
      start = progressed ? 0 : random().integer(0, below: left)
      System.sleep(seconds: pause)
    }
  }

  private mutating func random() -> Random {
    draws += 1
    return Random(
      seed: Int(System.processIdentifier), stream: ProcessIdentity.token, index: draws)
  }

  /// Marks the units that are there, by one look at the folder in place of one at each of them.
  private mutating func strikeOff(
    _ name: (Int) -> String, _ onFinished: (Int) -> Void
  ) throws {
    let open = board.open.count
    missesUntilListing = Self.misses(open)
    guard open > StageFolder.fewUnits else { return }
    let there = try folder.unitsThere(board.unitCount, name)
    for unit in there where board.take(unit) {
      watch.forget(folder.path + "/" + name(unit) + Lease.suffix)
      board.finish(unit, isOurs: false)
      onFinished(unit)
    }
  }

  /// Makes a unit, unless it exists or somebody else is at it.
  private mutating func attempt<Product>(
    _ unit: Int, _ path: String, _ compute: (Int) throws -> Product,
    _ write: (Int, Product, inout AtomicFile) throws -> Void
  ) throws -> Outcome {
    switch try begin(unit, path, compute) {
    case .over(let outcome): return outcome
    case .computed(let product, let lease):
      defer { lease.release() }
      var file = try AtomicFile.create(path)
      try write(unit, product, &file)
      return try folder.publish(file) ? .made : .wasThere
    }
  }

  private mutating func begin<Product>(
    _ unit: Int, _ path: String, _ compute: (Int) throws -> Product
  ) throws -> Beginning<Product> {
    turns?.begin()
    defer { turns?.end() }
    guard !board.hasFailed, board.take(unit) else { return .over(.taken) }
    if System.exists(path) {
      watch.forget(path + Lease.suffix)
      return .over(.wasThere)
    }
    try Interrupted.checkBetweenShards()
    let leasePath = path + Lease.suffix
    if case .held(let isLocal) = try watch.look(at: leasePath) {
      return .over(.held(isLocal: isLocal))
    }
    guard let lease = try Lease.claim(leasePath, seconds: leaseSeconds) else {
      return .over(.held(isLocal: true))
    }
    do {
      // Its last owner may have finished between the look at the file and the claim.
      if System.exists(path) {
        lease.release()
        return .over(.wasThere)
      }
      return .computed(try compute(unit), lease)
    } catch {
      lease.release()
      throw error
    }
  }
}
