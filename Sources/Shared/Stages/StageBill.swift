// What a stage will cost, before it starts, in one shape for all three programs: the same lines in the same
// order, under the same names in JSON. Comes in: what a stage knows of its own cost. Leaves: a table and JSON.

/// The bill of a stage.
package struct StageBill: Sendable, Equatable {
  /// A quantity that one stage alone has.
  package struct Line: Sendable, Equatable {
    let words: String
    let amount: String
    let key: String
    let value: JSON

    /// - Parameters:
    ///   - words: what it is, for people.
    ///   - amount: how much, for people.
    ///   - key: its name in JSON.
    ///   - value: its value in JSON.
    package init(_ words: String, _ amount: String, key: String, _ value: JSON) {
      self.words = words
      self.amount = amount
      self.key = key
      self.value = value
    }
  }

  /// A part of the time.
  package struct Part: Sendable, Equatable {
    package let name: String
    package let seconds: Double

    package init(_ name: String, seconds: Double) {
      self.name = name
      self.seconds = seconds
    }
  }

  package let stage: Stage
  /// Whether it is there already and costs nothing.
  package var isFinished: Bool
  /// Tokens that it works on.
  package var tokens: Int
  package var lines: [Line]
  /// Bytes that the disk must have free; nil where that cannot be told.
  package var diskByteCount: Int?
  package var memoryByteCount: Int?
  package var operations: Double?
  /// The time on this machine, by what it goes to; empty where it cannot be told.
  package var parts: [Part]
  /// What is missing before the stage can start, or before all of it can be billed.
  package var missing: [String] = []

  package init(
    _ stage: Stage, isFinished: Bool = false, tokens: Int, lines: [Line] = [],
    diskByteCount: Int?, memoryByteCount: Int?, operations: Double?, parts: [Part]
  ) {
    self.stage = stage
    self.isFinished = isFinished
    self.tokens = tokens
    self.lines = lines
    self.diskByteCount = isFinished ? 0 : diskByteCount
    self.memoryByteCount = memoryByteCount
    self.operations = operations
    self.parts = isFinished ? [] : parts
  }

  /// The time on this machine; nil where it cannot be told.
  package var seconds: Double? {
    if isFinished { return 0 }
    return parts.isEmpty ? nil : parts.reduce(0) { $0 + $1.seconds }
  }

  /// The bill for people.
  package var table: Table {
    var table = Table(
      title: "\(stage.rawValue): the bill" + (isFinished ? ", finished" : ""),
      columns: [.init(""), .init("")])
    table.add(["tokens", Readable.count(tokens)])
    for line in lines { table.add([line.words, line.amount]) }
    table.add(["disk", isFinished ? "nothing more" : text(diskByteCount, Readable.bytes)])
    table.add(["memory", text(memoryByteCount, Readable.bytes)])
    table.add(["operations", text(operations, Readable.count)])
    table.add([
      "time",
      isFinished ? "none" : seconds.map { "about " + Readable.duration(seconds: $0) } ?? unknown,
    ])
    if parts.count > 1 {
      for part in parts { table.add(["  \(part.name)", Readable.duration(seconds: part.seconds)]) }
    }
    return table
  }

  private var unknown: String { "unknown" }

  private func text<Value>(_ value: Value?, _ words: (Value) -> String) -> String {
    value.map(words) ?? unknown
  }

  package var json: JSON {
    var members: [String: JSON] = [
      "stage": .string(stage.rawValue), "finished": .bool(isFinished), "tokens": .integer(tokens),
      "disk_bytes": diskByteCount.map { .integer($0) } ?? .null,
      "memory_bytes": memoryByteCount.map { .integer($0) } ?? .null,
      "operations": operations.map { .number($0) } ?? .null,
      "seconds": seconds.map { .number($0) } ?? .null,
      "seconds_by_part": .object(
        Dictionary(parts.map { ($0.name, JSON.number($0.seconds)) }) { first, _ in first }),
      "missing": .array(missing.map { .string($0) }),
    ]
    for line in lines { members[line.key] = line.value }
    return .object(members)
  }
}
