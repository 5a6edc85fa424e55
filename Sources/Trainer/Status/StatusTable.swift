// The states of runs for people and for programs. Comes in: states. Leaves: a table that fits the terminal, or
// all there is to say of a single run; and JSON.

package import Shared

/// Several runs, or one, on a terminal.
package struct StatusTable: Sendable {
  private let runs: [RunStatus]

  package init(_ runs: [RunStatus]) { self.runs = runs }

  /// The text for a terminal of so many columns.
  package func text(columns: Int, bold: (String) -> String = { $0 }) -> String {
    let text = runs.count == 1 ? single(runs[0]).text(bold: bold) : list(columns, bold)
    // A store may hold anything under the name of a run.
    return Terminal.harmless(text)
  }

  private typealias Column = (
    heading: String, alignment: Table.Alignment, rank: Int, cell: (RunStatus) -> String
  )

  /// Columns of a higher rank are left out first.
  private static var columns: [Column] {
    [
      ("run", .left, 0, \.name), ("state", .left, 1, \.state.rawValue),
      ("step", .right, 2, \.progress),
      ("EV", .right, 3, { $0.text(.explainedVariance) }), ("L0", .right, 5, { $0.text(.l0) }),
      ("dead", .right, 6, { $0.text(.deadLatents) }),
      ("course", .left, 8, \.sparkline), ("tokens/s", .right, 9, \.speed),
      ("left", .right, 4, \.timeLeft), ("last line", .right, 10, \.lastLine),
      ("held by", .left, 7, \.heldBy),
    ]
  }

  private func list(_ columnCount: Int, _ bold: (String) -> String) -> String {
    for rank in (2...StatusTable.columns.count).reversed() {
      let table = table(StatusTable.columns.filter { $0.rank < rank })
      let isLast = rank == 2
      let lines = table.text().split(separator: "\n")
      if isLast || lines.allSatisfy({ $0.count <= columnCount }) {
        return ([table.text(bold: bold)] + noteLines).joined(separator: "\n")
      }
    }
    return ""
  }

  private func table(_ columns: [Column]) -> Table {
    // A column that says nothing of any run is none.
    let columns = columns.filter { column in
      column.rank < 2 || runs.contains { !column.cell($0).isEmpty }
    }
    var table = Table(title: "", columns: columns.map { .init($0.heading, $0.alignment) })
    for run in runs { table.add(columns.map { $0.cell(run) }) }
    return table
  }

  private var noteLines: [String] {
    runs.flatMap { run in run.notes.map { "note: \(run.name): \($0)" } }
  }

  private func single(_ run: RunStatus) -> Table {
    var table = Table(title: run.name, columns: [.init(""), .init("")])
    let course = run.sparkline.isEmpty ? "" : "\(run.sparkline)  \(run.courseFigure.words)"
    for (name, value) in [
      ("state", run.state.rawValue), ("step", run.progress),
      (Figure.explainedVariance.words, run.text(.explainedVariance)), ("L0", run.text(.l0)),
      (Figure.deadLatents.words, run.text(.deadLatents)), ("loss", run.text(.overall)),
      ("course", course), ("tokens/s", run.speed), ("time left", run.timeLeft),
      ("last line", run.lastLine), ("held by", run.heldBy), ("folder", run.folder),
    ] where !value.isEmpty {
      table.add([name, value])
    }
    for note in run.notes { table.add(["note", note]) }
    return table
  }
}

extension RunStatus {
  fileprivate var progress: String {
    guard let step else { return steps.map { "0/\($0)" } ?? "" }
    guard let steps, steps > 0, state != .finished else { return "\(step)" }
    // What a damaged log says may be any number.
    let percent = min(max(100 * Double(step) / Double(steps), 0), 100)
    return "\(step)/\(steps) \(Int(percent)) %"
  }

  fileprivate func text(_ figure: Figure) -> String { figures[figure].map(figure.text) ?? "" }

  fileprivate var sparkline: String {
    Sparkline.text(course, floor: courseFigure == .explainedVariance ? 0 : -.infinity)
  }

  fileprivate var speed: String { tokensPerSecond.map { Readable.count($0) } ?? "" }

  fileprivate var timeLeft: String { secondsLeft.map { Readable.clock(seconds: $0) } ?? "" }

  fileprivate var lastLine: String {
    guard let age, state != .finished else { return "" }
    return Readable.duration(seconds: age) + " ago"
  }

  fileprivate var heldBy: String {
    guard let holder, let heldSeconds else { return "" }
    let host = holder.host.isEmpty ? "a machine" : holder.host
    return "\(host), process \(holder.process), for \(Readable.duration(seconds: heldSeconds))"
  }
}

extension RunStatus {
  /// What `--json` prints.
  package var json: JSON {
    var members: [String: JSON] = [
      "folder": .string(folder), "name": .string(name), "state": .string(state.rawValue),
      "step": step.map { .integer($0) } ?? .null, "steps": steps.map { .integer($0) } ?? .null,
      "tokens_per_second": Figure.tokensPerSecond.json(tokensPerSecond),
      "seconds_left": number(secondsLeft), "seconds_since_last_line": number(age),
      "notes": .array(notes.map { .string($0) }),
      "figures": .object(
        Dictionary(
          figures.map { ($0.figure.name, $0.figure.json($0.value)) }, uniquingKeysWith: { $1 })),
      "held_by": .null,
    ]
    if let holder {
      members["held_by"] = [
        "host": .string(holder.host), "pid": .integer(Int(holder.process)),
        "is_local": .bool(holder.isLocal), "seconds": number(heldSeconds),
      ]
    }
    return .object(members)
  }

  private func number(_ value: Double?) -> JSON {
    value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null
  }
}
