// How far a stage is, wherever it is at work: from the names and times in its folders and from the leases beside
// them. Comes in: folders and the names of their units. Leaves: counts, workers, a rate and the time left;
// nothing is written or taken away.

/// The units of one folder of a stage.
package struct StageProgress: Sendable, Equatable {
  /// Whoever holds units of a folder.
  package struct Worker: Sendable, Hashable {
    package let host: String
    package let process: Int32

    package init(host: String, process: Int32) {
      self.host = host
      self.process = process
    }
  }

  /// What a unit is called: a shard, a block of text, a run.
  package let unit: String
  package let folder: String
  /// Units in all; nil where that is not known yet.
  package let count: Int?
  package private(set) var doneCount = 0
  /// Units that somebody works on.
  package private(set) var heldCount = 0
  /// Units whose worker is gone or silent for longer than allowed; who comes next takes them.
  package private(set) var abandonedCount = 0
  package private(set) var workers: [Worker] = []
  /// Units per second of late; nil where that is not known.
  package private(set) var rate: Double?

  /// Units over whose ends the rate is taken, at most.
  private static let rateUnits = 50

  /// Units that are neither done nor held; nil where their number is not known.
  package var missingCount: Int? { count.map { max(0, $0 - doneCount - heldCount) } }

  package var secondsLeft: Double? {
    guard let count, let rate, rate > 0 else { return nil }
    return Double(max(0, count - doneCount)) / rate
  }

  /// A finished stage.
  package init(finished folder: String, unit: String, count: Int) {
    (self.folder, self.unit, self.count) = (folder, unit, count)
    doneCount = count
  }

  /// The shards of a folder that is finished; nil of one that is not.
  package static func finished(_ folder: StageFolder) throws -> StageProgress? {
    try folder.readManifest().map {
      StageProgress(finished: folder.path, unit: shard, count: $0.shards.count)
    }
  }

  /// What the units of most stages are called.
  package static let shard = "shard"

  /// Reads what there is to see of units that are files of a folder; `now` is this machine's clock, in seconds
  /// since 1970.
  ///
  /// `names` are those of the units; where they are not known, `isUnit` tells whether a name is one.
  package init(
    folder: String, unit: String, names: [String]?, isUnit: (String) -> Bool = { _ in true },
    now: Double = System.now
  ) {
    let files = Set((try? System.list(folder)) ?? [])
    let known = names.map(Set.init)
    func isOurs(_ name: String) -> Bool { known?.contains(name) ?? isUnit(name) }
    let done = files.filter(isOurs)
    let held = files.filter { $0.hasSuffix(Lease.suffix) }.map {
      String($0.dropLast(Lease.suffix.count))
    }.filter { isOurs($0) && !done.contains($0) }
    self.init(
      folder: folder, unit: unit, count: names?.count, done: done.map { folder + "/" + $0 },
      leases: held.map { folder + "/" + $0 + Lease.suffix }, now: now)
  }

  /// Of units of which `done` are files and `leases` are held.
  package init(
    folder: String, unit: String, count: Int?, done: [String], leases: [String],
    now: Double = System.now
  ) {
    (self.folder, self.unit, self.count) = (folder, unit, count)
    doneCount = done.count
    var workers: Set<Worker> = []
    for lease in leases {
      guard let sight = LeaseSight.look(at: lease) else { continue }
      if !sight.isHeld(now) {
        abandonedCount += 1
      } else {
        heldCount += 1
        workers.insert(Worker(host: sight.host, process: sight.process))
      }
    }
    self.workers = workers.sorted { ($0.host, $0.process) < ($1.host, $1.process) }
    if heldCount > 0 { rate = StageProgress.rate(of: done) }
  }

  /// Units per second from the times at which the newest of them were written.
  private static func rate(of done: [String]) -> Double? {
    let times = done.compactMap { path in
      (try? System.status(path)).map { Double($0.modifiedNanoseconds) * 1e-9 }
    }.sorted().suffix(rateUnits)
    guard let first = times.first, let last = times.last, last > first else { return nil }
    return Double(times.count - 1) / (last - first)
  }
}

