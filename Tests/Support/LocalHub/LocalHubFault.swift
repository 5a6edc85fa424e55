// Failures of the local Hub on demand. What shall go wrong, where and how often comes in, from a test or as
// JSON; the fault of a request leaves.

package import Shared
import Synchronization

/// One thing that goes wrong for some requests.
package struct LocalHubFault: Sendable {
  package enum Kind: Sendable, Equatable {
    /// An answer in place of the right one, with these headers.
    case answer(status: Int, headers: [String: String])
    /// The connection ends after so many bytes of the body; before any byte of the head where it is negative.
    case cut(afterByteCount: Int)
    /// The connection is reset after so many bytes of the body, of which the reader may lose some.
    case reset(afterByteCount: Int)
    /// Content-Length says so many bytes more or less than the content has.
    case wrongLength(difference: Int)
    /// One bit of the body is another one.
    case wrongBytes
    /// ETag and X-Linked-Etag name another content.
    case wrongETag
    case slow(bytesPerSecond: Int)
    /// Nothing is answered for so long, then the right thing.
    case hang(seconds: Double)
    /// Every redirect leads on to the next one.
    case endlessRedirects
    /// All bytes are sent where a range was asked for.
    case ignoredRange
    /// A listing of these paths.
    case listing([String])
    /// A listing of so many made-up paths; without a count its pages never end.
    case longListing(count: Int?)
    /// A body of so many bytes of a YAML header that never closes.
    case endlessCard(byteCount: Int)
  }

  package let kind: Kind
  /// The path with `*` for any text; of the content's host too.
  package let path: String
  /// Only requests with this method.
  package let method: String?
  /// The requests that it still happens to.
  package var count: Int

  package init(_ kind: Kind, on path: String, method: String? = nil, count: Int = 1) {
    (self.kind, self.path, self.method, self.count) = (kind, path, method, count)
  }

  /// 429, with what it says about the time to wait.
  package static func tooManyRequests(
    retryAfter: String?, rateLimit: String? = nil, on path: String, count: Int = 1
  ) -> LocalHubFault {
    var headers: [String: String] = [:]
    headers["Retry-After"] = retryAfter
    headers["RateLimit"] = rateLimit
    return LocalHubFault(.answer(status: 429, headers: headers), on: path, count: count)
  }

  /// A redirect to any place.
  package static func redirect(to location: String, on path: String, count: Int = 1)
    -> LocalHubFault
  {
    LocalHubFault(
      .answer(status: 302, headers: ["Location": location]), on: path, count: count)
  }

  /// When a fault happens: in place of finding the answer, to its head, or to its content.
  enum Point: Sendable { case asking, head, content }

  func isAbout(_ request: LocalHTTPRequest) -> Bool {
    count > 0 && method.map { $0 == request.method } ?? true
      && Self.matches(Array(path.utf8)[...], Array(request.path.utf8)[...])
  }

  private static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    if first == UInt8(ascii: "*") {
      let rest = pattern.dropFirst()
      return rest.isEmpty
        || (text.startIndex...text.endIndex).contains { matches(rest, text[$0...]) }
    }
    return text.first == first && matches(pattern.dropFirst(), text.dropFirst())
  }

  /// Reads `{"kind": "cut", "path": "*/x", "bytes": 10, "count": 2, "method": "GET"}`; nil for what it does
  /// not know.
  package init?(_ json: JSON) {
    guard let object = json.object, let name = object["kind"]?.string,
      let kind = Self.kind(name, object)
    else { return nil }
    self.init(
      kind, on: object["path"]?.string ?? "*", method: object["method"]?.string,
      count: object["count"]?.integer ?? 1)
  }

  private static func kind(_ name: String, _ object: [String: JSON]) -> Kind? {
    let bytes = object["bytes"]?.integer
    switch name {
    case "answer":
      let headers = object["headers"]?.object ?? [:]
      return .answer(
        status: object["status"]?.integer ?? 503, headers: headers.compactMapValues { $0.string })
    case "cut": return .cut(afterByteCount: bytes ?? 0)
    case "reset": return .reset(afterByteCount: bytes ?? 0)
    case "wrongLength": return .wrongLength(difference: bytes ?? 1)
    case "wrongBytes": return .wrongBytes
    case "wrongETag": return .wrongETag
    case "slow": return .slow(bytesPerSecond: bytes ?? 1)
    case "hang": return .hang(seconds: object["seconds"]?.double ?? 1)
    case "endlessRedirects": return .endlessRedirects
    case "ignoredRange": return .ignoredRange
    case "listing": return .listing(object["paths"]?.array?.compactMap { $0.string } ?? [])
    case "longListing": return .longListing(count: object["entries"]?.integer)
    case "endlessCard": return .endlessCard(byteCount: bytes ?? 1 << 30)
    default: return nil
    }
  }
}

extension LocalHubFault.Kind {
  var point: LocalHubFault.Point {
    switch self {
    case .answer, .hang, .endlessRedirects, .listing, .longListing: .asking
    case .cut(let byteCount), .reset(let byteCount): byteCount < 0 ? .asking : .content
    case .wrongETag: .head
    case .wrongLength, .wrongBytes, .slow, .ignoredRange, .endlessCard: .content
    }
  }
}

/// What is still to go wrong.
final class LocalHubFaults: Sendable {
  private let faults = Mutex<[LocalHubFault]>([])

  func add(_ fault: LocalHubFault) { faults.withLock { $0.append(fault) } }

  func clear() { faults.withLock { $0 = [] } }

  /// Uses up one time of the first fault that is about a request and can happen at this point.
  func take(for request: LocalHTTPRequest, at point: LocalHubFault.Point) -> LocalHubFault.Kind? {
    faults.withLock { faults in
      guard
        let index = faults.firstIndex(where: { $0.kind.point == point && $0.isAbout(request) })
      else { return nil }
      faults[index].count -= 1
      return faults[index].kind
    }
  }
}
