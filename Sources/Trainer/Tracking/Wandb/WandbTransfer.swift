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
  private(set) var history: WandbHistory
  private var output: SkippingTail
  private var events: SkippingTail
  private var historyOffset = 0
  /// The step of the last row that the server had before.
  private var knownStep = -1
  /// Entity, project and id, once the server knows the run.
  private(set) var place: (entity: String, project: String)?

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
    history = WandbHistory(log: facts.folder + "/metrics.jsonl", times: times)
    output = SkippingTail(folder.output)
    events = SkippingTail(folder.events)
  }

  private var settings: WandbSettings { facts.settings }

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
      historyOffset = known["historyLineCount"]?.integer ?? 0
      knownStep = historyOffset > 0 ? WandbTransfer.step(known["historyTail"]?.string) : -1
      output.begin(at: known["logLineCount"]?.integer ?? 0, skips: folder.isContinued)
      events.begin(at: known["eventsLineCount"]?.integer ?? 0, skips: folder.isContinued)
    }
    place = (
      project?["entity"]?["name"]?.string ?? settings.entity ?? viewer ?? "",
      project?["name"]?.string ?? settings.project
    )
    moved()
  }

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
    var next = self
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
      files["wandb-history.jsonl"] = ["offset": .integer(historyOffset), "content": .array(rows)]
      files["wandb-summary.json"] = [
        "offset": 0, "content": [.string(next.history.summaryText)],
      ]
      next.historyOffset += rows.count
    }
    let half = WandbTransfer.requestByteCount / 2
    files["output.log"] = try next.output.chunk(byteCount: half)
    files["wandb-events.jsonl"] = try next.events.chunk(byteCount: half)
    guard !files.isEmpty else {
      self = next
      return false
    }
    try session.stream(JSON.object(["files": .object(files)]).canonical, to: path)
    self = next
    return true
  }
}

// MARK: - Files and artifacts

extension WandbTransfer {
  /// Sends the files that W&B shows of a run.
  private func sendFiles() throws {
    let files = WandbDetails.files(facts, folder, summary: history.summaryText)
    let answer = try session.ask(
      WandbQueries.runFiles,
      [
        "entity": .string(place?.entity ?? ""), "project": .string(place?.project ?? ""),
        "run": .string(folder.identifier),
        "files": .array(files.keys.sorted().map { .string($0) }),
      ])
    let places = answer["createRunFiles"]
    let headers = places?["uploadHeaders"]?.array?.compactMap(\.string) ?? []
    for place in places?["files"]?.array ?? [] {
      guard let name = place["name"]?.string, let address = place["uploadUrl"]?.string,
        let bytes = files[name]
      else { continue }
      try session.put(.bytes(bytes), to: address, headers: headers)
      moved()
    }
  }

  /// Sends a version of an artifact, unless the server has it.
  private func send(_ artifact: WandbArtifact) throws {
    let answer = try session.ask(WandbQueries.createArtifact, input(artifact))
    guard let made = answer["createArtifact"]?["artifact"], let identifier = made["id"]?.string
    else { throw WandbFailure(reason: "the server makes no artifact \(artifact.name)") }
    if made["state"]?.string == "COMMITTED" { return }
    let latest = made["artifactSequence"]?["latestArtifact"]?["id"] ?? .null
    let record = try manifest(identifier, base: latest, digest: "", hasUpload: false)
    for file in artifact.files {
      try send(file, of: identifier, manifest: record["id"] ?? .null)
    }
    let text = artifact.manifest(identifier).canonical
    var digest = Digest(.md5)
    let bytes = Array(text.utf8)
    digest.update(bytes.span.raw)
    let final = try manifest(
      identifier, base: latest, digest: Data(digest.finishBytes()).base64EncodedString(),
      hasUpload: true)
    if let address = final["file"]?["uploadUrl"]?.string {
      let headers = final["file"]?["uploadHeaders"]?.array?.compactMap(\.string) ?? []
      try session.put(.bytes(bytes), to: address, headers: headers)
    }
    _ = try session.ask(WandbQueries.commitArtifact, ["artifactID": .string(identifier)])
  }

