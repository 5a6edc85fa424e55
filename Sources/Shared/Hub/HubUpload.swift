// Files on their way to a repository of the Hub. Comes in: paths and bytes. Leaves: commits. What is there
// already is not sent again, so that a run that was killed goes on where it was.

import Foundation

/// What came of an upload.
package struct UploadResult: Sendable, Equatable {
  /// The page of the repository.
  package let page: String
  /// Files that were written or removed by commits.
  package let changedCount: Int
  /// Files that were there as they are.
  package let sameCount: Int
  /// Bytes that the storage of large files did not have.
  package let sentByteCount: Int
}

/// Uploads to one branch of a repository; used by one thread.
package final class HubUpload {
  package private(set) var repository: HubRepository
  private let environment: HubEnvironment
  private let visibility: HubVisibility
  private let session: HubSession
  private let client: HubClient
  private let mode: Progress.Mode
  private let terminal: Terminal
  /// What the branch held at the beginning.
  private var snapshot: HubSnapshot?
  private var commit = UploadCommit()
  private var changedCount = 0
  private var sameCount = 0
  private var sentByteCount = 0

  /// Bytes of a text that is read from the repository.
  private static let textByteCount = 1 << 20
  /// A commit of many files takes the Hub a while.
  private static let commitStallSeconds = 180.0
  /// Files that the Hub is asked about at once.
  private static let groupCount = 100

  /// - Throws: where the environment allows no upload at all.
  package init(
    _ environment: HubEnvironment, to repository: HubRepository,
    visibility: HubVisibility = .everyone, mode: Progress.Mode = .automatic,
    terminal: Terminal = .standardError, patience: HTTPPatience = HTTPPatience()
  ) throws(UploadError) {
    guard !environment.isOffline else {
      throw .offline(id: repository.id, variable: environment.offlineVariable)
    }
    guard environment.token != nil else { throw .noToken(id: repository.id) }
    guard !repository.isCommit else {
      throw .notABranch(id: repository.id, revision: repository.revision)
    }
    self.environment = environment
    self.repository = repository
    self.visibility = visibility
    self.mode = environment.showsProgress ? mode : .quiet
    self.terminal = terminal
    session = HubSession(environment, patience: patience, terminal: terminal)
    client = HubClient(environment, terminal: terminal, patience: patience)
  }

  /// The page of the repository.
  package var page: String { repository.page(environment.endpoint) }

  /// Asks the Hub who the token belongs to, so that a wrong one is noticed before any work.
  ///
  /// A name without an owner becomes that user's.
  package func requireAccess() throws {
    let body: [UInt8]
    do {
      body = try session.forUploads(to: repository) {
        try session.answer(
          HTTPRequest(.get, environment.endpoint + "/api/whoami-v2"),
          atMost: HubSession.uploadAnswerByteCount
        ).body
      }
    } catch HubError.noRepository {
      throw HubError.badToken
    }
    guard let user = try? JSON(parsing: body), let name = user["name"]?.string else {
      throw UploadError.badAnswer(environment.endpoint, what: "it does not say whose the token is")
    }
    guard user["auth"]?["accessToken"]?["role"]?.string != "read" else {
      throw UploadError.readOnly(id: repository.id)
    }
    if !repository.id.contains("/") {
      repository = try HubRepository(
        repository.kind, "\(name)/\(repository.id)", revision: repository.revision)
    }
  }

  /// Makes the repository and the branch where they are missing, and looks at what they hold.
  package func open() throws {
    try session.forUploads(to: repository) {
      try UploadPlace(session: session, repository: repository, visibility: visibility).make()
    }
    let snapshot = try client.snapshot(repository)
    if case .cacheInstead(let reason) = snapshot.origin {
      throw HubError.unreachable(environment.endpoint, reason)
    }
    self.snapshot = snapshot
  }

  /// The files of the branch as it was when it was opened, sorted.
  package var paths: [String] { snapshot?.files.map(\.path) ?? [] }

  /// Says something about the repository to people.
  package func note(_ text: String) { if mode != .quiet { terminal.print("note: " + text) } }

  /// What tells contents of the branch apart, by path; files that are not there are left out.
  package func identities(_ paths: [String]) -> [String: String] {
    let known = paths.compactMap { path in
      snapshot?.file(path).map { (path, $0.digest.identity) }
    }
    return Dictionary(known) { first, _ in first }
  }

  /// The text of a small file of the branch; nil where it is not there.
  package func text(_ path: String) throws -> String? {
    guard let snapshot, snapshot.file(path) != nil else { return nil }
    let address = "\(snapshot.resolveBase)/resolve/\(snapshot.commit)/\(WebAddress.quoted(path))"
    let body = try session.forUploads(to: repository) {
      try session.answer(HTTPRequest(.get, address), atMost: HubUpload.textByteCount).body
    }
    return String(decoding: body, as: UTF8.self)
  }

  /// Brings files up, several at once; they become part of the branch with the next commit, or earlier where
  /// there are many.
  package func add(_ files: [UploadFile], summary: String) throws {
    for file in files where !HubPath.isSafe(file.path) { throw UploadError.notAPath(file.path) }
    for start in stride(from: 0, to: files.count, by: HubUpload.groupCount) {
      try session.forUploads(to: repository) {
        try addGroup(Array(files[start..<min(files.count, start + HubUpload.groupCount)]), summary)
      }
    }
  }

  /// Removes files of the branch with the next commit.
  package func remove(_ paths: [String], summary: String) throws {
    for path in paths where snapshot?.file(path) != nil {
      try append(.delete(path: path), summary)
    }
  }

  /// Commits what was added, and looks at the branch as it is then.
  package func finish(summary: String) throws -> UploadResult {
    try flush(summary)
    if changedCount > 0 { snapshot = try client.snapshot(repository) }
    return UploadResult(
      page: page, changedCount: changedCount, sameCount: sameCount, sentByteCount: sentByteCount)
  }
}

