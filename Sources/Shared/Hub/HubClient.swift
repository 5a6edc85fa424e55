// The Hub for the rest of the program. Comes in: a repository's name. Leaves: what it holds at which commit,
// its files in the cache, or a tree of files that are read over the network.

import Foundation

/// A client of the Hub; one for a program, used from any thread.
package final class HubClient: Sendable {
  package let environment: HubEnvironment
  private let session: HubSession
  private let terminal: Terminal

  /// Files that are fetched at the same time, as huggingface_hub does.
  private static let threadCount = 8
  /// Bytes of the answer about a repository.
  private static let answerByteCount = 4 << 20

  package init(
    _ environment: HubEnvironment, terminal: Terminal = .standardError,
    patience: HTTPPatience = HTTPPatience()
  ) {
    self.environment = environment
    self.terminal = terminal
    session = HubSession(environment, patience: patience, terminal: terminal)
  }

  /// What a repository holds: asked of the Hub, or of the cache where the Hub may not or cannot be asked.
  package func snapshot(_ repository: HubRepository) throws -> HubSnapshot {
    let cache = HubCache(environment, repository)
    if environment.isOffline {
      if let held = cached(repository, cache, .cache) { return held }
      throw HubError.offline(repository, environment.offlineVariable)
    }
    let known = cached(repository, cache, .cache)
    do {
      return try asked(repository, cache, isKnown: known != nil)
    } catch let error as HubError where error.allowsCache {
      guard let held = cached(repository, cache, .cacheInstead(error.sentence)) else { throw error }
      terminal.print(
        "\(error.sentence) What the cache has of \(repository.id) at “\(repository.revision)” is used: commit \(held.commit.prefix(7))."
      )
      return held
    }
  }

  private func asked(
    _ repository: HubRepository, _ cache: HubCache, isKnown: Bool
  ) throws -> HubSnapshot {
    if repository.isCommit, let files = cache.listedFiles(repository.revision) {
      return HubSnapshot(
        repository: repository, commit: repository.revision, files: files, origin: .hub,
        endpoint: environment.endpoint)
    }
    let commit = try commit(of: repository, isKnown: isKnown)
    let files = try cache.listedFiles(commit) ?? list(repository, commit)
    return HubSnapshot(
      repository: repository, commit: commit, files: files, origin: .hub,
      endpoint: environment.endpoint)
  }

  /// The commit that the revision stands for now.
  private func commit(of repository: HubRepository, isKnown: Bool) throws -> String {
    let revision = WebAddress.quoted(repository.revision, keeping: "")
    // The answer without `expand` lists all files once more.
    let address =
      "\(repository.api(environment.endpoint))/revision/\(revision)?expand=sha&expand=gated&expand=private&expand=disabled"
    var patience = session.patience
    // Where the cache can stand in, a Hub that is down is not waited for.
    if isKnown { patience.failureLimit = min(patience.failureLimit, 2) }
    let body = try session.about(repository) {
      try session.answer(
        HTTPRequest(.get, address), atMost: HubClient.answerByteCount, patience: patience
      ).body
    }
    let value = try? JSON(parsing: body)
    if value?["disabled"]?.bool == true { throw HubError.disabled(repository) }
    guard let commit = value?["sha"]?.string, HubFile.isHexadecimal(commit, 40) else {
      throw HubError.listing(repository, "\(environment.endpoint) does not answer as the Hub does")
    }
    return commit
  }

  private func list(_ repository: HubRepository, _ commit: String) throws -> [HubFile] {
    var listing = HubListing(repository)
    var next: String? =
      "\(repository.api(environment.endpoint))/tree/\(commit)?recursive=true&expand=false"
    while let address = next {
      let (reply, page) = try session.about(repository) {
        try session.answer(HTTPRequest(.get, address), atMost: HubListing.Limit.pageByteCount)
      }
      next = reply.head["link"].flatMap { HubClient.nextPage($0) }
        .flatMap { WebAddress.resolved($0, from: reply.address) }
      try listing.add(page, hasNext: next != nil)
    }
    return try listing.sorted()
  }

  /// The address of the next page in a `Link` header (RFC 8288): `<…>; rel="next"`.
  static func nextPage(_ link: String) -> String? {
    for part in link.split(separator: ",") {
      guard let open = part.firstIndex(of: "<"), let close = part.firstIndex(of: ">"),
        open < close, part[close...].contains("rel=\"next\"")
      else { continue }
      return String(part[part.index(after: open)..<close])
    }
    return nil
  }

  private func cached(
    _ repository: HubRepository, _ cache: HubCache, _ origin: HubSnapshot.Origin
  ) -> HubSnapshot? {
    guard let commit = cache.commit,
      System.isDirectory(cache.snapshotFolder(commit)),
      let files = cache.listedFiles(commit) ?? cache.heldFiles(commit)
    else { return nil }
    return HubSnapshot(
      repository: repository, commit: commit, files: files, origin: origin,
      endpoint: environment.endpoint)
  }
}

