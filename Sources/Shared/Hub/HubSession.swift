// How the Hub is spoken to: the token goes to its own host alone, redirects are followed here, what fails
// for a moment is tried again. Comes in: a request. Leaves: the answer, or a reason why there is none.

import Synchronization

/// An answer that says no.
struct HTTPRefusal: Error {
  let address: String
  /// Whether it is the Hub itself that refuses, and not a host that it sent the request on to.
  let isHub: Bool
  let head: HTTPHead
  /// The beginning of the answer's body.
  let body: [UInt8]

  /// What the Hub calls the reason (`RepoNotFound`, `GatedRepo`, …).
  var code: String? { head["x-error-code"] }

  /// The server's own words, where they are fit to be shown.
  var message: String? {
    let text = head["x-error-message"] ?? (try? JSON(parsing: body))?["error"]?.string
    guard let line = text?.split(whereSeparator: \.isNewline).first, !line.isEmpty else {
      return nil
    }
    let shown = line.prefix(200).filter { !$0.unicodeScalars.contains { $0.value < 0x20 } }
    return shown.hasSuffix(".") ? String(shown.dropLast()) : String(shown)
  }
}

/// An answer, and what the hops to it said about a file.
struct HubReply: Sendable {
  fileprivate(set) var head = HTTPHead()
  /// The address that answered in the end.
  fileprivate(set) var address = ""
  /// The ETag of the file itself, where a server on the way knew it.
  fileprivate(set) var tag: String?

  /// Takes in the head of the next hop's answer.
  fileprivate mutating func hop(to address: String, _ head: HTTPHead, isHub: Bool) {
    self.head = head
    self.address = address
    if let tag = head["x-linked-etag"] ?? (isHub && head.isSuccess ? head["etag"] : nil) {
      // Without its quotes and the mark of a weak one.
      self.tag = (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]).filter { $0 != "\"" }
    }
  }
}

/// Sends requests for one client, from any thread.
final class HubSession: Sendable {
  let environment: HubEnvironment
  let patience: HTTPPatience
  private let terminal: Terminal
  private let origin: String
  private let idle = Mutex<[HTTPConnection]>([])

  /// Hops that a request may take; browsers give up after 20, requests after 30.
  static let redirectLimit = 10
  /// Bytes of an error's answer that are kept.
  private static let errorByteCount = 1 << 16
  /// Seconds of waiting that are not worth a word.
  private static let silentSeconds = 3.0

  init(_ environment: HubEnvironment, patience: HTTPPatience, terminal: Terminal) {
    self.environment = environment
    self.patience = patience
    self.terminal = terminal
    origin = WebAddress.origin(environment.endpoint) ?? environment.endpoint
  }

  /// The answer to a request and its whole body, tried as often as `patience` allows.
  ///
  /// - Throws: HubError where the server cannot be reached, HTTPRefusal where it says no.
  func answer(
    _ request: HTTPRequest, atMost limit: Int, patience: HTTPPatience? = nil
  ) throws -> (reply: HubReply, body: [UInt8]) {
    var retry = HTTPRetry(patience ?? self.patience)
    let stop = StopFlag()
    while true {
      let body = Collected()
      do {
        let reply = try exchange(request, stop: stop) { _, piece in
          guard body.bytes.count + piece.byteCount <= limit else {
            throw HubError.refused(
              WebAddress.withoutQuery(request.address), 200,
              "it is longer than \(Readable.bytes(limit))")
          }
          body.bytes.append(copying: piece.octets)
        }
        return (reply, body.bytes)
      } catch {
        try wait(after: error, &retry, stop: stop)
      }
    }
  }

