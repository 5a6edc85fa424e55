// What the local servers of the tests have in common: a first host, a second one that secrets must never reach,
// and connections to both. Requests leave one by one to whoever answers them.

import Foundation
import Shared
import Synchronization

/// Owns two listening sockets and all connections to them, until `stop`.
final class LocalServer: Sendable {
  let port: Int
  /// That of the second host.
  let contentPort: Int
  private let listeners: [(descriptor: Int32, host: LocalHubRequest.Host)]
  private let connections = Mutex<Set<Int32>>([])

  private static let address = "127.0.0.1"
  private static let contentAddress = "127.0.0.2"

  /// Listens; port 0 lets the system choose.
  init(port: Int) throws {
    let first = try LocalSocket.listen(address: LocalServer.address, port: port)
    let second = try LocalSocket.listen(address: LocalServer.contentAddress, port: 0)
    (self.port, contentPort) = (first.port, second.port)
    listeners = [(first.descriptor, .hub), (second.descriptor, .content)]
  }

  var endpoint: String { "http://\(LocalServer.address):\(port)" }

  var contentEndpoint: String { "http://\(LocalServer.contentAddress):\(contentPort)" }

  func port(of host: LocalHubRequest.Host) -> Int { host == .hub ? port : contentPort }

  /// Hands every request to `answer`, on a thread for each connection; what it throws ends the connection.
  func start(
    _ answer:
      @escaping @Sendable (
        LocalHTTPRequest, LocalHubRequest.Host, LocalHTTPConnection
      ) throws -> Void
  ) {
    for (listener, host) in listeners {
      Thread.detachNewThread {
        while let descriptor = LocalSocket.accept(listener) {
          self.connections.withLock { _ = $0.insert(descriptor) }
          Thread.detachNewThread { self.serve(descriptor) { try answer($0, host, $1) } }
        }
        System.close(listener)
      }
    }
  }

  /// Ends all connections: from now on nobody answers.
  func stop() {
    for listener in listeners { LocalSocket.shutDown(listener.descriptor) }
    connections.withLock { for descriptor in $0 { LocalSocket.shutDown(descriptor) } }
  }

  /// Answers the requests of a connection until either side ends it.
  private func serve(
    _ descriptor: Int32, _ answer: (LocalHTTPRequest, LocalHTTPConnection) throws -> Void
  ) {
    defer {
      connections.withLock { _ = $0.remove(descriptor) }
      System.close(descriptor)
    }
    LocalSocket.surviveBrokenConnections()
    let connection = LocalHTTPConnection(descriptor)
    do {
      while let request = try connection.nextRequest() {
        try answer(request, connection)
        if connection.hasUnreadBody || request.headers["connection"]?.lowercased() == "close" {
          return
        }
      }
    } catch {}
  }
}

extension LocalHubFault.Kind {
  /// The answer that the failure itself is; nil where the right one still has to be made.
  ///
  /// - Throws: what ends the connection without one.
  func answer(on connection: LocalHTTPConnection) throws -> LocalHTTPResponse? {
    switch self {
    case .cut: throw LocalHTTPCut()
    case .reset:
      connection.resetOnClose()
      throw LocalHTTPCut()
    case .answer(let status, let headers):
      return .json(
        ["error": "This failure was asked for."], status: status,
        headers: headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    case .hang(let seconds):
      System.sleep(seconds: seconds)
      return nil
    default: return nil
    }
  }
}
