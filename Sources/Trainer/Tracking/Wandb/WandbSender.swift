// The thread that sends a run to the server while it goes on. Comes in: the state of the transfer, later how
// the run ended. Leaves: whether all of it arrived. Training waits for it at the end alone, and not for long.

import Foundation
import Shared
import Synchronization

/// How patient sending is.
package struct WandbPatience: Sendable {
  /// Seconds between two rounds.
  package var interval = 5.0
  /// The longest wait after failures.
  package var longestWait = 60.0
  /// The longest wait after failures at the end.
  package var endingWait = 1.0
  /// Seconds at the end without anything moving, after which the rest stays on disk.
  package var ending = 20.0
  /// The same where sending failed before, or where people are waiting; and the least in any case.
  package var shortEnding = 5.0

  package init() {}
}

/// Owns the thread.
final class WandbSender: Sendable {
  private struct State {
    var exitCode: Int?
    var movedAt = System.uptime
    var isFailing = false
    var hasWarned = false
    var isComplete = false
  }

  private let state = Mutex(State())
  /// Rings when the run ends, when nothing more is waited for, and when the thread has ended.
  private let (ending, hurry, done) = (Bell(), Bell(), Bell())
  private let stop: StopFlag
  private let patience: WandbPatience
  private let warn: @Sendable (String) -> Void

  init(_ patience: WandbPatience, stop: StopFlag, warn: @escaping @Sendable (String) -> Void) {
    self.patience = patience
    self.stop = stop
    self.warn = warn
  }

  /// Notes that something has arrived.
  func noteMove() { state.withLock { $0.movedAt = System.uptime } }

  /// Begins to send; `make` is called on the thread, which alone uses what it returns.
  func start(
    sample: @escaping @Sendable () -> Void, _ make: @escaping @Sendable () -> WandbTransfer
  ) {
    do { try WorkerThread.start(taking: .rest) { self.send(sample, make) }.detach() } catch {
      note(error)
      done.ring()
    }
  }

  private func send(_ sample: () -> Void, _ make: () -> WandbTransfer) {
    var transfer = make()
    var failures = 0
    while !stop.isSet {
      let exitCode = state.withLock { $0.exitCode }
      sample()
      var wait = patience.interval
      do {
        try transfer.round(exitCode: exitCode)
        failures = 0
        state.withLock { ($0.isFailing, $0.movedAt) = (false, System.uptime) }
        if exitCode != nil {
          state.withLock { $0.isComplete = true }
          break
        }
      } catch {
        failures += 1
        wait = seconds(after: error, failures)
        if exitCode != nil { wait = min(wait, patience.endingWait) }
        note(error)
      }
      _ = (exitCode == nil ? ending : hurry).wait(seconds: wait)
    }
    done.ring()
  }

  /// How long to wait after a failure, of so many in a row.
  private func seconds(after error: any Error, _ failures: Int) -> Double {
    let failure = error as? WandbFailure
    if let asked = failure?.asked { return min(asked, 10 * patience.longestWait) }
    if failure?.isTransient == false { return patience.longestWait }
    return min(Double(1 << min(failures - 1, 10)), patience.longestWait)
  }

  private func note(_ error: any Error) {
    if stop.isSet { return }
    let reason =
      (error as? WandbFailure)?.reason ?? (error as? any Failure)?.sentence ?? "\(error)"
    let isFirst = state.withLock { state in
      defer { (state.isFailing, state.hasWarned) = (true, true) }
      return !state.hasWarned
    }
    if isFirst {
      warn(
        "warning: W&B could not be reached (\(reason)); the run goes on, and what is not sent "
          + "stays on disk")
    }
  }

  /// Ends the run at the server, and waits for it for as long as something moves.
  ///
  /// - Returns: whether everything has arrived.
  func end(exitCode: Int, isHurried: Bool) -> Bool {
    let isFailing = state.withLock { state in
      state.exitCode = exitCode
      return state.isFailing
    }
    let began = System.uptime
    let limit = isHurried || isFailing ? patience.shortEnding : patience.ending
    ending.ring()
    while !done.wait(seconds: 0.05) {
      let rest = System.uptime - state.withLock { $0.movedAt }
      if rest > limit, System.uptime - began > patience.shortEnding { stop.set() }
      if stop.isSet { hurry.ring() }
    }
    return state.withLock { $0.isComplete }
  }
}
