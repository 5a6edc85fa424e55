// What a request says and what an answer is made of, as values. Lines of HTTP/1.1 come in, a request
// leaves; the connection reads and writes them.

import Shared

/// A request without its body.
struct LocalHTTPRequest: Sendable {
  let method: String
  /// The target as it came, percent-encoded and with the query.
  let target: String
  /// The path's parts, each decoded.
  let parts: [String]
  let query: [(name: String, value: String)]
  /// By names in lower case.
  let headers: [String: String]

  /// Reads the lines before the body; nil where they are no request.
  init?(_ text: String) {
    let lines = text.split(separator: "\r\n")
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count == 3 else { return nil }
    method = String(words[0])
    target = String(words[1])
    let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    parts = (halves.first ?? "").split(separator: "/").map { Self.decoded($0) }
    query = halves.count < 2 ? [] : Self.pairs(of: String(halves[1]))
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      headers[line[..<colon].lowercased()] = String(value)
    }
    self.headers = headers
  }

  var path: String { "/" + parts.joined(separator: "/") }

  func value(_ name: String) -> String? { query.first { $0.name == name }?.value }

  /// Whether a parameter is given and says yes.
  func flag(_ name: String) -> Bool {
    ["true", "True", "1"].contains(value(name) ?? "")
  }

  /// The token of `Authorization: Bearer …`.
  var token: String? {
    guard let value = headers["authorization"], value.hasPrefix("Bearer ") else { return nil }
    return String(value.dropFirst(7))
  }

  /// The range that a file of `byteCount` bytes is asked for; nil for all of it.
  ///
  /// - Throws: `LocalHTTPRangeError` where the range begins behind the end.
  func range(of byteCount: Int, etag: String) throws -> Range<Int>? {
    guard let text = headers["range"], text.hasPrefix("bytes="), !text.contains(","),
      headers["if-range"].map({ $0 == "\"\(etag)\"" }) ?? true
    else { return nil }
    let ends = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2 else { return nil }
    switch (Int(ends[0]), Int(ends[1])) {
    case (let first?, let last) where first < byteCount && (last ?? first) >= first:
      return first..<min(byteCount, last.map { $0 + 1 } ?? byteCount)
    case (nil, let count?) where count > 0 && byteCount > 0:
      return max(0, byteCount - count)..<byteCount
    default: throw LocalHTTPRangeError()
    }
  }

  /// Undoes percent-encoding.
  static func decoded(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String {
    var (bytes, rest) = ([UInt8](), Array(text.utf8)[...])
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Encodes everything but letters, digits, `-._~` and what `keeping` names.
  static func encoded(_ text: String, keeping: String = "") -> String {
    var result = ""
    for byte in text.utf8 {
      let scalar = Character(Unicode.Scalar(byte))
      if byte < 128,
        scalar.isLetter || scalar.isNumber || "-._~".contains(scalar)
          || keeping.contains(scalar)
      {
        result.append(scalar)
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return result
  }

  /// The names and values of a query or of a form.
  static func pairs(of text: String) -> [(name: String, value: String)] {
    text.split(separator: "&").map { pair in
      let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (
        decoded(halves[0], plusIsSpace: true),
        halves.count < 2 ? "" : decoded(halves[1], plusIsSpace: true)
      )
    }
  }
}

/// A range that a file does not have.
struct LocalHTTPRangeError: Error {}

/// An answer.
struct LocalHTTPResponse: Sendable {
  enum Body: Sendable {
    case none
    case bytes([UInt8])
    case part(LocalHubContent, Range<Int>)

    var byteCount: Int {
      switch self {
      case .none: 0
      case .bytes(let bytes): bytes.count
      case .part(_, let range): range.count
      }
    }
  }

  var status: Int
  var headers: [(name: String, value: String)] = []
  var body: Body = .none

  static func json(
    _ value: JSON, status: Int = 200, headers: [(name: String, value: String)] = []
  ) -> LocalHTTPResponse {
    LocalHTTPResponse(
      status: status,
      headers: [("Content-Type", "application/json; charset=utf-8")] + headers,
      body: .bytes(Array(value.canonical.utf8)))
  }

  /// An error as the Hub words it: in two headers and in the body.
  static func failure(_ status: Int, _ code: String?, _ message: String) -> LocalHTTPResponse {
    .json(
      .object(["error": .string(message)]), status: status,
      headers: (code.map { [("X-Error-Code", $0)] } ?? []) + [("X-Error-Message", message)])
  }

  static func redirect(_ status: Int, to location: String) -> LocalHTTPResponse {
    LocalHTTPResponse(
      status: status, headers: [("Location", location), ("Content-Type", "text/plain")],
      body: .bytes(Array("Redirecting to \(location)".utf8)))
  }

  static func reason(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 206: "Partial Content"
    case 302: "Found"
    case 307: "Temporary Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 409: "Conflict"
    case 412: "Precondition Failed"
    case 416: "Range Not Satisfiable"
    case 429: "Too Many Requests"
    case 500: "Internal Server Error"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    default: "Status"
    }
  }
}