// MARK: - Files

extension HubClient {
  /// The bytes of these files that a download would fetch.
  package func missingByteCount(_ paths: [String], of snapshot: HubSnapshot) -> Int {
    let cache = HubCache(environment, snapshot.repository)
    return paths.compactMap { snapshot.file($0) }.reduce(0) { sum, file in
      let isThere = cache.holds(file, snapshot.commit) || cache.holdsBlob(file)
      return sum + (isThere ? 0 : file.byteCount)
    }
  }

  /// Brings files into the cache, several at once.
  ///
  /// - Returns: the snapshot's folder in the cache, where the files lie by their paths.
  @discardableResult
  package func download(
    _ paths: [String], of snapshot: HubSnapshot, progress mode: Progress.Mode = .automatic
  ) throws -> String {
    let cache = HubCache(environment, snapshot.repository)
    let files = try paths.map { path in
      guard let file = snapshot.file(path) else { throw missing(path, snapshot, cache) }
      return file
    }
    let folder = cache.snapshotFolder(snapshot.commit)
    let absent = files.filter { !cache.holds($0, snapshot.commit) }
    guard !absent.isEmpty else {
      // As there: a cache that may only be read serves all the same.
      if snapshot.origin == .hub { try? cache.prepare(snapshot) }
      return folder
    }
    if snapshot.origin != .hub, let file = absent.first(where: { !cache.holdsBlob($0) }) {
      throw missing(file.path, snapshot, cache)
    }
    try cache.prepare(snapshot)
    try fetch(absent, snapshot, cache, environment.showsProgress ? mode : .quiet)
    return folder
  }

  private func missing(
    _ path: String, _ snapshot: HubSnapshot, _ cache: HubCache
  ) -> HubError {
    if snapshot.origin == .hub { cache.noteMissing(path, snapshot.commit) }
    return snapshot.absence(of: path, environment)
  }

  private func fetch(
    _ files: [HubFile], _ snapshot: HubSnapshot, _ cache: HubCache, _ mode: Progress.Mode
  ) throws {
    let progress = Progress(
      stage: "Downloading \(snapshot.repository.id)", unit: "bytes",
      total: files.reduce(0) { $0 + $1.byteCount }, mode: mode, terminal: terminal)
    let (next, stop, failure) = (Counter(), StopFlag(), FirstFailure())
    // The largest first, so that no thread is left with it in the end.
    let order = files.sorted { $0.byteCount > $1.byteCount }
    Parallel.onThreads(min(HubClient.threadCount, order.count)) { [session] _ in
      while !stop.isSet {
        let index = next.take()
        guard index < order.count else { return }
        do {
          try session.about(snapshot.repository, path: order[index].path) {
            try HubDownload(
              session: session, cache: cache, snapshot: snapshot, file: order[index], stop: stop,
              progress: progress
            ).run()
          }
        } catch {
          failure.note(error)
          stop.set()
        }
      }
    }
    if let error = failure.error { throw error }
    guard !stop.isSet else { throw session.meaning(HTTPProblem.stopped) }
    progress.finish()
  }

  /// The files as a tree that is read over the network; what the cache has is read there.
  package func tree(_ snapshot: HubSnapshot) -> RemoteTree {
    RemoteTree(session, snapshot)
  }
}

extension HubError {
  /// Whether what was downloaded earlier may stand in: where the Hub is away, and where it does not let this
  /// user in any more.
  fileprivate var allowsCache: Bool {
    switch self {
    case .unreachable, .cutOff, .untrusted, .noRepository, .gated, .badToken, .forbidden: true
    case .refused(_, let status, _): status == 429 || status >= 500
    default: false
    }
  }
}
