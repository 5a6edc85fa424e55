// One file into the cache: held by its lock, gone on with where it was cut, checked before it gets its name.
// Comes in: a file of a snapshot. Leaves: its blob and its link, whole and right, or an error.

/// A download that arrived otherwise than it was announced.
struct WrongContent: Error {
  let what: String
}

/// Fetches one file.
struct HubDownload {
  let session: HubSession
  let cache: HubCache
  let snapshot: HubSnapshot
  let file: HubFile
  let stop: StopFlag
  /// Told of bytes as they are written, and of those that were there before.
  let progress: Progress

  /// How often a file is fetched that arrives wrong.
  private static let attemptLimit = 3

  func run() throws {
    if cache.holds(file, snapshot.commit) { return progress.skip(file.byteCount) }
    try cache.locked(file, stop: stop) {
      if cache.holdsBlob(file) {
        progress.skip(file.byteCount)
      } else {
        try fetch()
      }
      try cache.link(file, snapshot.commit)
    }
  }

  private func fetch() throws {
    var wrong = ""
    for _ in 0..<HubDownload.attemptLimit {
      let partial = try PartialBlob(cache.blob(file) + ".incomplete", of: file)
      progress.skip(partial.byteCount)
      do {
        try fill(partial)
        try partial.publish(as: cache.blob(file))
        return
      } catch let error as WrongContent {
        wrong = error.what
        try partial.discard()
      }
    }
    throw HubError.wrongContent(snapshot.address(file.path), wrong)
  }

  private func fill(_ partial: PartialBlob) throws {
    var retry = HTTPRetry(session.patience)
    while partial.byteCount < file.byteCount {
      let start = partial.byteCount
      let isBegun = Held<Bool>()
      do {
        _ = try session.exchange(snapshot.request(file, from: start), stop: stop) { reply, piece in
          if isBegun.value == nil {
            isBegun.value = true
            try partial.begin(try reply.start(of: file))
          }
          try partial.append(piece)
          progress.advance(piece.byteCount)
        }
        if partial.byteCount < file.byteCount {
          throw HTTPProblem.cut("the answer ended early")
        }
      } catch let refusal as HTTPRefusal where refusal.head.status == 416 {
        throw WrongContent(what: "the server has fewer bytes than it listed")
      } catch let error where !(error is WrongContent) {
        if partial.byteCount > start { retry.succeed() }
        try session.wait(after: error, &retry, stop: stop)
      }
    }
  }
}

extension HubSnapshot {
  /// The request for the bytes of a file from one on.
  func request(_ file: HubFile, from start: Int, to end: Int? = nil) -> HTTPRequest {
    let commit = WebAddress.quoted(commit)
    var request = HTTPRequest(
      .get, "\(resolveBase)/resolve/\(commit)/\(WebAddress.quoted(file.path))",
      headers: [("Accept-Encoding", "identity")])
    if start > 0 || end != nil {
      request.headers.append(("Range", "bytes=\(start)-\(end.map { String($0 - 1) } ?? "")"))
    }
    return request
  }
}

extension HubReply {
  /// The place in the file that the answer begins at.
  ///
  /// - Throws: WrongContent where it is the answer about another file.
  func start(of file: HubFile) throws -> Int {
    if let tag, HubFile.Digest(name: tag) != nil, tag != file.digest.name {
      throw WrongContent(
        what: "its hash is \(tag) on the server and \(file.digest.name) in the list")
    }
    guard head.status == 206 else {
      if let text = head["content-length"], let byteCount = Int(text), byteCount != file.byteCount {
        throw WrongContent(what: "it has \(byteCount) bytes and not \(file.byteCount)")
      }
      return 0
    }
    guard let range = head.contentRange, range.byteCount == file.byteCount else {
      throw WrongContent(what: "the server sent a range of another file")
    }
    return range.start
  }
}
