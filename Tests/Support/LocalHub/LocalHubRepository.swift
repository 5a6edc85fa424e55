// A repository of the local Hub: branches, tags and commits. Changes come in, commits leave; every commit
// holds all of its files.

import Shared

/// What a repository holds.
package enum LocalHubKind: String, Sendable {
  case model, dataset

  /// What stands before the name in a page's address.
  var prefix: String { self == .model ? "" : "datasets/" }
}

/// Who may read the files of a repository.
package enum LocalHubAccess: String, Sendable {
  case open, isPrivate = "private", gated
}

/// A state of all files.
struct LocalHubCommit: Sendable {
  let id: String
  let parent: String?
  let title: String
  let date: String
  let files: [String: LocalHubFile]
  /// The paths of the files, sorted by bytes.
  let paths: [String]
  /// What two commits with the same files have in common.
  let treeHash: String
}

struct LocalHubRepository: Sendable {
  let kind: LocalHubKind
  let id: String
  var access: LocalHubAccess
  /// Commits by branch; a converted branch has its whole name, as `refs/convert/parquet`.
  private(set) var branches: [String: String] = [:]
  private(set) var tags: [String: String] = [:]
  private var commits: [String: LocalHubCommit] = [:]

  init(_ kind: LocalHubKind, _ id: String, access: LocalHubAccess) throws {
    (self.kind, self.id, self.access) = (kind, id, access)
    try commit([:], to: "main", title: "initial commit")
  }

  /// The commit that a branch, a tag or a full hash names.
  func commit(_ revision: String) -> LocalHubCommit? {
    let name = revision.hasPrefix("refs/heads/") ? String(revision.dropFirst(11)) : revision
    return commits[branches[name] ?? tags[name] ?? name]
  }

  /// The commits of a revision, the newest first.
  func history(_ revision: String) -> [LocalHubCommit] {
    var (found, next) = ([LocalHubCommit](), commit(revision))
    while let commit = next {
      found.append(commit)
      next = commit.parent.flatMap { commits[$0] }
    }
    return found
  }

  /// Writes files on a branch and removes those that are nil; a new branch begins where the main one is.
  ///
  /// - Returns: the hash of the commit, which is the one before where nothing changed.
  @discardableResult
  mutating func commit(
    _ changes: [String: LocalHubFile?], to branch: String, title: String
  ) throws -> String {
    let parent = commit(branch) ?? (branch.hasPrefix("refs/") ? nil : commit("main"))
    var files = parent?.files ?? [:]
    for (path, file) in changes { files[path] = file }
    let paths = files.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var tree = ""
    for path in paths { if let file = files[path] { tree += "\(path) \(try file.stamp())\n" } }
    if let parent, SHA1.of(Array(tree.utf8)) == parent.treeHash { return parent.id }
    let id = SHA1.of(Array("\(kind) \(self.id) \(parent?.id ?? "-") \(title)\n\(tree)".utf8))
    commits[id] = LocalHubCommit(
      id: id, parent: parent?.id, title: title, date: date(of: commits.count), files: files,
      paths: paths, treeHash: SHA1.of(Array(tree.utf8)))
    branches[branch] = id
    return id
  }

  /// Puts a branch or tag on a commit; nil removes it.
  mutating func setBranch(_ name: String, to commit: String?) { branches[name] = commit }
  mutating func setTag(_ name: String, to commit: String?) { tags[name] = commit }

  /// A date that grows with every commit and is the same in every run.
  private func date(of commit: Int) -> String {
    let (minutes, seconds) = (String(100 + commit / 60 % 60), String(100 + commit % 60))
    return "2024-01-01T00:\(minutes.suffix(2)):\(seconds.suffix(2)).000Z"
  }
}