  private func input(_ artifact: WandbArtifact) -> JSON {
    let aliases = (["latest"] + artifact.aliases).map { alias -> JSON in
      ["alias": .string(alias), "artifactCollectionName": .string(artifact.name)]
    }
    let input: JSON = [
      "entityName": .string(place?.entity ?? ""), "projectName": .string(place?.project ?? ""),
      "runName": .string(folder.identifier), "artifactTypeName": .string(artifact.type),
      "artifactCollectionName": .string(artifact.name), "digest": .string(artifact.digest),
      "digestAlgorithm": "MANIFEST_MD5", "aliases": .array(aliases),
      "metadata": .string(artifact.metadata.canonical), "enableDigestDeduplication": true,
      "clientID": .string(artifact.client), "sequenceClientID": .string(artifact.client),
    ]
    return ["input": input]
  }

  private func manifest(
    _ identifier: String, base: JSON, digest: String, hasUpload: Bool
  ) throws -> JSON {
    let answer = try session.ask(
      WandbQueries.createManifest,
      [
        "artifactID": .string(identifier), "baseArtifactID": base, "name": "wandb_manifest.json",
        "digest": .string(digest), "entityName": .string(place?.entity ?? ""),
        "projectName": .string(place?.project ?? ""), "runName": .string(folder.identifier),
        "manifestType": "FULL", "includeUpload": .bool(hasUpload),
      ])
    return answer["createArtifactManifest"]?["artifactManifest"] ?? [:]
  }

  private func send(
    _ file: WandbArtifact.File, of artifact: String, manifest: JSON
  ) throws {
    let asked: JSON = [
      "artifactID": .string(artifact), "artifactManifestID": manifest, "md5": .string(file.md5),
      "name": .string(file.name),
    ]
    let answer = try session.ask(
      WandbQueries.createArtifactFiles,
      ["input": ["artifactFiles": [asked], "storageLayout": "V2"]])
    let node = answer["createArtifactFiles"]?["files"]?["edges"]?.array?.first?["node"]
    // Without an address the server has the content already.
    guard let address = node?["uploadUrl"]?.string else { return }
    let headers = node?["uploadHeaders"]?.array?.compactMap(\.string) ?? []
    let source = WatchedSource(try InputFile(file.path), moved: moved)
    try session.put(.file(source, 0..<file.byteCount), to: address, headers: headers)
  }
}

/// A file that says whenever it is read on.
private final class WatchedSource: ByteSource {
  private let source: InputFile
  private let moved: @Sendable () -> Void

  init(_ source: InputFile, moved: @escaping @Sendable () -> Void) {
    self.source = source
    self.moved = moved
  }

  var path: String { source.path }
  var byteCount: Int { source.byteCount }

  func read(at offset: Int, count: Int) throws -> [UInt8] {
    moved()
    return try source.read(at: offset, count: count)
  }
}

/// The lines of a file, some of which the server has.
private struct SkippingTail {
  private var lines: LineTail
  private var offset = 0
  private var skipped = 0

  init(_ path: String) { lines = LineTail(path) }

  /// Goes on at an offset of the server's; `skips` where its lines are those of this file.
  mutating func begin(at offset: Int, skips: Bool) {
    self.offset = offset
    skipped = skips ? offset : 0
  }

  /// The next lines as they are streamed; nil where there are none.
  mutating func chunk(byteCount limit: Int) throws -> JSON? {
    var (content, byteCount) = ([JSON](), 0)
    while byteCount < limit, let line = try lines.next() {
      if skipped > 0 {
        skipped -= 1
        continue
      }
      content.append(.string(String(decoding: line, as: UTF8.self)))
      byteCount += line.count
    }
    guard !content.isEmpty else { return nil }
    defer { offset += content.count }
    return ["offset": .integer(offset), "content": .array(content)]
  }
}
