// What `ls` prints: every folder of a store. Comes in: the path of a store. Leaves: a table, or JSON.

/// The folders of a store, stage by stage in order of name.
package struct StoreListing: Sendable, Equatable {
  package let store: String
  package let entries: [StoreEntry]
  private let now: Double

  /// Looks at a store; `now` is the time by the clock of its disk.
  package init(_ store: String, now: Double = System.now) throws {
    self.store = store
    self.now = now
    var entries: [StoreEntry] = []
    for stage in Stage.allCases {
      let parent = store + "/" + stage.rawValue
      guard try System.isThere(parent) else { continue }
      for name in try System.list(parent) where !name.hasPrefix(".") {
        let path = parent + "/" + name
        guard TemporaryName(name) == nil, System.isDirectory(path) else { continue }
        entries.append(StoreEntry(path, stage: stage, now: now))
      }
    }
    self.entries = entries
  }

  package var byteCount: Int { entries.reduce(0) { $0 + $1.scan.byteCount } }

  package var text: String {
    var table = Table(
      title: "",
      columns: [
        .init("kind"), .init("name"), .init("fingerprint"), .init("state"), .init("size", .right),
        .init("owner"), .init("last use"),
      ])
    for entry in entries {
      table.add([
        entry.kind.rawValue, entry.label, String(entry.fingerprint.prefix(StageKey.shownDigits)),
        entry.stateWords, Readable.bytes(entry.scan.byteCount), entry.owner,
        entry.lastUseWords(now),
      ])
    }
    let total =
      "\(store): \(entries.count) folder\(entries.count == 1 ? "" : "s"), "
      + Readable.bytes(byteCount)
    return entries.isEmpty ? total : total + "\n" + table.text()
  }

  package var json: JSON {
    .object([
      "store": .string(store), "bytes": .integer(byteCount),
      "folders": .array(entries.map { $0.json(now) }),
    ])
  }
}

extension StoreEntry {
  /// One line: finished, in the making and by whom, or what is wrong.
  package var stateWords: String {
    switch state {
    case .finished: return kind == .sweeps ? "page" : "finished"
    case .stopped: return "stopped"
    case .damaged: return "damaged"
    case .closed: return "unreadable"
    case .inTheMaking(let holders, let seconds):
      let first = holders.first.map(\.words) ?? "?"
      let others = holders.count > 1 ? " and \(holders.count - 1) more" : ""
      return "made by \(first)\(others) for \(Readable.duration(seconds: seconds))"
    }
  }

  /// What is wrong with the folder, as a sentence.
  package var problem: String? {
    switch state {
    case .damaged(let sentence), .closed(let sentence): sentence
    case .finished, .inTheMaking, .stopped: nil
    }
  }

  func lastUseWords(_ now: Double) -> String {
    let age = Readable.duration(seconds: max(0, now - lastUseTime)) + " ago"
    guard let lastUse, lastUse.time >= scan.newest, !lastUse.user.isEmpty else { return age }
    return age + ", by " + lastUse.user
  }

  func json(_ now: Double) -> JSON {
    var members: [String: JSON] = [
      "path": .string(path), "kind": .string(kind.rawValue), "name": .string(label),
      "fingerprint": fingerprint.isEmpty ? .null : .string(fingerprint),
      "state": .string(stateKey), "bytes": .integer(scan.byteCount), "owner": .string(owner),
      "last_use": .number(lastUseTime.rounded()),
      "last_use_seconds": .number(max(0, (now - lastUseTime).rounded())),
      "last_user": lastUse.map { .string($0.user) } ?? .null,
      "problem": problem.map { .string($0) } ?? .null,
    ]
    if case .inTheMaking(let holders, let seconds) = state {
      members["seconds"] = .number(seconds.rounded())
      members["workers"] = .array(
        holders.map {
          .object([
            "user": .string($0.user), "host": .string($0.host), "pid": .integer(Int($0.process)),
          ])
        })
    }
    return .object(members)
  }

  private var stateKey: String {
    switch state {
    case .finished: "finished"
    case .inTheMaking: "in_the_making"
    case .stopped: "stopped"
    case .damaged: "damaged"
    case .closed: "unreadable"
    }
  }
}

extension StoreEntry.Holder {
  var words: String { LeaseSight.holder(user, process, on: host) }
}
