// When a folder of a store was last used, and by whom: a small file beside the stages. Comes in: a folder that is
// read. Leaves: its mark, wherever this process may write one; a store that is closed to it stays as it is.

/// The mark that whoever uses a folder of a store leaves.
package struct LastUse: Sendable, Equatable {
  /// The folder of a store that holds the marks.
  package static let folderName = ".used"
  /// Seconds for which a mark is new enough.
  private static let patience = 600.0

  package let user: String
  package let host: String
  /// Seconds since 1970, by the clock of the disk.
  package let time: Double

  /// The store and the mark of a stage's folder; nil of a folder that lies in no store.
  private static func place(_ path: String) -> (store: String, mark: String)? {
    let parent = folder(of: path)
    guard let stage = parent.split(separator: "/").last, Stage(rawValue: String(stage)) != nil,
      let name = path.split(separator: "/").last
    else { return nil }
    let store = folder(of: parent)
    return (store, "\(store)/\(folderName)/\(stage).\(name)")
  }

  /// Notes that a folder is used; best effort, and nothing is said where it cannot be done.
  package static func mark(_ path: String) {
    guard let (store, mark) = place(path), System.exists(store) else { return }
    if let status = try? System.status(mark),
      abs(System.now - Double(status.modifiedNanoseconds) * 1e-9) < patience
    {
      return
    }
    let words: JSON = [
      "user": .string(System.userName(System.user)), "host": .string(System.hostName),
    ]
    do {
      try System.createDirectories(store + "/" + folderName)
      try AtomicFile.replace(mark, with: words.canonical + "\n")
    } catch {
      // A store that is read alone keeps no marks.
    }
  }

  /// The mark of a folder; nil where there is none.
  package static func read(_ path: String) -> LastUse? {
    guard let (_, mark) = place(path), let status = try? System.status(mark) else { return nil }
    let json = (try? MappedFile.contents(mark)).flatMap { try? JSON(parsing: $0) }
    return LastUse(
      user: json?["user"]?.string ?? "", host: json?["host"]?.string ?? "",
      time: Double(status.modifiedNanoseconds) * 1e-9)
  }

  /// Removes the mark of a folder that is no longer there.
  package static func remove(_ path: String) {
    if let (_, mark) = place(path) { try? System.remove(mark) }
  }
}
