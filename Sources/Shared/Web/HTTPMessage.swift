// What is asked of a server and what it answers, apart from who carries it.

import Synchronization

/// A request for one address, before redirects.
package struct HTTPRequest: Sendable {
  package enum Method: String, Sendable { case get, head, post, put, delete }

  package enum Body: Sendable {
    case none
    case bytes([UInt8])
    /// Bytes of a file that is read while it is sent.
    case file(any ByteSource, Range<Int>)

    package var byteCount: Int {
      switch self {
      case .none: 0
      case .bytes(let bytes): bytes.count
      case .file(_, let range): range.count
      }
    }
  }

  package var method: Method
  package var address: String
  package var headers: [(name: String, value: String)]
  package var body: Body
  /// Seconds without a byte in either direction after which the server counts as gone; nil: as set.
  package var stallSeconds: Double?

  package init(
    _ method: Method = .get, _ address: String, headers: [(name: String, value: String)] = [],
    body: Body = .none, stallSeconds: Double? = nil
  ) {
    self.method = method
    self.address = address
    self.headers = headers
    self.body = body
    self.stallSeconds = stallSeconds
  }
}

/// The head of an answer.
package struct HTTPHead: Sendable {
  package var status = 0
  /// In the order in which they came, names in lower case.
  package var headers: [(name: String, value: String)] = []

  package init() {}

  /// The first header of that name, which is given in lower case.
  package subscript(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }

  package var isSuccess: Bool { (200..<300).contains(status) }

  /// Where the answer sends the client on to; nil where it does not.
  package var redirection: String? {
    [301, 302, 303, 307, 308].contains(status) ? self["location"] : nil
  }

  /// The first byte and the whole size that a partial answer names (RFC 9110, 14.4).
  var contentRange: (start: Int, byteCount: Int)? {
    guard status == 206, let text = self["content-range"], text.hasPrefix("bytes ") else {
      return nil
    }
    let parts = text.dropFirst(6).split(separator: "/")
    guard parts.count == 2, let first = parts[0].split(separator: "-").first,
      let start = Int(first), let byteCount = Int(parts[1])
    else { return nil }
    return (start, byteCount)
  }
}

/// What went wrong between this machine and a server.
package enum HTTPProblem: Error, Equatable {
  /// No connection came about: no such host, nothing listens, no route.
  case unreachable(String)
  /// The connection ended before the answer did.
  case cut(String)
  case timedOut(String)
  /// Certificates, protocols: what trying again does not mend.
  case untrusted(String)
  case stopped
  case misuse(String)

  /// Whether the same request may succeed a little later.
  package var isTransient: Bool {
    switch self {
    case .unreachable, .cut, .timedOut: true
    case .untrusted, .stopped, .misuse: false
    }
  }

  package var reason: String {
    switch self {
    case .unreachable(let text), .cut(let text), .timedOut(let text), .untrusted(let text),
      .misuse(let text):
      text
    case .stopped: "stopped"
    }
  }
}

/// Tells transfers of other threads to end.
package final class StopFlag: Sendable {
  private let flag = Atomic<Bool>(false)

  private let heedsInterruption: Bool

  /// What must still be sent once the program was asked to end heeds no interruption.
  package init(heedsInterruption: Bool = true) { self.heedsInterruption = heedsInterruption }

  package func set() { flag.store(true, ordering: .relaxed) }

  /// Whether to stop, or the whole program was asked to.
  package var isSet: Bool {
    flag.load(ordering: .relaxed) || (heedsInterruption && System.isInterrupted)
  }
}
