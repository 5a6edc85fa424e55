// A W&B server on this machine for tests: it speaks what api.wandb.ai speaks, as far as the official client
// asks while it logs, and fails on demand. Runs come in; what has become of them leaves, as values or JSON.

import Foundation
package import Shared
import Synchronization

/// Owns a server and the host that files are sent to, until `stop`.
package final class LocalWandb: Sendable {
  package struct Options: Sendable {
    /// What `WANDB_API_KEY` has to be.
    package var key = "local-0123456789abcdef0123456789abcdef01234567"
    /// Who the key belongs to.
    package var entity = "me"
    package var port = 0
    package init() {}
  }

  struct State {
    /// By entity, project and name, joined by slashes.
    var runs: [String: LocalWandbRun] = [:]
    var artifacts: [LocalWandbArtifact] = []
    /// What was done that a client must not do.
    var problems: [String] = []
  }

  package let options: Options
  private let server: LocalServer
  let state = Mutex(State())
  let faults = LocalHubFaults()
  let log = LocalHubLog()

  package init(_ options: Options = Options()) throws {
    self.options = options
    server = try LocalServer(port: options.port)
    server.start { try self.respond($0, $1, $2) }
  }

  /// What `WANDB_BASE_URL` is set to.
  package var endpoint: String { server.endpoint }

  var storageEndpoint: String { server.contentEndpoint }

  /// All requests so far, in the order in which they came.
  package var requests: [LocalHubRequest] { log.all }

  package func fail(_ fault: LocalHubFault) { faults.add(fault) }

  package func mendAll() { faults.clear() }

  /// The run of that name, in whichever project.
  package func run(_ name: String) -> LocalWandbRun? {
    state.withLock { $0.runs.values.first { $0.name == name } }
  }

  package var runs: [LocalWandbRun] {
    state.withLock { $0.runs.sorted { $0.key < $1.key }.map(\.value) }
  }

  package var artifacts: [LocalWandbArtifact] { state.withLock { $0.artifacts } }

  package var problems: [String] { state.withLock { $0.problems } }

  package var json: JSON {
    state.withLock { state in
      [
        "runs": .array(state.runs.sorted { $0.key < $1.key }.map(\.value.json)),
        "artifacts": .array(state.artifacts.map(\.json)),
        "problems": .array(state.problems.map { .string($0) }),
      ]
    }
  }

  /// Ends all connections: from now on nobody answers.
  package func stop() { server.stop() }

  private func respond(
    _ request: LocalHTTPRequest, _ host: LocalHubRequest.Host, _ connection: LocalHTTPConnection
  ) throws {
    let entry = log.begin(request, host: host, port: server.port(of: host))
    try exchange(request, host, connection, entry)
  }

  private func exchange(
    _ request: LocalHTTPRequest, _ host: LocalHubRequest.Host, _ connection: LocalHTTPConnection,
    _ entry: Int
  ) throws {
    let isControl = request.parts.first?.hasPrefix("__") == true
    let fault = isControl ? nil : faults.take(for: request, at: .asking)
    var response = try fault?.answer(on: connection) ?? answer(request, host, connection)
    log.change(entry) { [status = response.status] in $0.status = status }
    if connection.hasUnreadBody { response.headers.append(("Connection", "close")) }
    try connection.send(response, isHead: request.method == "HEAD", fault: nil) { _ in }
  }

  private func answer(
    _ request: LocalHTTPRequest, _ host: LocalHubRequest.Host, _ connection: LocalHTTPConnection
  ) -> LocalHTTPResponse {
    do {
      var body: [UInt8] = []
      try connection.readBody { body += $0 }
      if host == .content { return storageAnswer(request, body) }
      if request.parts.first?.hasPrefix("__") == true { return try controlAnswer(request, body) }
      // What the client measures about itself it sends without the key.
      if request.parts.first == "sdk" { return .json([:]) }
      guard request.isAllowed(options.key) else { return .refused }
      switch request.parts.first {
      case "graphql": return try graphAnswer(body)
      case "files" where request.parts.count == 5 && request.parts[4] == "file_stream":
        return try streamAnswer(Array(request.parts[1...3]), body)
      default: return .json([:])
      }
    } catch {
      return .json(["errors": [["message": .string("\(error)")]]], status: 400)
    }
  }

  func complain(_ text: String) { state.withLock { $0.problems.append(text) } }

  /// What scripts tell the server and ask it: `GET /__state`, `GET /__log`, `POST /__faults`.
  private func controlAnswer(
    _ request: LocalHTTPRequest, _ body: [UInt8]
  ) throws -> LocalHTTPResponse {
    switch (request.method, request.parts[0]) {
    case ("GET", "__state"): return .json(json)
    case ("GET", "__log"):
      return .json(.array(log.all.filter { !$0.path.hasPrefix("/__") }.map(\.json)))
    case ("DELETE", "__state"): state.withLock { $0 = State() }
    case ("POST", "__faults"):
      for fault in try JSON(parsing: body).array ?? [] {
        if let fault = LocalHubFault(fault) { faults.add(fault) }
      }
    case ("DELETE", "__faults"): faults.clear()
    default: return .json(["error": "Not Found"], status: 404)
    }
    return .json([:])
  }
}

extension LocalHTTPRequest {
  /// Whether the request carries the key, as the password of the user `api`.
  fileprivate func isAllowed(_ key: String) -> Bool {
    headers["authorization"] == "Basic " + Data("api:\(key)".utf8).base64EncodedString()
  }
}

extension LocalHTTPResponse {
  fileprivate static var refused: LocalHTTPResponse {
    .json(["errors": [["message": "permission denied"]]], status: 401)
  }
}