/// What the verb `stage` prints.
package struct StageReport: Sendable, Equatable {
  private let stage: String
  private let parts: [StageProgress]
  /// Why nothing more is known.
  private let obstacle: String?

  /// - Parameters:
  ///   - stage: the section of the stage.
  ///   - parts: its folders, or what has been made of them so far.
  package init(stage: String, _ parts: [StageProgress]) {
    (self.stage, self.parts, obstacle) = (stage, parts, nil)
  }

  /// Of a stage that cannot begin: its input is not there.
  package init(stage: String, waiting error: any Error) {
    let sentence = (error as? any Failure)?.sentence ?? "\(error)"
    (self.stage, parts, obstacle) = (stage, [], sentence)
  }

  /// Looks at a stage; what keeps it from being found is what there is to say about it.
  package static func of(
    _ stage: String, _ parts: () throws -> [StageProgress]
  ) -> StageReport {
    do { return StageReport(stage: stage, try parts()) } catch {
      return StageReport(stage: stage, waiting: error)
    }
  }

  package var text: String {
    if let obstacle { return "\(stage)\n  waits: \(obstacle)" }
    return "\(stage)\n" + parts.map { "  " + StageReport.line($0) }.joined(separator: "\n")
  }

  /// Prints to stdout.
  package func print(asJSON isJSON: Bool) {
    Swift.print(isJSON ? json.canonical : Terminal.harmless(text))
  }

  package var json: JSON {
    .object([
      "stage": .string(stage), "waits": obstacle.map { .string($0) } ?? .null,
      "parts": .array(parts.map(StageReport.json)),
    ])
  }

  private static func line(_ part: StageProgress) -> String {
    let noun = part.unit + (part.count == 1 ? "" : "s")
    if part.doneCount == part.count {
      return "\(part.doneCount) \(noun), finished: \(part.folder)"
    }
    var words = [
      "\(part.doneCount) of \(part.count.map { String($0) } ?? "?") \(noun)",
      "\(part.heldCount) in the making",
    ]
    if let missing = part.missingCount { words.append("\(missing) missing") }
    if part.abandonedCount > 0 { words.append("\(part.abandonedCount) given up by their worker") }
    words.append(workers(part.workers))
    if let rate = part.rate { words.append("\(Readable.figure(60 * rate))/min") }
    if let left = part.secondsLeft { words.append("\(Readable.duration(seconds: left)) left") }
    return words.joined(separator: ", ") + ": " + part.folder
  }

  private static func workers(_ workers: [StageProgress.Worker]) -> String {
    if workers.isEmpty { return "nobody at work" }
    let hosts = Dictionary(grouping: workers, by: \.host).sorted { $0.key < $1.key }
    let places = hosts.map { host, all in
      all.count == 1 || hosts.count == 1 ? host : "\(host) (\(all.count))"
    }
    let noun = workers.count == 1 ? "worker" : "workers"
    return "\(workers.count) \(noun) on \(places.joined(separator: ", "))"
  }

  private static func json(_ part: StageProgress) -> JSON {
    .object([
      "unit": .string(part.unit), "folder": .string(part.folder),
      "count": part.count.map { .integer($0) } ?? .null, "done": .integer(part.doneCount),
      "held": .integer(part.heldCount), "abandoned": .integer(part.abandonedCount),
      "missing": part.missingCount.map { .integer($0) } ?? .null,
      "workers": .array(
        part.workers.map {
          .object(["host": .string($0.host), "pid": .integer(Int($0.process))])
        }),
      "units_per_second": part.rate.map { .number($0) } ?? .null,
      "seconds_left": part.secondsLeft.map { .number($0) } ?? .null,
    ])
  }
}
