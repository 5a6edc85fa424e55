// Large files on their way to the Hub's storage, by the protocol of Git LFS with the Hub's transfer in parts.
// Comes in: files with their hashes. Leaves: the storage has them; what it had already is not sent.

/// A large file and the hash by which it is stored.
struct UploadObject: Sendable {
  let file: UploadFile
  let sha256: String
}

/// Sends large files of one repository.
struct UploadTransfer: Sendable {
  let session: HubSession
  let repository: HubRepository
  let mode: Progress.Mode
  let terminal: Terminal

  /// Times that addresses are asked for: signed ones run out.
  private static let attempts = 3
  private static let answerByteCount = 16 << 20
  /// Storage answers when it has put a file away, which takes its time.
  private static let stallSeconds = 120.0
  private static let headers = [
    (name: "Accept", value: "application/vnd.git-lfs+json"),
    (name: "Content-Type", value: "application/vnd.git-lfs+json"),
  ]

  /// Sends what the storage does not have.
  ///
  /// - Returns: the bytes that were sent.
  func send(_ objects: [UploadObject]) throws -> Int {
    var sentByteCount = 0
    for attempt in 1...UploadTransfer.attempts {
      let deliveries = try asked(objects)
      if deliveries.isEmpty { break }
      do {
        sentByteCount += try send(deliveries)
        break
      } catch let refusal as HTTPRefusal {
        guard attempt < UploadTransfer.attempts, isOutdated(refusal) else {
          throw meaning(of: refusal)
        }
      }
    }
    return sentByteCount
  }

  /// Whether a new address may be answered otherwise.
  private func isOutdated(_ refusal: HTTPRefusal) -> Bool {
    [400, 403, 404].contains(refusal.head.status)
  }

  /// What the storage answers is its own affair: no token goes there.
  private func meaning(of refusal: HTTPRefusal) -> HubError {
    let environment = session.environment
    guard WebAddress.origin(refusal.address) != WebAddress.origin(environment.endpoint) else {
      return repository.meaning(of: refusal, in: environment)
    }
    return .refused(
      WebAddress.withoutQuery(refusal.address), refusal.head.status, refusal.message)
  }

  private func send(_ deliveries: [UploadDelivery]) throws -> Int {
    let total = deliveries.reduce(0) { $0 + $1.object.file.byteCount }
    let progress = Progress(
      stage: "Uploading to \(repository.id)", unit: "bytes", total: total, mode: mode,
      terminal: terminal)
    let jobs = deliveries.indices.flatMap { index in
      (0..<max(1, deliveries[index].parts.count)).map { (delivery: index, part: $0) }
    }
    let sources = deliveries.map {
      CountedSource($0.object.file.content, partByteCount: $0.partByteCount, progress: progress)
    }
    let stop = StopFlag()
    try UploadThreads.each(jobs.count, stop: stop) { index in
      let (delivery, part) = jobs[index]
      try send(deliveries[delivery], part, sources[delivery], stop)
    }
    progress.finish()
    return total
  }

  /// Sends a file or a part of it; who sends the last part completes the file.
  private func send(
    _ delivery: UploadDelivery, _ part: Int, _ source: CountedSource, _ stop: StopFlag
  ) throws {
    let range = delivery.range(part)
    let address = delivery.parts.isEmpty ? delivery.address : delivery.parts[part]
    let reply = try answer(
      HTTPRequest(
        .put, address, body: .file(source, range), stallSeconds: UploadTransfer.stallSeconds),
      stop)
    if !delivery.parts.isEmpty {
      guard let tag = reply.head["etag"], !tag.isEmpty else {
        throw UploadError.badAnswer(
          WebAddress.withoutQuery(address), what: "a part of a file got no ETag")
      }
      guard let tags = delivery.tags.add(tag, part, of: delivery.parts.count) else { return }
      try post(
        ["oid": .string(delivery.object.sha256), "parts": .array(tags)], to: delivery.address, stop)
    }
    if let verification = delivery.verification {
      try post(
        [
          "oid": .string(delivery.object.sha256), "size": .integer(delivery.object.file.byteCount),
        ], to: verification, stop)
    }
  }

  private func post(_ json: JSON, to address: String, _ stop: StopFlag) throws {
    _ = try answer(
      HTTPRequest(
        .post, address, headers: UploadTransfer.headers, body: .bytes(Array(json.canonical.utf8)),
        stallSeconds: UploadTransfer.stallSeconds), stop)
  }

  /// The answer to a request, tried until the client's patience ends or `stop` is set.
  private func answer(_ request: HTTPRequest, _ stop: StopFlag) throws -> HubReply {
    var retry = HTTPRetry(session.patience)
    while true {
      do { return try session.exchange(request, stop: stop) { _, _ in } } catch {
        // An address that has run out stays so: another one is asked for.
        if let refusal = error as? HTTPRefusal, isOutdated(refusal) { throw refusal }
        try session.wait(after: error, &retry, stop: stop)
      }
    }
  }
}

// MARK: - Where files go

extension UploadTransfer {
  /// Asks where the files go; those that the storage has are left out.
  private func asked(_ objects: [UploadObject]) throws -> [UploadDelivery] {
    let environment = session.environment
    let address = "\(repository.page(environment.endpoint)).git/info/lfs/objects/batch"
    let request: JSON = [
      "operation": "upload", "transfers": .array(["basic", "multipart"]), "hash_algo": "sha256",
      "ref": ["name": .string(repository.revision)],
      "objects": .array(
        objects.map { ["oid": .string($0.sha256), "size": .integer($0.file.byteCount)] }),
    ]
    let body = try session.about(repository) {
      try session.answer(
        HTTPRequest(
          .post, address, headers: UploadTransfer.headers,
          body: .bytes(Array(request.canonical.utf8)), stallSeconds: UploadTransfer.stallSeconds),
        atMost: UploadTransfer.answerByteCount
      ).body
    }
    guard let answers = (try? JSON(parsing: body))?["objects"]?.array else {
      throw UploadError.badAnswer(address, what: "it names no objects")
    }
    var deliveries: [UploadDelivery] = []
    var left = Dictionary(objects.map { ($0.sha256, $0) }) { first, _ in first }
    for answer in answers {
      guard let object = answer["oid"]?.string.flatMap({ left.removeValue(forKey: $0) }) else {
        continue
      }
      if let message = answer["error"]?["message"]?.string {
        throw UploadError.storage(path: object.file.path, message: UploadTransfer.shown(message))
      }
      if let delivery = try UploadDelivery(object, answer["actions"], environment) {
        deliveries.append(delivery)
      }
    }
    guard left.isEmpty else {
      throw UploadError.badAnswer(address, what: "it leaves out a file")
    }
    return deliveries
  }

  /// The server's words without what does not belong into a sentence.
  private static func shown(_ message: String) -> String {
    let line = message.prefix(200).filter { !$0.unicodeScalars.contains { $0.value < 0x20 } }
    return line.hasSuffix(".") ? String(line.dropLast()) : String(line)
  }
}
