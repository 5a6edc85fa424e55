// Which commit of a repository an unfinished stage was begun with. Comes in: the text and the key of the stage.
// Leaves: a note in the stage's folder while it is made, and a sentence where the branch has moved since.

import Shared

/// The version of a data set that a stage is made of.
struct BegunInput {
  private let version: RepositoryVersion
  private let key: StageKey

  private static let fileName = "input.json"

  /// nil of a text of this machine, whose files are what they are.
  init?(_ text: DataSet, _ key: StageKey) {
    guard let version = text.repository else { return nil }
    self.version = version
    self.key = key
  }

  /// Notes the commit among the blocks of the stage.
  func write(_ work: StageFolder) throws {
    try System.createDirectories(work.path)
    try AtomicFile.replace(work.path + "/" + BegunInput.fileName, with: record.pretty)
  }

  private var record: JSON {
    [
      "repository": .string(version.id), "revision": .string(version.revision),
      "commit": .string(version.commit), "settings": .string(settings),
    ]
  }

  /// What the stage is made with besides the files of the text.
  private var settings: String {
    let others = key.identities.filter { name, _ in name != "parts" && !name.hasPrefix("data-") }
    let content = JSON.object([
      "settings": key.settings, "identities": .object(others.mapValues { .string($0) }),
    ])
    return Digest.of(content.canonical)
  }

  /// Says where a stage with the same settings was begun with another commit of the same branch and never finished;
  /// nil where none was.
  func warning(beside folder: StageFolder) -> String? {
    let parent = Shared.folder(of: folder.path)
    let prefix = StageKey.plain(key.label) + "-"
    for name in (try? System.list(parent)) ?? [] where name.hasPrefix(prefix) {
      let other = parent + "/" + name
      guard other != folder.path, !System.exists(other + "/" + Manifest.fileName),
        let found = BegunInput.read(other + "/work/" + BegunInput.fileName),
        let commit = found["commit"]?.string, commit != version.commit,
        ["repository", "revision", "settings"].allSatisfy({ found[$0] == record[$0] })
      else { continue }
      return
        "\(version.id) has moved at “\(version.revision)” since \(other) was begun with commit \(commit): "
        + "this run begins anew with \(version.commit.prefix(7)). To finish the former, name "
        + "\(version.id)@\(commit); else remove it."
    }
    return nil
  }

  /// A longer note is none.
  private static let byteLimit = 64 << 10

  private static func read(_ path: String) -> JSON? {
    guard let status = try? System.status(path), status.byteCount <= byteLimit else { return nil }
    return (try? MappedFile.contents(path)).flatMap { try? JSON(parsing: $0) }
  }
}
