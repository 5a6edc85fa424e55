// Names of data sets on the Hugging Face Hub. Comes in: what a person writes as `dataset_path` or as a
// file. Leaves: repository, revision and path inside it; nothing for what can be no such name.

/// A place in a repository of the Hub.
package struct RepositoryName: Sendable, Equatable {
  /// `owner/name`, or `name` for the oldest ones.
  package let id: String
  /// A branch, a tag or a commit; nil for the main branch.
  package let revision: String?
  /// A folder, file or pattern inside; empty for all of it.
  package let path: String

  /// What an address of a data set begins with.
  package static let scheme = "hf://datasets/"

  package init(id: String, revision: String? = nil, path: String = "") {
    self.id = id
    self.revision = revision
    self.path = path
  }

  /// Reads `owner/name`, `owner/name@revision` and `hf://datasets/owner/name@revision/path`; nil for
  /// anything else, and for what is named as a file of text.
  package init?(_ name: String) {
    if name.hasPrefix(RepositoryName.scheme) {
      self.init(address: name.dropFirst(RepositoryName.scheme.utf8.count))
      return
    }
    let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    let id = String(parts[0])
    let revision = parts.count == 2 ? String(parts[1]) : nil
    guard RepositoryRules.isName(id), !FileName.isText(id), revision != "" else { return nil }
    self.init(id: id, revision: revision)
  }

  /// What stands behind the scheme; a slash in a revision is written as `%2F`, but for `refs/…/…`.
  private init?(address: Substring) {
    let segments = address.split(separator: "/", omittingEmptySubsequences: false)
    // An identifier has one slash, or none where a revision ends it.
    let idCount = segments[0].contains("@") || segments.count == 1 ? 1 : 2
    var rest = segments.dropFirst(idCount)
    let whole = segments.prefix(idCount).joined(separator: "/")
    let parts = whole.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    var revision = parts.count == 2 ? String(parts[1]) : nil
    if revision == "refs", rest.count >= 2 {
      revision = (["refs"] + rest.prefix(2)).joined(separator: "/")
      rest = rest.dropFirst(2)
    }
    revision = revision?.replacing("%2F", with: "/").replacing("%2f", with: "/")
    guard RepositoryRules.isName(String(parts[0])), revision != "" else { return nil }
    let path = rest.filter { !$0.isEmpty }.joined(separator: "/")
    self.init(id: String(parts[0]), revision: revision, path: path)
  }

  /// The address of the repository at its revision, for people.
  package var address: String {
    let revision = revision.map { "@" + $0.replacing("/", with: "%2F") } ?? ""
    return RepositoryName.scheme + id + revision
  }
}

/// The version of a repository that files are of.
package struct RepositoryVersion: Sendable, Equatable {
  package let id: String
  /// The branch, tag or commit that it was asked for by.
  package let revision: String
  /// The hash of its commit.
  package let commit: String

  package init(id: String, revision: String?, commit: String) {
    self.id = id
    self.revision = revision ?? "main"
    self.commit = commit
  }
}
