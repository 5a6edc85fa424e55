// Repositories of the Hub, what lies in one at a commit, and the rules for their names. What a server
// lists becomes paths of this machine, so nothing is believed that leads out of a folder.

/// A repository at a revision: a branch, a tag, or a commit.
package struct HubRepository: Sendable, Hashable {
  package enum Kind: String, Sendable {
    case model, dataset

    /// As the API's addresses and the cache's folders have it.
    var plural: String { rawValue + "s" }
  }

  package let kind: Kind
  /// `owner/name`, or the name alone of the first ones.
  package let id: String
  package let revision: String

  /// - Throws: where the Hub allows no such name.
  package init(
    _ kind: Kind, _ id: String, revision: String? = nil
  ) throws(HubError) {
    guard RepositoryRules.isName(id) else { throw .notAName(kind, id) }
    let revision = revision ?? "main"
    guard HubPath.isSafe(revision), revision.utf8.count <= 255 else {
      throw .notARevision(revision)
    }
    self.kind = kind
    self.id = id
    self.revision = revision
  }

  var isCommit: Bool { HubFile.isHexadecimal(revision, 40) }

  /// The folder of the cache that holds it.
  package var folderName: String {
    "\(kind.plural)--" + id.split(separator: "/").joined(separator: "--")
  }

  /// The page that people open.
  func page(_ endpoint: String) -> String {
    "\(endpoint)/\(kind == .dataset ? "datasets/" : "")\(id)"
  }

  func api(_ endpoint: String) -> String { "\(endpoint)/api/\(kind.plural)/\(id)" }

  /// What sentences call it.
  package var words: String { "The \(kind == .dataset ? "data set" : "model") \(id)" }
}

/// A file of a repository.
package struct HubFile: Sendable, Equatable {
  package enum Digest: Sendable, Equatable {
    /// Of the content; files that lie in LFS or Xet.
    case sha256(String)
    /// Of git's blob: of `blob <size>`, a zero byte and the content.
    case gitBlob(String)

    /// What the cache and the server's ETag call the content.
    package var name: String {
      switch self {
      case .sha256(let text), .gitBlob(let text): text
      }
    }

    /// As stages record it.
    package var identity: String {
      switch self {
      case .sha256(let text): "sha256:" + text
      case .gitBlob(let text): "git-sha1:" + text
      }
    }

    /// Reads the name of a blob of the cache.
    init?(name: String) {
      if HubFile.isHexadecimal(name, 64) {
        self = .sha256(name)
      } else if HubFile.isHexadecimal(name, 40) {
        self = .gitBlob(name)
      } else {
        return nil
      }
    }
  }

  package let path: String
  package let byteCount: Int
  package let digest: Digest
  /// Git's name of the file, which for LFS is that of a pointer.
  let blob: String
  /// Kept for the listing that Python reads.
  let xet: String?

  static func isHexadecimal(_ text: String, _ count: Int) -> Bool {
    text.utf8.count == count
      && text.utf8.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }
  }
}

/// What a repository holds at one commit.
package struct HubSnapshot: Sendable {
  /// Whether the Hub was asked, or only the cache.
  package enum Origin: Sendable, Equatable {
    case hub, cache
    /// The Hub could not be reached; the reason.
    case cacheInstead(String)
  }

  package let repository: HubRepository
  package let commit: String
  /// Sorted by the bytes of their paths.
  package let files: [HubFile]
  package let origin: Origin
  /// Where the repository is asked for.
  let endpoint: String

  package func file(_ path: String) -> HubFile? {
    var (low, high) = (0, files.count)
    while low < high {
      let middle = (low + high) / 2
      if files[middle].path.utf8.lexicographicallyPrecedes(path.utf8) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low < files.count && files[low].path == path ? files[low] : nil
  }

  /// The address that files lie under.
  var resolveBase: String { repository.page(endpoint) }

  /// The file as sentences name it.
  package func address(_ path: String) -> String {
    "hf://\(repository.kind.plural)/\(repository.id)@\(repository.revision)/\(path)"
  }
}

/// Paths that came from a server.
enum HubPath {
  /// Whether a path stays in its folder on every machine.
  static func isSafe(_ path: String) -> Bool {
    guard !path.isEmpty, path.utf8.count <= 4_000 else { return false }
    // Control characters are of two ranges, of which the second one moves terminals too.
    guard
      path.unicodeScalars.allSatisfy({
        $0.value >= 0x20 && !(0x7F...0x9F ~= $0.value) && $0 != "\\"
      })
    else { return false }
    let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    // With an accent behind it a slash is none to those who look at letters.
    guard path.split(separator: "/").count == parts.count else { return false }
    return parts.allSatisfy { part in
      !part.isEmpty && part.count <= 255 && !part.elementsEqual(".".utf8)
        && !part.elementsEqual("..".utf8)
    }
  }
}
