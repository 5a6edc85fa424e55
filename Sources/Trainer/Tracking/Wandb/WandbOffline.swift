// A folder that the official `wandb sync` uploads. Comes in: the whole of a run, from its log and from the
// folder beside it. Leaves: `wandb/offline-run-TIME-ID`, made anew from the start whenever it is written.

import Foundation
import Shared

enum WandbOffline {
  /// Writes the folder of a run that ended with `exitCode`.
  ///
  /// - Returns: its path.
  static func write(
    _ facts: WandbFacts, _ folder: WandbRunFolder, times: WandbTimes, exitCode: Int
  ) throws -> String {
    let path = path(facts, folder)
    try System.createDirectories(path + "/files")
    var records = try WandbRecords("\(path)/run-\(folder.identifier).wandb")
    try begin(&records, facts, folder)
    try addEvents(&records, folder)
    let history = try addHistory(&records, facts, times)
    try addOutput(&records, folder)
    for waiting in WandbArtifact.waiting(in: folder.artifacts) {
      guard let artifact = try? WandbArtifact.read(waiting) else { continue }
      try add(artifact, &records, facts, folder)
    }
    try records.add(kind: 18) {
      $0.put(1, exitCode)
      $0.put(2, Int(times.runtime))
    }
    try records.finish()
    let files = WandbDetails.files(facts, folder, summary: history.summaryText)
    for (name, bytes) in files {
      try AtomicFile.replace("\(path)/files/\(name)", with: String(decoding: bytes, as: UTF8.self))
    }
    return path
  }

  /// Where the folder of a run is.
  static func path(_ facts: WandbFacts, _ folder: WandbRunFolder) -> String {
    let name = "offline-run-\(WandbTime.folderText(folder.started))-\(folder.identifier)"
    return facts.settings.folder + "/wandb/" + name
  }

  private static func begin(
    _ records: inout WandbRecords, _ facts: WandbFacts, _ folder: WandbRunFolder
  ) throws {
    try records.add(kind: 21) { header in
      header.put(1) {
        $0.put(1, Product.name + " " + Product.version)
        $0.put(2, "0.70.0")
      }
    }
    let settings = facts.settings
    try records.add(kind: 17) { run in
      run.put(1, folder.identifier)
      run.put(2, settings.entity ?? "")
      run.put(3, settings.project)
      run.put(4) { config in
        for (key, value) in facts.config.sorted(by: { $0.key < $1.key }) {
          config.put(1) {
            $0.put(1, key)
            $0.put(16, value.canonical)
          }
        }
      }
      run.put(6, settings.group ?? "")
      run.put(8, settings.name)
      run.put(9, settings.notes ?? "")
      for tag in settings.tags { run.put(10, tag) }
      run.put(13, System.hostName)
      run.put(17, seconds: folder.started)
    }
    try records.add(kind: 26) { machine in
      machine.put(1, ProcessInfo.processInfo.operatingSystemVersionString)
      machine.put(3, seconds: folder.started)
      machine.put(6, Product.name + "-train")
      machine.put(12, System.hostName)
      machine.put(16, ProcessInfo.processInfo.processorCount)
      machine.put(17, ProcessInfo.processInfo.processorCount)
      machine.put(199, folder.identifier)
    }
  }

  private static func addEvents(_ records: inout WandbRecords, _ folder: WandbRunFolder) throws {
    var lines = LineTail(folder.events)
    while let line = try lines.next() {
      guard let members = (try? JSON(parsing: line))?.object else { continue }
      try records.add(kind: 7) { stats in
        stats.put(2, seconds: members["_timestamp"]?.double ?? 0)
        for (key, value) in members.sorted(by: { $0.key < $1.key }) where key.hasPrefix("system.") {
          stats.put(3) {
            $0.put(1, String(key.dropFirst(7)))
            $0.put(16, value.canonical)
          }
        }
      }
    }
  }

  private static func addHistory(
    _ records: inout WandbRecords, _ facts: WandbFacts, _ times: WandbTimes
  ) throws -> WandbHistory {
    var history = WandbHistory(log: facts.folder + "/metrics.jsonl", times: times)
    while let row = try history.next(isLast: true) {
      try records.add(kind: 2) { record in
        put(row, &record)
        record.put(2) { $0.put(1, row.step) }
      }
      try records.add(kind: 3) { put(row, &$0) }
    }
    return history
  }

  /// The values of a row, one item each.
  private static func put(_ row: WandbRow, _ record: inout ProtocolBuffer) {
    for (keys, value) in leaves(.object(row.members)) {
      record.put(1) { item in
        for key in keys { item.put(2, key) }
        item.put(16, WandbText.json(value))
      }
    }
  }

  /// The values in objects and in objects of these, each with the keys that lead to it.
  private static func leaves(_ value: JSON) -> [(keys: [String], value: JSON)] {
    guard let members = value.object else { return [([], value)] }
    return members.sorted { $0.key < $1.key }.flatMap { key, inner in
      leaves(inner).map { ([key] + $0.keys, $0.value) }
    }
  }

  private static func addOutput(_ records: inout WandbRecords, _ folder: WandbRunFolder) throws {
    var lines = LineTail(folder.output)
    while let line = try lines.next() {
      let text = String(decoding: line.dropFirst(WandbDetails.stampByteCount), as: UTF8.self)
      try records.add(kind: 13) {
        $0.put(1, 1)
        $0.put(2, seconds: folder.started)
        $0.put(3, text + "\n")
      }
    }
  }

  private static func add(
    _ artifact: WandbArtifact, _ records: inout WandbRecords, _ facts: WandbFacts,
    _ folder: WandbRunFolder
  ) throws {
    try records.add(kind: 8) { record in
      record.put(1, folder.identifier)
      record.put(2, facts.settings.project)
      record.put(3, facts.settings.entity ?? "")
      record.put(4, artifact.type)
      record.put(5, artifact.name)
      record.put(6, artifact.digest)
      record.put(8, artifact.metadata.canonical)
      for alias in ["latest"] + artifact.aliases { record.put(11, alias) }
      record.put(12) { manifest in
        manifest.put(1, 1)
        manifest.put(2, "wandb-storage-policy-v1")
        manifest.put(3) {
          $0.put(1, "storageLayout")
          $0.put(2, "\"V2\"")
        }
        for file in artifact.files { manifest.put(4) { entry(file, &$0) } }
      }
      record.put(14, 1)
      record.put(15, artifact.client)
      record.put(16, artifact.client)
      record.put(20, "MANIFEST_MD5")
    }
  }

  private static func entry(_ file: WandbArtifact.File, _ message: inout ProtocolBuffer) {
    message.put(1, file.name)
    message.put(2, file.md5)
    message.put(4, file.byteCount)
    message.put(6, HomeFolder.absolute(file.path))
  }
}
