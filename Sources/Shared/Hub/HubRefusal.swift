// What the Hub's refusals mean for the repository that was asked about.

extension HubRepository {
  /// The meaning of an answer that says no, to a request about this repository or a file of it.
  func meaning(
    of refusal: HTTPRefusal, path: String? = nil, in environment: HubEnvironment
  ) -> HubError {
    let isLoggedIn = environment.token != nil
    let address = WebAddress.withoutQuery(refusal.address)
    guard refusal.isHub else { return .refused(address, refusal.head.status, refusal.message) }
    switch (refusal.head.status, refusal.code) {
    case (_, "RevisionNotFound"): return .noRevision(self)
    case (_, "EntryNotFound"): return .noFile(self, path ?? "")
    case (_, "GatedRepo"):
      return .gated(self, page: page(environment.endpoint), isLoggedIn: isLoggedIn)
    case (_, "DisabledRepo"): return .disabled(self)
    case (_, "RepoNotFound"): return .noRepository(self, isLoggedIn: isLoggedIn)
    case (401, _) where isLoggedIn && refusal.message?.hasPrefix("Invalid credentials") == true:
      return .badToken
    case (403, _) where refusal.message == "Access to this resource is disabled":
      return .disabled(self)
    // The Hub does not tell strangers whether a private repository exists.
    case (401, _): return .noRepository(self, isLoggedIn: isLoggedIn)
    case (403, _): return .forbidden(address, refusal.message)
    case (404, _):
      return path.map { .noFile(self, $0) } ?? .noRepository(self, isLoggedIn: isLoggedIn)
    case (let status, _): return .refused(address, status, refusal.message)
    }
  }
}

extension HubSession {
  /// Runs requests about a repository, and gives what failed its meaning.
  func about<Result>(
    _ repository: HubRepository, path: String? = nil, _ body: () throws -> Result
  ) throws -> Result {
    do { return try body() } catch let refusal as HTTPRefusal {
      throw repository.meaning(of: refusal, path: path, in: environment)
    } catch { throw meaning(error) }
  }
}
