// From the path of a request to the repository and what is wanted of it, with the refusals that the Hub has
// for names, tokens and revisions.

import Foundation
import Shared
import Synchronization

/// A repository as a request names it, and the rest of the request's path.
struct LocalHubPlace {
  let repository: LocalHubRepository
  /// What is wanted, as `tree`; empty for the repository itself.
  let verb: String
  let rest: [String]

  /// The revision at the beginning of the rest, and what follows it.
  var revisionAndPath: (revision: String, path: String) {
    let count = rest.first == "refs" && rest.count >= 3 ? 3 : min(1, rest.count)
    let revision = rest.prefix(count).joined(separator: "/")
    return (revision.isEmpty ? "main" : revision, rest.dropFirst(count).joined(separator: "/"))
  }

  /// The commit of the revision.
  func commit() throws -> LocalHubCommit {
    let revision = revisionAndPath.revision
    guard let commit = repository.commit(revision) else {
      throw LocalHubRefusal(404, "RevisionNotFound", "Invalid rev id: \(revision)")
    }
    return commit
  }

  /// The file that the path names.
  func file() throws -> (commit: LocalHubCommit, path: String, file: LocalHubFile) {
    let (commit, path) = (try commit(), revisionAndPath.path)
    guard let file = commit.files[path] else {
      throw LocalHubRefusal(404, "EntryNotFound", "Entry not found")
    }
    return (commit, path, file)
  }
}

/// What a request is about to do.
enum LocalHubUse { case describe, read, write }

extension LocalHub {
  private static let verbs: Set<String> = [
    "revision", "tree", "paths-info", "refs", "commits", "preupload", "commit", "branch", "tag",
    "xet-read-token", "xet-write-token", "settings", "resolve", "raw", "auth-check",
  ]

  /// Finds the repository whose name begins the parts: one part or two before the verb.
  func place(
    _ kind: LocalHubKind, _ parts: [String], of request: LocalHTTPRequest,
    for use: (String) -> LocalHubUse
  ) throws -> LocalHubPlace {
    let isShort = parts.count < 2 || Self.verbs.contains(parts[1])
    let idCount = isShort ? min(1, parts.count) : 2
    let id = parts.prefix(idCount).joined(separator: "/")
    let verb = parts.count > idCount ? parts[idCount] : ""
    let repository = try repository(kind, id, of: request, for: use(verb))
    return LocalHubPlace(
      repository: repository, verb: verb, rest: Array(parts.dropFirst(idCount + 1)))
  }

  func repository(
    _ kind: LocalHubKind, _ id: String, of request: LocalHTTPRequest, for use: LocalHubUse
  ) throws -> LocalHubRepository {
    let isKnown = try isKnown(request)
    let found = found(kind, id)
    let name = state.withLock { $0.names[Self.key(kind, id)] }
    if found == nil, let name, let range = request.target.firstRange(of: id) {
      throw LocalHubRefusal(
        .redirect(307, to: request.target.replacingCharacters(in: range, with: name)))
    }
    guard let found, isKnown || found.access != .isPrivate else {
      throw isKnown
        ? LocalHubRefusal(404, "RepoNotFound", "Repository not found")
        : LocalHubRefusal(401, "RepoNotFound", "Invalid username or password.")
    }
    if use == .read, found.access == .gated, !(isKnown && options.isOnGatedLists) {
      throw isKnown
        ? LocalHubRefusal(
          403, "GatedRepo",
          "Access to \(kind.rawValue) \(id) is restricted and you are not in the authorized list. Visit \(endpoint)/\(kind.prefix)\(id) to ask for access."
        )
        : LocalHubRefusal(
          401, "GatedRepo",
          "Access to \(kind.rawValue) \(id) is restricted. You must have access to it and be authenticated to access it. Please log in."
        )
    }
    if use == .write { try requireToken(request) }
    return found
  }

  func found(_ kind: LocalHubKind, _ id: String) -> LocalHubRepository? {
    state.withLock { $0.repositories[Self.key(kind, id)] }
  }

  func requireToken(_ request: LocalHTTPRequest) throws {
    if try !isKnown(request) {
      throw LocalHubRefusal(401, nil, "Invalid username or password.")
    }
  }

  /// Whether the request has the right token; a wrong one is refused.
  func isKnown(_ request: LocalHTTPRequest) throws -> Bool {
    guard let token = request.token else { return false }
    guard token == options.token else {
      throw LocalHubRefusal(401, nil, "Invalid credentials in Authorization header")
    }
    return true
  }

  /// The body as JSON, of at most 512 MB.
  func json(_ connection: LocalHTTPConnection) throws -> [String: JSON] {
    let body = try body(connection)
    guard let object = try? JSON(parsing: body).object else {
      throw LocalHubRefusal(400, nil, "The body is no JSON object.")
    }
    return object
  }

  func body(_ connection: LocalHTTPConnection) throws -> [UInt8] {
    var body: [UInt8] = []
    try connection.readBody { piece in
      guard body.count + piece.count <= 512 << 20 else {
        throw LocalHubRefusal(413, nil, "Payload Too Large")
      }
      body += piece
    }
    return body
  }
}
