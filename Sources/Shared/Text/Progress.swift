// How far a stage is. Comes in: counts of what has been done, from any thread. Leaves: one live
// line on a terminal, plain lines at growing distances elsewhere, nothing when quiet.

import Foundation
import Synchronization

/// The progress of one stage.
package final class Progress: Sendable {
  /// Whether anything is shown at all.
  package enum Mode: Sendable {
    case automatic
    case quiet
  }

  private struct State {
    var done = 0
    var skipped = 0
    var parts = 0
    var nextShown: Double
    var lastSampled: Double
    var sampledCount = 0
    // Counts and seconds of the recent past, each weighted by how recent it is.
    var recentCount = 0.0
    var recentSeconds = 0.0
    var isFinished = false
  }

  /// Seconds between two drawings of the live line.
  private static let redrawInterval = 0.1
  /// Seconds before the first line where there is no terminal; the next comes when twice as many have
  /// passed, up to a greatest distance.
  private static let firstLine = 10.0
  private static let longestSilence = 600.0
  /// Seconds after which a speed has lost 63 % of its weight.
  private static let memory = 15.0

  private let stage: String
  private let unit: String
  private let total: Int
  private let parts: Int?
  private let terminal: Terminal
  private let mode: Mode
  private let started: Double
  private let state: Mutex<State>

  /// Starts the clock of a stage.
  ///
  /// - Parameters:
  ///   - stage: the word that opens every line.
  ///   - unit: what is counted, in the plural: tokens.
  ///   - total: how many of them there are.
  ///   - parts: the number of shards, where the work is cut into shards.
  ///   - mode: whether anything is shown.
  ///   - terminal: where lines go.
  package init(
    stage: String, unit: String = "tokens", total: Int, parts: Int? = nil,
    mode: Mode = .automatic, terminal: Terminal = .standardError
  ) {
    self.stage = stage
    self.unit = unit
    self.total = total
    self.parts = parts
    self.mode = mode
    self.terminal = terminal
    started = terminal.seconds
    let wait = terminal.isInteractive ? Progress.redrawInterval : Progress.firstLine
    state = Mutex(State(nextShown: started + wait, lastSampled: started))
  }

  // An error or an interruption leaves the cursor at the start of an empty line.
  deinit {
    if mode != .quiet, !state.withLock({ $0.isFinished }) { terminal.settle(nil) }
  }

  /// Counts work done by this process; `facts` are asked for when a line is shown, and say in the place
  /// of shares and counts how far the work is.
  package func advance(_ count: Int, facts: () -> [ProgressFact] = { [] }) {
    update(facts) { $0.done += count }
  }

  /// Counts work that was there before or that another process did; it does not enter the speed.
  package func skip(_ count: Int, parts: Int = 0) {
    update {
      $0.skipped += count
      $0.parts += parts
    }
  }

  /// Counts one finished shard.
  package func finishPart() {
    update { $0.parts += 1 }
  }

  /// Prints a line of its own above the live line.
  package func note(_ text: String) {
    if mode != .quiet { terminal.print(text) }
  }

  /// Ends the line with what was done in which time.
  ///
  /// - Returns: units per second over the whole stage, without those skipped.
  @discardableResult package func finish() -> Double {
    let seconds = max(terminal.seconds - started, 1e-9)
    let done = state.withLock { state in
      state.isFinished = true
      return state.done
    }
    let speed = Double(done) / seconds
    guard mode != .quiet else { return speed }
    let summary =
      "\(stage): \(Readable.count(done)) \(unit) in \(Readable.duration(seconds: seconds)), "
      + "\(Readable.count(speed)) \(unit)/s"
    terminal.settle(done > 0 ? summary : nil)
    return speed
  }

  private func update(
    _ facts: () -> [ProgressFact] = { [] }, _ change: (inout State) -> Void
  ) {
    state.withLock { state in
      change(&state)
      guard mode != .quiet, !state.isFinished else { return }
      let now = terminal.seconds
      guard now >= state.nextShown else { return }
      state.nextShown = now + interval(at: now)
      sample(&state, at: now)
      let line = line(state, facts())
      if terminal.isInteractive {
        // The last column stays free: some terminals wrap when it is written.
        terminal.draw(line.live(width: max(1, terminal.columns - 1)))
      } else {
        terminal.print(line.plain)
      }
    }
  }

  private func interval(at now: Double) -> Double {
    if terminal.isInteractive { return Progress.redrawInterval }
    return min(Progress.longestSilence, max(Progress.firstLine, now - started))
  }

  private func sample(_ state: inout State, at now: Double) {
    let seconds = now - state.lastSampled
    let weight = exp(-seconds / Progress.memory)
    state.recentCount = state.recentCount * weight + Double(state.done - state.sampledCount)
    state.recentSeconds = state.recentSeconds * weight + seconds
    state.lastSampled = now
    state.sampledCount = state.done
  }

  private func line(_ state: State, _ facts: [ProgressFact]) -> ProgressLine {
    let done = state.done + state.skipped
    let speed = state.recentSeconds > 0 ? state.recentCount / state.recentSeconds : 0
    let left = speed > 0 ? Double(max(0, total - done)) / speed : .infinity
    let clock = ProgressFact("\(Readable.clock(seconds: left)) left", rank: 1)
    let rate = "\(Readable.count(speed)) \(unit)/s"
    let fraction = total > 0 ? min(1, Double(done) / Double(total)) : 0
    guard facts.isEmpty else {
      let short = Readable.count(speed) + "/s"
      return ProgressLine(
        stage: stage, facts: facts + [ProgressFact(rate, short: short, rank: .max), clock],
        fraction: fraction)
    }
    let share = parts.map { "\(state.parts)/\($0) shards" } ?? Readable.percent(fraction)
    return ProgressLine(
      stage: stage,
      facts: [ProgressFact(share, rank: 0), ProgressFact(rate, rank: 2), clock],
      extra: (ProgressFact("\(Readable.count(done)) \(unit)", rank: 3), 1), fraction: fraction)
  }
}
