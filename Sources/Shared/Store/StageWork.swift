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
    let board = try board(units, name, onFinished, onWaiting)
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
    let board = try board(units, name, onFinished, onWaiting)
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
    let path = file.path
    let sha256: String
    do { sha256 = try file.digest() } catch {
      // Who finds the work finished may have cleared this file away.
      if error.isNotFound, System.exists(path) { return false }
      throw error
    }
    guard try file.publishIfAbsent() else { return false }
    ShardDigest.note(sha256, of: path)
    return true
  }

  /// Makes the folder, removes what processes of this machine left when they died, and notes the units that are there.
  private func board(
    _ units: Int, _ name: (Int) -> String, _ onFinished: (Int) -> Void,
    _ onWaiting: @escaping @Sendable (String) -> Void
  ) throws(SystemError) -> WorkBoard {
    try System.createDirectories(path)
    var abandoned: [String] = []
    let there = try unitsThere(units, name) {
      if TemporaryName($0)?.isAbandoned == true { abandoned.append($0) }
    }
    for name in abandoned { try System.remove(path + "/" + name) }
    let board = WorkBoard(units: units, onWaiting: onWaiting)
    for unit in there where board.take(unit) {
      board.finish(unit, isOurs: false)
      onFinished(unit)
    }
    return board
  }
}
