// One connection to servers, by libcurl: the only import of CCurl. Comes in: a request. Leaves: the head
// of the answer, and its body piece by piece. Redirects, tokens and retries are decided elsewhere.

internal import CCurl
import Foundation

/// Owns a handle of libcurl, which keeps connections open from one request to the next.
///
/// One thread uses it at a time; nothing in it is shared.
@safe package final class HTTPConnection: @unchecked Sendable {
  private let handle: UnsafeMutableRawPointer
  private let settings: HTTPSettings

  /// Whether libcurl is ready; it has to be made so once.
  private static let isReady = curl_start() == CURLE_OK

  package init(_ settings: HTTPSettings) {
    guard HTTPConnection.isReady, let handle = unsafe curl_easy_init() else {
      preconditionFailure("libcurl could not be started")
    }
    unsafe self.handle = handle
    self.settings = settings
  }

  deinit { unsafe curl_easy_cleanup(handle) }

  /// Sends a request and lends the body of the answer, whatever its status, as it comes.
  ///
  /// - Returns: the head of the answer, once the body has ended.
  package func perform(
    _ request: HTTPRequest, stop: StopFlag,
    receive: @escaping (HTTPHead, RawSpan) throws -> Void
  ) throws -> HTTPHead {
    let exchange = HTTPExchange(
      request.body, stallSeconds: request.stallSeconds ?? settings.stallSeconds, stop: stop,
      receive: receive)
    unsafe curl_easy_reset(handle)
    configure(request)
    let context = unsafe Unmanaged.passUnretained(exchange).toOpaque()
    unsafe connect(exchange: context)
    var list: UnsafeMutablePointer<curl_slist>?
    defer { unsafe curl_slist_free_all(list) }
    for (name, value) in request.headers + [("Expect", "")] {
      // An empty value is left out unless a colon follows: this is how libcurl takes back a header.
      unsafe list = curl_slist_append(list, value.isEmpty ? "\(name):" : "\(name): \(value)")
    }
    _ = unsafe curl_set_pointer(handle, CURLOPT_HTTPHEADER, list)
    let code = withExtendedLifetime(exchange) { unsafe curl_perform_quietly(handle) }
    if let failure = exchange.failure { throw failure }
    guard code == CURLE_OK else { throw problem(code, exchange) }
    return exchange.head
  }

  private func configure(_ request: HTTPRequest) {
    text(CURLOPT_URL, request.address)
    text(CURLOPT_USERAGENT, settings.userAgent)
    number(CURLOPT_NOSIGNAL, 1)
    number(CURLOPT_FOLLOWLOCATION, 0)
    text(CURLOPT_PROTOCOLS_STR, "http,https")
    number(CURLOPT_CONNECTTIMEOUT_MS, Int(settings.connectSeconds * 1_000))
    number(CURLOPT_TCP_KEEPALIVE, 1)
    number(CURLOPT_BUFFERSIZE, 1 << 18)
    let scheme = request.address.hasPrefix("https:") ? "https" : "http"
    text(CURLOPT_PROXY, settings.proxies[scheme] ?? "")
    text(CURLOPT_NOPROXY, settings.withoutProxy)
    if let certificates = settings.certificates {
      text(System.isDirectory(certificates) ? CURLOPT_CAPATH : CURLOPT_CAINFO, certificates)
    }
    let byteCount = request.body.byteCount
    switch request.method {
    case .get: number(CURLOPT_HTTPGET, 1)
    case .head: number(CURLOPT_NOBODY, 1)
    case .post:
      number(CURLOPT_POST, 1)
      _ = unsafe curl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(byteCount))
    case .put:
      number(CURLOPT_UPLOAD, 1)
      _ = unsafe curl_set_size(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(byteCount))
    case .delete: text(CURLOPT_CUSTOMREQUEST, "DELETE")
    }
  }

  /// Hands libcurl the functions that it calls back.
  private func connect(exchange context: UnsafeMutableRawPointer) {
    unsafe _ = curl_set_bytes_function(handle, CURLOPT_WRITEFUNCTION) {
      bytes, size, count, context in
      unsafe HTTPExchange.at(context)?.take(
        UnsafeRawBufferPointer(start: bytes, count: size * count))
        ?? 0
    }
    unsafe _ = curl_set_bytes_function(handle, CURLOPT_HEADERFUNCTION) {
      bytes, size, count, context in
      unsafe HTTPExchange.at(context)?.takeHeader(
        UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
    }
    unsafe _ = curl_set_bytes_function(handle, CURLOPT_READFUNCTION) {
      bytes, size, count, context in
      unsafe HTTPExchange.at(context)?.give(
        UnsafeMutableRawBufferPointer(start: bytes, count: size * count)) ?? 0
    }
    unsafe _ = curl_set_place_function(handle) { context, offset, origin in
      guard origin == SEEK_SET, let exchange = unsafe HTTPExchange.at(context) else { return 1 }
      exchange.sentCount = Int(offset)
      return 0
    }
    unsafe _ = curl_set_watch_function(handle) { context, _, received, _, sent in
      unsafe HTTPExchange.at(context)?.goesOn(Int(received), Int(sent)) == true ? 0 : 1
    }
    number(CURLOPT_NOPROGRESS, 0)
    for option in [
      CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_READDATA, CURLOPT_SEEKDATA,
      CURLOPT_XFERINFODATA,
    ] {
      _ = unsafe curl_set_pointer(handle, option, context)
    }
  }

  private func text(_ option: CURLoption, _ value: String) {
    _ = unsafe curl_set_text(handle, option, value)
  }

  private func number(_ option: CURLoption, _ value: Int) {
    _ = unsafe curl_set_number(handle, option, value)
  }

  private func problem(_ code: CURLcode, _ exchange: HTTPExchange) -> HTTPProblem {
    let text = unsafe String(cString: curl_easy_strerror(code))
    let words = text.prefix(1).lowercased() + text.dropFirst()
    switch code {
    case CURLE_ABORTED_BY_CALLBACK:
      guard exchange.isStalled else { return .stopped }
      return .timedOut("no byte came for \(Readable.duration(seconds: exchange.stallSeconds))")
    case CURLE_OPERATION_TIMEDOUT: return .timedOut("the connection timed out")
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT:
      return .unreachable(words)
    case CURLE_RECV_ERROR where unsafe curl_proxy_status(handle) >= 400:
      // The status of a tunnel that was not made.
      let status = unsafe curl_proxy_status(handle)
      let reason = "the proxy answers with status \(status)"
      return HTTPRetry.isTransient(status) ? .unreachable(reason) : .misuse(reason)
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM:
      return .untrusted(words)
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_OUT_OF_MEMORY,
      CURLE_BAD_FUNCTION_ARGUMENT:
      return .misuse(words)
    default: return .cut(words)
    }
  }
}

