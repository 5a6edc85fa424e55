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
    _ combinations: [Combination], mode: SweepMode = .separate, speed: MachineSpeed,
    missing: (any Failure) -> Void
  ) throws {
    self.mode = mode
    guard let first = combinations.first else {
      lines = []
      return
    }
    var inputs = TrainInputs(first.pipeline)
    var found: [String: BilledRows] = [:]
    var named: Set<String> = []
    lines = try combinations.map { combination in
      let pipeline = combination.pipeline
      let choices = combination.choices.filter { TrainSettings.rowOptions.contains($0.name) }
      let key = choices.map(\.text).joined(separator: "\n")
      do {
        let rows =
          try found[key]
          ?? BilledRows(pipeline, found: { try inputs.input(pipeline) }) {
            if named.insert($0.sentence).inserted { missing($0) }
          }
        found[key] = rows
        let isFinished = try rows.input.map { try Self.isFinished(pipeline, $0) }
        return Line(
          combination: combination, bill: TrainingBill(pipeline, rows, speed: speed),
          isFinished: isFinished ?? false)
      } catch let cause as any Failure {
        if choices.isEmpty { throw cause }
        throw SweepError.combination(combination.label, cause: cause)
      }
    }
  }

  private static func isFinished(_ pipeline: Pipeline, _ input: RunInput) throws -> Bool {
    try Store(pipeline.store).folder(input.key(pipeline)).manifest() != nil
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

  package var json: JSON {
    [
      "runs": .array(
        lines.map { line in
          var members = line.bill.json.object ?? [:]
          members["sweep"] = line.combination.json
          members["finished"] = .bool(line.isFinished)
          return .object(members)
        }),
      "total": [
        "steps": .integer(steps), "flops_sparse": .number(operations),
        "memory_bytes": .integer(memoryByteCount), "disk_bytes": .integer(diskByteCount),
        "seconds": seconds.map { .number($0) } ?? .null,
      ],
    ]
  }
}

extension Combination {
  /// The values by option name.
  package var json: JSON {
    .object(Dictionary(choices.map { ($0.name, $0.value) }) { first, _ in first })
  }
}