  /// Sends a request once, through its redirects; the body of a success is lent piece by piece.
  func exchange(
    _ request: HTTPRequest, stop: StopFlag,
    receive: @escaping (HubReply, RawSpan) throws -> Void
  ) throws -> HubReply {
    var request = request
    var reply = HubReply()
    for _ in 0...HubSession.redirectLimit {
      let (address, isHub) = (request.address, WebAddress.origin(request.address) == origin)
      let refused = Collected()
      let before = reply
      let after = Held<HubReply>()
      let head = try perform(request, isHub: isHub, stop: stop) { head, piece in
        guard head.isSuccess else {
          let room = max(0, HubSession.errorByteCount - refused.bytes.count)
          return refused.bytes.append(copying: piece.octets.extracting(first: room))
        }
        if after.value == nil {
          var reply = before
          reply.hop(to: address, head, isHub: isHub)
          after.value = reply
        }
        if let reply = after.value { try receive(reply, piece) }
      }
      reply.hop(to: address, head, isHub: isHub)
      guard let target = head.redirection else {
        if head.isSuccess { return reply }
        throw HTTPRefusal(address: address, isHub: isHub, head: head, body: refused.bytes)
      }
      request = try redirected(request, to: target, head.status)
    }
    throw HubError.redirected(
      WebAddress.withoutQuery(request.address),
      "after \(HubSession.redirectLimit) redirects there is one more")
  }

  private func redirected(
    _ request: HTTPRequest, to target: String, _ status: Int
  ) throws -> HTTPRequest {
    guard let next = WebAddress.resolved(target, from: request.address),
      WebAddress.origin(next) != nil
    else {
      throw HubError.redirected(
        WebAddress.withoutQuery(request.address), "to something that is no address of the web")
    }
    var request = request
    if status == 303 { (request.method, request.body) = (.get, .none) }
    request.address = next
    return request
  }

  /// Sends a request to one host, with the token where it is the Hub's own.
  private func perform(
    _ request: HTTPRequest, isHub: Bool, stop: StopFlag,
    receive: @escaping (HTTPHead, RawSpan) throws -> Void
  ) throws -> HTTPHead {
    var request = request
    if isHub, let token = environment.token {
      request.headers.append(("Authorization", token.authorization))
    }
    let connection = idle.withLock { $0.popLast() } ?? HTTPConnection(environment.http)
    defer { idle.withLock { $0.append(connection) } }
    return try connection.perform(request, stop: stop, receive: receive)
  }

  /// Waits until a failed request may be sent again.
  ///
  /// - Throws: what the failure means where it may not.
  func wait(after error: any Error, _ retry: inout HTTPRetry, stop: StopFlag) throws {
    var asked: Double?
    var reason: String
    switch error {
    case let problem as HTTPProblem where problem.isTransient: reason = problem.reason
    // Another host refuses signatures that have run out; the Hub gives new ones.
    case let refusal as HTTPRefusal
    where HTTPRetry.isTransient(refusal.head.status) || !refusal.isHub:
      asked = HTTPRetry.asked(refusal.head, now: System.now)
      reason = "it answers with status \(refusal.head.status)"
    default: throw meaning(error)
    }
    guard let seconds = retry.fail(asked: asked) else { throw meaning(error) }
    if seconds > HubSession.silentSeconds {
      reason =
        "Waiting \(Readable.duration(seconds: seconds)) for \(environment.endpoint): \(reason)."
      terminal.print(reason)
    }
    let end = System.uptime + seconds
    while System.uptime < end {
      guard !stop.isSet else { throw meaning(HTTPProblem.stopped) }
      System.sleep(seconds: min(0.1, end - System.uptime))
    }
  }

  /// What a failure of the connection means to people; other failures as they are.
  func meaning(_ error: any Error) -> any Error {
    guard let problem = error as? HTTPProblem else { return error }
    switch problem {
    case .cut: return HubError.cutOff(environment.endpoint, problem.reason)
    case .unreachable, .timedOut:
      return HubError.unreachable(environment.endpoint, problem.reason)
    case .untrusted(let reason): return HubError.untrusted(environment.endpoint, reason)
    case .misuse(let reason): return HubError.unreachable(environment.endpoint, reason)
    case .stopped:
      return Interrupted(
        "Interrupted; what was downloaded is kept.",
        hint: "Run the same command again to continue.")
    }
  }
}

/// Bytes that arrive piece by piece; used by one thread.
final class Collected {
  var bytes: [UInt8] = []
}

/// A value that comes to be while a request runs; used by one thread.
final class Held<Value> {
  var value: Value?
}
