// The record of what was asked of the local Hub. Entries come in as requests begin and grow while they are
// answered; the whole list leaves, as values or as JSON. A token never enters it.

package import Shared
import Synchronization

/// A request as it is remembered.
package struct LocalHubRequest: Sendable, Equatable {
  package enum Host: String, Sendable {
    case hub
    /// The second host, where large files are.
    case content
  }

  package let host: Host
  package let port: Int
  package let method: String
  /// The path, decoded, without the query.
  package let path: String
  package let query: String
  package let range: String?
  package let hasAuthorization: Bool
  package internal(set) var status = 0
  /// Bytes of the bodies.
  package internal(set) var sentByteCount = 0
  package internal(set) var receivedByteCount = 0

  package var json: JSON {
    .object([
      "host": .string(host.rawValue), "port": .integer(port), "method": .string(method),
      "path": .string(path), "query": .string(query), "range": range.map { .string($0) } ?? .null,
      "authorization": .bool(hasAuthorization), "status": .integer(status),
      "sent": .integer(sentByteCount), "received": .integer(receivedByteCount),
    ])
  }
}

/// The list of requests.
final class LocalHubLog: Sendable {
  private struct State {
    var entries: [LocalHubRequest] = []
    /// Requests that were forgotten before those that are listed.
    var forgottenCount = 0
  }

  private let state = Mutex(State())

  /// - Returns: a number by which the entry can be changed.
  func begin(_ request: LocalHTTPRequest, host: LocalHubRequest.Host, port: Int) -> Int {
    let halves = request.target.split(
      separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let entry = LocalHubRequest(
      host: host, port: port, method: request.method, path: request.path,
      query: halves.count > 1 ? String(halves[1]) : "", range: request.headers["range"],
      hasAuthorization: request.headers["authorization"] != nil)
    return state.withLock {
      $0.entries.append(entry)
      return $0.forgottenCount + $0.entries.count - 1
    }
  }

  func change(_ number: Int, _ change: (inout LocalHubRequest) -> Void) {
    state.withLock { state in
      let index = number - state.forgottenCount
      if state.entries.indices.contains(index) { change(&state.entries[index]) }
    }
  }

  var all: [LocalHubRequest] { state.withLock { $0.entries } }

  func clear() {
    state.withLock {
      $0.forgottenCount += $0.entries.count
      $0.entries = []
    }
  }
}
