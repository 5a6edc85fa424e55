// What `info` prints about one folder: its manifest in words, what it was made from, and what was made from it.
// Comes in: a folder, and the stores in which its kin are looked for. Leaves: text or JSON.

/// A folder among those that it comes from and those that come from it.
package struct FolderReport: Sendable {
  package let entry: StoreEntry
  /// What it was made from, nearest first.
  package let ancestors: [StoreEntry]
  /// The fingerprint of an input that no store has.
  package let missing: String?
  /// What was made from it, directly or by way of others.
  package let dependents: [StoreEntry]
  private let now: Double

  package init(_ path: String, stage: Stage, kin: [StoreEntry], now: Double = System.now) {
    self.now = now
    entry = StoreEntry(path, stage: stage, now: now)
    var (ancestors, missing): ([StoreEntry], String?) = ([], nil)
    var next = entry.manifest?.input
    while let fingerprint = next, ancestors.count < Stage.allCases.count {
      guard let found = kin.first(where: { $0.manifest?.fingerprint == fingerprint }) else {
        missing = fingerprint
        break
      }
      ancestors.append(found)
      next = found.manifest?.input
    }
    (self.ancestors, self.missing) = (ancestors, missing)
    var known: Set<String> = Set([entry.manifest?.fingerprint].compactMap(\.self))
    var dependents: [StoreEntry] = []
    // In the order of the stages, so that one round finds those of those.
    for other in kin {
      guard let manifest = other.manifest else { continue }
      guard !known.isDisjoint(with: manifest.inputs) else { continue }
      known.insert(manifest.fingerprint)
      if other.path != entry.path { dependents.append(other) }
    }
    self.dependents = dependents
  }

  package var text: String {
    var table = Table(title: "", columns: [.init(""), .init("")])
    for (name, value) in facts { table.add([name, value]) }
    var lines = [table.text()]
    lines += section("made from", origins)
    lines += section(
      "what depends on it", dependents.map { "\($0.kind.rawValue)/\($0.name)" })
    if let manifest = entry.manifest {
      lines += section(
        "settings",
        (manifest.settings.object ?? [:]).sorted { $0.key < $1.key }.map {
          "\($0.key) = \($0.value.canonical)"
        })
    }
    return lines.joined(separator: "\n")
  }

  private func section(_ title: String, _ lines: [String]) -> [String] {
    ["\n\(title):"] + (lines.isEmpty ? ["  nothing that is known here"] : lines.map { "  " + $0 })
  }

  private var facts: [(String, String)] {
    var facts = [
      ("folder", entry.path), ("kind", entry.kind.rawValue), ("name", entry.label),
      ("fingerprint", entry.fingerprint), ("state", entry.stateWords),
      ("size", Readable.bytes(entry.scan.byteCount) + ", \(entry.scan.files.count) files"),
      ("owner", entry.owner), ("last use", entry.lastUseWords(now)),
    ]
    if let problem = entry.problem { facts.append(("problem", problem)) }
    guard let manifest = entry.manifest else { return facts }
    facts.append(("made by", manifest.tool))
    let rows = manifest.rows > 0 ? " with \(Readable.count(manifest.rows)) rows" : ""
    facts.append(("files", "\(manifest.shards.count)\(rows)"))
    let details = manifest.details.object ?? [:]
    for key in details.keys.sorted() {
      switch details[key] {
      case .string(let text): facts.append((key, text))
      case .integer, .number, .bool: facts.append((key, details[key]?.canonical ?? ""))
      default: break
      }
    }
    return facts
  }

  /// Stage by stage what the folder comes from, down to text and model.
  private var origins: [String] {
    var lines: [String] = []
    for stage in [entry] + ancestors {
      if stage.path != entry.path { lines.append("\(stage.kind.rawValue)/\(stage.name)") }
      for (name, identity) in (stage.manifest?.identities ?? [:]).sorted(by: { $0.key < $1.key }) {
        lines.append("  \(StoreEntry.role(name, stage.kind)) \(name) \(identity)")
      }
    }
    if let missing { lines.append("\(missing.prefix(StageKey.shownDigits)), which is not here") }
    return lines
  }

  package var json: JSON {
    var members = entry.json(now).object ?? [:]
    members["manifest"] = entry.manifest?.json ?? .null
    members["made_from"] = .array(ancestors.map { $0.json(now) })
    members["missing_input"] = missing.map { .string($0) } ?? .null
    members["dependents"] = .array(dependents.map { $0.json(now) })
    return .object(members)
  }
}

extension StoreEntry {
  /// What a file is whose identity a manifest of a stage states.
  fileprivate static func role(_ name: String, _ kind: Kind) -> String {
    switch kind {
    case .tokens: name.hasPrefix("data-") ? "text" : "tokenizer"
    case .activations: "model"
    case .runs, .sweeps: "starts from"
    }
  }
}

extension Manifest {
  /// The fingerprints of all stages that were read: a transcoder has a second one for its targets.
  package var inputs: Set<String> {
    Set([input, settings["targets"]?.string].compactMap(\.self))
  }
}