// MARK: - Files

extension HubUpload {
  private func addGroup(_ files: [UploadFile], _ summary: String) throws {
    let missing = try missing(files)
    sameCount += files.count - missing.count
    guard !missing.isEmpty else { return }
    let modes = try modes(missing)
    let large = missing.filter { modes[$0.path] == .large && $0.byteCount > 0 }
    let hashes = Results<String>(large.count)
    try UploadThreads.each(large.count, stop: StopFlag()) { index in
      hashes.set(index, try large[index].sha256())
    }
    let objects = zip(large, hashes.values).map { UploadObject(file: $0, sha256: $1 ?? "") }
    if !objects.isEmpty {
      sentByteCount += try UploadTransfer(
        session: session, repository: repository, mode: mode, terminal: terminal
      ).send(objects)
    }
    let known = Dictionary(objects.map { ($0.file.path, $0.sha256) }) { first, _ in first }
    for file in missing {
      if let sha256 = known[file.path] {
        try append(
          .point(path: file.path, sha256: sha256, byteCount: file.byteCount), summary)
      } else {
        try append(.write(path: file.path, try file.bytes()), summary)
      }
    }
  }

  /// The files that the branch does not have, or has with other bytes.
  private func missing(_ files: [UploadFile]) throws -> [UploadFile] {
    guard let snapshot else { return files }
    let same = Results<Bool>(files.count)
    try UploadThreads.each(files.count, stop: StopFlag()) { index in
      same.set(index, try snapshot.file(files[index].path).map { try files[index].isSame(as: $0) })
    }
    return zip(files, same.values).filter { $1 != true }.map(\.0)
  }

  private enum Mode { case small, large }

  /// Which files the Hub wants in its storage of large ones.
  private func modes(_ files: [UploadFile]) throws -> [String: Mode] {
    let revision = WebAddress.quoted(repository.revision, keeping: "")
    let address = "\(repository.api(environment.endpoint))/preupload/\(revision)"
    let answer = try session.post(
      [
        "files": .array(
          try files.map {
            [
              "path": .string($0.path), "size": .integer($0.byteCount),
              "sample": .string(Data(try $0.sample()).base64EncodedString()),
            ]
          })
      ], to: address)
    var modes: [String: Mode] = [:]
    for file in answer["files"]?.array ?? [] {
      guard let path = file["path"]?.string else { continue }
      if file["shouldIgnore"]?.bool == true {
        throw UploadError.ignored(id: repository.id, path: path)
      }
      modes[path] = file["uploadMode"]?.string == "lfs" ? .large : .small
    }
    guard files.allSatisfy({ modes[$0.path] != nil }) else {
      throw UploadError.badAnswer(address, what: "it leaves out a file")
    }
    return modes
  }

  private func append(_ operation: UploadOperation, _ summary: String) throws {
    commit.add(operation)
    if commit.isFull { try flush(summary) }
  }

  private func flush(_ summary: String) throws {
    guard !commit.operations.isEmpty else { return }
    let revision = WebAddress.quoted(repository.revision, keeping: "")
    let address = "\(repository.api(environment.endpoint))/commit/\(revision)"
    let lines = commit.lines(summary: summary)
    var retry = HTTPRetry(session.patience)
    try session.forUploads(to: repository) {
      while true {
        do {
          _ = try session.post(
            lines, type: "application/x-ndjson", to: address,
            stallSeconds: HubUpload.commitStallSeconds)
          return
        } catch let refusal as HTTPRefusal where [409, 412].contains(refusal.head.status) {
          // Somebody else committed at the same time; ours stands on whatever comes first.
          guard let seconds = retry.fail() else { throw refusal }
          System.sleep(seconds: seconds)
        }
      }
    }
    changedCount += commit.operations.count
    commit = UploadCommit()
  }
}

extension HubEnvironment {
  /// What this process was started with.
  package static var variables: [String: String] { ProcessInfo.processInfo.environment }
}

extension HubRepository {
  /// Whether a text can be the path of a file or a folder in a repository.
  package static func isPath(_ path: String) -> Bool { HubPath.isSafe(path) }
}
