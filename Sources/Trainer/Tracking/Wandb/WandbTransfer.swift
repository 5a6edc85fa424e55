// What of a run is at the server and what is not yet. Comes in: the files in the run's folder, which grow.
// Leaves: requests, each of which may fail and is then made again; nothing is skipped or sent twice.

import Foundation
package import Shared

/// What a run is called and what it is about.
package struct WandbFacts: Sendable {
  package let settings: WandbSettings
  /// The options of the run, as SAELens hands them to wandb.
  package let config: [String: JSON]
  /// The name of the artifacts, as SAELens makes it.
  package let artifactName: String
  /// The run's folder, in which `metrics.jsonl` is.
  package let folder: String

  package init(
    _ settings: WandbSettings, config: [String: JSON], artifactName: String, folder: String
  ) {
    self.settings = settings
    self.config = config
    self.artifactName = artifactName
    self.folder = folder
  }
}

/// The state of a run's way to the server.
struct WandbTransfer {
  let facts: WandbFacts
  let folder: WandbRunFolder
  let session: WandbSession
  /// Told whenever something has been moved.
  let moved: @Sendable () -> Void
  private var reading: Reading
  /// The request that is under way: it is kept over failures, so that a server that fails costs no work.
  private var prepared: Prepared?
  /// The step of the last row that the server had before.
  private var knownStep = -1
  /// Entity, project and id, once the server knows the run.
  private(set) var place: (entity: String, project: String)?

  /// How far the files have been read.
  private struct Reading {
    var history: WandbHistory
    var output: SkippingTail
    var events: SkippingTail
    var historyOffset = 0
  }

  private struct Prepared {
    let text: String
    /// How far they are read once it has arrived.
    let after: Reading
  }

  /// Bytes of lines that one request carries.
  private static let requestByteCount = 1 << 20

  init(
    _ facts: WandbFacts, _ folder: WandbRunFolder, _ session: WandbSession, times: WandbTimes,
    moved: @escaping @Sendable () -> Void
  ) {
    self.facts = facts
    self.folder = folder
    self.session = session
    self.moved = moved
    reading = Reading(
      history: WandbHistory(log: facts.folder + "/metrics.jsonl", times: times),
      output: SkippingTail(folder.output), events: SkippingTail(folder.events))
  }

  private var settings: WandbSettings { facts.settings }

  /// The last value of each figure that has been sent, as W&B stores it.
  var summaryText: String { reading.history.summaryText }

  /// Sends whatever has come; with an exit code, which ends the run there, all of it.
  mutating func round(exitCode: Int?) throws {
    if place == nil { try open() }
    while try sendLines(isLast: exitCode != nil) { moved() }
    for waiting in WandbArtifact.waiting(in: folder.artifacts) {
      // What is damaged would keep all others from being sent.
      guard let artifact = try? WandbArtifact.read(waiting) else { continue }
      try send(artifact)
      try? System.removeTree(waiting)
      moved()
    }
    guard let exitCode else { return }
    try sendFiles()
    try session.stream(
      JSON.object(["files": [:], "complete": true, "exitcode": .integer(exitCode)]).canonical,
      to: path)
  }

  /// Makes the run at the server, or finds out how much of it is there.
  private mutating func open() throws {
    let viewer = try session.ask(WandbQueries.viewer, [:])["viewer"]?["entity"]?.string
    let entity = (settings.entity ?? viewer).map { JSON.string($0) } ?? .null
    let names: [String: JSON] = [
      "entity": entity, "project": .string(settings.project), "name": .string(folder.identifier),
    ]
    let known = try session.ask(WandbQueries.resumeStatus, .object(names))["model"]?["bucket"]
    let answer = try session.ask(
      WandbQueries.upsertRun, .object(names.merging(WandbDetails.variables(facts)) { $1 }))
    let project = answer["upsertBucket"]?["bucket"]?["project"]
    if let known, known.object != nil, folder.isContinued || settings.continuesForeign {
      reading.historyOffset = WandbTransfer.count(known["historyLineCount"])
      knownStep = reading.historyOffset > 0 ? WandbTransfer.step(known["historyTail"]?.string) : -1
      reading.output.begin(
        at: WandbTransfer.count(known["logLineCount"]), skips: folder.isContinued)
      reading.events.begin(
        at: WandbTransfer.count(known["eventsLineCount"]), skips: folder.isContinued)
    }
    place = (
      project?["entity"]?["name"]?.string ?? settings.entity ?? viewer ?? "",
      project?["name"]?.string ?? settings.project
    )
    moved()
  }

  /// Lines that a server says that it has, as far as that can be.
  private static func count(_ stated: JSON?) -> Int { min(max(stated?.integer ?? 0, 0), 1 << 40) }

  /// The step in the last row that a server tells of: JSON of a list of rows as texts.
  private static func step(_ tail: String?) -> Int {
    guard let tail, let rows = (try? JSON(parsing: Array(tail.utf8)))?.array,
      let row = rows.last?.string ?? rows.last?.canonical,
      let place = row.firstRange(of: "\"_step\":")
    else { return -1 }
    return Int(row[place.upperBound...].drop { $0 == " " }.prefix { $0.isNumber }) ?? -1
  }

  /// Entity, project and id as a path.
  private var path: String {
    "\(place?.entity ?? "")/\(place?.project ?? "")/\(folder.identifier)"
  }

  /// Sends one request of lines.
  ///
  /// - Returns: whether there was something to send.
  private mutating func sendLines(isLast: Bool) throws -> Bool {
    // Only what has arrived counts as sent.
    guard let request = try prepared ?? prepare(isLast: isLast) else { return false }
    prepared = request
    try session.stream(request.text, to: path)
    (reading, prepared) = (request.after, nil)
    return true
  }

  /// The next request; nil where nothing has come.
  private mutating func prepare(isLast: Bool) throws -> Prepared? {
    var next = reading
    var (files, byteCount) = ([String: JSON](), 0)
    var rows: [JSON] = []
    while byteCount < WandbTransfer.requestByteCount,
      let row = try next.history.next(isLast: isLast)
    {
      guard row.step > knownStep else { continue }
      let text = row.text
      rows.append(.string(text))
      byteCount += text.utf8.count
    }
    if !rows.isEmpty {
      files["wandb-history.jsonl"] = [
        "offset": .integer(next.historyOffset), "content": .array(rows),
      ]
      files["wandb-summary.json"] = [
        "offset": 0, "content": [.string(next.history.summaryText)],
      ]
      next.historyOffset += rows.count
    }
    let half = WandbTransfer.requestByteCount / 2
    files["output.log"] = try next.output.chunk(byteCount: half)
    files["wandb-events.jsonl"] = try next.events.chunk(byteCount: half)
    guard !files.isEmpty else {
      reading = next
      return nil
    }
    return Prepared(text: JSON.object(["files": .object(files)]).canonical, after: next)
  }
}
