// What a sweep will cost, before it starts. Comes in: its combinations. Leaves: a line for each and
// their total, as a table and as JSON.

package import Shared

/// The bill of a sweep.
package struct SweepBill: Sendable, Equatable {
  /// The bill of one run.
  package struct Line: Sendable, Equatable {
    package let combination: Combination
    package let bill: TrainingBill
    /// Whether the run is there already and costs nothing.
    package let isFinished: Bool
  }

  package let lines: [Line]
  private let mode: SweepMode

  /// What is missing before runs can start goes to `missing`, once.
  package init(
    _ combinations: [Combination], mode: SweepMode = .separate, through door: (any HubDoor)? = nil,
    speeds: RunSpeeds = RunSpeeds(), missing: (any Failure) -> Void
  ) throws {
    self.mode = mode
    guard let first = combinations.first else {
      lines = []
      return
    }
    var inputs = TrainInputs(first.pipeline, through: door)
    var speeds = speeds
    var found: [String: BilledRows] = [:]
    var named: Set<String> = []
    lines = try combinations.map { combination in
      let pipeline = try inputs.settled(combination.pipeline)
      let choices = combination.choices.filter { TrainSettings.rowOptions.contains($0.name) }
      let key = choices.map(\.text).joined(separator: "\n")
      do {
        let rows =
          try found[key]
          ?? BilledRows(pipeline, inputs: inputs, found: { try inputs.input(pipeline) }) {
            if named.insert($0.sentence).inserted { missing($0) }
          }
        found[key] = rows
        let isFinished = try rows.isFinished(pipeline)
        return Line(
          combination: combination.with(pipeline),
          bill: TrainingBill(
            pipeline, rows, speed: isFinished ? nil : speeds.speed(pipeline, rows)),
          isFinished: isFinished)
      } catch let cause as any Failure {
        if choices.isEmpty { throw cause }
        throw SweepError.combination(combination.label, cause: cause)
      }
    }
  }

  private var unfinished: [TrainingBill] { lines.filter { !$0.isFinished }.map(\.bill) }

  /// The bytes on disk of all runs that are not finished.
  package var diskByteCount: Int { unfinished.reduce(0) { $0 + $1.diskByteCount } }

  /// The memory of the largest run, since runs of one process follow one another; of runs that share
  /// a stream, of all of them, as far as there is memory.
  package var memoryByteCount: Int {
    let largest = unfinished.map(\.memoryByteCount).max() ?? 0
    guard mode == .shared else { return largest }
    var streams: [String: Int] = [:]
    for line in lines where !line.isFinished {
      let train = line.combination.pipeline.train
      let hooks = [train.hookName, train.hookNameOut].map { $0 ?? "" }
      let settings = train.fingerprintSettings(reaching: [.rows, .stream])
      let key = (hooks + [settings.canonical]).joined(separator: "\n")
      streams[key, default: 0] += line.bill.trainingByteCount
    }
    return max(largest, min(streams.values.max() ?? 0, Sweep.memoryLimit))
  }

  private var seconds: Double? {
    unfinished.reduce(0.0 as Double?) { sum, bill in
      sum.flatMap { sum in bill.seconds.map { sum + $0 } }
    }
  }

  private var steps: Int { unfinished.reduce(0) { $0 + $1.steps } }
  private var operations: Double { unfinished.reduce(0) { $0 + $1.sparseOperations } }

  /// The bill for people.
  package var table: Table {
    let options = lines.first?.combination.choices.map(\.name) ?? []
    let figures = ["steps", "operations", "memory", "disk", "time"]
    var table = Table(
      title: "Training, \(lines.count) runs",
      columns: [.init("")] + (options + figures).map { .init($0, .right) })
    for (index, line) in lines.enumerated() {
      table.add(
        ["\(index + 1)"] + line.combination.choices.map(\.text)
          + SweepBill.cells(
            line.bill.steps, line.bill.sparseOperations, line.bill.memoryByteCount,
            line.bill.diskByteCount, line.isFinished ? nil : line.bill.seconds))
    }
    let finished = lines.count - unfinished.count
    table.add(
      [finished > 0 ? "total without \(finished) finished" : "total"] + options.map { _ in "" }
        + SweepBill.cells(steps, operations, memoryByteCount, diskByteCount, seconds))
    return table
  }

  private static func cells(
    _ steps: Int, _ operations: Double, _ memory: Int, _ disk: Int, _ seconds: Double?
  ) -> [String] {
    [
      "\(steps)", Readable.count(operations), Readable.bytes(memory), Readable.bytes(disk),
      seconds.map { Readable.duration(seconds: $0) } ?? "finished",
    ]
  }

  /// The names of a single run's bill, over all runs, and `runs` with the bill of each.
  package func json(missing: [String] = []) -> JSON {
    let tokens = unfinished.reduce(0) { $0 + $1.tokens }
    var total = StageBill(
      .runs, isFinished: unfinished.isEmpty, tokens: tokens,
      lines: [.init("steps", String(steps), key: "steps", .integer(steps))],
      diskByteCount: diskByteCount, memoryByteCount: memoryByteCount, operations: operations,
      parts: parts)
    total.missing = missing
    var members = total.json.object ?? [:]
    members["runs"] = .array(
      lines.map { line in
        var members = line.bill.bill(isFinished: line.isFinished).json.object ?? [:]
        members["sweep"] = line.combination.json
        return .object(members)
      })
    return .object(members)
  }

  /// The parts of all runs together, in the order of the first.
  private var parts: [StageBill.Part] {
    var seconds: [String: Double] = [:]
    var order: [String] = []
    for part in unfinished.flatMap(\.parts) {
      if seconds[part.name] == nil { order.append(part.name) }
      seconds[part.name, default: 0] += part.seconds
    }
    return order.map { StageBill.Part($0, seconds: seconds[$0] ?? 0) }
  }
}

extension Combination {
  /// The values by option name.
  package var json: JSON {
    .object(Dictionary(choices.map { ($0.name, $0.value) }) { first, _ in first })
  }
}
