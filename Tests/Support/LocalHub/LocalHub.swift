// A Hub on this machine for tests: it speaks what huggingface.co speaks, as far as its official clients ask,
// and fails on demand. Repositories come in; addresses and a record of all requests leave.

import Foundation
import Shared
import Synchronization

/// Owns a server, the Hub and the host of large files, until `stop`.
package final class LocalHub: Sendable {
  package struct Options: Sendable {
    /// What every reader of private repositories and every writer has to send.
    package var token = "hf_localtoken"
    /// Whether the owner of the token was let into gated repositories.
    package var isOnGatedLists = false
    /// Whether small files are redirected to a path of their commit, as huggingface.co does.
    package var redirectsSmallFiles = true
    /// Whether large files say that they are stored in Xet.
    package var advertisesXet = false
    /// From this size on every file is a large one.
    package var largeByteCount = 10 << 20
    /// From this size on an upload is asked for in parts.
    package var multipartByteCount = 64 << 20
    package var partByteCount = 16 << 20
    /// Entries on a page of a listing.
    package var pageEntryCount = 1_000
    /// Seconds before every answer.
    package var latency = 0.0
    package var port = 0
    package init() {}
  }

  struct State {
    /// By kind and name, as `models/owner/name`.
    var repositories: [String: LocalHubRepository] = [:]
    /// What repositories are called now, by kind and former name.
    var names: [String: String] = [:]
    /// Uploaded content by SHA-256.
    var objects: [String: LocalHubContent] = [:]
  }

  package let options: Options
  private let server: LocalServer
  let state = Mutex(State())
  let faults = LocalHubFaults()
  let log = LocalHubLog()
  /// Where uploads are kept; it is made with the first one.
  let folder: String

  package init(_ options: Options = Options()) throws {
    self.options = options
    server = try LocalServer(port: options.port)
    folder = NSTemporaryDirectory() + "/saeline-hub-" + UUID().uuidString
    server.start { try self.respond($0, $1, $2) }
  }

  package var port: Int { server.port }

  package var contentPort: Int { server.contentPort }

  /// What `HF_ENDPOINT` is set to.
  package var endpoint: String { server.endpoint }

  /// The second host, which a token must never reach.
  package var contentEndpoint: String { server.contentEndpoint }

  /// All requests so far, in the order in which they came.
  package var requests: [LocalHubRequest] { log.all }

  package func forgetRequests() { log.clear() }

  package func fail(_ fault: LocalHubFault) { faults.add(fault) }

  package func mendAll() { faults.clear() }

  /// Ends all connections and forgets all content.
  package func stop() {
    server.stop()
    try? System.removeTree(folder)
  }

  private func respond(
    _ request: LocalHTTPRequest, _ host: LocalHubRequest.Host, _ connection: LocalHTTPConnection
  ) throws {
    let entry = log.begin(request, host: host, port: server.port(of: host))
    defer { log.change(entry) { $0.receivedByteCount = connection.receivedByteCount } }
    try exchange(request, host, connection, entry)
  }

  private func exchange(
    _ request: LocalHTTPRequest, _ host: LocalHubRequest.Host, _ connection: LocalHTTPConnection,
    _ entry: Int
  ) throws {
    if options.latency > 0 { System.sleep(seconds: options.latency) }
    let first = faults.take(for: request, at: .asking)
    var response: LocalHTTPResponse
    if let failure = try first?.answer(on: connection) {
      response = failure
    } else if first == .endlessRedirects {
      let hop = request.value("hop").flatMap { Int($0) } ?? 0
      response = .redirect(302, to: "\(endpoint)\(request.path)?hop=\(hop + 1)")
    } else {
      response = answer(request, host, connection, first)
    }
    if faults.take(for: request, at: .head) == .wrongETag { response.nameWrongContent() }
    var fault: LocalHubFault.Kind?
    if request.method == "GET", response.body.isContent {
      fault = faults.take(for: request, at: .content)
      if case .endlessCard(let byteCount) = fault {
        response = .endlessCard(byteCount: byteCount, headers: response.headers)
      }
      if fault == .ignoredRange { response.sendWhole() }
    }
    log.change(entry) { [status = response.status] in $0.status = status }
    if connection.hasUnreadBody { response.headers.append(("Connection", "close")) }
    try connection.send(response, isHead: request.method == "HEAD", fault: fault) { count in
      log.change(entry) { $0.sentByteCount += count }
    }
  }

  /// The right answer, or the refusal that is right.
  private func answer(
    _ request: LocalHTTPRequest, _ host: LocalHubRequest.Host, _ connection: LocalHTTPConnection,
    _ fault: LocalHubFault.Kind?
  ) -> LocalHTTPResponse {
    do {
      switch (host, request.parts.first) {
      case (.content, _): return try contentAnswer(request, connection)
      case (.hub, let name?) where name.hasPrefix("__"):
        return try controlAnswer(request, connection)
      case (.hub, "api"): return try interfaceAnswer(request, connection, fault)
      case (.hub, _): return try pageAnswer(request, connection)
      }
    } catch let refusal as LocalHubRefusal {
      return refusal.response
    } catch is LocalHTTPRangeError {
      return LocalHTTPResponse(status: 416)
    } catch {
      return .failure(500, nil, "\(error)")
    }
  }
}

/// An answer that says no.
struct LocalHubRefusal: Error {
  let response: LocalHTTPResponse

  init(_ response: LocalHTTPResponse) { self.response = response }

  init(_ status: Int, _ code: String?, _ message: String) {
    response = .failure(status, code, message)
  }
}

extension LocalHTTPResponse {
  fileprivate mutating func nameWrongContent() {
    for index in headers.indices where headers[index].name.lowercased().hasSuffix("etag") {
      headers[index].value =
        "\"" + String(repeating: "0", count: headers[index].value.count - 2) + "\""
    }
  }

  /// Answers a range as if none had been asked for.
  fileprivate mutating func sendWhole() {
    guard status == 206, case .part(let content, _) = body,
      let byteCount = try? content.byteCount()
    else { return }
    status = 200
    headers.removeAll { $0.name == "Content-Range" }
    body = .part(content, 0..<byteCount)
  }

  fileprivate static func endlessCard(
    byteCount: Int, headers: [(name: String, value: String)]
  ) -> LocalHTTPResponse {
    let begin = Array("---\nconfigs:\n".utf8)
    let lines = LocalHubContent.repeated("- config_name: again\n", byteCount: byteCount)
    let content = LocalHubContent.generated(byteCount: byteCount) { range in
      let rest = max(range.lowerBound, begin.count)..<max(range.upperBound, begin.count)
      let later = (rest.lowerBound - begin.count)..<(rest.upperBound - begin.count)
      return begin[range.clamped(to: begin.indices)] + ((try? lines.read(later)) ?? [])
    }
    return LocalHTTPResponse(
      status: 200, headers: headers.filter { $0.name != "Content-Range" },
      body: .part(content, 0..<byteCount))
  }
}

extension LocalHTTPResponse.Body {
  /// Whether the body is bytes of a file.
  fileprivate var isContent: Bool { if case .part = self { true } else { false } }
}
