// What the local W&B server keeps of a run and of an artifact, as values and as JSON for scripts.

package import Shared

/// A run as the server knows it.
package struct LocalWandbRun: Sendable {
  package let entity: String
  package let project: String
  package let name: String
  package internal(set) var displayName = ""
  package internal(set) var group: String?
  package internal(set) var tags: [String] = []
  package internal(set) var notes: String?
  package internal(set) var host: String?
  /// As the client sends it: each option an object with the member `value`.
  package internal(set) var config: JSON = [:]
  /// Rows as they were sent, which may say NaN.
  package internal(set) var history: [String] = []
  package internal(set) var events: [String] = []
  package internal(set) var output: [String] = []
  package internal(set) var summary = "{}"
  package internal(set) var files: [String: [UInt8]] = [:]
  package internal(set) var exitCode: Int?
  /// `running`, `finished`, `failed`.
  package internal(set) var state = "running"
  /// How often a client began or went on with it.
  package internal(set) var upsertCount = 0
  /// Rows that were sent again with another content.
  package internal(set) var rewrittenCount = 0

  var identifier: String { "run:" + key }
  var key: String { "\(entity)/\(project)/\(name)" }

  package var json: JSON {
    [
      "entity": .string(entity), "project": .string(project), "name": .string(name),
      "display_name": .string(displayName), "group": group.map { .string($0) } ?? .null,
      "tags": .array(tags.map { .string($0) }), "notes": notes.map { .string($0) } ?? .null,
      "config": config, "history": .array(history.map { .string($0) }),
      "events": .array(events.map { .string($0) }), "output": .array(output.map { .string($0) }),
      "summary": .string(summary), "state": .string(state),
      "exit_code": exitCode.map { .integer($0) } ?? .null, "upserts": .integer(upsertCount),
      "rewritten": .integer(rewrittenCount),
      "files": .object(
        files.mapValues { .string(String(decoding: $0, as: UTF8.self)) }),
    ]
  }

  /// Puts lines at an offset, as the streaming of files does.
  ///
  /// - Returns: how many lines are missing before them.
  mutating func put(
    _ content: [String], at offset: Int, of file: WritableKeyPath<LocalWandbRun, [String]>
  ) -> Int {
    let hole = max(0, offset - self[keyPath: file].count)
    self[keyPath: file] += [String](repeating: "", count: hole)
    for (index, line) in content.enumerated() {
      let place = offset + index
      if place < self[keyPath: file].count {
        if self[keyPath: file][place] != line { rewrittenCount += 1 }
        self[keyPath: file][place] = line
      } else {
        self[keyPath: file].append(line)
      }
    }
    return hole
  }
}

/// A version of an artifact.
package struct LocalWandbArtifact: Sendable {
  let identifier: String
  package let run: String
  package let type: String
  package let name: String
  package let digest: String
  package internal(set) var aliases: [String]
  package let metadata: String
  /// MD5 in Base64 by path, as the client announced it.
  package internal(set) var announced: [String: String] = [:]
  /// SHA-256 in hexadecimal of what came, by path.
  package internal(set) var received: [String: String] = [:]
  package internal(set) var manifest = ""
  package internal(set) var isCommitted = false

  package var json: JSON {
    [
      "run": .string(run), "type": .string(type), "name": .string(name),
      "digest": .string(digest), "aliases": .array(aliases.map { .string($0) }),
      "metadata": .string(metadata), "manifest": .string(manifest),
      "committed": .bool(isCommitted),
      "announced": .object(announced.mapValues { .string($0) }),
      "files": .object(received.mapValues { .string($0) }),
    ]
  }
}
