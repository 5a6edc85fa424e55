// The store: finished and growing stage folders, named by what determines their bytes. Comes in:
// the key of a stage. Leaves: its folder, whoever makes it.

/// What determines the bytes of a stage.
package struct StageKey: Sendable, Equatable {
  package let stage: Stage
  /// What people call it; stands in the folder's name and does not enter the fingerprint.
  package let label: String
  /// The settings that change the bytes.
  package let settings: JSON
  /// The identities of model, tokenizer and data files.
  package let identities: [String: String]
  /// The fingerprint of the stage that this one reads.
  package let input: String?
  /// SHA-256 of the canonical JSON of all of these but the label.
  package let fingerprint: String

  package init(
    stage: Stage, label: String, settings: JSON, identities: [String: String] = [:],
    input: String? = nil
  ) {
    self.stage = stage
    self.label = label
    self.settings = settings
    self.identities = identities
    self.input = input
    let content = JSON.object([
      "format_version": .integer(Manifest.formatVersion),
      "stage": .string(stage.rawValue),
      "settings": settings,
      "identities": .object(identities.mapValues { .string($0) }),
      "input": input.map { .string($0) } ?? .null,
    ])
    fingerprint = Digest.of(content.canonical)
  }

  /// The folder within that of the stage: the label and 16 digits of the fingerprint.
  package var folderName: String {
    StageKey.plain(label) + "-" + fingerprint.prefix(StageKey.shownDigits)
  }

  package static let shownDigits = 16

  /// A label with only letters, digits, dots, dashes and underscores.
  package static func plain(_ label: String) -> String {
    let text = String(
      label.unicodeScalars.map { scalar in
        let isPlain =
          scalar.isASCII
          && (scalar.properties.isAlphabetic || "0123456789._-".unicodeScalars.contains(scalar))
        return isPlain ? Character(scalar) : "-"
      })
    return text.isEmpty || text.hasPrefix(".") ? "-" + text : text
  }
}

/// A folder of stage folders, and others in which finished ones are found as well.
package struct Store: Sendable, Equatable {
  package let path: String
  /// Stores that are only read: nothing is begun, mended or cleared away there.
  package let others: [String]

  package init(_ path: String, reading others: [String] = []) {
    self.path = path
    self.others = others
  }

  /// The folder of a stage, whether it exists or not.
  ///
  /// A folder that has the fingerprint under another label is the stage's: a finished one, of whatever store,
  /// before one that somebody has begun.
  package func folder(_ key: StageKey) -> StageFolder {
    let own = StageFolder(
      path: "\(path)/\(key.stage.rawValue)/\(key.folderName)", stage: key.stage,
      fingerprint: key.fingerprint)
    if own.hasManifest { return own }
    let begun = folders(key, in: path, .written)
    let all = begun + others.flatMap { folders(key, in: $0, .read) }
    if let finished = all.first(where: \.hasManifest) { return finished }
    return System.isDirectory(own.path) ? own : begun.first ?? own
  }

  /// The folders with a key's fingerprint, whatever their label.
  private func folders(
    _ key: StageKey, in store: String, _ access: StageFolder.Access
  ) -> [StageFolder] {
    let parent = "\(store)/\(key.stage.rawValue)"
    let suffix = "-" + key.fingerprint.prefix(StageKey.shownDigits)
    return ((try? System.list(parent)) ?? []).filter {
      $0.hasSuffix(suffix) && System.isDirectory(parent + "/" + $0)
    }.map {
      StageFolder(
        path: parent + "/" + $0, stage: key.stage, fingerprint: key.fingerprint, access: access)
    }
  }

  /// The finished folder with a fingerprint.
  package func find(stage: Stage, fingerprint: String) throws -> StageFolder? {
    let suffix = "-" + fingerprint.prefix(StageKey.shownDigits)
    return try finished(stage, where: { $0.hasSuffix(suffix) }) { $0.fingerprint == fingerprint }
      .first
  }

  /// The finished folders made with the same settings, whatever their inputs, in order of name.
  ///
  /// For programs that cannot compute the key because they lack the model or the data; `label`,
  /// where given, must agree too.
  package func find(stage: Stage, settings: JSON, label: String? = nil) throws -> [StageFolder] {
    let text = settings.canonical
    return try finished(stage, where: { _ in true }) { manifest in
      manifest.settings.canonical == text && (label == nil || manifest.name == label)
    }
  }

  /// The only finished folder made with these settings; nil where there is none.
  package func findOnly(stage: Stage, settings: JSON, label: String? = nil) throws -> StageFolder? {
    let folders = try find(stage: stage, settings: settings, label: label)
    guard folders.count <= 1 else {
      throw StoreError.ambiguous(stage: stage, folders: folders.map(\.path))
    }
    return folders.first
  }

  /// The finished folders that fit, each fingerprint once, from the first store that has it.
  private func finished(
    _ stage: Stage, where nameFits: (String) -> Bool, _ fits: (Manifest) -> Bool
  ) throws -> [StageFolder] {
    var (result, known): ([StageFolder], Set<String>) = ([], [])
    var obstacle: (any Error)?
    for (store, access) in [(path, StageFolder.Access.written)] + others.map({ ($0, .read) }) {
      let parent = "\(store)/\(stage.rawValue)"
      guard try System.isThere(parent) else { continue }
      for name in try System.list(parent) where nameFits(name) {
        let folder = StageFolder(
          path: "\(parent)/\(name)", stage: stage, fingerprint: nil, access: access)
        do {
          guard let manifest = try folder.readManifest(), fits(manifest) else { continue }
          // Of one store all are told, so that people hear of two of one kind.
          if access == .read, known.contains(manifest.fingerprint) { continue }
          known.insert(manifest.fingerprint)
          result.append(folder)
        } catch let error as ManifestError where error.isForeign {
          // A folder that another version wrote is none of ours.
        } catch let error as SystemError where error.isAbsence {
          // Nor is one that is closed to this process.
        } catch {
          obstacle = obstacle ?? error
        }
      }
    }
    // Where none is found, the one that cannot be read may be it.
    if let obstacle, result.isEmpty { throw obstacle }
    return result
  }
}

/// Why the store has no answer.
package enum StoreError: Failure, Equatable {
  case ambiguous(stage: Stage, folders: [String])
  /// Something would have to be written into a folder of a store that is only read.
  case onlyRead(folder: String)

  package var sentence: String {
    switch self {
    case .ambiguous(let stage, let folders):
      "Several folders of \(stage.rawValue) were made with these settings from different inputs: "
        + folders.joined(separator: ", ") + "."
    case .onlyRead(let folder): "\(folder) lies in a store that is only read."
    }
  }

  package var hint: String? {
    if case .onlyRead = self { return "Name its store first in the list that store is." }
    return
      "Make model, tokenizer and data reachable, so that one can be told, or remove the others."
  }
}
