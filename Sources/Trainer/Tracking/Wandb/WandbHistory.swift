// The rows of W&B's history, out of a run's log. Comes in: metrics.jsonl, and when its lines were written.
// Leaves: one row per step, each a function of the log alone, and the last value of every figure.

import Foundation
import Shared

/// A row of the history.
struct WandbRow: Sendable, Equatable {
  let step: Int
  /// Figures, `_step`, `_timestamp` and `_runtime`.
  let members: [String: JSON]

  /// The row as JSON, in which what is not finite is NaN, as W&B writes it.
  var text: String { WandbText.json(.object(members)) }
}

/// Reads a log row by row, from front to back, and holds one row at a time.
struct WandbHistory: Sendable {
  private var lines: LineTail
  private let times: WandbTimes
  /// The row that further lines may add to.
  private var open: (step: Int, members: [String: JSON])?
  private var lineCount = 0
  /// The last value of each figure, as W&B's summary has them.
  private(set) var summary: [String: JSON] = [:]

  init(log: String, times: WandbTimes) {
    lines = LineTail(log)
    self.times = times
  }

  /// The next row that no further line can change; nil where there is none yet.
  ///
  /// `isLast` says that no more lines will come.
  mutating func next(isLast: Bool) throws -> WandbRow? {
    while let line = try lines.next() {
      let (stamp, runtime) = times[lineCount]
      lineCount += 1
      guard var members = (try? JSON(parsing: line))?.object,
        let step = members.removeValue(forKey: "step")?.integer
      else { continue }
      members["_timestamp"] = .number(stamp)
      members["_runtime"] = .number(runtime)
      guard let before = open else {
        open = (step, members)
        continue
      }
      guard before.step == step else {
        open = (step, members)
        return finished(before.step, before.members)
      }
      open = (step, WandbHistory.merged(before.members, members))
    }
    guard isLast, let last = open else { return nil }
    open = nil
    return finished(last.step, last.members)
  }

  private mutating func finished(_ step: Int, _ members: [String: JSON]) -> WandbRow {
    var members = members
    members["_step"] = .integer(step)
    summary = WandbHistory.merged(summary, members)
    return WandbRow(step: step, members: members)
  }

  /// Members of both; where both have objects, other than histograms, the members of these.
  private static func merged(
    _ first: [String: JSON], _ second: [String: JSON]
  ) -> [String: JSON] {
    first.merging(second) { old, new in
      guard let before = old.object, let after = new.object, after["_type"] == nil else {
        return new
      }
      return .object(merged(before, after))
    }
  }

  /// The summary as W&B stores it.
  var summaryText: String {
    var members = summary
    let runtime = summary["_runtime"]?.double ?? 0
    members["_wandb"] = ["runtime": .integer(Int(runtime))]
    return WandbText.json(.object(members))
  }
}

/// JSON as Python writes it.
enum WandbText {
  static func json(_ value: JSON) -> String {
    switch value {
    case .null: return "NaN"
    case .object(let members):
      let sorted = members.sorted { $0.key < $1.key }
      let parts = sorted.map { JSON.string($0.key).canonical + ":" + json($0.value) }
      return "{" + parts.joined(separator: ",") + "}"
    case .array(let values):
      return "[" + values.map { json($0) }.joined(separator: ",") + "]"
    default: return value.canonical
    }
  }
}
