// One worker of a stage whose shards are a few bytes, as a program for the simulation of many: a folder and how many
// shards it is to get come in; the shards, the manifest and a line about what this worker did leave.

import Foundation
import Shared

@main
enum Main {
  static let usage =
    "usage: ScaleWorker FOLDER SHARDS LEASE_SECONDS SHARD_SECONDS NOTES"

  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count == 6, let shards = Int(arguments[2]), let lease = Double(arguments[3]),
      let seconds = Double(arguments[4])
    else { return fail(usage, code: 2) }
    do {
      System.openStandardStreams()
      System.catchInterrupts()
      try Worker(
        folder: StageFolder(path: arguments[1], stage: .activations, fingerprint: nil),
        shards: shards, leaseSeconds: lease, shardSeconds: seconds, notes: arguments[5]
      ).run()
    } catch {
      let sentence = (error as? any Failure)?.sentence ?? "\(error)"
      fail(sentence, code: (error as? any Failure)?.exitCode.rawValue ?? 1)
    }
  }

  private static func fail(_ text: String, code: Int32) {
    try? FileHandle.standardError.write(contentsOf: Data("error: \(text)\n".utf8))
    exit(code)
  }
}

/// What one worker does: as the stages do, with nothing to compute.
struct Worker {
  let folder: StageFolder
  let shards: Int
  let leaseSeconds: Double
  /// How long a shard takes.
  let shardSeconds: Double
  /// A file of lines: each shard that is begun, and at the end what was done.
  let notes: String

  func run() throws {
    let begun = System.uptime
    let made = try folder.work(
      units: shards, name: ActivationShard.fileName, leaseSeconds: leaseSeconds,
      produce: { shard, file in
        try note("shard \(shard)")
        if shardSeconds > 0 { System.sleep(seconds: shardSeconds) }
        try file.write("shard \(shard)\n")
      })
    let worked = System.uptime
    try folder.finish {
      try note("manifest")
      return Manifest(
        key: StageKey(stage: .activations, label: "scale", settings: .object([:])),
        name: "scale", tool: "ScaleWorker",
        shards: try (0..<shards).map { try folder.shard(ActivationShard.fileName($0), rows: 1) },
        details: .object([:]))
    }
    try note("made \(made) work \(worked - begun) finish \(System.uptime - worked)")
  }

  private func note(_ line: String) throws {
    let descriptor = try System.openForAppending(notes)
    defer { System.close(descriptor) }
    let bytes = Array((line + "\n").utf8)
    try System.write(bytes.span.raw, to: descriptor, path: notes)
  }
}
