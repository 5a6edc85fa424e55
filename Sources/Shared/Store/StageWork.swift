// The work on one stage folder, by any number of threads and processes on any machines that see it.
// Comes in: units and how to make one. Leaves: all units, each made once or thrown away.

import Dispatch
import Synchronization

extension StageFolder {
  /// Makes the units that are missing and waits for those that others make.
  ///
  /// Unit `i` is the file `name(i)` of the folder. Returns once all of them exist, however many
  /// workers made them, with the number that this call made. `onFinished` is called once for every
  /// unit, also for those that were there already; `onWaiting` now and then with a sentence about the
  /// others that it waits for.
  @discardableResult
  package func work(
    units: Int, name: (Int) -> String, leaseSeconds: Double = Lease.defaultSeconds,
    produce: (Int, inout AtomicFile) throws -> Void, onFinished: (Int) -> Void = { _ in },
    onWaiting: @escaping @Sendable (String) -> Void = { _ in }
  ) throws -> Int {
    try prepare()
    let board = WorkBoard(units: units, onWaiting: onWaiting)
    var worker = UnitWorker(folder: self, board: board, leaseSeconds: leaseSeconds)
    try worker.run(name, compute: { _ in }, write: { try produce($0, &$2) }, onFinished)
    return board.madeCount
  }

  /// Makes the units that are missing with several threads, which claim units like processes do.
  @discardableResult
  package func work(
    units: Int, name: @escaping @Sendable (Int) -> String, threads: Int,
    leaseSeconds: Double = Lease.defaultSeconds,
    produce: @escaping @Sendable (Int, inout AtomicFile) throws -> Void,
    onFinished: @escaping @Sendable (Int) -> Void = { _ in },
    onWaiting: @escaping @Sendable (String) -> Void = { _ in }
  ) throws -> Int {
    try work(
      units: units, name: name, threads: threads, turns: nil, leaseSeconds: leaseSeconds,
      compute: { _ in }, write: { try produce($0, &$2) }, onFinished: onFinished,
      onWaiting: onWaiting)
  }

  /// Makes the units that are missing in two steps: up to `ahead` units are in the making, of which
  /// one is computed, on all cores, while the others are written.
  @discardableResult
  package func work<Product>(
    units: Int, name: @escaping @Sendable (Int) -> String, ahead: Int,
    leaseSeconds: Double = Lease.defaultSeconds,
    compute: @escaping @Sendable (Int) throws -> Product,
    write: @escaping @Sendable (Int, Product, inout AtomicFile) throws -> Void,
    onFinished: @escaping @Sendable (Int) -> Void = { _ in },
    onWaiting: @escaping @Sendable (String) -> Void = { _ in }
  ) throws -> Int {
    try work(
      units: units, name: name, threads: ahead, turns: Turns(), leaseSeconds: leaseSeconds,
      compute: compute, write: write, onFinished: onFinished, onWaiting: onWaiting)
  }

  private func work<Product>(
    units: Int, name: @escaping @Sendable (Int) -> String, threads: Int, turns: Turns?,
    leaseSeconds: Double,
    compute: @escaping @Sendable (Int) throws -> Product,
    write: @escaping @Sendable (Int, Product, inout AtomicFile) throws -> Void,
    onFinished: @escaping @Sendable (Int) -> Void,
    onWaiting: @escaping @Sendable (String) -> Void
  ) throws -> Int {
    try prepare()
    let board = WorkBoard(units: units, onWaiting: onWaiting)
    Parallel.onThreads(max(1, min(threads, units))) { _ in
      var worker = UnitWorker(folder: self, board: board, leaseSeconds: leaseSeconds, turns: turns)
      do {
        try worker.run(name, compute: compute, write: write, onFinished)
      } catch {
        board.fail(error)
      }
    }
    try board.throwFailure()
    return board.madeCount
  }

  /// Publishes a file that belongs to this folder unless another worker has.
  ///
  /// For workers that make a unit of several folders at once.
  package func publish(_ file: consuming AtomicFile) throws -> Bool {
    let (sha256, path) = (try file.digest(), file.path)
    guard try file.publishIfAbsent() else { return false }
    ShardDigest.note(sha256, of: path)
    return true
  }

  /// Makes the folder and removes what processes of this machine left when they died.
  private func prepare() throws(SystemError) {
    try System.createDirectories(path)
    for name in try System.list(path) where TemporaryName(name)?.isAbandoned == true {
      try System.remove(path + "/" + name)
    }
  }
}

/// Lets one thread at a time claim and compute a unit; claimed ahead of its turn, a unit would only
/// be kept from other processes.
private final class Turns: Sendable {
  private let semaphore = DispatchSemaphore(value: 1)

  func begin() { semaphore.wait() }
  func end() { semaphore.signal() }
}

/// What the threads of one process know together about the units.
private final class WorkBoard: Sendable {
  private enum UnitState { case open, inHand, finished }

  private struct State {
    var units: [UnitState]
    var made = 0
    var failure: (any Error)?
    var nextWord = System.uptime + Waiting.firstSeconds
  }

  private let state: Mutex<State>
  private let onWaiting: @Sendable (String) -> Void

  init(units: Int, onWaiting: @escaping @Sendable (String) -> Void) {
    self.onWaiting = onWaiting
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
    Waiting.words("part", left: left.map(path), of: count).map(onWaiting)
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
private struct UnitWorker {
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

  let folder: StageFolder
  let board: WorkBoard
  let leaseSeconds: Double
  let turns: Turns?
  private var watch = LeaseWatch()

  init(folder: StageFolder, board: WorkBoard, leaseSeconds: Double, turns: Turns? = nil) {
    self.folder = folder
    self.board = board
    self.leaseSeconds = leaseSeconds
    self.turns = turns
  }

  mutating func run<Product>(
    _ name: (Int) -> String, compute: (Int) throws -> Product,
    write: (Int, Product, inout AtomicFile) throws -> Void, _ onFinished: (Int) -> Void
  ) throws {
    var pause = Self.firstPause
    while true {
      var progressed = false
      var longest = Self.longestPause
      for unit in board.open {
        if board.hasFailed { return }
        switch try attempt(unit, folder.path + "/" + name(unit), compute, write) {
        case .taken: continue
        case .held(let isLocal):
          board.putBack(unit)
          if isLocal { longest = Self.longestLocalPause }
          continue
        case .made: board.finish(unit, isOurs: true)
        case .wasThere: board.finish(unit, isOurs: false)
        }
        progressed = true
        onFinished(unit)
      }
      // What other threads of this process have in hand, they finish or fail with.
      if board.open.isEmpty || board.hasFailed { return }
      if !progressed { board.sayWaiting { folder.path + "/" + name($0) } }
      pause = progressed ? Self.firstPause : min(pause * 1.5, longest)
      System.sleep(seconds: pause)
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
    if System.exists(path) { return .over(.wasThere) }
    if System.isInterrupted {
      throw Interrupted(
        "Interrupted; finished shards are kept.", hint: "Run the same command again to continue.")
    }
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