/// What one request and its answer have come to; libcurl's functions reach it by address.
private final class HTTPExchange {
  private let body: HTTPRequest.Body
  private let stop: StopFlag
  private let receive: (HTTPHead, RawSpan) throws -> Void
  let stallSeconds: Double
  var head = HTTPHead()
  var failure: (any Error)?
  var sentCount = 0
  private(set) var isStalled = false
  private var headerByteCount = 0
  private var moved = 0
  private var movedAt = System.uptime

  /// Bytes of headers that an answer may have.
  private static let headerLimit = 1 << 18

  init(
    _ body: HTTPRequest.Body, stallSeconds: Double, stop: StopFlag,
    receive: @escaping (HTTPHead, RawSpan) throws -> Void
  ) {
    self.body = body
    self.stallSeconds = stallSeconds
    self.stop = stop
    self.receive = receive
  }

  static func at(_ context: UnsafeMutableRawPointer?) -> HTTPExchange? {
    unsafe context.map { unsafe Unmanaged<HTTPExchange>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Takes a piece of the body; a count other than the piece's ends the transfer.
  func take(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard !stop.isSet else {
      failure = HTTPProblem.stopped
      return 0
    }
    do {
      try receive(head, unsafe bytes.bytes)
      // What the receiver made us wait is not the server's fault.
      movedAt = System.uptime
      return bytes.count
    } catch {
      failure = error
      return bytes.count == 0 ? 1 : 0
    }
  }

  func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
    headerByteCount += bytes.count
    guard headerByteCount <= HTTPExchange.headerLimit else {
      failure = HTTPProblem.misuse("the headers of the answer have no end")
      return 0
    }
    let line = unsafe String(decoding: bytes, as: UTF8.self).trimmingCharacters(
      in: .whitespacesAndNewlines)
    if line.hasPrefix("HTTP/") {
      // An answer may follow another one: 100 Continue, a proxy's.
      head = HTTPHead()
      let words = line.split(separator: " ", maxSplits: 2)
      head.status = words.count > 1 ? Int(words[1]) ?? 0 : 0
    } else if let colon = line.firstIndex(of: ":") {
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      head.headers.append((line[..<colon].lowercased(), value))
    }
    return bytes.count
  }

  /// Gives the next bytes of the request's body.
  func give(_ room: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(room.count, body.byteCount - sentCount)
    do {
      let bytes: ArraySlice<UInt8>
      switch body {
      case .none: return 0
      case .bytes(let all): bytes = all[sentCount..<sentCount + count]
      case .file(let file, let range):
        bytes = try file.read(at: range.lowerBound + sentCount, count: count)[...]
        guard bytes.count == count else { throw ChangedFile(path: file.path) }
      }
      unsafe room.copyBytes(from: bytes)
      sentCount += count
      return count
    } catch {
      failure = error
      return Int(CURL_READFUNC_ABORT)
    }
  }

  /// Whether the transfer goes on, asked about once a second and after each piece.
  func goesOn(_ received: Int, _ sent: Int) -> Bool {
    if received + sent != moved {
      moved = received + sent
      movedAt = System.uptime
    }
    isStalled = System.uptime - movedAt > stallSeconds
    return !isStalled && !stop.isSet
  }
}
