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
      $0.add(1, exitCode)
      $0.add(2, Int(times.runtime))
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
      header.add(1) {
        $0.add(1, Product.name + " " + Product.version)
        $0.add(2, "0.70.0")
      }
    }
    let settings = facts.settings
    try records.add(kind: 17) { run in
      run.add(1, folder.identifier)
      run.add(2, settings.entity ?? "")
      run.add(3, settings.project)
      run.add(4) { config in
        for (key, value) in facts.config.sorted(by: { $0.key < $1.key }) {
          config.add(1) {
            $0.add(1, key)
            $0.add(16, value.canonical)
          }
        }
      }
      run.add(6, settings.group ?? "")
      run.add(8, settings.name)
      run.add(9, settings.notes ?? "")
      for tag in settings.tags { run.add(10, tag) }
      run.add(13, System.hostName)
      run.add(17, seconds: folder.started)
    }
    try records.add(kind: 26) { machine in
      machine.add(1, ProcessInfo.processInfo.operatingSystemVersionString)
      machine.add(3, seconds: folder.started)
      machine.add(6, Product.name + "-train")
      machine.add(12, System.hostName)
      machine.add(16, ProcessInfo.processInfo.processorCount)
      machine.add(17, ProcessInfo.processInfo.processorCount)
      machine.add(199, folder.identifier)
    }
  }

  private static func addEvents(_ records: inout WandbRecords, _ folder: WandbRunFolder) throws {
    var lines = LineTail(folder.events)
    while let line = try lines.next() {
      guard let members = (try? JSON(parsing: line))?.object else { continue }
      try records.add(kind: 7) { stats in
        stats.add(2, seconds: members["_timestamp"]?.double ?? 0)
        for (key, value) in members.sorted(by: { $0.key < $1.key }) where key.hasPrefix("system.") {
          stats.add(3) {
            $0.add(1, String(key.dropFirst(7)))
            $0.add(16, value.canonical)
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
        for (keys, value) in leaves(.object(row.members)) {
          record.add(1) { item in
            for key in keys { item.add(2, key) }
            item.add(16, WandbText.json(value))
          }
        }
        record.add(2) { $0.add(1, row.step) }
      }
      try records.add(kind: 3) { record in
        for (keys, value) in leaves(.object(row.members)) {
          record.add(1) { item in
            for key in keys { item.add(2, key) }
            item.add(16, WandbText.json(value))
          }
        }
      }
    }
    return history
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
        $0.add(1, 1)
        $0.add(2, seconds: folder.started)
        $0.add(3, text + "\n")
      }
    }
  }

  private static func add(
    _ artifact: WandbArtifact, _ records: inout WandbRecords, _ facts: WandbFacts,
    _ folder: WandbRunFolder
  ) throws {
    try records.add(kind: 8) { record in
      record.add(1, folder.identifier)
      record.add(2, facts.settings.project)
      record.add(3, facts.settings.entity ?? "")
      record.add(4, artifact.type)
      record.add(5, artifact.name)
      record.add(6, artifact.digest)
      record.add(8, artifact.metadata.canonical)
      for alias in ["latest"] + artifact.aliases { record.add(11, alias) }
      record.add(12) { manifest in
        manifest.add(1, 1)
        manifest.add(2, "wandb-storage-policy-v1")
        manifest.add(3) {
          $0.add(1, "storageLayout")
          $0.add(2, "\"V2\"")
        }
        for file in artifact.files { manifest.add(4) { entry(file, &$0) } }
      }
      record.add(14, 1)
      record.add(15, artifact.client)
      record.add(16, artifact.client)
      record.add(20, "MANIFEST_MD5")
    }
  }

  private static func entry(_ file: WandbArtifact.File, _ message: inout WireMessage) {
    message.add(1, file.name)
    message.add(2, file.md5)
    message.add(4, file.byteCount)
    message.add(6, HomeFolder.absolute(file.path))
  }
}
