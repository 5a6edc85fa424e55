// How far a stage is. Comes in: counts of what has been done, from any thread. Leaves: one live
// line on a terminal, one plain line per interval elsewhere, nothing when quiet.

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
    var lastShown: Double
    var lastSampled: Double
    var sampledCount = 0
    // Counts and seconds of the recent past, each weighted by how recent it is.
    var recentCount = 0.0
    var recentSeconds = 0.0
    var isFinished = false
  }

  /// Seconds between two drawings of the live line.
  private static let redrawInterval = 0.1
  /// Seconds between two lines where there is no terminal.
  private static let lineInterval = 10.0
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
    state = Mutex(State(lastShown: started, lastSampled: started))
  }

  // An error or an interruption leaves the cursor at the start of an empty line.
  deinit {
    if mode != .quiet, !state.withLock({ $0.isFinished }) { terminal.settle(nil) }
  }

  /// Counts work done by this process.
  package func advance(_ count: Int) {
    update { $0.done += count }
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

  private func update(_ change: (inout State) -> Void) {
    state.withLock { state in
      change(&state)
      guard mode != .quiet, !state.isFinished else { return }
      let now = terminal.seconds
      let interval = terminal.isInteractive ? Progress.redrawInterval : Progress.lineInterval
      guard now - state.lastShown >= interval else { return }
      state.lastShown = now
      sample(&state, at: now)
      if terminal.isInteractive {
        terminal.draw(liveLine(state, columns: terminal.columns))
      } else {
        terminal.print("\(stage): " + facts(state).joined(separator: ", "))
      }
    }
  }

  private func sample(_ state: inout State, at now: Double) {
    let seconds = now - state.lastSampled
    let weight = exp(-seconds / Progress.memory)
    state.recentCount = state.recentCount * weight + Double(state.done - state.sampledCount)
    state.recentSeconds = state.recentSeconds * weight + seconds
    state.lastSampled = now
    state.sampledCount = state.done
  }

  private func facts(_ state: State) -> [String] {
    let done = state.done + state.skipped
    let speed = state.recentSeconds > 0 ? state.recentCount / state.recentSeconds : 0
    let left = speed > 0 ? Double(max(0, total - done)) / speed : .infinity
    let share = parts.map { "\(state.parts)/\($0) shards" } ?? Readable.percent(fraction(state))
    return [
      share, "\(Readable.count(done)) \(unit)", "\(Readable.count(speed)) \(unit)/s",
      "\(Readable.clock(seconds: left)) left",
    ]
  }

  private func fraction(_ state: State) -> Double {
    total > 0 ? min(1, Double(state.done + state.skipped) / Double(total)) : 0
  }

  /// The line for a terminal; what does not fit is left out: the count, the bar, the speed.
  private func liveLine(_ state: State, columns: Int) -> String {
    let facts = facts(state)
    // The last column stays free: some terminals wrap when it is written.
    let width = max(1, columns - 1)
    let withoutCount = [facts[0], facts[2], facts[3]]
    let candidates: [(fields: [String], hasBar: Bool)] = [
      (facts, true), (withoutCount, true), (withoutCount, false), ([facts[0], facts[3]], false),
      ([facts[0]], false),
    ]
    for (fields, hasBar) in candidates {
      let text = ([stage] + fields).joined(separator: "  ")
      let room = min(30, width - text.count - 2)
      if hasBar, room >= 8 {
        let parts = [stage, Progress.bar(fraction(state), width: room)] + fields
        return parts.joined(separator: "  ")
      }
      if !hasBar, text.count <= width { return text }
    }
    return String(stage.prefix(width))
  }

  private static func bar(_ fraction: Double, width: Int) -> String {
    let filled = Int((fraction * Double(width)).rounded(.down))
    return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
  }
}
