// The repository and the branch that files go to. Comes in: their names. Leaves: they are there.

/// Who may see a repository that is made for an upload.
package enum HubVisibility: Sendable, Equatable { case everyone, owner }

/// Makes what is missing of a place for uploads.
struct UploadPlace {
  let session: HubSession
  let repository: HubRepository
  let visibility: HubVisibility

  private enum Standing { case there, noRevision, noRepository }

  /// - Throws: HTTPRefusal where the Hub says no.
  func make() throws {
    var standing = try standing()
    if standing == .noRepository {
      try createRepository()
      standing = repository.revision == "main" ? .there : .noRevision
    }
    if standing == .noRevision { try createBranch() }
  }

  /// Whether repository and branch are there, asked of the Hub alone and not of the cache.
  private func standing() throws -> Standing {
    let revision = WebAddress.quoted(repository.revision, keeping: "")
    let address =
      "\(repository.api(session.environment.endpoint))/revision/\(revision)?expand=sha"
    do {
      _ = try session.about(repository) {
        try session.answer(HTTPRequest(.get, address), atMost: HubSession.uploadAnswerByteCount)
      }
      return .there
    } catch HubError.noRepository {
      return .noRepository
    } catch HubError.noRevision where !repository.revision.hasPrefix("refs/") {
      return .noRevision
    }
  }

  private func createRepository() throws {
    let parts = repository.id.split(separator: "/").map { JSON.string(String($0)) }
    var request: [String: JSON] = [
      "name": parts.last ?? "", "type": .string(repository.kind.rawValue),
      "visibility": visibility == .owner ? "private" : "public",
    ]
    if parts.count == 2 { request["organization"] = parts[0] }
    do {
      _ = try session.post(
        .object(request), to: "\(session.environment.endpoint)/api/repos/create")
    } catch let refusal as HTTPRefusal where refusal.head.status == 409 {
      // Another process may have made it since; a repository of others stays out of sight.
      guard try standing() != .noRepository else {
        throw UploadError.takenName(id: repository.id)
      }
    }
  }

  private func createBranch() throws {
    let branch = WebAddress.quoted(repository.revision, keeping: "")
    do {
      _ = try session.post(
        [:], to: "\(repository.api(session.environment.endpoint))/branch/\(branch)")
    } catch let refusal as HTTPRefusal where refusal.head.status == 409 {}
  }
}

extension HubSession {
  /// Bytes that an answer to one who uploads may have.
  static let uploadAnswerByteCount = 4 << 20

  func post(_ json: JSON, to address: String) throws -> JSON {
    try post(Array(json.canonical.utf8), type: "application/json", to: address)
  }

  /// The JSON that a request with a body is answered with; null where it is something else.
  func post(
    _ bytes: [UInt8], type: String, to address: String, stallSeconds: Double? = nil
  ) throws -> JSON {
    let body = try answer(
      HTTPRequest(
        .post, address, headers: [("Content-Type", type)], body: .bytes(bytes),
        stallSeconds: stallSeconds), atMost: HubSession.uploadAnswerByteCount
    ).body
    return (try? JSON(parsing: body)) ?? .null
  }

  /// Gives refusals their meaning, and an interruption the words for uploads.
  func forUploads<Result>(
    to repository: HubRepository, _ body: () throws -> Result
  ) throws -> Result {
    do { return try about(repository, body) } catch is Interrupted {
      throw Interrupted(
        "Interrupted; what has arrived at \(repository.id) is not sent again.",
        hint: "Run the same command again to continue.")
    }
  }
}
